//! What changes a score.

use serde::{Deserialize, Serialize};

use super::payee::{Blame, Standing};
use crate::{amount::Amount, refusal::Refusal, windows::Window};

/// What the ledger tells a score, from the chain or from a record that entered at a height.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event<'a> {
    /// The envelope's limits, or what they have counted, changed: a policy, a session's draw or return.
    Limits(&'a [Window]),
    /// A payment settled.
    Settled {
        /// How much.
        amount: Amount,
        /// What it can earn: see [`super::PayeeRecord::paid`].
        standing: Standing,
    },
    /// The decision behind a settlement became known.
    Explained {
        /// When it settled, in unix seconds.
        settled_at: u64,
        /// As it settled.
        standing: Standing,
        /// From decision to settlement, in seconds; `None` where a human had to approve in between.
        latency: Option<u32>,
    },
    /// What a settlement paid for was delivered.
    Delivered {
        /// When it settled, in unix seconds.
        settled_at: u64,
        /// As it settled.
        standing: Standing,
    },
    /// What a settlement paid for was not delivered.
    Failed {
        /// When it settled, in unix seconds.
        settled_at: u64,
        /// Who answers for it: see [`super::PayeeRecord::failed`].
        blame: Blame,
    },
    /// The agent was refused, and recorded it.
    Denied {
        /// The worst of the reasons.
        gravity: Gravity,
        /// Whether a key that was the agent's at that time signed the record. Others do not count: else anybody
        /// could lower anybody's score.
        signed: bool,
    },
    /// Somebody answered a request for approval. Requests that nobody answers do not count: else an agent could
    /// drown rejections in them.
    Answered {
        /// Whether they approved.
        approved: bool,
    },
    /// A guardian stopped the envelope for compromise.
    Compromised,
    /// An owner released it again.
    Released,
    /// A human cleared the review.
    Cleared {
        /// Whether they gave reasons in writing; without, a score of [`super::CLEARING`] is due.
        overriding: bool,
    },
}

impl Event<'_> {
    /// Whether it changes anything: a denial that is not the agent's own, or not its own doing, does not.
    pub(super) fn counts(&self) -> bool {
        match self {
            Self::Denied { gravity, signed } => *signed && gravity.weight() > 0,
            _ => true,
        }
    }
}

/// How grave a refusal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Gravity {
    /// Not of the agent's doing: something was frozen, over, or used up by others. It does not count at all.
    Circumstance,
    /// The agent asked for more than it may.
    Limit,
    /// Something was not what it pretended to be.
    Tampering,
}

impl Gravity {
    /// How much a denial weighs, in tenths.
    pub fn weight(self) -> u32 {
        match self {
            Self::Circumstance => 0,
            Self::Limit => 10,
            Self::Tampering => 50,
        }
    }

    /// Of the reasons a denial names, the gravest.
    pub fn of(reasons: &[Refusal]) -> Self {
        reasons.iter().copied().map(Self::from).max().unwrap_or(Self::Circumstance)
    }
}

impl From<Refusal> for Gravity {
    fn from(reason: Refusal) -> Self {
        use Refusal as R;
        match reason {
            R::OrganisationFrozen
            | R::EnvelopeFrozen
            | R::UnderReview
            | R::SessionUnknown
            | R::SessionFrozen
            | R::SessionExpired
            | R::PolicyChanged
            | R::EnvelopeUnknown
            | R::PurseUnknown
            | R::SequenceMismatch
            | R::EscrowExceeded
            | R::ExpiryInPast
            | R::ExpiryPastWindow
            | R::GroupFrozen
            | R::GroupWindowLimitExceeded
            | R::GroupLifetimeLimitExceeded
            | R::ScoreStale => Self::Circumstance,
            R::AmountZero
            | R::PaymentCapExceeded
            | R::PayeeNotListed
            | R::SessionBudgetExceeded
            | R::ApprovalMissing
            | R::BudgetZero
            | R::SessionLimitExceeded
            | R::SessionTooLong
            | R::WindowLimitExceeded
            | R::LifetimeLimitExceeded
            | R::ScopeWidens
            | R::RailNotAllowed => Self::Limit,
            R::SignatureMalformed
            | R::RailUnknown
            | R::DigestMismatch
            | R::SessionKeyMismatch
            | R::ApproverNotAuthorized
            | R::ApprovalInvalid
            | R::SessionKeyInvalid
            | R::AgentSignatureInvalid
            | R::DecisionSettled
            | R::StampRevoked => Self::Tampering,
        }
    }
}
