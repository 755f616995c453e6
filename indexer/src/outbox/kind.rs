//! What may happen, by name.

use crate::codes::codes;

codes! {
    /// What happened. The names are stable; new ones may come.
    #[non_exhaustive]
    Kind {
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
