//! What was refused, counted: the ledger's other column.

use std::collections::BTreeMap;

use alloy::primitives::Address;
use bursar_sdk::amount::Amount;

use super::{envelopes, select::Select};
use crate::db::{Db, DbError};

/// Refused decisions of one envelope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Refused {
    /// How many.
    pub count: u64,
    /// Their amounts together, in atomic units.
    pub amount: Amount,
}

/// Refusals of the envelopes of one treasury with numbers from `first` to `last` (inclusive).
///
/// # Errors
/// When the database fails.
pub async fn by_envelope(
    db: &Db,
    treasury: Address,
    first: u32,
    last: u32,
) -> Result<BTreeMap<envelopes::Key, Refused>, DbError> {
    let mut refused = BTreeMap::<_, Refused>::new();
    let rows = select(treasury, first, last)
        .rows(db, |row| Ok((row.number::<u32>("envelope")?, row.amount("amount")?)))
        .await?;
    for (envelope, amount) in rows {
        let entry = refused.entry((treasury, envelope)).or_default();
        entry.count += 1;
        entry.amount = entry.amount.checked_add(amount).unwrap_or(entry.amount);
    }
    Ok(refused)
}

pub(super) fn select(treasury: Address, first: u32, last: u32) -> Select {
    let mut select = Select::new("SELECT envelope, amount FROM decision WHERE verdict = 'denied'");
    select.push(" AND treasury = ").bind(treasury);
    select.push(" AND envelope BETWEEN ").bind(first).push(" AND ").bind(last);
    select
}

/// How many decisions were refused, over all envelopes.
///
/// # Errors
/// When the database fails.
pub async fn count(db: &Db) -> Result<u64, DbError> {
    let count = Select::new("SELECT count(*) AS count FROM decision WHERE verdict = 'denied'")
        .row(db, |row| row.number("count"))
        .await?;
    Ok(count.unwrap_or_default())
}
