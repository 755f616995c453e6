//! Blocks that the ledger keeps: those that rows name, and those that a reorg may go back to.

use alloy::primitives::{Address, B256};

use super::select::Select;
use crate::db::{Db, DbError, DbRow, Link, Query};

/// A block as the ledger keeps it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeptBlock {
    /// Its height.
    pub number: u64,
    /// Its identity.
    pub hash: B256,
    /// Unix seconds.
    pub timestamp: u64,
}

fn read(row: &DbRow) -> Result<KeptBlock, DbError> {
    Ok(KeptBlock {
        number: row.number("number")?,
        hash: row.hash("hash")?,
        timestamp: row.number("timestamp")?,
    })
}

fn select() -> Select {
    Select::new("SELECT number, hash, timestamp FROM block")
}

/// A block; `None` where the ledger does not keep it.
///
/// # Errors
/// When the database fails.
pub async fn get(on: impl Into<Link<'_>>, number: u64) -> Result<Option<KeptBlock>, DbError> {
    let query = Query::new("SELECT number, hash, timestamp FROM block WHERE number = $1").bind(number);
    query.row(on).await?.as_ref().map(read).transpose()
}

/// The last block up to a height that the ledger keeps; `None` where it keeps none.
///
/// # Errors
/// When the database fails.
pub async fn up_to(on: impl Into<Link<'_>>, height: u64) -> Result<Option<KeptBlock>, DbError> {
    let sql = "SELECT number, hash, timestamp FROM block WHERE number <= $1 ORDER BY number DESC LIMIT 1";
    Query::new(sql).bind(height).row(on).await?.as_ref().map(read).transpose()
}

/// The first block that the ledger keeps; `None` where it keeps none.
///
/// # Errors
/// When the database fails.
pub async fn first(db: &Db) -> Result<Option<KeptBlock>, DbError> {
    select().order_and_limit(" ORDER BY number", 1).row(db, read).await
}

/// The last block from `first` up to height `last` that the ledger keeps and whose time is at most `at` (unix seconds), where
/// `first` is one. Time never runs backwards along the chain, so that halving the heights finds it.
///
/// # Errors
/// When the database fails.
pub async fn by_time(db: &Db, first: KeptBlock, last: u64, at: u64) -> Result<KeptBlock, DbError> {
    let found = select_by_time(first.number, last, at).row(db, read).await?;
    Ok(found.unwrap_or(first))
}

/// The halving is the database's, since each step asks for a block: from the lowest height up by halves, while the time allows it.
pub(super) fn select_by_time(first: u64, last: u64, at: u64) -> Select {
    let half = last.saturating_sub(first).checked_ilog2().map_or(0, |log| 1u64 << log);
    let mut select = Select::given("", first);
    select.give(half).give(last).give(at).push(
        "WITH RECURSIVE near (height, half) AS (SELECT $1, $2 UNION ALL \
         SELECT CASE WHEN n.height + n.half <= $3 AND (SELECT b.timestamp FROM block b WHERE b.number <= n.height + n.half \
         ORDER BY b.number DESC LIMIT 1) <= $4 THEN n.height + n.half ELSE n.height END, n.half / 2 \
         FROM near n WHERE n.half > 0) \
         SELECT number, hash, timestamp FROM block WHERE number <= (SELECT n.height FROM near n WHERE n.half = 0) \
         ORDER BY number DESC LIMIT 1",
    );
    select
}

/// The last block up to a height that tells something of the treasury; `None` where none does.
///
/// # Errors
/// When the database fails.
pub async fn last_of(db: &Db, treasury: Address, height: u64) -> Result<Option<KeptBlock>, DbError> {
    Select::new("SELECT b.number, b.hash, b.timestamp FROM event e JOIN block b ON b.number = e.block_number")
        .sift("e.treasury = ", Some(treasury))
        .filter("e.block_number <= ", Some(height))
        .order_and_limit(" ORDER BY e.block_number DESC, e.log_index DESC", 1)
        .row(db, read)
        .await
}
