//! How the questions read.

use alloy::primitives::U256;

use super::{Kind, Setting};
use crate::model::{Carried, Counted, OpeningRule, PaymentRule, Stop};

/// How amounts read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Unit {
    /// How many digits stand after the point; 0 leaves atomic units.
    pub decimals: u8,
    /// The token's symbol; empty leaves the number alone.
    pub symbol: String,
}

impl Unit {
    /// An amount of that many atomic units, without trailing zeros.
    pub fn show(&self, amount: U256) -> String {
        let decimals = usize::from(self.decimals);
        let digits = format!("{:0>width$}", amount.to_string(), width = decimals + 1);
        let (whole, fraction) = digits.split_at(digits.len() - decimals);
        let fraction = fraction.trim_end_matches('0');
        let point = if fraction.is_empty() { "" } else { "." };
        let space = if self.symbol.is_empty() { "" } else { " " };
        format!("{whole}{point}{fraction}{space}{}", self.symbol)
    }
}

pub(super) fn kind_of_opening(rule: OpeningRule) -> Kind {
    match rule {
        OpeningRule::Runs(_) | OpeningRule::NotUnderReview | OpeningRule::NoFrozenSession => Kind::Override,
        OpeningRule::ScoreFresh => Kind::Trigger,
        OpeningRule::EnvelopeKnown
        | OpeningRule::StampGood
        | OpeningRule::PurseKnown
        | OpeningRule::NextInSequence
        | OpeningRule::KeyFresh
        | OpeningRule::SignedByAgent => Kind::Proof,
        _ => Kind::Limit,
    }
}

pub(super) fn kind_of_payment(rule: PaymentRule) -> Kind {
    match rule {
        PaymentRule::Runs(_)
        | PaymentRule::SessionRuns
        | PaymentRule::ApprovalSigned
        | PaymentRule::ApproverMay
        | PaymentRule::ApprovalConfirmed => Kind::Override,
        PaymentRule::ApprovalNotDue => Kind::Trigger,
        PaymentRule::SessionNotOver
        | PaymentRule::OnSessionList
        | PaymentRule::OnPolicyList
        | PaymentRule::AmountAboveZero
        | PaymentRule::WithinCap
        | PaymentRule::PurseHolds => Kind::Limit,
        _ => Kind::Proof,
    }
}

pub(super) fn opening(rule: OpeningRule, setting: &Setting, unit: &Unit) -> String {
    let policy = &setting.policy;
    match rule {
        OpeningRule::EnvelopeKnown => "the request names an envelope there is".into(),
        OpeningRule::Runs(stop) => runs(stop, setting),
        OpeningRule::NotUnderReview => "the envelope is not under review".into(),
        OpeningRule::StampGood => "the stamp that it names, if any, is not revoked".into(),
        OpeningRule::ScoreFresh => {
            format!("the last score is younger than {}", time(u64::from(setting.score_life)))
        }
        OpeningRule::PurseKnown => "the purse is one of the envelope's".into(),
        OpeningRule::NoFrozenSession => "no frozen session of the purse would still run".into(),
        OpeningRule::NextInSequence => "the request is the purse's next".into(),
        OpeningRule::KeyFresh => "the session key is not zero, the agent's, or the last session's".into(),
        OpeningRule::BudgetAboveZero => "the budget is above 0".into(),
        OpeningRule::WithinSessionLimit => {
            format!("the budget is at most {}", unit.show(policy.sessionLimit.to()))
        }
        OpeningRule::EndsLater => "the session ends later than now".into(),
        OpeningRule::WithinLongest => {
            format!("the session lasts at most {}", time(policy.maxSessionSeconds.to::<u64>()))
        }
        OpeningRule::CapNarrows => {
            format!("its own cap for one payment, if any, is at most {}", unit.show(policy.paymentCap.to()))
        }
        OpeningRule::ThresholdNarrows => {
            let threshold = unit.show(policy.approvalThreshold.to());
            format!("its own approval threshold, if any, is at most {threshold}")
        }
        OpeningRule::EscrowHolds => "the escrow, with what the purse gives back, holds the budget".into(),
        OpeningRule::EndsWithWindow(limit) => {
            format!("the session ends within the current window of {}", time(u64::from(limit.period)))
        }
        OpeningRule::WithinLimit(limit) => within(limit, setting, unit),
        OpeningRule::SignedByAgent => "the envelope's agent signed the request".into(),
    }
}

pub(super) fn payment(rule: PaymentRule, setting: &Setting, unit: &Unit) -> String {
    match rule {
        PaymentRule::SessionOpen => "a session is open on the purse".into(),
        PaymentRule::Runs(stop) => runs(stop, setting),
        PaymentRule::PolicyKept => "the policy is the one that the session was opened under".into(),
        PaymentRule::SessionRuns => "the session is not frozen".into(),
        PaymentRule::SessionNotOver => "the session is not over".into(),
        PaymentRule::BlobShaped => "the signature blob has its shape".into(),
        PaymentRule::RailKnown => "it names a rail there is".into(),
        PaymentRule::RailAllowed => {
            "the rail is EIP-3009: the envelope does not let purses pay through Permit2".into()
        }
        PaymentRule::DigestSame => {
            "the token asks about the payment that was signed, under terms in force".into()
        }
        PaymentRule::NotSettledElsewhere => "the decision was not paid for on another rail".into(),
        PaymentRule::OnSessionList => {
            format!("the payee is on the session's list {}", setting.scope.payeeList)
        }
        PaymentRule::AmountAboveZero => "the amount is above 0".into(),
        PaymentRule::WithinCap => format!("the amount is at most {}", unit.show(setting.payment_cap())),
        PaymentRule::OnPolicyList => {
            format!("the payee is on the policy's list {}", setting.policy.payeeList)
        }
        PaymentRule::SignedByKey => "the session key signed".into(),
        PaymentRule::ApprovalNotDue => {
            format!("the amount is at most {}: no human has to approve", unit.show(setting.threshold()))
        }
        PaymentRule::ApprovalSigned => "an account signed the approval of this very payment".into(),
        PaymentRule::ApproverMay => {
            "an approver gave it: no agent, not the session key, no author of policies where duties are apart"
                .into()
        }
        PaymentRule::ApprovalConfirmed => "its contract confirms the approval of this very payment".into(),
        PaymentRule::PurseHolds => "the purse holds the amount".into(),
    }
}

/// What stands over each of the ways on from the fork.
pub(super) fn carried(carried: Carried) -> &'static str {
    match carried {
        Carried::Nothing => "no approval",
        Carried::Account => "an account's approval",
        Carried::Contract => "a contract's approval",
    }
}

/// What a kind is called.
pub(super) fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Trigger => "trigger",
        Kind::Limit => "limit",
        Kind::Override => "override",
        Kind::Proof => "proof",
    }
}

/// How a tree is read.
pub(super) const LEGEND: &str = "A yes goes on to the next question below; a no ends where it points.";
pub(super) const OPENING: &str = "The agent asks to open a session";
pub(super) const PAYMENT: &str = "Somebody submits a payment";
pub(super) const CARRIES: &str = "What approval does the payment carry?";
pub(super) const OPENED: &str = "the session opens";
pub(super) const SETTLED: &str = "the payment settles";

fn runs(stop: Stop, setting: &Setting) -> String {
    match stop {
        Stop::Organisation => "the organisation is not frozen".into(),
        Stop::Envelope => "the envelope is not frozen".into(),
        Stop::Group => {
            let groups: Vec<String> = setting.groups.iter().map(|group| group.number.to_string()).collect();
            let plural = if groups.len() == 1 { "group" } else { "none of the groups" };
            let verb = if groups.len() == 1 { "is not" } else { "is" };
            format!("{plural} {} {verb} frozen", groups.join(", "))
        }
    }
}

fn within(limit: Counted, setting: &Setting, unit: &Unit) -> String {
    let most = unit.show(setting.limit(limit).to_u256());
    let by = match limit.group {
        0 => String::new(),
        group => format!(" by group {group}"),
    };
    match limit.period {
        0 => format!("drawn{by} in all, with this budget: at most {most}"),
        period => format!("drawn{by} within {}, with this budget: at most {most}", time(u64::from(period))),
    }
}

/// The largest unit that divides the time.
fn time(seconds: u64) -> String {
    let (count, name) = match seconds {
        0 => (0, "second"),
        _ if seconds.is_multiple_of(86_400) => (seconds / 86_400, "day"),
        _ if seconds.is_multiple_of(3_600) => (seconds / 3_600, "hour"),
        _ if seconds.is_multiple_of(60) => (seconds / 60, "minute"),
        _ => (seconds, "second"),
    };
    format!("{count} {name}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_keep_every_digit_and_no_more() {
        let usdc = Unit { decimals: 6, symbol: "USDC".into() };
        for (atomic, text) in [
            (0u64, "0 USDC"),
            (1, "0.000001 USDC"),
            (1_000_000, "1 USDC"),
            (2_500_000, "2.5 USDC"),
            (100_000_000, "100 USDC"),
        ] {
            assert_eq!(usdc.show(U256::from(atomic)), text);
        }
        assert_eq!(Unit::default().show(U256::MAX), U256::MAX.to_string());
    }

    #[test]
    fn times_are_told_in_the_largest_unit_that_divides_them() {
        for (seconds, text) in [
            (0u64, "0 seconds"),
            (1, "1 second"),
            (61, "61 seconds"),
            (60, "1 minute"),
            (7_200, "2 hours"),
            (86_400, "1 day"),
            (604_800, "7 days"),
        ] {
            assert_eq!(time(seconds), text);
        }
    }
}
