//! What may happen, by name.

/// Lists every kind once: its variant, its stable name, and what it tells.
macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $code:literal,)+) => {
        /// What happened. The names are stable; new ones may come.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Kind {
            $($(#[$doc])* $kind,)+
        }

        impl Kind {
            /// Every kind.
            pub const ALL: &[Self] = &[$(Self::$kind),+];

            /// Its stable name, as the store and the API spell it.
            pub fn code(self) -> &'static str {
                match self {
                    $(Self::$kind => $code,)+
                }
            }
        }
    };
}

kinds! {
    /// A payment stands in a block that a reorg may still take back.
    PaymentSeen = "payment.seen",
    /// Its block is final.
    PaymentSettled = "payment.settled",
    /// An agent was refused, and said so.
    PaymentRefused = "payment.refused",
    /// A session drew its budget.
    SessionOpened = "session.opened",
    /// A session gave back what was left.
    SessionClosed = "session.closed",
    /// Somebody stopped an organisation, a group, an envelope or a session.
    FreezeSet = "freeze.set",
    /// Somebody released it.
    FreezeReleased = "freeze.released",
    /// No new session of an envelope until a human has looked.
    ReviewSet = "review.set",
    /// A human has looked.
    ReviewCleared = "review.cleared",
    /// A policy is in force.
    PolicyChanged = "policy.changed",
    /// A loosening was announced, and waits.
    ChangeAnnounced = "change.announced",
    /// An account may do more.
    RoleGranted = "role.granted",
    /// An account may do less.
    RoleRevoked = "role.revoked",
    /// Money came into an envelope.
    EnvelopeToppedUp = "envelope.topped_up",
    /// Money left an envelope for its owner.
    EnvelopeWithdrawn = "envelope.withdrawn",
    /// A payment waits for a human.
    ApprovalRequested = "approval.requested",
    /// A human said yes.
    ApprovalGranted = "approval.granted",
    /// A human said no.
    ApprovalRejected = "approval.rejected",
    /// Nobody answered in time.
    ApprovalExpired = "approval.expired",
    /// Why an agent pays is known.
    DecisionStored = "decision.stored",
    /// What came of a payment is known, or known better.
    OutcomeStored = "outcome.stored",
    /// A record was erased, because an owner of the treasury said so.
    RecordErased = "record.erased",
    /// A score asks for a human.
    ScoreFlagged = "score.flagged",
    /// It no longer does.
    ScoreUnflagged = "score.unflagged",
    /// Somebody should look.
    AlertRaised = "alert.raised",
    /// What it was about is over.
    AlertClosed = "alert.closed",
    /// A webhook is no longer told: its endpoint failed for too long, or said that it is gone.
    WebhookDisabled = "webhook.disabled",
    /// A reorg took the block of an earlier event away: that event did not happen.
    Retracted = "retracted",
}

impl Kind {
    /// The kind of that name; `None` where there is none.
    pub fn of(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.code() == code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_of_one_kind() {
        for kind in Kind::ALL {
            assert_eq!(Kind::of(kind.code()), Some(*kind));
        }
        assert_eq!(Kind::of("payment"), None);
    }

    #[test]
    fn the_documentation_names_every_kind() {
        let text = include_str!("../../../docs/EVENTS.md");
        for kind in Kind::ALL {
            assert!(
                text.contains(&format!("| `{}` |", kind.code())),
                "docs/EVENTS.md has no row of {kind:?}"
            );
        }
    }
}
