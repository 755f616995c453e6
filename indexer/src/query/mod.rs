//! The read side of the store: typed filters in, typed rows out; and approvals and policy documents, which only clients
//! write.
//! Values reach SQL as binds only.
//!
//! Lists are keyset pages: each takes the key of the last row that was seen and gives what comes after, so
//! that rows that arrive meanwhile neither repeat nor hide others. Whether there is more is the caller's to
//! ask: a list returns at most `limit` rows.

pub mod accesses;
pub mod agents;
pub mod alerts;
pub mod approvals;
pub mod approvers;
pub mod assets;
pub mod blocks;
pub mod checkpoint;
pub mod contradictions;
#[cfg(test)]
mod cut;
pub mod decisions;
pub mod envelopes;
pub mod erasures;
pub mod events;
pub mod groups;
pub mod headroom;
pub mod heard;
pub mod history;
pub mod ledger;
pub mod log;
pub mod outcomes;
pub mod past;
pub mod payees;
pub mod payments;
#[cfg(test)]
mod plans;
pub mod policies;
pub mod policy_documents;
pub mod refusals;
pub mod scores;
mod select;
pub mod sessions;
pub mod set_aside;
pub mod settlements;
pub mod spending;
pub mod stamps;
pub mod stops;
mod sums;
pub mod treasuries;
pub mod watched;

use serde::{Deserialize, Serialize};

use crate::db::{Cell, DbError, DbRow, Value};

/// How far rows are counted where counting all of them would take too long.
pub const COUNTED: u32 = 10_000;

/// Where a row stands on the chain; the key of lists in chain order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Position {
    /// The block's number.
    pub block: u64,
    /// The log's index in that block.
    pub log: u64,
}

impl Position {
    pub(crate) fn read(row: &DbRow) -> Result<Self, DbError> {
        Ok(Self { block: row.number("block_number")?, log: row.number("log_index")? })
    }

    fn cells(self) -> [Value; 2] {
        [self.block.value(), self.log.value()]
    }
}

/// A moment in the past: what the chain told up to a block, and what others had handed in by then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Past {
    /// Up to this block (inclusive).
    pub height: u64,
    /// With the records received until then, in unix seconds (inclusive).
    pub records_until: u64,
}

/// A span of time, in unix seconds; a missing end is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TimeRange {
    /// The first second (inclusive).
    pub from: Option<u64>,
    /// The first second after (exclusive).
    pub until: Option<u64>,
}

/// A span of amounts in atomic units (both inclusive); a missing end is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AmountRange {
    /// The least.
    pub min: Option<bursar_sdk::amount::Amount>,
    /// The most.
    pub max: Option<bursar_sdk::amount::Amount>,
}
