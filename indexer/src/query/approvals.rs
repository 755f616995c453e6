//! Approval requests: one payment each that waits for a human.

use alloy::primitives::{Address, B256, Bytes};
use bursar_sdk::{amount::Amount, payment::Rail};
use serde::{Deserialize, Serialize};

use super::{AmountRange, Past, TimeRange, select::Select};
use crate::{
    db::{Cell, Db, DbError, DbRow, Query, Tx, table},
    outbox,
    transparency::{self, Draft},
};

/// A payment above the threshold, as its agent wants to make it. Times in unix seconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// What the session key signs: the payment's identity.
    pub digest: B256,
    /// The treasury whose approver it needs.
    pub treasury: Address,
    /// The purse that pays.
    pub purse: Address,
    /// Who is paid.
    pub payee: Address,
    /// How much, in the asset's atomic units.
    pub amount: Amount,
    /// Valid after (exclusive).
    pub valid_after: u64,
    /// Valid before (exclusive).
    pub valid_before: u64,
    /// The commitment.
    pub nonce: B256,
    /// How it is to settle.
    pub rail: Rail,
    /// keccak-256 of the decision record.
    pub decision_hash: B256,
    /// The agent that asks; `None` for what came before seals were asked for.
    pub agent: Option<Address>,
    /// The agent's signature that it asks.
    pub seal: Option<Bytes>,
}

/// A request with what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    /// What is asked.
    pub request: Request,
    /// When we got it, in unix seconds.
    pub requested_at: u64,
    /// What a human said.
    pub answer: Option<Answer>,
}

/// What a human said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Yes.
    Approved {
        /// Who.
        approver: Address,
        /// An EOA's 65 bytes, or what the approver's EIP-1271 is asked.
        signature: Bytes,
        /// Whether the approver is a contract.
        contract: bool,
    },
    /// No.
    Rejected {
        /// Who.
        by: Address,
        /// Why.
        reason: String,
        /// Over payment and reason; `None` for what came before rejections were signed.
        signature: Option<Bytes>,
    },
}

/// Where a request stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It waits.
    Pending,
    /// Approved.
    Approved,
    /// Rejected.
    Rejected,
    /// Nobody answered in time.
    Expired,
}

impl Approval {
    /// Where it stands at `now` (unix seconds).
    pub fn state(&self, now: u64) -> State {
        match &self.answer {
            Some(Answer::Approved { .. }) => State::Approved,
            Some(Answer::Rejected { .. }) => State::Rejected,
            None if now >= self.request.valid_before => State::Expired,
            None => State::Pending,
        }
    }
}

/// The key of the list, newest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    /// When we got it, in unix seconds.
    pub requested_at: u64,
    /// The payment's digest.
    pub digest: B256,
}

/// Which requests.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Of this treasury.
    pub treasury: Option<Address>,
    /// Of this purse.
    pub purse: Option<Address>,
    /// Asked by this agent.
    pub agent: Option<Address>,
    /// To this payee.
    pub payee: Option<Address>,
    /// For the payment with this nonce.
    pub nonce: Option<B256>,
    /// Asked then.
    pub requested: TimeRange,
    /// Over such an amount.
    pub amount: AmountRange,
    /// Standing there, at that time.
    pub state: Option<(State, u64)>,
    /// As the ledger was then: what came later has not come, and what was answered later waits.
    pub past: Option<Past>,
}

/// What is asked.
macro_rules! asked {
    () => {
        "SELECT r.digest, r.treasury, r.purse, r.payee, r.amount, r.valid_after, r.valid_before, r.nonce, r.rail, \
         r.facilitator, r.decision_hash, r.agent, r.seal, r.requested_at, "
    };
}

pub(crate) const SELECT: &str = concat!(
    asked!(),
    "r.answer, r.answered_by, r.answered_at, r.signature, r.reason FROM approval_request r"
);

/// The answer of then: the one that stands, where it had come, or else the one that it was written over.
pub(super) const ANSWER_THEN: &str = "COALESCE(a.answer, r.answer) AS answer, \
     COALESCE(a.answered_by, r.answered_by) AS answered_by, COALESCE(a.answered_at, r.answered_at) AS answered_at, \
     CASE WHEN a.answer IS NULL THEN r.signature ELSE a.signature END AS signature, \
     CASE WHEN a.answer IS NULL THEN r.reason ELSE a.reason END AS reason";

/// Requests beside what had been written over their answers since, where there is such.
pub(super) fn from_then(select: &mut Select, past: Past) {
    select
        .push(" FROM approval_request r LEFT JOIN approval_superseded a ON a.digest = r.digest")
        .and("a.answered_at <= ", Some(past.records_until))
        .and("a.superseded_at > ", Some(past.records_until));
}

/// Requests as they stand, or as they stood.
fn select(past: Option<Past>) -> Select {
    let Some(past) = past else { return Select::new(SELECT) };
    let mut select = Select::new(asked!());
    select.push(ANSWER_THEN);
    from_then(&mut select, past);
    select.filter("r.requested_at <= ", Some(past.records_until));
    select
}

pub(crate) fn read(row: &DbRow) -> Result<Approval, DbError> {
    let contract = match row.maybe_text("answer")?.as_deref() {
        None => None,
        Some("eoa") => Some(Some(false)),
        Some("contract") => Some(Some(true)),
        Some(_) => Some(None),
    };
    let answer = match contract {
        None => None,
        Some(Some(contract)) => Some(Answer::Approved {
            approver: row.address("answered_by")?,
            signature: row.bytes("signature")?,
            contract,
        }),
        Some(None) => Some(Answer::Rejected {
            by: row.address("answered_by")?,
            reason: row.maybe_text("reason")?.unwrap_or_default(),
            signature: row.maybe_bytes("signature")?,
        }),
    };
    Ok(Approval {
        request: Request {
            digest: row.hash("digest")?,
            treasury: row.address("treasury")?,
            purse: row.address("purse")?,
            payee: row.address("payee")?,
            amount: row.amount("amount")?,
            valid_after: row.number("valid_after")?,
            valid_before: row.number("valid_before")?,
            nonce: row.hash("nonce")?,
            rail: rail(row)?,
            decision_hash: row.hash("decision_hash")?,
            agent: row.maybe_address("agent")?,
            seal: row.maybe_bytes("seal")?,
        },
        requested_at: row.number("requested_at")?,
        answer,
    })
}

fn rail(row: &DbRow) -> Result<Rail, DbError> {
    let (code, facilitator) = (row.text("rail")?, row.maybe_address("facilitator")?);
    let expected = "a rail, and a facilitator on permit2_upto alone";
    Rail::from_code(&code, facilitator).ok_or(DbError::Inconsistent { column: "rail", expected, got: code })
}

/// Requests, newest first.
///
/// # Errors
/// When the database fails.
pub async fn list(
    db: &Db,
    filter: &Filter,
    after: Option<Key>,
    limit: u32,
) -> Result<Vec<Approval>, DbError> {
    select_list(filter, after, limit).rows(db, |row| read_then(row, filter.past)).await
}

/// A request without an answer that came later.
fn read_then(row: &DbRow, past: Option<Past>) -> Result<Approval, DbError> {
    let mut found = read(row)?;
    let answered_at = row.maybe_number("answered_at")?;
    if past.is_some_and(|past| answered_at.is_none_or(|at: u64| at > past.records_until)) {
        found.answer = None;
    }
    Ok(found)
}

pub(super) fn select_list(filter: &Filter, after: Option<Key>, limit: u32) -> Select {
    let mut select = select(filter.past);
    select
        .filter("r.treasury = ", filter.treasury)
        .filter("r.purse = ", filter.purse)
        .filter("r.agent = ", filter.agent)
        .filter("r.payee = ", filter.payee)
        .filter("r.nonce = ", filter.nonce)
        .times("r.requested_at >= ", "r.requested_at < ", filter.requested)
        .amounts("r.amount >= ", "r.amount <= ", filter.amount);
    if let Some((state, now)) = filter.state {
        match state {
            State::Pending => unanswered(&mut select, filter.past).filter("r.valid_before > ", Some(now)),
            State::Expired => unanswered(&mut select, filter.past).filter("r.valid_before <= ", Some(now)),
            State::Approved => approved(&mut select, filter.past),
            // It is the last word: nothing is written over it.
            State::Rejected => select
                .condition("r.answer = 'rejected'")
                .filter("r.answered_at <= ", filter.past.map(|past| past.records_until)),
        };
    }
    let key = after.map(|key| [key.requested_at.value(), key.digest.value()]);
    select
        .after("(r.requested_at, r.digest) < ", key)
        .order_and_limit(" ORDER BY r.requested_at DESC, r.digest DESC", limit);
    select
}

/// Only those that nobody has answered, or had by then.
fn unanswered(select: &mut Select, past: Option<Past>) -> &mut Select {
    match past {
        None => select.condition("r.answer IS NULL"),
        Some(past) => select
            .condition("a.answer IS NULL AND (r.answered_at IS NULL OR r.answered_at > ")
            .bind(past.records_until)
            .push(")"),
    }
}

/// Only those that were approved: by what stands, or by what was written over.
fn approved(select: &mut Select, past: Option<Past>) -> &mut Select {
    match past {
        None => select.condition("r.answer IN ('eoa', 'contract')"),
        Some(past) => select
            .condition("(a.answer IN ('eoa', 'contract') OR (r.answer IN ('eoa', 'contract')")
            .and("r.answered_at <= ", Some(past.records_until))
            .push("))"),
    }
}

/// One request.
///
/// # Errors
/// When the database fails.
pub async fn get(db: &Db, digest: B256) -> Result<Option<Approval>, DbError> {
    as_of(db, digest, None).await
}

/// The same as the ledger was then, where a moment is named.
///
/// # Errors
/// When the database fails.
pub async fn as_of(db: &Db, digest: B256, past: Option<Past>) -> Result<Option<Approval>, DbError> {
    select(past).filter("r.digest = ", Some(digest)).row(db, |row| read_then(row, past)).await
}

table! {
    APPROVAL_REQUEST, fn approval_request(it: &Request, now: u64) {
        key { digest: it.digest }
        treasury: it.treasury,
        purse: it.purse,
        payee: it.payee,
        amount: it.amount,
        valid_after: it.valid_after,
        valid_before: it.valid_before,
        nonce: it.nonce,
        rail: it.rail.code(),
        facilitator: it.rail.facilitator(),
        decision_hash: it.decision_hash,
        agent: it.agent,
        seal: it.seal.clone(),
        requested_at: now,
    }
}

/// How many requests may be open at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// Of one agent.
    pub per_agent: u32,
    /// Of one treasury, all its agents together.
    pub per_treasury: u32,
}

/// What became of a request that was handed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// It is kept now.
    New,
    /// It was kept before.
    Existing,
    /// It is not kept: as many are open as may.
    Full {
        /// Whether it is the agent's room that is full; the treasury's else.
        of_agent: bool,
        /// How many may be open.
        limit: u32,
        /// How many are.
        open: u64,
        /// When the next of them runs out, in unix seconds.
        next: u64,
    },
}

/// Keeps a request that was checked, where there is room for it at `now` (unix seconds, as the ledger has it).
///
/// # Errors
/// When the database fails.
pub async fn store(db: &Db, request: &Request, room: Room, now: u64) -> Result<Kept, DbError> {
    // One at a time: two requests must not take the same last place.
    let mut tx = db.begin().await?;
    if APPROVAL_REQUEST.find(vec![request.digest.value()]).row(&mut tx).await?.is_some() {
        return Ok(Kept::Existing);
    }
    for (agent, limit) in [(request.agent, room.per_agent), (None, room.per_treasury)] {
        let (open, next) = open(&mut tx, request.treasury, agent, now).await?;
        if open >= u64::from(limit) {
            return Ok(Kept::Full { of_agent: agent.is_some(), limit, open, next });
        }
    }
    APPROVAL_REQUEST.insert(approval_request(request, now)).execute(&mut tx).await?;
    let envelope = envelope_of(&mut tx, request.purse).await?;
    outbox::add(&mut tx, &outbox::asked(request, envelope, now)).await?;
    transparency::append(&mut tx, Draft::request(request, envelope, now)?).await?;
    tx.commit().await?;
    Ok(Kept::New)
}

/// The request with that digest, as the change at hand sees it.
pub(crate) async fn find(tx: &mut Tx, digest: B256) -> Result<Option<Approval>, DbError> {
    let sql = format!("{SELECT} WHERE r.digest = $1");
    Query::made(sql, vec![digest.value()]).row(tx).await?.as_ref().map(read).transpose()
}

/// How many requests of a treasury, or of one of its agents, are open, and when the next of them runs out.
async fn open(
    tx: &mut Tx,
    treasury: Address,
    agent: Option<Address>,
    now: u64,
) -> Result<(u64, u64), DbError> {
    let row = Query::new(
        "SELECT count(*) AS open, COALESCE(MIN(valid_before), 0) AS next FROM approval_request \
         WHERE answer IS NULL AND treasury = $1 AND valid_before > $2 AND ($3 IS NULL OR agent = $3)",
    )
    .bind(treasury)
    .bind(now)
    .bind(agent)
    .row(tx)
    .await?;
    row.map_or(Ok((0, 0)), |row| Ok((row.number("open")?, row.number("next")?)))
}

/// Requests that nobody answered and whose time ran out after `from` and not after `to` (unix seconds), with their
/// envelopes.
pub(crate) async fn ran_out(tx: &mut Tx, from: u64, to: u64) -> Result<Vec<(Request, Option<u32>)>, DbError> {
    let sql = format!(
        "{SELECT} WHERE r.answer IS NULL AND r.valid_before > $1 AND r.valid_before <= $2 ORDER BY r.valid_before, r.digest"
    );
    let mut found = Vec::new();
    for row in Query::made(sql, vec![from.value(), to.value()]).rows(&mut *tx).await? {
        let request = read(&row)?.request;
        let envelope = envelope_of(tx, request.purse).await?;
        found.push((request, envelope));
    }
    Ok(found)
}

/// The envelope of a purse, as far as the ledger has followed the chain.
pub(crate) async fn envelope_of(tx: &mut Tx, purse: Address) -> Result<Option<u32>, DbError> {
    let row = Query::new("SELECT envelope FROM purse WHERE address = $1").bind(purse).row(tx).await?;
    row.map(|row| row.number("envelope")).transpose()
}
