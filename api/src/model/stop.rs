//! Stops and releases, as clients read them.

use bursar_indexer::query::stops;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::wire::{Addr, Hash};

/// Somebody stopped or released something.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Stop {
    /// The treasury.
    pub treasury: Addr,
    /// The envelope, where it is about one.
    pub envelope: Option<u32>,
    /// The group, where it is about one.
    pub group: Option<u32>,
    /// The session, where it is about one.
    pub session: Option<Hash>,
    /// `organisation`, `group`, `envelope`, `session` or `review`.
    pub level: String,
    /// Stopped; otherwise released.
    pub stopped: bool,
    /// Who.
    pub by: Addr,
    /// A reason code or the hash of an explanation, for reviews.
    pub reason: Option<Hash>,
    /// When, in unix seconds.
    pub timestamp: u64,
    /// The block.
    pub block_number: u64,
    /// The transaction.
    pub tx_hash: Hash,
}

/// What was stopped or released.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Everything.
    Organisation,
    /// A budget above envelopes, with all that is in or below it.
    Group,
    /// One agent's budget.
    Envelope,
    /// One grant.
    Session,
    /// New sessions of an envelope, until a human has looked.
    Review,
}

impl Level {
    /// As the store spells it.
    pub fn code(self) -> &'static str {
        match self {
            Self::Organisation => "organisation",
            Self::Group => "group",
            Self::Envelope => "envelope",
            Self::Session => "session",
            Self::Review => "review",
        }
    }
}

impl From<stops::Stop> for Stop {
    fn from(row: stops::Stop) -> Self {
        Self {
            treasury: row.treasury.into(),
            envelope: row.envelope,
            group: row.group,
            session: row.session.map(Hash),
            level: row.level,
            stopped: row.stopped,
            by: row.by.into(),
            reason: row.reason.map(Hash),
            timestamp: row.timestamp,
            block_number: row.position.block,
            tx_hash: row.tx_hash.into(),
        }
    }
}
