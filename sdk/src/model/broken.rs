//! A rule that does not hold, with what it compared; and the rules that payments and openings share.

use alloy::primitives::U256;

use super::{Envelope, Model, Verdict};
use crate::refusal::Refusal;

/// The first rule that does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Broken<R> {
    /// Which.
    pub rule: R,
    /// What it comes to, with both values.
    pub verdict: Verdict,
}

/// What a rule compared where it does not hold: what binds and what came, both in the unit of what is limited.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Values {
    limit: U256,
    actual: U256,
}

impl Values {
    pub(super) fn new(limit: impl Into<U256>, actual: impl Into<U256>) -> Self {
        Self { limit: limit.into(), actual: actual.into() }
    }

    /// Nothing where the rule holds, else both values.
    pub(super) fn unless(holds: bool, limit: impl Into<U256>, actual: impl Into<U256>) -> Result<(), Self> {
        if holds { Ok(()) } else { Err(Self::new(limit, actual)) }
    }

    pub(super) fn verdict(self, reason: Refusal) -> Verdict {
        Verdict { reason, limit: self.limit, actual: self.actual }
    }
}

/// Who or what can be stopped above a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stop {
    /// The whole organisation.
    Organisation,
    /// The envelope.
    Envelope,
    /// Its group, or one above it.
    Group,
}

impl Stop {
    /// Every level, in the order the contract asks.
    pub const ALL: [Self; 3] = [Self::Organisation, Self::Envelope, Self::Group];

    /// Why whatever is below is refused.
    pub fn refusal(self) -> Refusal {
        match self {
            Self::Organisation => Refusal::OrganisationFrozen,
            Self::Envelope => Refusal::EnvelopeFrozen,
            Self::Group => Refusal::GroupFrozen,
        }
    }

    /// Whether nobody stopped it.
    pub(super) fn check(self, model: &Model, envelope: &Envelope) -> Result<(), Values> {
        match self {
            Self::Organisation => Values::unless(!model.organisation.frozen, U256::ZERO, U256::ZERO),
            Self::Envelope => Values::unless(!envelope.frozen, U256::ZERO, U256::ZERO),
            Self::Group => match model.chain(envelope.group).find(|(_, group)| group.frozen) {
                Some((number, _)) => Err(Values::new(U256::from(number), U256::ZERO)),
                None => Ok(()),
            },
        }
    }
}
