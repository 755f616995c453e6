//! How rows stood after blocks that changed them. Blocks only add here.

use alloy::primitives::Address;

use super::written;
use crate::{
    db::{Table, Value, table},
    ledger::{EnvelopeThen, Key, SessionThen, Then, TreasuryThen},
    store::StoreError,
};

/// The tables of what stood.
pub(in crate::store) static THEN: [&Table; 7] =
    [&TREASURY_THEN, &GROUP_THEN, &ENVELOPE_THEN, &AGENT_THEN, &LIMITS_THEN, &PAYEE_THEN, &SESSION_THEN];

/// What is kept of a change in a block: how it stood before, and how it stands after.
pub(in crate::store) fn then(
    block: u64,
    key: &Key,
    before: Option<&Then>,
    after: Option<&Then>,
) -> Result<Vec<(&'static Table, Vec<Value>)>, StoreError> {
    let Some(now) = after.filter(|now| now.is_kept_after(before)) else { return Ok(Vec::new()) };
    let mut rows: Vec<(&'static Table, Vec<Value>)> = Vec::with_capacity(2);
    match (*key, now) {
        (Key::Treasury(it), Then::Treasury(now)) => {
            rows.push((&TREASURY_THEN, treasury_then(it, block, *now)))
        }
        (Key::Group(of, number), Then::Group(frozen)) => {
            rows.push((&GROUP_THEN, group_then(of, number, block, *frozen)));
        }
        (Key::Envelope(of, number), Then::Envelope(now)) => {
            rows.push((&ENVELOPE_THEN, envelope_then(of, number, block, now)));
            let had = before.and_then(|before| match before {
                Then::Envelope(before) => Some(before.agent),
                _ => None,
            });
            if had != Some(now.agent) {
                rows.push((&AGENT_THEN, agent_then(of, number, block, now.agent)));
            }
        }
        (Key::Limits(of, number), Then::Limits(uses)) => {
            rows.push((&LIMITS_THEN, limits_then(of, number, block, written(uses)?)));
        }
        (Key::Payee(of, list, payee), Then::Payee(listed)) => {
            rows.push((&PAYEE_THEN, payee_then(of, list, payee, block, *listed)));
        }
        (Key::Session(purse, sequence), Then::Session(now)) => {
            rows.push((&SESSION_THEN, session_then(purse, sequence, block, *now)));
        }
        _ => {}
    }
    Ok(rows)
}

table! {
    TREASURY_THEN, fn treasury_then(it: Address, block: u64, then: TreasuryThen) {
        key { treasury: it, block_number: block }
        frozen: then.frozen,
        stamp_epoch: then.stamp_epoch,
    }
}

table! {
    GROUP_THEN, fn group_then(of: Address, number: u32, block: u64, frozen: bool) {
        key { treasury: of, number: number, block_number: block }
        frozen: frozen,
    }
}

table! {
    ENVELOPE_THEN, fn envelope_then(of: Address, number: u32, block: u64, then: &EnvelopeThen) {
        key { treasury: of, number: number, block_number: block }
        agent: then.agent,
        group_number: then.group,
        permit2: then.permit2,
        frozen: then.frozen,
        under_review: then.under_review,
        policy_version: then.policy_version,
        score_life: then.score_life,
        score: then.score,
        scored_at: then.scored_at,
        funded: then.funded,
        withdrawn: then.withdrawn,
        drawn: then.drawn,
        returned: then.returned,
        donated: then.donated,
        paid: then.paid.sum,
        payments: then.paid.payments,
    }
}

table! {
    AGENT_THEN, fn agent_then(of: Address, number: u32, block: u64, agent: Address) {
        key { treasury: of, number: number, block_number: block }
        agent: agent,
    }
}

table! {
    LIMITS_THEN, fn limits_then(of: Address, number: u32, block: u64, uses: String) {
        key { treasury: of, number: number, block_number: block }
        uses: uses,
    }
}

table! {
    PAYEE_THEN, fn payee_then(of: Address, list: u16, payee: Address, block: u64, listed: bool) {
        key { treasury: of, list: list, payee: payee, block_number: block }
        listed: listed,
    }
}

table! {
    SESSION_THEN, fn session_then(purse: Address, sequence: u32, block: u64, then: SessionThen) {
        key { purse: purse, sequence: sequence, block_number: block }
        frozen: then.frozen,
        closed: then.closed,
        paid: then.paid.sum,
        payments: then.paid.payments,
    }
}
