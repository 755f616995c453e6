//! What came of payments, as agents sent it.

use alloy::primitives::{B256, Bytes, keccak256};
use bursar_sdk::outcome::OutcomeRecord;

use super::{Past, select::Select};
use crate::db::{Db, DbError, DbRow};

/// The latest revision of a decision's outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// keccak-256 of the canonical JSON.
    pub hash: B256,
    /// The record.
    pub record: OutcomeRecord,
}

/// As a column `outcome` beside a decision `d`: the latest that was received by then.
pub(super) fn latest(select: &mut Select, past: Option<Past>) {
    select
        .push("(SELECT o.record FROM outcome o WHERE o.decision_hash = d.hash")
        .and("o.received_at <= ", past.map(|past| past.records_until))
        .push(" ORDER BY o.revision DESC LIMIT 1) AS outcome");
}

/// The outcome with that hash.
///
/// # Errors
/// When the database fails.
pub async fn get(db: &Db, hash: B256) -> Result<Option<Outcome>, DbError> {
    let mut select = Select::new("SELECT o.record AS outcome FROM outcome o");
    Ok(select.filter("o.hash = ", Some(hash)).row(db, read).await?.flatten())
}

/// A revision as its agent handed it in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revision {
    /// What it says.
    pub outcome: Outcome,
    /// The agent's signature under it.
    pub seal: Option<Bytes>,
    /// When we got it, in unix seconds.
    pub received_at: u64,
}

/// Every revision of a decision's outcome that was not erased, oldest first; at most `limit`.
///
/// # Errors
/// When the database fails.
pub async fn revisions(db: &Db, decision: B256, limit: u32) -> Result<Vec<Revision>, DbError> {
    let mut select = Select::new("SELECT o.record AS outcome, o.seal, o.received_at FROM outcome o");
    select.filter("o.decision_hash = ", Some(decision)).order_and_limit(" ORDER BY o.revision", limit);
    let rows = select.rows(db, |row| {
        let (seal, received_at) = (row.maybe_bytes("seal")?, row.number("received_at")?);
        Ok(read(row)?.map(|outcome| Revision { outcome, seal, received_at }))
    });
    Ok(rows.await?.into_iter().flatten().collect())
}

pub(super) fn read(row: &DbRow) -> Result<Option<Outcome>, DbError> {
    let Some(record) = row.maybe_json("outcome", "an outcome record")? else { return Ok(None) };
    Ok(Some(Outcome { hash: keccak256(row.text("outcome")?), record }))
}
