//! A treasury's history up to a height, oldest first and row by row: what is reported, and too much to hold.
//!
//! Rows of the chain up to a final height never change. Records of agents and people come late and are taken as
//! they were received until a time, so that the same height and time tell the same history.

use alloy::primitives::{Address, B256, Bytes};
use bursar_sdk::amount::Amount;
use futures::stream::BoxStream;

use super::{
    Past, Position, approvals,
    erasures::{self, Tombstone, note},
    select::Select,
};
use crate::db::{Db, DbError, DbRow};

/// Which history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scope {
    /// Whose.
    pub treasury: Address,
    /// Up to this block (inclusive).
    pub height: u64,
    /// With the records received until then, in unix seconds (inclusive).
    pub records_until: u64,
}

/// What a treasury said, or what a stranger did to one of its purses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Its place on the chain.
    pub position: Position,
    /// When, in unix seconds.
    pub timestamp: u64,
    /// The transaction.
    pub tx_hash: B256,
    /// Who emitted it.
    pub address: Address,
    /// The envelope, where it is about one.
    pub envelope: Option<u32>,
    /// What it is called.
    pub kind: String,
    /// Its arguments, as JSON.
    pub args: String,
}

/// A record as it was handed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The hash that it is kept under.
    pub hash: B256,
    /// The canonical JSON.
    pub canonical: String,
    /// Its agent's seal; `None` where it came before seals were asked for.
    pub seal: Option<Bytes>,
    /// When it came, in unix seconds.
    pub received_at: u64,
}

/// A settlement, with the record of its decision where it came.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)] // As `payments::Payment` has them.
pub struct Settled {
    pub position: Position,
    pub block_hash: B256,
    pub timestamp: u64,
    pub tx_hash: B256,
    pub envelope: u32,
    pub agent: Address,
    pub purse: Address,
    pub session: B256,
    pub policy_version: u16,
    pub asset: Address,
    pub payee: Address,
    pub amount: Amount,
    pub rail: String,
    pub nonce: Option<B256>,
    /// As the transaction's input tells it.
    pub decision_hash: Option<B256>,
    pub approver: Option<Address>,
    pub facilitator: Address,
    pub decision: Option<Kept>,
}

/// One revision of a decision's outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutcomeOf {
    /// Which decision.
    pub decision: B256,
    /// The record.
    pub outcome: Kept,
}

/// A payment that waited for a human, and the answer where there was one by then.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)] // As `approvals::Request` has them.
pub struct Asked {
    pub digest: B256,
    pub purse: Address,
    pub payee: Address,
    pub amount: Amount,
    pub valid_before: u64,
    pub nonce: B256,
    pub decision_hash: B256,
    pub requested_at: u64,
    /// `eoa`, `contract` or `rejected`, by whom, and when.
    pub answer: Option<(String, Address, u64)>,
}

/// A log that concerns the treasury and makes no sense.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetAside {
    /// Its place on the chain.
    pub position: Position,
    /// The transaction.
    pub tx_hash: B256,
    /// Who emitted it.
    pub address: Address,
    /// What is wrong with it.
    pub error: String,
}

/// Rows as they come.
pub type Rows<'a, T> = BoxStream<'a, Result<T, DbError>>;

/// What the treasury said, and donations to its purses; not what tokens say of draws, returns and payments, which
/// sessions and [`payments`] tell.
pub fn events(db: &Db, scope: Scope) -> Rows<'_, Event> {
    select_events(scope).stream(db, read_event)
}

pub(super) fn read_event(row: &DbRow) -> Result<Event, DbError> {
    Ok(Event {
        position: Position::read(row)?,
        timestamp: row.number("timestamp")?,
        tx_hash: row.hash("tx_hash")?,
        address: row.address("address")?,
        envelope: row.maybe_number("envelope")?,
        kind: row.text("kind")?,
        args: row.text("args")?,
    })
}

pub(super) const SELECT_EVENTS: &str = "SELECT e.block_number, e.log_index, b.timestamp, e.tx_hash, e.address, \
     e.envelope, e.kind, e.args FROM event e JOIN block b ON b.number = e.block_number";

pub(super) fn select_events(scope: Scope) -> Select {
    let mut select = Select::new(SELECT_EVENTS);
    select
        .sift("e.treasury = ", Some(scope.treasury))
        .filter("e.block_number <= ", Some(scope.height))
        .condition("e.kind NOT IN ('transfer', 'authorization_used')")
        .push(" ORDER BY e.block_number, e.log_index");
    select
}

/// Settlements in chain order.
pub fn payments(db: &Db, scope: Scope) -> Rows<'_, Settled> {
    select_payments(scope).stream(db, |row| {
        Ok(Settled {
            position: Position::read(row)?,
            block_hash: row.hash("block_hash")?,
            timestamp: row.number("timestamp")?,
            tx_hash: row.hash("tx_hash")?,
            envelope: row.number("envelope")?,
            agent: row.address("agent")?,
            purse: row.address("purse")?,
            session: row.hash("session")?,
            policy_version: row.number("policy_version")?,
            asset: row.address("asset")?,
            payee: row.address("payee")?,
            amount: row.amount("amount")?,
            rail: row.text("rail")?,
            nonce: row.maybe_hash("nonce")?,
            decision_hash: row.maybe_hash("decision_hash")?,
            approver: row.maybe_address("approver")?,
            facilitator: row.address("facilitator")?,
            decision: match row.maybe_text("record")? {
                None => None,
                Some(_) => Some(kept(row)?),
            },
        })
    })
}

pub(super) fn select_payments(scope: Scope) -> Select {
    let mut select = Select::new(
        "SELECT p.block_number, p.log_index, p.block_hash, p.timestamp, p.tx_hash, p.envelope, p.agent, p.purse, \
         p.session, p.policy_version, p.asset, p.payee, p.amount, p.rail, p.nonce, p.decision_hash, p.approver, \
         p.facilitator, d.hash, d.record, d.seal, d.received_at FROM payment p",
    );
    join_decisions(&mut select, scope);
    select
        .sift("p.treasury = ", Some(scope.treasury))
        .filter("p.block_number <= ", Some(scope.height))
        .push(" ORDER BY p.block_number, p.log_index");
    select
}

/// What came of those settlements, in their order, each one's revisions from the first.
pub fn outcomes(db: &Db, scope: Scope) -> Rows<'_, OutcomeOf> {
    select_outcomes(scope).stream(db, outcome)
}

pub(super) fn select_outcomes(scope: Scope) -> Select {
    let mut select =
        Select::new("SELECT o.decision_hash, o.hash, o.record, o.seal, o.received_at FROM payment p");
    join_decisions(&mut select, scope);
    select
        // As a cross join SQLite leaves payments first, in whose order the outcomes are read; PostgreSQL makes no difference.
        .push(" CROSS JOIN outcome o")
        .condition("o.decision_hash = d.hash")
        .sift("p.treasury = ", Some(scope.treasury))
        .filter("p.block_number <= ", Some(scope.height))
        .filter("o.received_at <= ", Some(scope.records_until))
        .push(" ORDER BY p.block_number, p.log_index, o.revision");
    select
}

/// Decisions under which nothing had settled: refusals, and payments that never were.
pub fn unsettled(db: &Db, scope: Scope) -> Rows<'_, Kept> {
    select_unsettled(scope).stream(db, kept)
}

pub(super) fn select_unsettled(scope: Scope) -> Select {
    let mut select = Select::new("SELECT d.hash, d.record, d.seal, d.received_at FROM decision d");
    without_payment(&mut select, scope);
    select.push(" ORDER BY d.created_at, d.hash");
    select
}

/// What came of those, in their order: outcomes of payments that did not settle.
pub fn unsettled_outcomes(db: &Db, scope: Scope) -> Rows<'_, OutcomeOf> {
    select_unsettled_outcomes(scope).stream(db, outcome)
}

pub(super) fn select_unsettled_outcomes(scope: Scope) -> Select {
    let mut select = Select::new(
        "SELECT o.decision_hash, o.hash, o.record, o.seal, o.received_at FROM decision d CROSS JOIN outcome o",
    );
    without_payment(&mut select, scope);
    select
        .condition("o.decision_hash = d.hash")
        .filter("o.received_at <= ", Some(scope.records_until))
        .push(" ORDER BY d.created_at, d.hash, o.revision");
    select
}

/// What is left of records that were erased, in the order in which they were.
pub fn erased(db: &Db, scope: Scope) -> Rows<'_, Tombstone> {
    select_erased(scope).stream(db, erasures::read)
}

pub(super) fn select_erased(scope: Scope) -> Select {
    let mut select = Select::new(concat!("SELECT e.*, ", note!(), " FROM erasure e"));
    select
        .filter("e.treasury = ", Some(scope.treasury))
        .filter("e.received_at <= ", Some(scope.records_until))
        .push(" ORDER BY e.erased_at, e.hash");
    select
}

/// What waited for a human, oldest first.
pub fn asked(db: &Db, scope: Scope) -> Rows<'_, Asked> {
    select_asked(scope).stream(db, move |row| {
        let answered_at: Option<u64> = row.maybe_number("answered_at")?;
        Ok(Asked {
            digest: row.hash("digest")?,
            purse: row.address("purse")?,
            payee: row.address("payee")?,
            amount: row.amount("amount")?,
            valid_before: row.number("valid_before")?,
            nonce: row.hash("nonce")?,
            decision_hash: row.hash("decision_hash")?,
            requested_at: row.number("requested_at")?,
            answer: match (row.maybe_text("answer")?, answered_at) {
                (Some(answer), Some(at)) if at <= scope.records_until => {
                    Some((answer, row.address("answered_by")?, at))
                }
                _ => None,
            },
        })
    })
}

pub(super) fn select_asked(scope: Scope) -> Select {
    let past = Past { height: scope.height, records_until: scope.records_until };
    let mut select = Select::new(
        "SELECT r.digest, r.purse, r.payee, r.amount, r.valid_before, r.nonce, r.decision_hash, r.requested_at, ",
    );
    select.push(approvals::ANSWER_THEN);
    approvals::from_then(&mut select, past);
    select
        .filter("r.treasury = ", Some(scope.treasury))
        .filter("r.requested_at <= ", Some(scope.records_until))
        .push(" ORDER BY r.requested_at, r.digest");
    select
}

/// Logs of the treasury, or of its tokens, that were kept aside.
pub fn set_aside(db: &Db, scope: Scope) -> Rows<'_, SetAside> {
    select_set_aside(scope).stream(db, |row| {
        Ok(SetAside {
            position: Position::read(row)?,
            tx_hash: row.hash("tx_hash")?,
            address: row.address("address")?,
            error: row.text("error")?,
        })
    })
}

pub(super) fn select_set_aside(scope: Scope) -> Select {
    let mut select = Select::new("SELECT block_number, log_index, tx_hash, address, error FROM undecoded");
    select
        .filter("block_number <= ", Some(scope.height))
        .condition("(address = ")
        .bind(scope.treasury)
        .push(" OR address IN (SELECT address FROM asset WHERE treasury = ")
        .bind(scope.treasury)
        .push(")) ORDER BY block_number, log_index");
    select
}

fn join_decisions(select: &mut Select, scope: Scope) {
    select
        .push(" LEFT JOIN decision d ON d.purse = p.purse AND d.nonce = p.nonce AND d.received_at <= ")
        .bind(scope.records_until);
}

fn without_payment(select: &mut Select, scope: Scope) {
    select
        .sift("d.treasury = ", Some(scope.treasury))
        .filter("d.received_at <= ", Some(scope.records_until))
        .condition("NOT EXISTS (SELECT 1 FROM payment p WHERE p.purse = d.purse AND p.nonce = d.nonce ")
        .push("AND p.block_number <= ")
        .bind(scope.height)
        .push(")");
}

fn kept(row: &DbRow) -> Result<Kept, DbError> {
    Ok(Kept {
        hash: row.hash("hash")?,
        canonical: row.text("record")?,
        seal: row.maybe_bytes("seal")?,
        received_at: row.number("received_at")?,
    })
}

fn outcome(row: &DbRow) -> Result<OutcomeOf, DbError> {
    Ok(OutcomeOf { decision: row.hash("decision_hash")?, outcome: kept(row)? })
}
