//! Envelopes, the groups above them, and what the limits of both have counted.

use alloy::primitives::Address;

use crate::{
    db::{DbError, DbRow, table},
    ledger::{EnvelopeRow, GroupRow, LimitUse, Newcomers},
};

table! {
    ENVELOPE, fn envelope(of: Address, number: u32, row: &EnvelopeRow) {
        key { treasury: of, number: number }
        agent: row.agent,
        asset: row.asset,
        frozen: row.frozen,
        under_review: row.under_review,
        policy_version: row.policy_version,
        approval_threshold: row.approval_threshold,
        windows_since: row.windows_since,
        purses: row.purses,
        funded: row.funded,
        withdrawn: row.withdrawn,
        drawn: row.drawn,
        returned: row.returned,
        paid: row.paid,
        donated: row.donated,
        payments: row.payments,
        created_block: row.created_block,
        group_number: row.group,
        permit2: row.permit2,
        score_life: row.score_life,
        score: row.score,
        scored_at: row.scored_at,
        payee_list: row.payee_list,
        open_sessions: row.open_sessions,
        open_until: row.open_until,
        newcomers_slot: row.newcomers.slot,
        newcomers: row.newcomers.here,
        newcomers_before: row.newcomers.before,
        unexplained: row.unexplained,
    }
}

pub(super) fn read_envelope(row: &DbRow) -> Result<EnvelopeRow, DbError> {
    Ok(EnvelopeRow {
        agent: row.address("agent")?,
        asset: row.address("asset")?,
        frozen: row.flag("frozen")?,
        under_review: row.flag("under_review")?,
        policy_version: row.number("policy_version")?,
        approval_threshold: row.total("approval_threshold")?,
        windows_since: row.number("windows_since")?,
        purses: row.number("purses")?,
        funded: row.total("funded")?,
        withdrawn: row.total("withdrawn")?,
        drawn: row.total("drawn")?,
        returned: row.total("returned")?,
        paid: row.total("paid")?,
        donated: row.total("donated")?,
        payments: row.number("payments")?,
        created_block: row.number("created_block")?,
        group: row.number("group_number")?,
        permit2: row.flag("permit2")?,
        score_life: row.number("score_life")?,
        score: row.number("score")?,
        scored_at: row.number("scored_at")?,
        payee_list: row.number("payee_list")?,
        open_sessions: row.number("open_sessions")?,
        open_until: row.number("open_until")?,
        newcomers: Newcomers {
            slot: row.number("newcomers_slot")?,
            here: row.number("newcomers")?,
            before: row.number("newcomers_before")?,
        },
        unexplained: row.number("unexplained")?,
    })
}

table! {
    ENVELOPE_GROUP, fn envelope_group(of: Address, number: u32, row: &GroupRow) {
        key { treasury: of, number: number }
        parent: row.parent,
        asset: row.asset,
        frozen: row.frozen,
        epoch: row.epoch,
        created_block: row.created_block,
    }
}

pub(super) fn read_group(row: &DbRow) -> Result<GroupRow, DbError> {
    Ok(GroupRow {
        parent: row.number("parent")?,
        asset: row.address("asset")?,
        frozen: row.flag("frozen")?,
        epoch: row.number("epoch")?,
        created_block: row.number("created_block")?,
    })
}

// The limits of one envelope or group are written and read together, so its key is theirs.
table! {
    LIMIT_USE, fn limit_use(of: Address, number: u32, idx: u64, row: &LimitUse) {
        key { treasury: of, envelope: number }
        idx: idx,
        period: row.period,
        limit_amount: row.limit,
        used: row.used,
        window_index: row.index,
    }
}

table! {
    GROUP_LIMIT_USE, fn group_limit_use(of: Address, number: u32, idx: u64, row: &LimitUse) {
        key { treasury: of, group_number: number }
        idx: idx,
        period: row.period,
        limit_amount: row.limit,
        used: row.used,
        window_index: row.index,
    }
}

pub(super) fn read_limits(rows: &[DbRow]) -> Result<Vec<LimitUse>, DbError> {
    let read = |row: &DbRow| {
        let limit = LimitUse {
            period: row.number("period")?,
            limit: row.amount("limit_amount")?,
            used: row.amount("used")?,
            index: row.number("window_index")?,
        };
        Ok((row.number::<u64>("idx")?, limit))
    };
    let mut limits = rows.iter().map(read).collect::<Result<Vec<_>, DbError>>()?;
    limits.sort_by_key(|(idx, _)| *idx);
    Ok(limits.into_iter().map(|(_, limit)| limit).collect())
}
