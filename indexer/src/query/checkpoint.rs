//! How far the ledger has followed the chain.

use alloy::primitives::B256;

use crate::db::{DbError, Link, Query};

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
pub async fn get(on: impl Into<Link<'_>>) -> Result<Option<Checkpoint>, DbError> {
    let query = Query::new("SELECT number, hash, timestamp, head, final_number FROM checkpoint WHERE id = 1");
    let Some(row) = query.row(on).await? else { return Ok(None) };
    Ok(Some(Checkpoint {
        number: row.number("number")?,
        hash: row.hash("hash")?,
        timestamp: row.number("timestamp")?,
        head: row.number("head")?,
        final_number: row.number("final_number")?,
    }))
}
