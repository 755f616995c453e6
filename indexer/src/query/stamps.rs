//! Identity stamps: those that a treasury revoked, and the chains that agents handed in.

use alloy::primitives::{Address, B256, Bytes};

use super::{Position, select::Select};
use crate::{
    Inserted,
    db::{Db, DbError, DbRow, table},
};

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

/// A stamp with those that it is delegated from, as an agent handed it in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    /// The leaf's hash.
    pub hash: B256,
    /// Whose stamps.
    pub treasury: Address,
    /// Whose identity the leaf is.
    pub subject: Address,
    /// As it travels.
    pub bundle: Bytes,
    /// When it came, in unix seconds.
    pub received_at: u64,
}

table! {
    STAMP_CHAIN, fn stamp_chain(chain: &Chain) {
        key { hash: chain.hash }
        treasury: chain.treasury,
        subject: chain.subject,
        bundle: chain.bundle.clone(),
        received_at: chain.received_at,
    }
}

/// Keeps a chain of stamps, the first with its leaf's hash; `None` where no session of its subject, as far as the ledger
/// knows, was opened under it. Whether its links hold together is for the caller to know.
///
/// # Errors
/// When the database fails.
pub async fn keep(db: &Db, chain: &Chain) -> Result<Option<Inserted>, DbError> {
    let mut of = Select::new(
        "SELECT TRUE AS known FROM session s JOIN envelope e ON e.treasury = s.treasury AND e.number = s.envelope",
    );
    of.filter("s.treasury = ", Some(chain.treasury))
        .filter("e.agent = ", Some(chain.subject))
        .filter("s.stamp_hash = ", Some(chain.hash))
        .push(" LIMIT 1");
    if of.row(db, |row| row.flag("known")).await?.is_none() {
        return Ok(None);
    }
    let written = STAMP_CHAIN.insert_new(stamp_chain(chain)).execute(db).await?;
    Ok(Some(if written == 0 { Inserted::Existing } else { Inserted::New }))
}

/// The chain of stamps with that leaf; `None` where nobody has handed it in.
///
/// # Errors
/// When the database fails.
pub async fn chain(db: &Db, hash: B256) -> Result<Option<Chain>, DbError> {
    let mut select = Select::new("SELECT * FROM stamp_chain");
    select.filter("hash = ", Some(hash));
    let read = |row: &DbRow| {
        Ok(Chain {
            hash: row.hash("hash")?,
            treasury: row.address("treasury")?,
            subject: row.address("subject")?,
            bundle: row.bytes("bundle")?,
            received_at: row.number("received_at")?,
        })
    };
    select.row(db, read).await
}
