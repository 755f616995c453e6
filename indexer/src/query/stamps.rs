//! Identity stamps that a treasury revoked.

use alloy::primitives::{Address, B256};

use super::{Position, select::Select};
use crate::db::{Db, DbError, DbRow};

/// That a stamp was revoked, with all that are chained to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revocation {
    /// Its place on the chain.
    pub position: Position,
    /// The transaction.
    pub tx_hash: B256,
    /// When, in unix seconds.
    pub timestamp: u64,
    /// By whom.
    pub by: Address,
}

/// When a stamp was first revoked; `None` where it was not, as far as the ledger has followed.
///
/// # Errors
/// When the database fails.
pub async fn revoked(db: &Db, treasury: Address, stamp: B256) -> Result<Option<Revocation>, DbError> {
    let mut select =
        Select::new("SELECT block_number, log_index, tx_hash, timestamp, by FROM stamp_revocation");
    select
        .filter("treasury = ", Some(treasury))
        .filter("stamp_hash = ", Some(stamp))
        .order_and_limit(" ORDER BY block_number, log_index", 1);
    let read = |row: &DbRow| {
        Ok(Revocation {
            position: Position::read(row)?,
            tx_hash: row.hash("tx_hash")?,
            timestamp: row.number("timestamp")?,
            by: row.address("by")?,
        })
    };
    select.row(db, read).await
}
