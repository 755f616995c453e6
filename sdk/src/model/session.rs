//! What opening a session must satisfy, and what it would do.

mod rules;

use std::collections::BTreeMap;

use alloy::{
    primitives::{Address, B256, U256, aliases::U24},
    sol_types::SolStruct as _,
};

use super::{Broken, Envelope, Model, Session, Verdict};
use crate::{
    abi::{self, Treasury},
    amount::Amount,
    refusal::Refusal,
    windows::{Draw, Limits},
};

pub use self::rules::{Counted, OpeningRule};

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
#[derive(Debug, Default)]
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

    /// The first rule that `openSession` finds broken at `now`; `None` where the session would open.
    pub fn opens(
        &self,
        now: u64,
        request: &Treasury::SessionRequest,
        signature: &[u8],
    ) -> Option<Broken<OpeningRule>> {
        self.opening(now, request, signature).check(OpeningRule::all).err()
    }

    /// Every rule of an opening but the signature.
    pub(super) fn plan(&self, now: u64, request: &Treasury::SessionRequest) -> Result<Opening, Verdict> {
        let case = self.opening(now, request, &[]);
        let unsigned = |limits| OpeningRule::all(limits).filter(|rule| *rule != OpeningRule::SignedByAgent);
        case.check(unsigned).map_err(|broken| broken.verdict)?;
        case.drawn()
    }

    /// An opening at a time, before anything is asked of it.
    fn opening<'a>(
        &'a self,
        now: u64,
        request: &'a Treasury::SessionRequest,
        signature: &'a [u8],
    ) -> Case<'a> {
        let number = request.envelope.to::<u32>();
        let envelope = self.envelope(number);
        // An envelope's asset is there for good, so the address is known wherever the envelope is.
        let purse = self.purse_of(number, request.purseIndex).unwrap_or_default();
        let settled = envelope.map(|envelope| self.settlement(now, envelope, purse)).unwrap_or_default();
        Case { model: self, now, request, signature, envelope, purse, settled }
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

/// What the rules of an opening look at.
#[derive(Debug)]
struct Case<'a> {
    model: &'a Model,
    now: u64,
    request: &'a Treasury::SessionRequest,
    signature: &'a [u8],
    envelope: Option<&'a Envelope>,
    purse: Address,
    /// What the end of the purse's session gives back.
    settled: Settled,
}

impl Case<'_> {
    fn check<R: Iterator<Item = OpeningRule>>(
        &self,
        rules: impl FnOnce(Vec<Counted>) -> R,
    ) -> Result<(), Broken<OpeningRule>> {
        let limits = self.envelope.map(|envelope| self.model.counted(envelope)).unwrap_or_default();
        rules(limits).try_for_each(|rule| rule.ask(self))
    }

    /// What the opening does, once no rule speaks against it.
    fn drawn(self) -> Result<Opening, Verdict> {
        let (now, budget) = (self.now, Amount::from(self.request.budget));
        // Within a limit of 96 bits the sum cannot overflow, and without a limit nothing is added up.
        let draw = |limits: &mut Limits| {
            limits.draw(now, budget).map_err(|over| {
                let (used, budget) = (over.used.to_u256(), over.budget.to_u256());
                Verdict::new(Refusal::WindowLimitExceeded, used, budget)
            })
        };
        let (mut limits, mut groups) = (self.settled.limits.clone(), self.settled.groups.clone());
        draw(&mut limits)?;
        for (number, group) in self.model.chain(self.envelope.map_or(0, |envelope| envelope.group)) {
            draw(groups.entry(number).or_insert_with(|| group.limits.clone()))?;
        }
        Ok(Opening { purse: self.purse, settled: self.settled, limits, groups })
    }
}

/// An address as the contract names it in a reason.
pub(super) fn word(address: Address) -> U256 {
    U256::from_be_slice(address.as_slice())
}
