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
    /// Their amounts together, in atomic units.
    pub amount: Amount,
}

/// Refusals of these envelopes.
///
/// # Errors
/// When the database fails.
pub async fn of_all(db: &Db, rows: &[Envelope]) -> Result<BTreeMap<envelopes::Key, Refused>, DbError> {
    let mut refused = BTreeMap::<_, Refused>::new();
    for (treasury, numbers) in envelopes::by_treasury(rows) {
        let read = |row: &DbRow| Ok((row.number::<u32>("envelope")?, row.amount("amount")?));
        for (envelope, amount) in select(treasury, &numbers).rows(db, read).await? {
            let entry = refused.entry((treasury, envelope)).or_default();
            entry.count += 1;
            entry.amount = entry.amount.checked_add(amount).unwrap_or(entry.amount);
        }
    }
    Ok(refused)
}

pub(super) fn select(treasury: Address, envelopes: &[u32]) -> Select {
    let mut select = Select::new("SELECT envelope, amount FROM decision");
    select.condition("verdict = 'denied'").filter("treasury = ", Some(treasury)).among("envelope", envelopes);
    select
}

/// How many decisions were refused, over all envelopes; counts to `most` at most.
///
/// # Errors
/// When the database fails.
pub async fn count(db: &Db, most: u32) -> Result<u64, DbError> {
    let mut select = Select::new("SELECT count(*) AS count FROM (SELECT 1 AS one FROM decision");
    select.condition("verdict = 'denied'").push(" LIMIT ").bind(most).push(") few");
    Ok(select.row(db, |row| row.number("count")).await?.unwrap_or_default())
}
