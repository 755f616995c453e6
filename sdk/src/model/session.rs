//! What opening a session must satisfy, and what it would do.

use std::collections::BTreeMap;

use alloy::{
    primitives::{Address, B256, U256, aliases::U24},
    sol_types::SolStruct as _,
};

use super::{Envelope, Model, Session, Verdict};
use crate::{
    abi::{self, Treasury},
    amount::Amount,
    refusal::Refusal,
    windows::{Draw, Limits, end_at},
};

/// The largest sequence number of a purse's session.
const MAX_SEQUENCE: u32 = (1 << 23) - 1;

/// What an opening would do: worked out once, for whoever asks and for the call that does.
#[derive(Debug)]
pub(super) struct Opening {
    pub(super) purse: Address,
    pub(super) settled: Settled,
    /// The envelope's limits as they will be.
    pub(super) limits: Limits,
    /// Those of the groups that change, by number.
    pub(super) groups: BTreeMap<u32, Limits>,
}

/// What the end of a purse's session, if there is one, gives back.
#[derive(Debug)]
pub(super) struct Settled {
    /// What the purse holds and gives back first.
    pub(super) held: U256,
    /// The part of it that its session had drawn.
    pub(super) unspent: Amount,
    /// The envelope's limits once it is given back.
    pub(super) limits: Limits,
    /// Those of the groups it was drawn from, by number.
    pub(super) groups: BTreeMap<u32, Limits>,
}

impl Model {
    /// Why `openSession` would refuse the request at `now`, its signature aside.
    ///
    /// # Errors
    /// The contract's reason with both values.
    pub fn diagnose_session(&self, now: u64, request: &Treasury::SessionRequest) -> Result<(), Verdict> {
        self.plan(now, request).map(|_| ())
    }

    /// Every rule of an opening but the signature.
    pub(super) fn plan(&self, now: u64, request: &Treasury::SessionRequest) -> Result<Opening, Verdict> {
        let number = request.envelope.to::<u32>();
        let envelope = self.envelope(number).ok_or_else(|| {
            Verdict::new(Refusal::EnvelopeUnknown, count(&self.envelopes), U256::from(number))
        })?;
        self.check_stops(Some(envelope))?;
        if envelope.under_review {
            return Err(Verdict::plain(Refusal::UnderReview));
        }
        if !request.stampHash.is_zero() && self.revoked_stamps.contains(&request.stampHash) {
            return Err(Verdict::new(Refusal::StampRevoked, U256::ZERO, request.stampHash));
        }
        envelope.check_score(now)?;
        let (last, index) = (envelope.last_purse, request.purseIndex);
        if index > last {
            return Err(Verdict::new(Refusal::PurseUnknown, U256::from(last), U256::from(index)));
        }
        // An envelope's asset is there for good, so the address is known wherever the envelope is.
        let purse = self.purse_of(number, index).unwrap_or_default();
        self.check_turn(now, purse, request)?;
        self.check_key(envelope, purse, request)?;
        check_terms(now, envelope, request)?;

        let settled = self.settlement(now, envelope, purse);
        let available = envelope.escrow.to_u256().saturating_add(settled.held);
        let budget = Amount::from(request.budget);
        if budget.to_u256() > available {
            return Err(Verdict::new(Refusal::EscrowExceeded, available, budget.to_u256()));
        }
        let expiry = u64::from(request.expiry);
        let own = (Refusal::WindowLimitExceeded, Refusal::LifetimeLimitExceeded);
        let limits = drawn(now, &settled.limits, budget, expiry, own)?;
        let shared = (Refusal::GroupWindowLimitExceeded, Refusal::GroupLifetimeLimitExceeded);
        let mut groups = settled.groups.clone();
        for (number, group) in self.chain(envelope.group) {
            let before = groups.get(&number).unwrap_or(&group.limits);
            let after = drawn(now, before, budget, expiry, shared)?;
            groups.insert(number, after);
        }
        Ok(Opening { purse, settled, limits, groups })
    }

    /// A purse's sessions come one after the other, and a frozen one is the treasury's to end.
    fn check_turn(
        &self,
        now: u64,
        purse: Address,
        request: &Treasury::SessionRequest,
    ) -> Result<(), Verdict> {
        if self.session(purse).is_some_and(|session| session.held_frozen(now)) {
            return Err(Verdict::plain(Refusal::SessionFrozen));
        }
        let next = self.sequence(purse) + 1;
        let sequence = request.sequence.to::<u32>();
        if sequence != next || next > MAX_SEQUENCE {
            return Err(Verdict::new(Refusal::SequenceMismatch, U256::from(next), U256::from(sequence)));
        }
        Ok(())
    }

    fn check_key(
        &self,
        envelope: &Envelope,
        purse: Address,
        request: &Treasury::SessionRequest,
    ) -> Result<(), Verdict> {
        let last = self.session(purse).map(|session| session.key);
        if request.key.is_zero() || request.key == envelope.agent || Some(request.key) == last {
            return Err(Verdict::new(Refusal::SessionKeyInvalid, word(envelope.agent), word(request.key)));
        }
        Ok(())
    }

    pub(super) fn settlement(&self, now: u64, envelope: &Envelope, purse: Address) -> Settled {
        let token = self.assets.get(envelope.asset).map(|asset| asset.token).unwrap_or_default();
        let held = self.balance(token, purse);
        let mut limits = envelope.limits.clone();
        let Some(session) = self.session(purse) else {
            return Settled { held, unspent: Amount::ZERO, limits, groups: BTreeMap::new() };
        };
        let unspent = Amount::try_from(held).map_or(session.budget, |held| held.min(session.budget));
        let draw = Draw { opened_at: session.opened_at, policy_version: session.policy_version };
        limits.give_back(now, draw, unspent);
        let mut groups = BTreeMap::new();
        for (number, group) in self.chain(session.group) {
            let mut limits = group.limits.clone();
            limits.give_back(now, draw, unspent);
            groups.insert(number, limits);
        }
        Settled { held, unspent, limits, groups }
    }

    /// The digest that the agent signs to open a session.
    pub fn open_session_digest(&self, request: &Treasury::SessionRequest) -> B256 {
        abi::OpenSession::from(request).eip712_signing_hash(&self.domain)
    }

    /// The digest that the agent signs to close a purse's session of that number.
    pub fn close_session_digest(&self, purse: Address, sequence: u32) -> B256 {
        let sequence = U24::saturating_from(sequence);
        abi::CloseSession { purse, sequence }.eip712_signing_hash(&self.domain)
    }
}

impl Session {
    /// Whether it is frozen and would otherwise still run.
    pub fn held_frozen(&self, now: u64) -> bool {
        self.frozen && now < self.expiry
    }
}

/// Budget, expiry and scope against the policy.
fn check_terms(now: u64, envelope: &Envelope, request: &Treasury::SessionRequest) -> Result<(), Verdict> {
    let policy = &envelope.policy;
    let (now, expiry) = (U256::from(now), U256::from(request.expiry));
    if request.budget.is_zero() {
        return Err(Verdict::new(Refusal::BudgetZero, U256::from(1), U256::ZERO));
    }
    let refuse_above = |reason, limit: U256, actual: U256| {
        if actual > limit { Err(Verdict::new(reason, limit, actual)) } else { Ok(()) }
    };
    refuse_above(Refusal::SessionLimitExceeded, policy.sessionLimit.to(), request.budget.to())?;
    if expiry <= now {
        return Err(Verdict::new(Refusal::ExpiryInPast, now, expiry));
    }
    refuse_above(Refusal::SessionTooLong, now + policy.maxSessionSeconds.to::<U256>(), expiry)?;
    let scope = &request.scope;
    refuse_above(Refusal::ScopeWidens, policy.paymentCap.to(), scope.paymentCap.to())?;
    refuse_above(Refusal::ScopeWidens, policy.approvalThreshold.to(), scope.approvalThreshold.to())
}

/// The limits once `budget` is drawn; the first that binds refuses.
/// `reasons`: where a window binds, and where the lifetime does.
fn drawn(
    now: u64,
    limits: &Limits,
    budget: Amount,
    expiry: u64,
    reasons: (Refusal, Refusal),
) -> Result<Limits, Verdict> {
    for window in &limits.windows {
        // What a session spends must be spent in the window that counted it.
        if let Some(end) = end_at(window.period, now)
            && expiry > end
        {
            return Err(Verdict::new(Refusal::ExpiryPastWindow, U256::from(end), U256::from(expiry)));
        }
        let (limit, used) = (window.limit.to_u256(), window.used_at(now).to_u256() + budget.to_u256());
        if used > limit {
            let reason = if window.period == 0 { reasons.1 } else { reasons.0 };
            return Err(Verdict::new(reason, limit, used));
        }
    }
    let mut next = limits.clone();
    // Within a limit of 96 bits the sum cannot overflow, and without a limit nothing is added up.
    if let Err(overflow) = next.draw(now, budget) {
        return Err(Verdict::new(reasons.0, overflow.used.to_u256(), overflow.budget.to_u256()));
    }
    Ok(next)
}

/// How many envelopes there are.
fn count(envelopes: &[Envelope]) -> U256 {
    U256::from(envelopes.len())
}

/// An address as the contract names it in a reason.
pub(super) fn word(address: Address) -> U256 {
    U256::from_be_slice(address.as_slice())
}
