//! How an indexer is doing, for others to watch.

use alloy::primitives::B256;
use tokio::sync::watch;

use super::IndexerError;

/// What an indexer is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Phase {
    /// Not begun: nothing was asked or applied yet.
    #[default]
    Starting,
    /// Waiting for its turn: another indexer follows the chain into this store.
    Standby,
    /// Catching up with what is final.
    Backfilling,
    /// Following the head, block by block.
    Following,
    /// Waiting for a provider or a database that does not do its part; see [`Status::error`].
    Waiting,
    /// Stopped, by request or for good; see [`Status::error`].
    Stopped,
}

impl Phase {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Starting, Self::Standby, Self::Backfilling, Self::Following, Self::Waiting, Self::Stopped];

    /// As health answers and metrics spell it.
    pub fn code(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Standby => "standby",
            Self::Backfilling => "backfilling",
            Self::Following => "following",
            Self::Waiting => "waiting",
            Self::Stopped => "stopped",
        }
    }
}

/// How an indexer is doing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Status {
    /// What it is about.
    pub phase: Phase,
    /// The chain's head as last seen.
    pub head: Option<u64>,
    /// The last block in the ledger; `None` before the first.
    pub indexed: Option<u64>,
    /// The identity of that block.
    pub indexed_hash: B256,
    /// Its time, in unix seconds; `None` before the first.
    pub indexed_at: Option<u64>,
    /// The last block that no reorg may take back.
    pub final_number: u64,
    /// The last block that is unlikely to be taken back: at least the last final one.
    pub safe_number: u64,
    /// How often the chain turned, since this indexer started.
    pub reorgs: u64,
    /// How often that took back what had been safe.
    pub safe_reorgs: u64,
    /// How many ranges of backfills indexers that stood by have fetched for it, since it started.
    pub helped: u64,
    /// How often it had to wait because of trouble, since it started.
    pub waits: u64,
    /// What the trouble is; `None` while all is well.
    pub error: Option<String>,
}

impl Status {
    /// How many blocks the ledger is behind the head; `None` while either is unknown.
    pub fn lag(&self) -> Option<u64> {
        Some(self.head?.saturating_sub(self.indexed?))
    }

    pub(super) fn trouble(&mut self, error: &dyn std::fmt::Display) {
        self.phase = Phase::Waiting;
        self.waits = self.waits.saturating_add(1);
        self.error = Some(error.to_string());
    }

    pub(super) fn stopped(&mut self, error: Option<&IndexerError>) {
        self.phase = Phase::Stopped;
        self.error = error.map(ToString::to_string);
    }
}

/// Waits until the ledger holds that block, or the indexer has stopped; gives the status either way.
pub async fn reached(status: &mut watch::Receiver<Status>, block: u64) -> Status {
    let done = |status: &Status| {
        status.phase == Phase::Stopped || status.indexed.is_some_and(|indexed| indexed >= block)
    };
    // An error means that the indexer is gone: what it said last still holds.
    let _ = status.wait_for(done).await;
    status.borrow().clone()
}
