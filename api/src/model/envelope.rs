//! Envelopes, as clients read them.

use bursar_indexer::query::{envelopes, headroom};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    model::policy::Policy,
    wire::{Addr, Units},
};

/// One agent's budget inside a treasury. Amounts in the asset's atomic units.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Envelope {
    /// The treasury.
    pub treasury: Addr,
    /// Counts the treasury's envelopes from 1.
    pub number: u32,
    /// The agent's identity key.
    pub agent: Addr,
    /// The token.
    pub asset: Addr,
    /// Whether it may open sessions and pay.
    pub state: EnvelopeState,
    /// Whether the envelope itself is frozen.
    pub frozen: bool,
    /// Whether its whole organisation is frozen.
    pub organisation_frozen: bool,
    /// Whether its group is frozen, or one above it.
    pub group_frozen: bool,
    /// Whether no session may open until a human has looked.
    pub under_review: bool,
    /// The group it draws against, beside its own limits; null where none.
    pub group: Option<u32>,
    /// Whether its purses pay through Permit2 as well.
    pub permit2: bool,
    /// How long a reviewer's score lets sessions open, in seconds; null where none is asked for.
    pub score_life: Option<u32>,
    /// The last score that a reviewer reported.
    pub score: Option<u16>,
    /// When it was, in unix seconds.
    pub scored_at: Option<u64>,
    /// The policy in force.
    pub policy_version: u16,
    /// Where its money is now.
    pub balance: Balance,
    /// What went through it in all.
    pub totals: Totals,
    /// What each limit has left, shortest window first, the lifetime last.
    pub headroom: Vec<Headroom>,
    /// The block that created it.
    pub created_block: u64,
}

/// An envelope with the policy in force.
#[derive(Debug, Serialize, ToSchema)]
pub struct EnvelopeDetail {
    /// The envelope.
    #[serde(flatten)]
    pub envelope: Envelope,
    /// Its policy in force.
    pub policy: Option<Policy>,
}

/// Whether an envelope may open sessions and pay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EnvelopeState {
    /// It may.
    Active,
    /// It, its organisation, its group or one above that is frozen: neither.
    Frozen,
    /// No new session until a human clears it; open ones run on.
    UnderReview,
}

/// Where an envelope's money is.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Balance {
    /// In the treasury.
    pub escrow: Units,
    /// In its purses.
    pub in_purses: Units,
    /// Both together: what is left.
    pub left: Units,
}

/// What went through an envelope over its life.
#[derive(Debug, Serialize, ToSchema)]
pub struct Totals {
    /// Topped up.
    pub funded: Units,
    /// Withdrawn.
    pub withdrawn: Units,
    /// Drawn by sessions.
    pub drawn: Units,
    /// Returned by sessions, swept purses included.
    pub returned: Units,
    /// Paid to payees.
    pub paid: Units,
    /// Sent straight to its purses by strangers.
    pub donated: Units,
    /// How many payments.
    pub payments: u64,
}

/// One limit as it stands.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Headroom {
    /// Length of the window in seconds; 0 for the lifetime limit.
    pub period: u32,
    /// Most that may be drawn within it (inclusive).
    pub limit: Units,
    /// What was drawn in the current window, open sessions included.
    pub used: Units,
    /// What is left of it.
    pub left: Units,
    /// When the current window ends (exclusive, unix seconds); null for a lifetime.
    pub ends_at: Option<u64>,
}

impl Envelope {
    /// An envelope with its limits as they stand.
    pub fn new(row: &envelopes::Envelope, headroom: Vec<headroom::Headroom>) -> Self {
        Self {
            treasury: row.treasury.into(),
            number: row.number,
            agent: row.agent.into(),
            asset: row.asset.into(),
            state: state(row),
            frozen: row.frozen,
            organisation_frozen: row.organisation_frozen,
            group_frozen: row.group_frozen,
            under_review: row.under_review,
            group: (row.group != 0).then_some(row.group),
            permit2: row.permit2,
            score_life: (row.score_life != 0).then_some(row.score_life),
            score: row.score.map(|(score, _)| score),
            scored_at: row.score.map(|(_, at)| at),
            policy_version: row.policy_version,
            balance: balance(row),
            totals: totals(row),
            headroom: headroom.into_iter().map(Headroom::from).collect(),
            created_block: row.created_block,
        }
    }
}

fn state(row: &envelopes::Envelope) -> EnvelopeState {
    if row.frozen || row.organisation_frozen || row.group_frozen {
        EnvelopeState::Frozen
    } else if row.under_review {
        EnvelopeState::UnderReview
    } else {
        EnvelopeState::Active
    }
}

/// Where an envelope's money is.
pub fn balance(row: &envelopes::Envelope) -> Balance {
    Balance { escrow: row.escrow().into(), in_purses: row.in_purses().into(), left: row.left().into() }
}

/// What went through it.
pub fn totals(row: &envelopes::Envelope) -> Totals {
    Totals {
        funded: row.funded.into(),
        withdrawn: row.withdrawn.into(),
        drawn: row.drawn.into(),
        returned: row.returned.into(),
        paid: row.paid.into(),
        donated: row.donated.into(),
        payments: row.payments,
    }
}

impl From<headroom::Headroom> for Headroom {
    fn from(room: headroom::Headroom) -> Self {
        Self {
            period: room.period,
            limit: room.limit.into(),
            used: room.used.into(),
            left: room.left().into(),
            ends_at: room.ends_at,
        }
    }
}

impl From<EnvelopeState> for envelopes::State {
    fn from(state: EnvelopeState) -> Self {
        match state {
            EnvelopeState::Active => Self::Active,
            EnvelopeState::Frozen => Self::Frozen,
            EnvelopeState::UnderReview => Self::UnderReview,
        }
    }
}
