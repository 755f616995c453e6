//! Decision records, as agents sent them.

use std::{cmp::Reverse, collections::BTreeMap};

use alloy::primitives::{Address, B256, Bytes};
use bursar_sdk::{
    decision::{DecisionRecord, Verdict},
    refusal::Refusal,
};
use serde::{Deserialize, Serialize};

use super::{
    AmountRange, Past, Position, TimeRange,
    outcomes::{self, Outcome},
    select::Select,
};
use crate::db::{Cell, Db, DbError, DbRow};

/// A stored record, and the payment that committed to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// keccak-256 of the canonical JSON.
    pub hash: B256,
    /// The nonce a payment under it carries; `None` where no session was open.
    pub nonce: Option<B256>,
    /// When we got it, in unix seconds.
    pub received_at: u64,
    /// The record.
    pub record: DecisionRecord,
    /// The canonical JSON itself.
    pub canonical: String,
    /// The payment that settled under it.
    pub payment: Option<Settlement>,
    /// What came of it, as far as the agent has said.
    pub outcome: Option<Outcome>,
}

/// Where a decision settled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settlement {
    /// Its place on the chain.
    pub position: Position,
    /// The purse that paid; with the decision's nonce the payment's identity.
    pub purse: Address,
    /// The settling transaction.
    pub tx_hash: B256,
    /// When, in unix seconds.
    pub timestamp: u64,
}

/// The key of the list, newest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    /// When the agent decided, in unix seconds.
    pub created_at: u64,
    /// The record's hash.
    pub hash: B256,
}

/// Which decisions.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Of this treasury.
    pub treasury: Option<Address>,
    /// Of the envelope with this number.
    pub envelope: Option<u32>,
    /// By this agent.
    pub agent: Option<Address>,
    /// About this payee.
    pub payee: Option<Address>,
    /// In this session.
    pub session: Option<B256>,
    /// Decided then.
    pub time: TimeRange,
    /// About such an amount.
    pub amount: AmountRange,
    /// To this end.
    pub verdict: Option<Verdict>,
    /// Refused first of all for this.
    pub reason: Option<Refusal>,
    /// Settled on chain, or not.
    pub settled: Option<bool>,
    /// As the ledger was then. What was erased since is missing there, too.
    pub past: Option<Past>,
}

/// A decision beside what had settled under it and what had come of it then, or has.
fn columns(past: Option<Past>) -> Select {
    let mut select = Select::new(
        "SELECT d.hash, d.nonce, d.received_at, d.record, p.block_number, p.log_index, p.purse, \
         p.tx_hash, p.timestamp, ",
    );
    outcomes::latest(&mut select, past);
    select
}

fn join_payments(select: &mut Select, past: Option<Past>) {
    select
        .push(" LEFT JOIN payment p ON p.purse = d.purse AND p.nonce = d.nonce")
        .and("p.block_number <= ", past.map(|past| past.height));
}

fn read(row: &DbRow) -> Result<Decision, DbError> {
    let payment = match row.maybe_hash("tx_hash")? {
        None => None,
        Some(tx_hash) => Some(Settlement {
            position: Position::read(row)?,
            purse: row.address("purse")?,
            tx_hash,
            timestamp: row.number("timestamp")?,
        }),
    };
    Ok(Decision {
        hash: row.hash("hash")?,
        nonce: row.maybe_hash("nonce")?,
        received_at: row.number("received_at")?,
        record: row.json("record", "a decision record")?,
        canonical: row.text("record")?,
        payment,
        outcome: outcomes::read(row)?,
    })
}

/// Decisions, newest first.
///
/// # Errors
/// When the database fails.
pub async fn list(
    db: &Db,
    filter: &Filter,
    after: Option<Key>,
    limit: u32,
) -> Result<Vec<Decision>, DbError> {
    let mut found = Vec::new();
    for select in select_lists(filter, after, limit) {
        found.extend(select.rows(db, read).await?);
    }
    found.sort_unstable_by_key(|row| Reverse((row.record.created_at, row.hash)));
    found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    Ok(found)
}

/// Which decisions are looked through for a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Among {
    /// Whatever there is.
    All,
    /// Those of a time up to then.
    UpTo(u64),
    /// Those that we got by then, from agents whose clocks were beyond it.
    Ahead(u64),
}

/// As of a height, the list begins where its time does: what came after is not read. What agents dated ahead of when we got
/// it are few, and have an index.
pub(super) fn select_lists(filter: &Filter, after: Option<Key>, limit: u32) -> Vec<Select> {
    let among = match filter.past {
        None => vec![Among::All],
        Some(past) => vec![Among::UpTo(past.records_until), Among::Ahead(past.records_until)],
    };
    among.into_iter().map(|among| select_list(among, filter, after, limit)).collect()
}

fn select_list(among: Among, filter: &Filter, after: Option<Key>, limit: u32) -> Select {
    // Decisions are long rows: hashes are found first, so that where an index tells which, none is read and left out.
    let mut select = columns(filter.past);
    select.push(" FROM (SELECT d.hash FROM decision d");
    if filter.settled.is_some() {
        join_payments(&mut select, filter.past);
    }
    let ahead = matches!(among, Among::Ahead(_));
    // One upper bound, the lower of the two: a second leads SQLite to another index.
    let (among, after) = match (among, after) {
        (Among::UpTo(then), Some(key)) if key.created_at <= then => (Among::All, after),
        (Among::UpTo(_), _) => (among, None),
        _ => (among, after),
    };
    filtered(&mut select, ahead, "d.treasury = ", filter.treasury);
    filtered(&mut select, ahead, "d.envelope = ", filter.envelope);
    filtered(&mut select, ahead, "d.agent = ", filter.agent);
    filtered(&mut select, ahead, "d.payee = ", filter.payee);
    filtered(&mut select, ahead, "d.session = ", filter.session);
    select
        .times("d.created_at >= ", "d.created_at < ", filter.time)
        .amounts("d.amount >= ", "d.amount <= ", filter.amount)
        .filter("d.reason = ", filter.reason.map(Refusal::code))
        .filter("d.received_at <= ", filter.past.map(|past| past.records_until));
    match among {
        Among::All => &mut select,
        Among::UpTo(then) => select.filter("d.created_at <= ", Some(then)),
        Among::Ahead(then) => {
            select.filter("d.created_at > ", Some(then)).condition("d.created_at > d.received_at")
        }
    };
    match (filter.verdict, ahead) {
        (None, _) => &mut select,
        // In words: the indexes of refusals are for those alone.
        (Some(Verdict::Approved), false) => select.condition("d.verdict = 'approved'"),
        (Some(Verdict::Denied), false) => select.condition("d.verdict = 'denied'"),
        (Some(verdict), true) => select.sift("d.verdict = ", Some(verdict.code())),
    };
    match filter.settled {
        None => &mut select,
        // As cases, like `explained` of payments: decisions come first, in their order.
        Some(true) => select.condition("CASE WHEN p.purse IS NULL THEN FALSE ELSE TRUE END"),
        Some(false) => select.condition("CASE WHEN p.purse IS NULL THEN TRUE ELSE FALSE END"),
    };
    let key = after.map(|key| [key.created_at.value(), key.hash.value()]);
    select
        .after("(d.created_at, d.hash) < ", key)
        .order_and_limit(" ORDER BY d.created_at DESC, d.hash DESC", limit)
        .push(") f CROSS JOIN decision d");
    join_payments(&mut select, filter.past);
    select.push(" WHERE d.hash = f.hash");
    select
}

/// Only those with that in the column, which leads nowhere else where few are looked through anyway.
fn filtered(select: &mut Select, few: bool, column: &'static str, value: Option<impl Cell>) {
    if few {
        select.sift(column, value)
    } else {
        select.filter(column, value)
    };
}

/// One decision.
///
/// # Errors
/// When the database fails.
pub async fn get(db: &Db, hash: B256) -> Result<Option<Decision>, DbError> {
    as_of(db, hash, None).await
}

/// The same as the ledger was then, where a moment is named.
///
/// # Errors
/// When the database fails.
pub async fn as_of(db: &Db, hash: B256, past: Option<Past>) -> Result<Option<Decision>, DbError> {
    let mut select = columns(past);
    select.push(" FROM decision d");
    join_payments(&mut select, past);
    select
        .filter("d.hash = ", Some(hash))
        .filter("d.received_at <= ", past.map(|past| past.records_until))
        .row(db, read)
        .await
}

/// The seal of a decision: its agent's signature; `None` where there is no such decision, or it came before seals were asked
/// for.
///
/// # Errors
/// When the database fails.
pub async fn seal(db: &Db, hash: B256) -> Result<Option<Bytes>, DbError> {
    let mut select = Select::new("SELECT seal FROM decision");
    Ok(select.filter("hash = ", Some(hash)).row(db, |row| row.maybe_bytes("seal")).await?.flatten())
}

/// The records with these hashes, without those that are not known.
///
/// # Errors
/// When the database fails.
pub async fn records(db: &Db, hashes: &[B256]) -> Result<BTreeMap<B256, DecisionRecord>, DbError> {
    if hashes.is_empty() {
        return Ok(BTreeMap::new());
    }
    let mut select = Select::new("SELECT hash, record FROM decision");
    select.among("hash", hashes);
    let read = |row: &DbRow| Ok((row.hash("hash")?, row.json("record", "a decision record")?));
    Ok(select.rows(db, read).await?.into_iter().collect())
}
