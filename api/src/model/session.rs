//! Sessions, as clients read them.

use bursar_indexer::query::sessions;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    model::policy::Scope,
    wire::{Addr, Hash, Units},
};

/// A bounded grant. Amounts in the asset's atomic units, times in unix seconds.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Session {
    /// Purse and sequence number in one, as payments commit to it.
    pub id: Hash,
    /// The purse that pays.
    pub purse: Addr,
    /// Counts the purse's sessions from 1.
    pub sequence: u32,
    /// The treasury.
    pub treasury: Addr,
    /// The envelope's number.
    pub envelope: u32,
    /// The envelope's agent.
    pub agent: Addr,
    /// The token.
    pub asset: Addr,
    /// The session key.
    pub key: Addr,
    /// Where it stands.
    pub state: SessionState,
    /// What it drew.
    pub budget: Units,
    /// What it paid.
    pub paid: Units,
    /// How many payments.
    pub payments: u64,
    /// When it was opened.
    pub opened_at: u64,
    /// When it ends (exclusive).
    pub expiry: u64,
    /// The policy it was opened under.
    pub policy_version: u16,
    /// What it narrows.
    pub scope: Scope,
    /// Hash of the identity stamp in use, or zero.
    pub stamp_hash: Hash,
    /// When it was settled; null while it is not.
    pub closed_at: Option<u64>,
    /// What the purse gave back then.
    pub returned: Option<Units>,
    /// The part of it that the session had drawn itself.
    pub unspent: Option<Units>,
    /// The transaction that opened it.
    pub opened_tx: Hash,
}

/// Where a session stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SessionState {
    /// It may pay, unless its envelope or organisation is frozen.
    Open,
    /// Somebody stopped it.
    Frozen,
    /// Its policy is no longer in force: it pays no more.
    Outdated,
    /// Its time is over; not settled yet.
    Expired,
    /// Settled.
    Closed,
}

impl Session {
    /// A session as it stands at `now` (unix seconds).
    pub fn new(row: sessions::Session, now: u64) -> Self {
        Self {
            state: row.state(now).into(),
            id: row.id.into(),
            purse: row.purse.into(),
            sequence: row.sequence,
            treasury: row.treasury.into(),
            envelope: row.envelope,
            agent: row.agent.into(),
            asset: row.asset.into(),
            key: row.key.into(),
            budget: row.budget.into(),
            paid: row.paid.into(),
            payments: row.payments,
            opened_at: row.opened_at,
            expiry: row.expiry,
            policy_version: row.policy_version,
            scope: row.scope.into(),
            stamp_hash: row.stamp_hash.into(),
            closed_at: row.closed_at,
            returned: row.returned.map(Units),
            unspent: row.unspent.map(Units),
            opened_tx: row.opened_tx.into(),
        }
    }
}

impl From<sessions::State> for SessionState {
    fn from(state: sessions::State) -> Self {
        match state {
            sessions::State::Open => Self::Open,
            sessions::State::Frozen => Self::Frozen,
            sessions::State::Outdated => Self::Outdated,
            sessions::State::Expired => Self::Expired,
            sessions::State::Closed => Self::Closed,
        }
    }
}

impl From<SessionState> for sessions::State {
    fn from(state: SessionState) -> Self {
        match state {
            SessionState::Open => Self::Open,
            SessionState::Frozen => Self::Frozen,
            SessionState::Outdated => Self::Outdated,
            SessionState::Expired => Self::Expired,
            SessionState::Closed => Self::Closed,
        }
    }
}
