//! What is put on chain, and when it is due.

use std::fmt;

use alloy::primitives::{B256, TxHash};
use bursar_sdk::{abi::Treasury::EnvelopeView, score::Reason};

/// What follows from the ledger for one envelope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// Its key pays for something else than its agent decided: stop everything of it.
    Freeze {
        /// Which envelope.
        envelope: u32,
        /// The payment that shows it.
        tx_hash: TxHash,
    },
    /// Its score asks for a human: no new session before one has looked.
    Review {
        /// Which envelope.
        envelope: u32,
        /// The first of the score's reasons.
        reason: Reason,
    },
    /// Sessions open only on a score that is fresh.
    Report {
        /// Which envelope.
        envelope: u32,
        /// 300 to 850.
        score: u16,
    },
}

impl Act {
    /// Which envelope it is about.
    pub fn envelope(&self) -> u32 {
        match *self {
            Self::Freeze { envelope, .. } | Self::Review { envelope, .. } | Self::Report { envelope, .. } => {
                envelope
            }
        }
    }

    /// Whether the envelope, as the chain has it at `now` (unix seconds), still wants for it. So nothing is sent twice for
    /// one cause, whoever did it and whatever the watcher has forgotten.
    pub fn is_due(&self, on_chain: &EnvelopeView, now: u64) -> bool {
        match self {
            Self::Freeze { .. } => !on_chain.frozen,
            Self::Review { .. } => !on_chain.underReview,
            Self::Report { .. } => {
                is_report_due(on_chain.scoreLife.saturating_to(), on_chain.scoredAt.saturating_to(), now)
            }
        }
    }
}

/// A score is reported again once half its life is over: there is as much time again to get it onto the chain.
pub(crate) fn is_report_due(life: u64, scored_at: u64, now: u64) -> bool {
    life != 0 && now >= scored_at.saturating_add(life / 2)
}

/// A reason as the chain keeps it: its code, left-aligned.
pub(crate) fn on_chain(reason: Reason) -> B256 {
    B256::right_padding_from(reason.code().as_bytes())
}

impl fmt::Display for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Freeze { envelope, tx_hash } => {
                write!(f, "freeze envelope {envelope} for payment {tx_hash}")
            }
            Self::Review { envelope, reason } => {
                write!(f, "put envelope {envelope} under review for {}", reason.code())
            }
            Self::Report { envelope, score } => write!(f, "report score {score} of envelope {envelope}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use alloy::primitives::U256;
    use bursar_sdk::abi::Treasury::Policy;

    use super::*;

    fn view(frozen: bool, under_review: bool, life: u64, scored_at: u64) -> EnvelopeView {
        EnvelopeView {
            agent: Default::default(),
            asset: Default::default(),
            escrow: U256::ZERO,
            policyVersion: U256::ONE,
            frozen,
            underReview: under_review,
            purses: U256::ONE,
            group: U256::ZERO,
            permit2: false,
            scoreLife: U256::from(life),
            scoredAt: U256::from(scored_at),
            score: U256::ZERO,
            policy: Policy::default(),
        }
    }

    #[test]
    fn what_the_chain_has_already_is_not_sent_again() {
        let freeze = Act::Freeze { envelope: 1, tx_hash: B256::ZERO };
        let review = Act::Review { envelope: 1, reason: Reason::Burst };
        let report = Act::Report { envelope: 1, score: 700 };
        assert!(freeze.is_due(&view(false, true, 0, 0), 9) && !freeze.is_due(&view(true, false, 0, 0), 9));
        assert!(review.is_due(&view(true, false, 0, 0), 9) && !review.is_due(&view(false, true, 0, 0), 9));
        let at = |now| report.is_due(&view(false, false, 60, 1_000), now);
        assert_eq!([at(1_029), at(1_030), at(1_060)], [false, true, true]);
        assert!(!report.is_due(&view(false, false, 0, 0), 9), "none is asked for");
        assert!(report.is_due(&view(false, false, 1, 9), 9), "the shortest life there is");
    }

    #[test]
    fn a_reason_is_its_code_on_chain() {
        assert_eq!(&on_chain(Reason::Projected)[..4], b"R01\0");
    }
}
