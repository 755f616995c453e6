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
    /// The last block that is unlikely to be taken back: not below the last final one.
    pub safe_number: u64,
}

/// How far the chain is to be relied on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Settled {
    /// The last block that is unlikely to be taken back.
    pub safe_number: u64,
    /// The last block that no reorg may take back.
    pub final_number: u64,
}

impl Checkpoint {
    /// How far its blocks are to be relied on.
    pub fn settled(&self) -> Settled {
        let Self { safe_number, final_number, .. } = *self;
        Settled { safe_number, final_number }
    }
}

impl Settled {
    /// That up to this block all is final, and nothing else is safe.
    pub fn at(final_number: u64) -> Self {
        Self { safe_number: final_number, final_number }
    }
}

/// Whether how rows stood is kept up to the last block (`ledger/then.rs`): it is, but where an indexer of an earlier version has
/// written since. A ledger that has not begun has nothing to keep.
///
/// # Errors
/// When the database fails.
pub async fn keeps_then(on: impl Into<Link<'_>>) -> Result<bool, DbError> {
    let query = Query::new("SELECT hash, then_hash FROM checkpoint WHERE id = 1");
    let Some(row) = query.row(on).await? else { return Ok(true) };
    Ok(row.maybe_hash("then_hash")? == Some(row.hash("hash")?))
}

/// The checkpoint; `None` before the first block.
///
/// # Errors
/// When the database fails.
pub async fn get(on: impl Into<Link<'_>>) -> Result<Option<Checkpoint>, DbError> {
    let query = Query::new(
        "SELECT number, hash, timestamp, head, final_number, safe_number FROM checkpoint WHERE id = 1",
    );
    let Some(row) = query.row(on).await? else { return Ok(None) };
    Ok(Some(Checkpoint {
        number: row.number("number")?,
        hash: row.hash("hash")?,
        timestamp: row.number("timestamp")?,
        head: row.number("head")?,
        final_number: row.number("final_number")?,
        safe_number: row.number("safe_number")?,
    }))
}
