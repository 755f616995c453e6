//! What a block adds. Its rows name it, so unwinding deletes by block.

use super::{SCORE_HISTORY, THEN};
use crate::{
    db::{Table, Value, table},
    ledger::{
        AnchorRow, Aside, Effects, EventRow, PaymentRow, PolicyRow, SettlementRow, StampRow, StopRow,
        standing,
    },
    source::BlockHeader,
};

/// The tables that blocks only add to.
pub(in crate::store) fn added() -> impl Iterator<Item = &'static Table> {
    ADDED.into_iter().chain(THEN)
}

static ADDED: [&Table; 10] = [
    &EVENT,
    &PAYMENT,
    &UNEXPLAINED,
    &SETTLEMENT,
    &POLICY,
    &STOP,
    &STAMP_REVOCATION,
    &ANCHOR,
    &UNDECODED,
    &SCORE_HISTORY,
];

/// The rows that a block adds, as they are written, but for its settlements.
pub(in crate::store) fn add<'a>(
    block: &'a BlockHeader,
    effects: &'a Effects,
) -> impl Iterator<Item = (&'static Table, Vec<Value>)> + use<'a> {
    let events = effects.events.iter().map(move |row| (&EVENT as &'static Table, event(block, row)));
    let payments = effects.payments.iter().map(move |row| (&PAYMENT, payment(block, row)));
    let policies = effects.policies.iter().map(move |row| (&POLICY, policy(block, row)));
    let stops = effects.stops.iter().map(move |row| (&STOP, stop(block, row)));
    let stamps = effects.stamps.iter().map(move |row| (&STAMP_REVOCATION, stamp_revocation(block, row)));
    let anchors = effects.anchors.iter().map(move |row| (&ANCHOR, anchor(block, row)));
    let aside = effects.aside.iter().map(move |row| (&UNDECODED, undecoded(block, row)));
    let told = events.chain(payments).chain(policies);
    told.chain(stops).chain(stamps).chain(anchors).chain(aside)
}

table! {
    EVENT, fn event(block: &BlockHeader, row: &EventRow) {
        key { block_number: block.number, log_index: row.log_index }
        block_hash: block.hash,
        tx_hash: row.tx_hash,
        address: row.address,
        treasury: row.treasury,
        envelope: row.envelope,
        kind: row.kind,
        args: row.args.as_str(),
    }
}

table! {
    PAYMENT, fn payment(block: &BlockHeader, row: &PaymentRow) {
        key { block_number: block.number, log_index: row.log_index }
        block_hash: block.hash,
        tx_hash: row.tx_hash,
        timestamp: block.timestamp,
        treasury: row.treasury,
        envelope: row.envelope,
        agent: row.agent,
        purse: row.purse,
        session: row.session,
        policy_version: row.policy_version,
        asset: row.asset,
        payee: row.payee,
        amount: row.amount,
        nonce: row.nonce,
        transfer_log_index: row.transfer_log_index,
        decision_hash: row.decision_hash,
        approver: row.approver,
        facilitator: row.facilitator,
        rail: row.rail,
        standing: standing::code(row.standing),
    }
}

// Beside a payment that no decision is known of.
table! {
    UNEXPLAINED, fn unexplained(block: &BlockHeader, row: &PaymentRow) {
        key { block_number: block.number, log_index: row.log_index }
        treasury: row.treasury,
        envelope: row.envelope,
    }
}

table! {
    SETTLEMENT, fn settlement(block: &BlockHeader, row: &SettlementRow) {
        key { block_number: block.number, log_index: row.log_index }
        block_hash: block.hash,
        tx_hash: row.tx_hash,
        timestamp: block.timestamp,
        payer: row.payer,
        asset: row.asset,
        payee: row.payee,
        amount: row.amount,
        nonce: row.nonce,
        transfer_log_index: row.transfer_log_index,
        rail: row.rail,
        facilitator: row.facilitator,
    }
}

table! {
    POLICY, fn policy(block: &BlockHeader, row: &PolicyRow) {
        key { treasury: row.treasury, envelope: row.envelope, version: row.version }
        policy_hash: row.policy_hash,
        rules: row.rules.as_str(),
        set_by: row.set_by,
        block_number: block.number,
        tx_hash: row.tx_hash,
        timestamp: block.timestamp,
    }
}

table! {
    STOP, fn stop(block: &BlockHeader, row: &StopRow) {
        key { block_number: block.number, log_index: row.log_index }
        tx_hash: row.tx_hash,
        timestamp: block.timestamp,
        treasury: row.treasury,
        envelope: row.envelope,
        session: row.session,
        level: row.level,
        stopped: row.stopped,
        by: row.by,
        reason: row.reason,
        group_number: row.group,
    }
}

table! {
    STAMP_REVOCATION, fn stamp_revocation(block: &BlockHeader, row: &StampRow) {
        key { block_number: block.number, log_index: row.log_index }
        tx_hash: row.tx_hash,
        timestamp: block.timestamp,
        treasury: row.treasury,
        stamp_hash: row.stamp_hash,
        by: row.by,
    }
}

table! {
    ANCHOR, fn anchor(block: &BlockHeader, row: &AnchorRow) {
        key { block_number: block.number, log_index: row.log_index }
        tx_hash: row.tx_hash,
        timestamp: block.timestamp,
        treasury: row.treasury,
        root: row.root,
        // As text: its 64 bits have no sign.
        size: row.size.to_string(),
        by: row.by,
    }
}

table! {
    UNDECODED, fn undecoded(block: &BlockHeader, row: &Aside) {
        key { block_number: block.number, log_index: row.log_index }
        tx_hash: row.tx_hash,
        address: row.address,
        treasury: row.treasury,
        raw: row.raw.as_str(),
        error: row.error.as_str(),
    }
}
