//! The rules of an opening, one by one, in the order that the contract asks them.

use alloy::primitives::U256;

use super::{Case, MAX_SEQUENCE, word};
use crate::{
    model::{Broken, Envelope, Model, Stop, broken::Values, signature},
    refusal::Refusal,
    windows::{Window, end_at},
};

/// One question about an opening. Where the answer is no, the opening is refused for [`Self::refusal`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OpeningRule {
    /// The envelope is there.
    EnvelopeKnown,
    /// Nobody stopped the envelope.
    Runs(Stop),
    /// The envelope is not under review.
    NotUnderReview,
    /// The stamp that the request names is not revoked.
    StampGood,
    /// The last score is fresh, where the envelope asks for one.
    ScoreFresh,
    /// The purse is there.
    PurseKnown,
    /// The purse has no frozen session that would still run.
    NoFrozenSession,
    /// The request is the purse's next.
    NextInSequence,
    /// The session key is a fresh one.
    KeyFresh,
    /// The session asks for something.
    BudgetAboveZero,
    /// The budget is within the limit for one session.
    WithinSessionLimit,
    /// The session ends later than now.
    EndsLater,
    /// The session is no longer than the longest.
    WithinLongest,
    /// The session's own cap narrows the policy's.
    CapNarrows,
    /// The session's own approval threshold narrows the policy's.
    ThresholdNarrows,
    /// The escrow, with what the purse gives back, holds the budget.
    EscrowHolds,
    /// The session ends with the current window of a limit.
    EndsWithWindow(Counted),
    /// The limit has room for the budget.
    WithinLimit(Counted),
    /// The envelope's agent signed the request.
    SignedByAgent,
}

/// A limit that an opening counts in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Counted {
    /// Whose limit: a group's, by its number, or the envelope's own (0).
    pub group: u32,
    /// Which of them, from 0.
    pub index: usize,
    /// Length of its window, in seconds; 0 for the lifetime limit.
    pub period: u32,
}

impl OpeningRule {
    /// The rules before those of limits that count.
    const FIRST: [Self; 18] = [
        Self::EnvelopeKnown,
        Self::Runs(Stop::Organisation),
        Self::Runs(Stop::Envelope),
        Self::Runs(Stop::Group),
        Self::NotUnderReview,
        Self::StampGood,
        Self::ScoreFresh,
        Self::PurseKnown,
        Self::NoFrozenSession,
        Self::NextInSequence,
        Self::KeyFresh,
        Self::BudgetAboveZero,
        Self::WithinSessionLimit,
        Self::EndsLater,
        Self::WithinLongest,
        Self::CapNarrows,
        Self::ThresholdNarrows,
        Self::EscrowHolds,
    ];

    /// Every rule of an opening that counts in those limits, in the contract's order; the signature comes last.
    pub fn all(limits: impl IntoIterator<Item = Counted>) -> impl Iterator<Item = Self> {
        // What a session spends must be spent in the window that counted it.
        let counted = |limit| [Self::EndsWithWindow(limit), Self::WithinLimit(limit)];
        let counted = limits.into_iter().flat_map(counted);
        Self::FIRST.into_iter().chain(counted).chain([Self::SignedByAgent])
    }

    /// Why an opening that breaks the rule is refused.
    pub fn refusal(self) -> Refusal {
        match self {
            Self::EnvelopeKnown => Refusal::EnvelopeUnknown,
            Self::Runs(stop) => stop.refusal(),
            Self::NotUnderReview => Refusal::UnderReview,
            Self::StampGood => Refusal::StampRevoked,
            Self::ScoreFresh => Refusal::ScoreStale,
            Self::PurseKnown => Refusal::PurseUnknown,
            Self::NoFrozenSession => Refusal::SessionFrozen,
            Self::NextInSequence => Refusal::SequenceMismatch,
            Self::KeyFresh => Refusal::SessionKeyInvalid,
            Self::BudgetAboveZero => Refusal::BudgetZero,
            Self::WithinSessionLimit => Refusal::SessionLimitExceeded,
            Self::EndsLater => Refusal::ExpiryInPast,
            Self::WithinLongest => Refusal::SessionTooLong,
            Self::CapNarrows | Self::ThresholdNarrows => Refusal::ScopeWidens,
            Self::EscrowHolds => Refusal::EscrowExceeded,
            Self::EndsWithWindow(_) => Refusal::ExpiryPastWindow,
            Self::WithinLimit(Counted { group: 0, period: 0, .. }) => Refusal::LifetimeLimitExceeded,
            Self::WithinLimit(Counted { group: 0, .. }) => Refusal::WindowLimitExceeded,
            Self::WithinLimit(Counted { period: 0, .. }) => Refusal::GroupLifetimeLimitExceeded,
            Self::WithinLimit(_) => Refusal::GroupWindowLimitExceeded,
            Self::SignedByAgent => Refusal::AgentSignatureInvalid,
        }
    }

    pub(super) fn ask(self, case: &Case<'_>) -> Result<(), Broken<Self>> {
        let asked = self.values(case);
        asked.map_err(|values| Broken { rule: self, verdict: values.verdict(self.refusal()) })
    }

    /// Whether the case keeps the rule; if not, what binds and what came.
    fn values(self, case: &Case<'_>) -> Result<(), Values> {
        let (model, request) = (case.model, case.request);
        let Some(envelope) = case.envelope else {
            // The first rule says so, and no other is asked.
            return Err(Values::new(U256::from(model.envelopes.len()), U256::from(request.envelope)));
        };
        let policy = &envelope.policy;
        let (now, expiry) = (U256::from(case.now), U256::from(request.expiry));
        let budget: U256 = request.budget.to();
        let at_most = |limit: U256, actual: U256| Values::unless(actual <= limit, limit, actual);
        match self {
            Self::EnvelopeKnown => Ok(()),
            Self::Runs(stop) => stop.check(model, envelope),
            Self::NotUnderReview => Values::unless(!envelope.under_review, U256::ZERO, U256::ZERO),
            Self::StampGood => {
                let stamp = request.stampHash;
                let revoked = !stamp.is_zero() && model.revoked_stamps.contains(&stamp);
                Values::unless(!revoked, U256::ZERO, stamp)
            }
            Self::ScoreFresh => {
                let until = U256::from(envelope.scored_at.saturating_add(u64::from(envelope.score_life)));
                Values::unless(envelope.score_life == 0 || now < until, until, now)
            }
            Self::PurseKnown => at_most(U256::from(envelope.last_purse), U256::from(request.purseIndex)),
            Self::NoFrozenSession => {
                let session = model.session(case.purse);
                let held = session.is_some_and(|session| session.held_frozen(case.now));
                Values::unless(!held, U256::ZERO, U256::ZERO)
            }
            Self::NextInSequence => {
                let (next, asked) = (model.sequence(case.purse) + 1, request.sequence.to::<u32>());
                let fits = asked == next && next <= MAX_SEQUENCE;
                Values::unless(fits, U256::from(next), U256::from(asked))
            }
            Self::KeyFresh => {
                let last = model.session(case.purse).map(|session| session.key);
                let key = request.key;
                let stale = key.is_zero() || key == envelope.agent || Some(key) == last;
                Values::unless(!stale, word(envelope.agent), word(key))
            }
            Self::BudgetAboveZero => Values::unless(!budget.is_zero(), U256::from(1), U256::ZERO),
            Self::WithinSessionLimit => at_most(policy.sessionLimit.to(), budget),
            Self::EndsLater => Values::unless(expiry > now, now, expiry),
            Self::WithinLongest => at_most(now + policy.maxSessionSeconds.to::<U256>(), expiry),
            Self::CapNarrows => at_most(policy.paymentCap.to(), request.scope.paymentCap.to()),
            Self::ThresholdNarrows => {
                at_most(policy.approvalThreshold.to(), request.scope.approvalThreshold.to())
            }
            Self::EscrowHolds => at_most(envelope.escrow.to_u256().saturating_add(case.settled.held), budget),
            Self::EndsWithWindow(limit) => match end_at(limit.period, case.now).map(U256::from) {
                Some(end) => Values::unless(expiry <= end, end, expiry),
                None => Ok(()),
            },
            Self::WithinLimit(limit) => match case.window(limit) {
                Some(window) => at_most(window.limit.to_u256(), window.used_at(case.now).to_u256() + budget),
                None => Ok(()),
            },
            Self::SignedByAgent => {
                let digest = model.open_session_digest(request);
                let signed = signature::is_by(&model.wallets, envelope.agent, digest, case.signature);
                Values::unless(signed, word(envelope.agent), U256::ZERO)
            }
        }
    }
}

impl Case<'_> {
    /// A limit as it stands once the purse's last session has given back what it did not spend.
    fn window(&self, limit: Counted) -> Option<&Window> {
        let limits = match limit.group {
            0 => &self.settled.limits,
            group => self.settled.groups.get(&group).or_else(|| Some(&self.model.group(group)?.limits))?,
        };
        limits.windows.get(limit.index)
    }
}

impl Model {
    /// The limits that an envelope's openings count in: its own, then those of its group and of the groups above.
    pub fn counted(&self, envelope: &Envelope) -> Vec<Counted> {
        let own = [(0, &envelope.limits)];
        let groups = self.chain(envelope.group).map(|(number, group)| (number, &group.limits));
        let of = |(group, limits): (u32, &crate::windows::Limits)| {
            let periods: Vec<u32> = limits.windows.iter().map(|window| window.period).collect();
            periods.into_iter().enumerate().map(move |(index, period)| Counted { group, index, period })
        };
        own.into_iter().chain(groups).flat_map(of).collect()
    }
}
