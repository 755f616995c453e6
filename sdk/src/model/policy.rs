//! What makes a policy sound.

use alloy::primitives::{U256, aliases::U96};

use super::Answer;
use crate::{
    abi::Treasury::{Policy, PolicyInvalid, WindowLimit},
    policy::MAX_WINDOWS,
};

/// Refuses a policy that contradicts itself, naming the first rule that does not hold, with both values.
pub(super) fn validate(policy: &Policy) -> Answer {
    let (cap, session) = (policy.paymentCap.to::<U256>(), policy.sessionLimit.to::<U256>());
    at_least("paymentCap", U256::from(1), cap)?;
    at_most("approvalThreshold exceeds paymentCap", cap, policy.approvalThreshold.to())?;
    at_least("sessionLimit below paymentCap", cap, session)?;
    at_least("maxSessionSeconds", U256::from(1), policy.maxSessionSeconds.to())?;
    if policy.policyHash.is_zero() {
        return Err(invalid("policyHash", U256::from(1), U256::ZERO).into());
    }
    validate_limits(&policy.windows, policy.lifetimeLimit, session)
}

/// Refuses limits that contradict each other: periods must rise, and limits must not fall with them.
/// `least`: the least that the first limit may be, in atomic units.
pub(super) fn validate_limits(windows: &[WindowLimit], lifetime: U96, least: U256) -> Answer {
    at_most("windows", U256::from(MAX_WINDOWS), U256::from(windows.len()))?;
    let (mut period, mut limit) = (U256::ZERO, least);
    for window in windows {
        let (its_period, its_limit) = (U256::from(window.period), window.limit.to::<U256>());
        at_least("window period not longer than the one before", period + U256::from(1), its_period)?;
        at_least("window limit below sessionLimit or a shorter window", limit, its_limit)?;
        (period, limit) = (its_period, its_limit);
    }
    if lifetime.is_zero() {
        return Ok(());
    }
    at_least("lifetimeLimit below sessionLimit or a window", limit, lifetime.to())
}

fn at_least(field: &str, bound: U256, value: U256) -> Answer {
    if value >= bound { Ok(()) } else { Err(invalid(field, bound, value).into()) }
}

fn at_most(field: &str, bound: U256, value: U256) -> Answer {
    if value <= bound { Ok(()) } else { Err(invalid(field, bound, value).into()) }
}

pub(super) fn invalid(field: &str, bound: U256, value: U256) -> PolicyInvalid {
    PolicyInvalid { field: field.to_owned(), bound, value }
}
