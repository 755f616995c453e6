//! The transparency log's root, on its way onto the chain: when it is due, and when it must not go there.

use std::fmt;

use alloy::primitives::{Address, B256};
use bursar_indexer::{
    db::{Db, DbError},
    query::log::{self, LogError},
};
use bursar_sdk::{AgentError, admin::TreasuryAdmin};

/// A root of a log, as it is anchored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Anchor {
    /// Of its first so many entries.
    pub size: u64,
    /// Their root.
    pub root: B256,
}

impl fmt::Display for Anchor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "anchor root {} of the log's {} entries", self.root, self.size)
    }
}

/// Why nothing is anchored.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AnchorError {
    /// The ledger cannot be read, or its log does not answer.
    #[error("the log cannot be read")]
    Log(#[from] LogError),
    /// The chain cannot be asked, or refuses.
    #[error("the chain does not take the anchor")]
    Chain(#[source] Box<AgentError>),
    /// The log is shorter than what was anchored last.
    #[error(
        "expected a log of at least the {expected} entries that were anchored, got {got}: see `bursar log verify`"
    )]
    Shorter {
        /// How many were anchored.
        expected: u64,
        /// How many there are.
        got: u64,
    },
    /// The log does not begin with what was anchored last.
    #[error(
        "expected root {expected} of the log's first {size} entries, as it was anchored, got {got}: see `bursar log verify`"
    )]
    Apart {
        /// How many entries were anchored.
        size: u64,
        /// Their root then.
        expected: B256,
        /// Their root now.
        got: B256,
    },
}

impl From<DbError> for AnchorError {
    fn from(error: DbError) -> Self {
        Self::Log(error.into())
    }
}

impl From<AgentError> for AnchorError {
    fn from(error: AgentError) -> Self {
        Self::Chain(Box::new(error))
    }
}

/// What was anchored last, and when (unix seconds of the chain).
pub type Last = Option<(Anchor, u64)>;

/// What was anchored last as the ledger has it.
///
/// # Errors
/// When the ledger cannot be read.
pub async fn kept(db: &Db, treasury: Address) -> Result<Last, AnchorError> {
    let row = log::anchors(db, treasury, u64::MAX, 1).await?.pop();
    Ok(row.map(|row| (Anchor { size: row.size, root: row.root }, row.timestamp)))
}

/// What was anchored last from block `from` on, as the chain has it: the ledger may not hold it yet. That block has to be there:
/// nodes refuse to look in those that are not.
///
/// # Errors
/// When the chain cannot be asked.
pub async fn fresh(treasury: &TreasuryAdmin, from: u64) -> Result<Last, AnchorError> {
    let found = treasury.contract().Anchored_filter().from_block(from).query().await;
    let newest = found.map_err(AgentError::from)?.pop();
    // Where the node does not tell the time of a log: it has only just come.
    Ok(newest.map(|(event, log)| {
        (Anchor { size: event.size, root: event.root }, log.block_timestamp.unwrap_or(u64::MAX))
    }))
}

/// What to anchor after `last`; `None` where the log has not grown since.
///
/// # Errors
/// When the log does not go on from `last`: a log that was changed is not vouched for.
pub async fn next(db: &Db, treasury: Address, last: Option<Anchor>) -> Result<Option<Anchor>, AnchorError> {
    let size = log::size(db, treasury).await?;
    let since = last.map_or(0, |last| last.size);
    if let Some(last) = last {
        if last.size > size {
            return Err(AnchorError::Shorter { expected: last.size, got: size });
        }
        let got = log::root(db, treasury, last.size).await?;
        if got != last.root {
            return Err(AnchorError::Apart { size: last.size, expected: last.root, got });
        }
    }
    if size == since {
        return Ok(None);
    }
    Ok(Some(Anchor { size, root: log::root(db, treasury, size).await? }))
}
