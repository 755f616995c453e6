//! Which rules can refuse anything under a setting, and which of them refuse everything as things stand.

use alloy::primitives::aliases::U96;

use super::Setting;
use crate::model::{Counted, OpeningRule, PaymentRule, Stop};

impl Setting {
    /// Whether some opening breaks this rule first. A question that nothing fails has no place in a tree.
    pub(super) fn can_refuse_opening(&self, rule: OpeningRule) -> bool {
        match rule {
            OpeningRule::Runs(Stop::Group) => !self.groups.is_empty(),
            OpeningRule::ScoreFresh => self.score_life != 0,
            OpeningRule::CapNarrows => self.policy.paymentCap != U96::MAX,
            OpeningRule::ThresholdNarrows => self.policy.approvalThreshold != U96::MAX,
            OpeningRule::EndsWithWindow(limit) => !self.ends_before(limit),
            _ => true,
        }
    }

    /// Whether some payment breaks this rule first.
    pub(super) fn can_refuse_payment(&self, rule: PaymentRule) -> bool {
        match rule {
            PaymentRule::Runs(Stop::Group) => !self.groups.is_empty(),
            PaymentRule::RailAllowed => !self.permit2,
            PaymentRule::NotSettledElsewhere => self.permit2,
            PaymentRule::OnSessionList => self.scope.payeeList != 0,
            // What is not on the session's own list was refused for that.
            PaymentRule::OnPolicyList => {
                self.policy.payeeList != 0 && self.policy.payeeList != self.scope.payeeList
            }
            // What is above the cap was refused for that.
            PaymentRule::ApprovalNotDue => self.threshold() < self.payment_cap(),
            _ => true,
        }
    }

    pub(super) fn breaks_opening(&self, rule: OpeningRule) -> bool {
        match rule {
            OpeningRule::Runs(stop) => self.stopped(stop),
            OpeningRule::NotUnderReview => self.under_review,
            OpeningRule::ScoreFresh => self.score_stale,
            _ => false,
        }
    }

    pub(super) fn breaks_payment(&self, rule: PaymentRule) -> bool {
        match rule {
            PaymentRule::Runs(stop) => self.stopped(stop),
            _ => false,
        }
    }

    fn stopped(&self, stop: Stop) -> bool {
        match stop {
            Stop::Organisation => self.organisation_frozen,
            Stop::Envelope => self.envelope_frozen,
            Stop::Group => self.groups.iter().any(|group| group.frozen),
        }
    }

    /// Whether a session that a window asked before this one lets through always ends with this one too: all are
    /// aligned to the same moment, so a window ends no later than every one whose period is a multiple of its own.
    fn ends_before(&self, limit: Counted) -> bool {
        let earlier = self.counted().into_iter().take_while(|other| *other != limit);
        let nests = |other: Counted| other.period != 0 && limit.period.is_multiple_of(other.period);
        limit.period == 0 || earlier.into_iter().any(nests)
    }
}
