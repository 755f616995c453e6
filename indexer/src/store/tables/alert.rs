//! Alerts, and which one each topic has open.

use alloy::primitives::B256;

use crate::{
    db::{DbError, DbRow, table},
    ledger::{AlertKind, AlertRow, Severity},
};

table! {
    ALERT, fn alert(id: B256, row: &AlertRow, detail: Option<String>) {
        key { id: id }
        kind: row.kind.code(),
        severity: row.severity.code(),
        treasury: row.treasury,
        envelope: row.envelope,
        subject: row.subject.as_str(),
        raised_at: row.raised_at,
        block_number: row.block,
        block_hash: row.block_hash,
        foreseen: row.foreseen,
        closed_at: row.closed_at,
        closed_block: row.closed_block,
        count: row.count,
        detail: detail,
    }
}

pub(crate) fn read_alert(row: &DbRow) -> Result<AlertRow, DbError> {
    let (kind, severity) = (row.text("kind")?, row.text("severity")?);
    let unknown = |column, got| DbError::Inconsistent { column, expected: "one that is known", got };
    Ok(AlertRow {
        kind: AlertKind::of(&kind).ok_or_else(|| unknown("kind", kind))?,
        severity: Severity::of(&severity).ok_or_else(|| unknown("severity", severity))?,
        treasury: row.maybe_address("treasury")?,
        envelope: row.maybe_number("envelope")?,
        subject: row.text("subject")?,
        raised_at: row.number("raised_at")?,
        block: row.number("block_number")?,
        block_hash: row.maybe_hash("block_hash")?,
        foreseen: row.flag("foreseen")?,
        closed_at: row.maybe_number("closed_at")?,
        closed_block: row.maybe_number("closed_block")?,
        count: row.number("count")?,
        detail: row.text("detail")?.into(),
    })
}

table! {
    ALERT_TOPIC, fn alert_topic(topic: B256, alert: B256) {
        key { topic: topic }
        alert: alert,
    }
}

pub(super) fn read_topic(row: &DbRow) -> Result<B256, DbError> {
    row.hash("alert")
}
