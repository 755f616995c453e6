//! What to follow, and how.

use std::time::Duration;

use alloy::primitives::Address;
use backon::{BackoffBuilder as _, ExponentialBackoff, ExponentialBuilder};

use crate::{project::Realm, source::Landmark, store::PARTITION_BLOCKS};

/// What to follow, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// EIP-155 chain id; a source that serves another is refused.
    pub chain_id: u64,
    /// The factory whose treasuries are followed.
    pub factory: Address,
    /// The first block to look at: the one that deployed the factory, or an earlier one.
    pub start_block: u64,
    /// How many blocks may still be taken back; a deeper reorg stops the indexer. Default: 64.
    pub finality: u64,
    /// The block up to which nothing is taken back, by the node's own word rather than by depth. Default: `None`.
    pub final_at: Option<Landmark>,
    /// How many blocks deep a block is safe: unlikely to be taken back, before it is final. Counts where finality is by
    /// depth; by the node's `finalized`, its `safe` does. `None`: what is final. Default: `None`.
    pub safety: Option<u64>,
    /// Most blocks to ask for at once during backfill. Default: 10,000.
    pub max_range: u64,
    /// About how many logs an answer should hold during backfill. Default: 10,000.
    pub max_logs: u64,
    /// How many ranges are asked for at the same time during backfill. So many answers of [`Self::max_logs`] may wait to be applied,
    /// twice as many while a batch is written, and more where they hold fewer logs: with these and [`Self::batch_logs`], this bounds
    /// memory. Default: 4.
    pub ahead: usize,
    /// How many ranges beyond those are offered to indexers that stand by on the same PostgreSQL store, where there is a
    /// [`Self::lease`]: what they have fetched waits in the database, so this bounds what is there. Default: 16.
    pub shared: usize,
    /// Answers that come soon enough are applied together until they hold about so many logs. Default: 600,000.
    pub batch_logs: u64,
    /// How long a batch that has begun waits for more answers; where more are there, it ends after four times as long. Who else
    /// writes to the ledger waits for it. Default: 500 ms.
    pub linger: Duration,
    /// How many blocks at the head are heard at most, and kept, while the ledger is more than [`Self::max_range`] behind it; 0
    /// hears none. Default: 4,096.
    pub tail_blocks: u64,
    /// From so many rows on, what blocks add is written while the ones after them are projected. Default: 8,192.
    pub write_from: usize,
    /// How many blocks a partition is for that is made in PostgreSQL; those there are stay as they are. Default:
    /// [`PARTITION_BLOCKS`].
    pub partition_blocks: u64,
    /// Most addresses or topics in one question. Default: 500.
    pub max_filter: usize,
    /// Into how many questions of that size watched payers are split at most. Where there are more of them, watched tokens
    /// are asked for all they did, and what concerns nobody is left out here. Default: 8.
    pub max_questions: usize,
    /// How long this indexer keeps its turn without a word, where others share its store; `None` where none do. Default:
    /// `None`.
    pub lease: Option<Duration>,
    /// How long to wait for the next block. Default: 1 s.
    pub poll: Duration,
    /// Whether payments at the head are told in the traces of their agents, by the process's OpenTelemetry tracer. Default: no.
    pub traces: bool,
    /// The first pause after trouble; doubles, with jitter. Default: 200 ms.
    pub first_delay: Duration,
    /// The longest pause after trouble. Default: 30 s.
    pub max_delay: Duration,
}

impl Config {
    /// The defaults for a factory on a chain.
    pub fn new(chain_id: u64, factory: Address, start_block: u64) -> Self {
        Self {
            chain_id,
            factory,
            start_block,
            finality: 64,
            final_at: None,
            safety: None,
            max_range: 10_000,
            max_logs: 10_000,
            ahead: 4,
            shared: 16,
            batch_logs: 600_000,
            linger: Duration::from_millis(500),
            tail_blocks: 4_096,
            write_from: 8_192,
            partition_blocks: PARTITION_BLOCKS,
            max_filter: 500,
            max_questions: 8,
            lease: None,
            // Alerts are told within a second of their block, so the block has to be seen well within it.
            poll: Duration::from_millis(250),
            traces: false,
            first_delay: Duration::from_millis(200),
            max_delay: Duration::from_secs(30),
        }
    }

    /// How long to wait, and ever longer, while trouble lasts.
    pub(super) fn pauses(&self) -> ExponentialBackoff {
        ExponentialBuilder::default()
            .with_jitter()
            .with_min_delay(self.first_delay)
            .with_max_delay(self.max_delay)
            .without_max_times()
            .build()
    }

    pub(crate) fn realm(&self) -> Realm {
        Realm { chain_id: self.chain_id, factory: self.factory }
    }
}
