//! How far the ledger has followed the chain.

use alloy::primitives::B256;
use sqlx::SqlitePool;

use super::{QueryError, column, select::Select};

/// How far the ledger has followed the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checkpoint {
    /// The last block that the ledger holds.
    pub number: u64,
    /// Its hash.
    pub hash: B256,
    /// Its time, in unix seconds.
    pub timestamp: u64,
    /// The chain's head when that block was taken.
    pub head: u64,
    /// The last block that no reorg may take back.
    pub final_number: u64,
}

/// The checkpoint; `None` before the first block.
///
/// # Errors
/// When the database fails.
pub async fn get(pool: &SqlitePool) -> Result<Option<Checkpoint>, QueryError> {
    Select::new("SELECT number, hash, timestamp, head, final_number FROM checkpoint WHERE id = 1")
        .row(pool, |row| {
            Ok(Checkpoint {
                number: column::number(row, "number")?,
                hash: column::hash(row, "hash")?,
                timestamp: column::number(row, "timestamp")?,
                head: column::number(row, "head")?,
                final_number: column::number(row, "final_number")?,
            })
        })
        .await
}
