//! Purses, and the sessions they pay in.

use alloy::primitives::Address;
use bursar_sdk::payment::session_id;

use crate::{
    db::{DbError, DbRow, table},
    ledger::{PurseRow, SessionRow},
};

table! {
    PURSE, fn purse(it: Address, row: &PurseRow) {
        key { address: it }
        treasury: row.treasury,
        envelope: row.envelope,
        idx: row.index,
        sequence: row.sequence,
        open: row.open,
        balance: row.balance,
    }
}

pub(super) fn read_purse(row: &DbRow) -> Result<PurseRow, DbError> {
    Ok(PurseRow {
        treasury: row.address("treasury")?,
        envelope: row.number("envelope")?,
        index: row.number("idx")?,
        sequence: row.number("sequence")?,
        open: row.flag("open")?,
        balance: row.total("balance")?,
    })
}

table! {
    SESSION, fn session(of: Address, sequence: u32, row: &SessionRow) {
        key { purse: of, sequence: sequence }
        id: session_id(of, sequence),
        treasury: row.treasury,
        envelope: row.envelope,
        key: row.key,
        budget: row.budget,
        opened_at: row.opened_at,
        expiry: row.expiry,
        policy_version: row.policy_version,
        approval_threshold: row.approval_threshold,
        scope: row.scope.as_str(),
        stamp_hash: row.stamp_hash,
        frozen: row.frozen,
        closed_at: row.closed_at,
        returned: row.returned,
        unspent: row.unspent,
        paid: row.paid,
        payments: row.payments,
        opened_tx: row.opened_tx,
        group_number: row.group,
    }
}

pub(super) fn read_session(row: &DbRow) -> Result<SessionRow, DbError> {
    Ok(SessionRow {
        treasury: row.address("treasury")?,
        envelope: row.number("envelope")?,
        key: row.address("key")?,
        budget: row.total("budget")?,
        opened_at: row.number("opened_at")?,
        expiry: row.number("expiry")?,
        policy_version: row.number("policy_version")?,
        approval_threshold: row.total("approval_threshold")?,
        scope: row.text("scope")?,
        stamp_hash: row.hash("stamp_hash")?,
        frozen: row.flag("frozen")?,
        closed_at: row.maybe_number("closed_at")?,
        returned: row.maybe_total("returned")?,
        unspent: row.maybe_total("unspent")?,
        paid: row.total("paid")?,
        payments: row.number("payments")?,
        opened_tx: row.hash("opened_tx")?,
        group: row.number("group_number")?,
    })
}
