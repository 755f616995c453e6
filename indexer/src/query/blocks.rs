//! Blocks that the ledger keeps: those that rows name, and those that a reorg may go back to.

use alloy::primitives::{Address, B256};

use super::select::Select;
use crate::db::{Db, DbError, DbRow};

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
pub async fn get(db: &Db, number: u64) -> Result<Option<KeptBlock>, DbError> {
    select().filter("number = ", Some(number)).row(db, read).await
}

/// The last block up to a height that the ledger keeps; `None` where it keeps none.
///
/// # Errors
/// When the database fails.
pub async fn up_to(db: &Db, height: u64) -> Result<Option<KeptBlock>, DbError> {
    select()
        .filter("number <= ", Some(height))
        .order_and_limit(" ORDER BY number DESC", 1)
        .row(db, read)
        .await
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
    let (mut found, mut low, mut high) = (first, first.number, last);
    while low < high {
        let middle = low + (high - low).div_ceil(2);
        match up_to(db, middle).await? {
            Some(block) if block.timestamp <= at => (found, low) = (block, middle),
            _ => high = middle - 1,
        }
    }
    Ok(found)
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
