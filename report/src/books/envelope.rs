//! One agent's budget, as its events tell it.

use std::collections::BTreeMap;

use alloy::primitives::{Address, U256};

use super::Place;
use crate::event::Rules;

/// One agent's budget.
#[derive(Debug, Clone)]
pub(crate) struct Envelope {
    pub(crate) agent: Address,
    pub(crate) asset: Address,
    pub(crate) group: u32,
    pub(crate) permit2: bool,
    pub(crate) frozen: bool,
    pub(crate) under_review: bool,
    pub(crate) version: u16,
    pub(crate) policies: BTreeMap<u16, Policy>,
    /// For how long a score lets sessions open, in seconds; 0 asks for none.
    pub(crate) score_life: u32,
    pub(crate) score: Option<(u16, Place)>,
    /// When a human last cleared a review.
    pub(crate) looked: Option<Place>,
    pub(crate) created: Place,
}

/// A policy that was put in force.
#[derive(Debug, Clone)]
pub(crate) struct Policy {
    pub(crate) rules: Rules,
    pub(crate) by: Address,
    pub(crate) place: Place,
}

impl Policy {
    /// Its windows, and its lifetime limit where it has one (0 seconds).
    pub(crate) fn limits(&self) -> Vec<(u32, U256)> {
        let windows = self.rules.windows.iter().map(|window| (window.period, window.limit.to_u256()));
        let lifetime = Some(self.rules.lifetime_limit).filter(|limit| !limit.is_zero());
        windows.chain(lifetime.map(|limit| (0, limit.to_u256()))).collect()
    }
}

impl Envelope {
    pub(crate) fn policy(&self) -> Option<&Policy> {
        self.policies.get(&self.version)
    }
}
