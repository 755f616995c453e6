//! What happened, told in the transaction of the change itself: the stream that API and webhooks hand on.
//!
//! `add` is the one way in. Whoever writes the ledger does so alone (`Tx`), so numbers are given in the order of
//! commits: who has seen one has seen, or can read, all before it. Bodies hold what is on chain, and of records their
//! hashes: nothing that would have to be erased.

mod chain;
mod kind;
mod records;
mod turn;

use alloy::primitives::{Address, B256};
use serde_json::Value;

pub(crate) use chain::{of_block, of_changes};
pub use kind::Kind;
pub(crate) use records::{answered, asked, decided, erased, outcome};
pub(crate) use turn::{keep, retract_after, settle, tells_from, told_from, told_until};

use crate::db::{DbError, DbRow, Query, Tx, table};

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// What.
    pub kind: Kind,
    /// When, in unix seconds: the block's time, or when it came in.
    pub at: u64,
    /// In which treasury, where it is of one.
    pub treasury: Option<Address>,
    /// In which envelope of it, where it is of one.
    pub envelope: Option<u32>,
    /// What it is about: its path in the API, below `/v1/`.
    pub subject: String,
    /// The block that caused it, where one did.
    pub origin: Option<Origin>,
    /// The event that this one takes back.
    pub retracts: Option<u64>,
    /// What else there is to say, by kind.
    pub body: Value,
}

/// Where on the chain an event comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Origin {
    /// The block's number.
    pub block: u64,
    /// Its hash; `None` where a record caused it that was taken in at that height.
    pub hash: Option<B256>,
    /// Transaction and index of the log, where it is of one.
    pub log: Option<(B256, u64)>,
}

/// The columns of `outbox` without its number, as [`read`] wants them.
macro_rules! columns {
    () => {
        "kind, at, treasury, envelope, subject, block_number, block_hash, tx_hash, log_index, retracts, body"
    };
}

pub(crate) use columns;

/// Tells of something, in the transaction that makes it so.
pub(crate) async fn add(tx: &mut Tx, event: &Event) -> Result<(), DbError> {
    add_all(tx, std::slice::from_ref(event)).await
}

/// Tells of several things, one after another.
pub(crate) async fn add_all(tx: &mut Tx, events: &[Event]) -> Result<(), DbError> {
    if events.is_empty() {
        return Ok(());
    }
    let newest = Query::new("SELECT MAX(seq) AS seq FROM outbox").row(&mut *tx).await?;
    let newest: Option<u64> = newest.map(|row| row.maybe_number("seq")).transpose()?.flatten();
    let numbers = newest.unwrap_or_default().saturating_add(1)..;
    OUTBOX.insert_all(tx, numbers.zip(events).map(|(seq, event)| outbox(seq, event)).collect()).await
}

table! {
    OUTBOX, fn outbox(seq: u64, event: &Event) {
        key { seq: seq }
        kind: event.kind.code(),
        at: event.at,
        treasury: event.treasury,
        envelope: event.envelope,
        subject: event.subject.as_str(),
        block_number: event.origin.map(|origin| origin.block),
        block_hash: event.origin.and_then(|origin| origin.hash),
        tx_hash: event.origin.and_then(|origin| origin.log).map(|(tx_hash, _)| tx_hash),
        log_index: event.origin.and_then(|origin| origin.log).map(|(_, index)| index),
        retracts: event.retracts,
        body: event.body.to_string(),
    }
}

/// An event as it was told.
pub(crate) fn read(row: &DbRow) -> Result<Event, DbError> {
    let kind = row.text("kind")?;
    let origin = match row.maybe_number("block_number")? {
        None => None,
        Some(block) => Some(Origin {
            block,
            hash: row.maybe_hash("block_hash")?,
            log: row.maybe_hash("tx_hash")?.zip(row.maybe_number("log_index")?),
        }),
    };
    Ok(Event {
        kind: Kind::of(&kind).ok_or(DbError::Inconsistent {
            column: "kind",
            expected: "what may happen",
            got: kind,
        })?,
        at: row.number("at")?,
        treasury: row.maybe_address("treasury")?,
        envelope: row.maybe_number("envelope")?,
        subject: row.text("subject")?,
        origin,
        retracts: row.maybe_number("retracts")?,
        body: row.json("body", "what an event tells")?,
    })
}

/// An envelope's path in the API.
fn envelope_path(treasury: Address, number: u32) -> String {
    format!("envelopes/{treasury}/{number}")
}
