//! What an envelope spent, payment by payment: what its curve is drawn of.

use alloy::primitives::{B256, U256};
use bursar_sdk::amount::Amount;

use super::{Position, TimeRange, envelopes::Key, select::Select};
use crate::db::{Db, DbError, DbRow};

/// One payment, as far as a sum over time needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spent {
    /// Where it stands on the chain.
    pub position: Position,
    /// When, in unix seconds.
    pub at: u64,
    /// How much, in the asset's atomic units.
    pub amount: Amount,
    /// The settling transaction.
    pub tx_hash: B256,
}

fn read(row: &DbRow) -> Result<Spent, DbError> {
    Ok(Spent {
        position: Position::read(row)?,
        at: row.number("timestamp")?,
        amount: row.amount("amount")?,
        tx_hash: row.hash("tx_hash")?,
    })
}

/// What an envelope paid from a time on (unix seconds, inclusive), newest first.
///
/// # Errors
/// When the database fails.
pub async fn since(db: &Db, key: Key, from: u64, limit: u32) -> Result<Vec<Spent>, DbError> {
    select_since(key, from, limit).rows(db, read).await
}

pub(super) fn select_since((treasury, envelope): Key, from: u64, limit: u32) -> Select {
    let mut select =
        Select::new("SELECT p.block_number, p.log_index, p.timestamp, p.amount, p.tx_hash FROM payment p");
    select
        .filter("p.treasury = ", Some(treasury))
        .filter("p.envelope = ", Some(envelope))
        .blocks_of(["p.block_number", "payment"], TimeRange { from: Some(from), until: None })
        .order_and_limit(" ORDER BY p.block_number DESC, p.log_index DESC", limit);
    select
}

/// What the sessions of an envelope paid that were opened from a time on (unix seconds, inclusive), in atomic units;
/// `None` where there are more than `most` of them.
///
/// A session ends within the current window of every limit. So from the start of such a window this is all that was
/// paid in it, and the sessions are fewer than their payments. More than 96 bits hold counts as the most they hold.
///
/// # Errors
/// When the database fails.
pub async fn of_sessions(db: &Db, key: Key, from: u64, most: u32) -> Result<Option<Amount>, DbError> {
    let (mut count, mut sum) = (0, U256::ZERO);
    let add = |row: &DbRow| {
        count += 1;
        sum = sum.saturating_add(row.total("paid")?);
        Ok(())
    };
    select_sessions(key, from, most.saturating_add(1)).each(db, add).await?;
    Ok((count <= most).then(|| Amount::try_from(sum).unwrap_or(Amount::MAX)))
}

pub(super) fn select_sessions((treasury, envelope): Key, from: u64, limit: u32) -> Select {
    let mut select = Select::new("SELECT s.paid FROM session s");
    select
        .filter("s.treasury = ", Some(treasury))
        .filter("s.envelope = ", Some(envelope))
        .filter("s.opened_at >= ", Some(from))
        .order_and_limit(" ORDER BY s.opened_at", limit);
    select
}
