//! What was refused, counted: the ledger's other column.

use std::collections::BTreeMap;

use alloy::primitives::Address;
use bursar_sdk::amount::Amount;

use super::{
    envelopes::{self, Envelope},
    select::Select,
};
use crate::db::{Db, DbError, DbRow};

/// Refused decisions of one envelope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Refused {
    /// How many.
    pub count: u64,
    /// Their amounts together, in atomic units; the most there can be where they come to more.
    pub amount: Amount,
}

/// Refusals of these envelopes; those without any are missing.
///
/// # Errors
/// When the database fails.
pub async fn of_all(db: &Db, rows: &[Envelope]) -> Result<BTreeMap<envelopes::Key, Refused>, DbError> {
    let mut refused = BTreeMap::new();
    for (treasury, numbers) in envelopes::by_treasury(rows) {
        let read = |row: &DbRow| {
            let of = (treasury, row.number("envelope")?);
            Ok((of, Refused { count: row.number("count")?, amount: row.sum("amount")? }))
        };
        refused.extend(select(treasury, &numbers).rows(db, read).await?);
    }
    Ok(refused)
}

pub(super) fn select(treasury: Address, envelopes: &[u32]) -> Select {
    let mut select = Select::new("SELECT envelope, count, amount FROM refused");
    select.filter("treasury = ", Some(treasury)).among("envelope", envelopes);
    select
}

/// How many decisions were refused, over all envelopes (of a treasury): at least `most` where it gives that much or more.
///
/// # Errors
/// When the database fails.
pub async fn count(db: &Db, treasury: Option<Address>, most: u32) -> Result<u64, DbError> {
    // Each of these counts for one at least.
    let mut select =
        Select::new("SELECT CAST(sum(count) AS BIGINT) AS count FROM (SELECT count FROM refused");
    select.condition("count > 0").filter("treasury = ", treasury).push(" LIMIT ").bind(most).push(") few");
    Ok(select.row(db, |row| row.maybe_number("count")).await?.flatten().unwrap_or_default())
}
