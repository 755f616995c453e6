//! Alerts, as clients read them.

use bursar_indexer::{ledger::AlertKind, query::alerts};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::wire::{Addr, Hash};

/// What somebody should look at, and what that came to. `docs/REVIEW.md` says what raises and what closes each kind.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Alert {
    /// Names it.
    pub id: Hash,
    /// What happened.
    pub kind: Kind,
    /// How urgent it is: `notice`, `warning` or `critical`.
    pub severity: &'static str,
    /// What the kind means, in one line for a person.
    pub help: &'static str,
    /// Whether it still stands.
    pub open: bool,
    /// The treasury; null where none is concerned.
    pub treasury: Option<Addr>,
    /// The envelope; null where the whole treasury is concerned.
    pub envelope: Option<u32>,
    /// What it is about: a payment, a purse, a payer, a policy and so on.
    pub subject: String,
    /// From when on, in unix seconds of the chain.
    pub raised_at: u64,
    /// The block that raised it; of what time alone brought, the block from which on it was to come.
    pub block_number: u64,
    /// That block's hash; null where a record raised it that was taken in after the block.
    pub block_hash: Option<Hash>,
    /// Until when (exclusive), in unix seconds: when it was closed, or when it will be if nothing more happens. Null
    /// until further notice.
    pub closed_at: Option<u64>,
    /// The block that closed it; null where time does.
    pub closed_block: Option<u64>,
    /// How often it happened while the alert was open.
    pub count: u64,
    /// The numbers that raised it; of the last time, where it happened again.
    #[schema(value_type = Object)]
    pub detail: Value,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = AlertKind)]
pub enum Kind {
    /// Rules were loosened, are announced to be, or changed under an open session.
    PolicyDrift,
    /// A payment settled, and no decision record is known that it commits to.
    UnexplainedPayment,
    /// Somebody sent money straight to a purse.
    Donation,
    /// Many payees were paid for the first time within an hour.
    PayeeBurst,
    /// Spending is on its way to more than one and a half times the limit.
    OffTrajectory,
    /// A watched account paid outside any envelope.
    UngovernedPayer,
    /// No reviewer has reported a score lately.
    ScoreSilent,
    /// The score asks for a human before the next session.
    Review,
    /// A guardian stopped it.
    Frozen,
}

impl From<AlertKind> for Kind {
    fn from(kind: AlertKind) -> Self {
        match kind {
            AlertKind::PolicyDrift => Self::PolicyDrift,
            AlertKind::UnexplainedPayment => Self::UnexplainedPayment,
            AlertKind::Donation => Self::Donation,
            AlertKind::PayeeBurst => Self::PayeeBurst,
            AlertKind::OffTrajectory => Self::OffTrajectory,
            AlertKind::UngovernedPayer => Self::UngovernedPayer,
            AlertKind::ScoreSilent => Self::ScoreSilent,
            AlertKind::Review => Self::Review,
            AlertKind::Frozen => Self::Frozen,
        }
    }
}

impl From<Kind> for AlertKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::PolicyDrift => Self::PolicyDrift,
            Kind::UnexplainedPayment => Self::UnexplainedPayment,
            Kind::Donation => Self::Donation,
            Kind::PayeeBurst => Self::PayeeBurst,
            Kind::OffTrajectory => Self::OffTrajectory,
            Kind::UngovernedPayer => Self::UngovernedPayer,
            Kind::ScoreSilent => Self::ScoreSilent,
            Kind::Review => Self::Review,
            Kind::Frozen => Self::Frozen,
        }
    }
}

impl Alert {
    /// An alert, as it stands at `now` (unix seconds).
    pub fn new(alert: alerts::Alert, now: u64) -> Self {
        let row = alert.row;
        Self {
            id: alert.id.into(),
            kind: row.kind.into(),
            severity: row.severity.code(),
            help: row.kind.help(),
            open: !row.is_over(now),
            treasury: row.treasury.map(Addr),
            envelope: row.envelope,
            raised_at: row.raised_at,
            block_number: row.block,
            block_hash: row.block_hash.map(Hash),
            closed_at: row.closed_at,
            closed_block: row.closed_block,
            count: row.count,
            detail: serde_json::from_str(&row.detail.json()).unwrap_or_default(),
            subject: row.subject,
        }
    }
}
