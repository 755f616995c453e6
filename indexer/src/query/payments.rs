//! Payments, each with the decision it committed to.

use std::cmp::Reverse;

use alloy::primitives::{Address, B256};
use bursar_sdk::{amount::Amount, decision::DecisionRecord};

use super::{
    AmountRange, Past, Position, TimeRange,
    erasures::{self, Note, note},
    outcomes::{self, Outcome},
    select::Select,
    sums,
};
use crate::db::{Db, DbError, DbRow};

/// One x402 settlement from a purse, as it stands on chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payment {
    /// Where it stands: block, and index of the token's `AuthorizationUsed` log; of its `Transfer` log where Permit2 moved it.
    pub position: Position,
    /// That block.
    pub block_hash: B256,
    /// The settling transaction.
    pub tx_hash: B256,
    /// When, in unix seconds.
    pub timestamp: u64,
    /// The treasury.
    pub treasury: Address,
    /// The envelope's number.
    pub envelope: u32,
    /// The agent that paid.
    pub agent: Address,
    /// The purse it paid from.
    pub purse: Address,
    /// The session it paid in.
    pub session: B256,
    /// The policy in force.
    pub policy_version: u16,
    /// The hash of that policy's document.
    pub policy_hash: Option<B256>,
    /// The token.
    pub asset: Address,
    /// Who was paid.
    pub payee: Address,
    /// How much, in the asset's atomic units.
    pub amount: Amount,
    /// How it settled: `eip3009`, `permit2_exact`, `permit2_upto`; `permit2` where nothing tells which.
    pub rail: String,
    /// The commitment to policy, session and decision; `None` where it settled through Permit2, which logs none,
    /// and the transaction's input did not tell.
    pub nonce: Option<B256>,
    /// The decision's hash, where the transaction's input could be read or the record is known.
    pub decision_hash: Option<B256>,
    /// The human who approved it, where one had to.
    pub approver: Option<Address>,
    /// Who sent the settling transaction.
    pub facilitator: Address,
    /// The record whose nonce this is; `None` makes the payment unexplained.
    pub decision: Option<DecisionRecord>,
    /// What came of it, as far as the agent has said.
    pub outcome: Option<Outcome>,
    /// What is left of the record, where it was erased.
    pub erased: Option<Note>,
}

impl Payment {
    /// What the record says otherwise than the chain does, by field.
    pub fn disagreements(&self) -> Vec<&'static str> {
        let Some(record) = &self.decision else { return Vec::new() };
        // There, the record's amount is the most that may be charged.
        let charges_less = self.rail == "permit2_upto";
        [
            ("treasury", record.treasury == self.treasury),
            ("envelope", record.envelope == self.envelope),
            ("agent", record.agent == self.agent),
            ("payee", record.payee == self.payee),
            ("asset", record.asset == self.asset),
            ("amount", record.amount == self.amount || (charges_less && record.amount > self.amount)),
            ("policyHash", self.policy_hash.is_none_or(|hash| hash == record.policy_hash)),
        ]
        .into_iter()
        .filter_map(|(field, agrees)| (!agrees).then_some(field))
        .collect()
    }
}

/// Which payments.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Of this treasury.
    pub treasury: Option<Address>,
    /// Of the envelope with this number.
    pub envelope: Option<u32>,
    /// By this agent.
    pub agent: Option<Address>,
    /// To this payee.
    pub payee: Option<Address>,
    /// In this session.
    pub session: Option<B256>,
    /// In this transaction.
    pub tx_hash: Option<B256>,
    /// On this rail.
    pub rail: Option<&'static str>,
    /// Settled then.
    pub time: TimeRange,
    /// Of such an amount.
    pub amount: AmountRange,
    /// With a known decision record, or without one that was known and erased.
    pub explained: Option<bool>,
    /// Up to this block (inclusive): what is final.
    pub up_to_block: Option<u64>,
    /// From beyond this block: what is not.
    pub beyond_block: Option<u64>,
    /// As the ledger was then. What was erased since is erased there, too.
    pub past: Option<Past>,
}

impl Filter {
    /// Whether it is about few payments, which are better looked through than all that are unexplained.
    fn picks(&self) -> bool {
        self.agent.is_some() || self.payee.is_some() || self.session.is_some() || self.tx_hash.is_some()
    }
}

const ALL: &str = " FROM payment p";

/// SQLite begins a cross join where it is written: with what is few.
const UNEXPLAINED: &str = " FROM unexplained u CROSS JOIN payment p";

/// Payments from there, each beside what was known of it then, or is.
fn payments(from: &'static str, past: Option<Past>) -> Select {
    let until = past.map(|past| past.records_until);
    let mut select = Select::new(
        "SELECT p.rail, p.block_number, p.log_index, p.block_hash, p.tx_hash, p.timestamp, p.treasury, \
         p.envelope, p.agent, p.purse, p.session, p.policy_version, q.policy_hash, p.asset, p.payee, p.amount, \
         p.nonce, coalesce(p.decision_hash, d.hash, e.hash) AS decision_hash, p.approver, p.facilitator, d.record, ",
    );
    outcomes::latest(&mut select, past);
    select
        .push(concat!(", ", note!()))
        .push(from)
        .push(" LEFT JOIN decision d ON d.purse = p.purse AND d.nonce = p.nonce")
        .and("d.received_at <= ", until)
        .push(" LEFT JOIN erasure e ON e.purse = p.purse AND e.nonce = p.nonce AND e.kind = 'decision'")
        .and("e.received_at <= ", until)
        .push(
            " LEFT JOIN policy q \
             ON q.treasury = p.treasury AND q.envelope = p.envelope AND q.version = p.policy_version",
        );
    select
}

fn read(row: &DbRow) -> Result<Payment, DbError> {
    Ok(Payment {
        position: Position::read(row)?,
        block_hash: row.hash("block_hash")?,
        tx_hash: row.hash("tx_hash")?,
        timestamp: row.number("timestamp")?,
        treasury: row.address("treasury")?,
        envelope: row.number("envelope")?,
        agent: row.address("agent")?,
        purse: row.address("purse")?,
        session: row.hash("session")?,
        policy_version: row.number("policy_version")?,
        policy_hash: row.maybe_hash("policy_hash")?,
        asset: row.address("asset")?,
        payee: row.address("payee")?,
        amount: row.amount("amount")?,
        rail: row.text("rail")?,
        nonce: row.maybe_hash("nonce")?,
        decision_hash: row.maybe_hash("decision_hash")?,
        approver: row.maybe_address("approver")?,
        facilitator: row.address("facilitator")?,
        decision: row.maybe_json("record", "a decision record")?,
        outcome: outcomes::read(row)?,
        erased: erasures::read_note(row)?,
    })
}

/// Payments, newest first.
///
/// # Errors
/// When the database fails.
pub async fn list(
    db: &Db,
    filter: &Filter,
    after: Option<Position>,
    limit: u32,
) -> Result<Vec<Payment>, DbError> {
    select_list(filter, after, limit).rows(db, read).await
}

pub(super) fn select_list(filter: &Filter, after: Option<Position>, limit: u32) -> Select {
    let after = after.map(Position::cells);
    // What is unexplained now is not what was then.
    if filter.explained == Some(false) && filter.past.is_none() && !filter.picks() {
        let mut select = select_unexplained(filter);
        select
            .after("(u.block_number, u.log_index) < ", after)
            .order_and_limit(" ORDER BY u.block_number DESC, u.log_index DESC", limit);
        return select;
    }
    let mut select = select(filter);
    select
        .after("(p.block_number, p.log_index) < ", after)
        .order_and_limit(" ORDER BY p.block_number DESC, p.log_index DESC", limit);
    select
}

/// The agent's last payments before a time, and its first ones from then on.
pub(super) fn select_nearest(agent: Address, treasury: Option<Address>, at: u64, limit: u32) -> [Select; 2] {
    let of = |time| Filter { agent: Some(agent), treasury, time, ..Default::default() };
    let before = select_list(&of(TimeRange { from: None, until: Some(at) }), None, limit);
    let mut from = select(&of(TimeRange { from: Some(at), until: None }));
    from.order_and_limit(" ORDER BY p.block_number, p.log_index", limit);
    [before, from]
}

fn select(filter: &Filter) -> Select {
    let mut select = payments(ALL, filter.past);
    select
        .filter("p.treasury = ", filter.treasury)
        .filter("p.envelope = ", filter.envelope)
        .filter("p.agent = ", filter.agent)
        .filter("p.payee = ", filter.payee)
        .filter("p.session = ", filter.session)
        .filter("p.tx_hash = ", filter.tx_hash)
        .filter("p.rail = ", filter.rail)
        .amounts("p.amount >= ", "p.amount <= ", filter.amount)
        .filter("p.block_number <= ", filter.up_to_block)
        .filter("p.block_number <= ", filter.past.map(|past| past.height))
        .filter("p.block_number > ", filter.beyond_block);
    select.blocks_of(["p.block_number", "payment"], filter.time);
    match filter.explained {
        None => &mut select,
        // As cases: databases would else see that they could begin with the records, or with what is unexplained, and sort.
        Some(true) => select.condition("CASE WHEN d.hash IS NULL THEN FALSE ELSE TRUE END"),
        Some(false) if filter.past.is_some() => {
            select.condition("CASE WHEN d.hash IS NULL AND e.hash IS NULL THEN TRUE ELSE FALSE END")
        }
        Some(false) => select.condition(
            "CASE WHEN EXISTS (SELECT 1 FROM unexplained u WHERE u.block_number = p.block_number \
             AND u.log_index = p.log_index) THEN TRUE ELSE FALSE END",
        ),
    };
    select
}

fn select_unexplained(filter: &Filter) -> Select {
    let mut select = payments(UNEXPLAINED, None);
    select
        .condition("p.block_number = u.block_number AND p.log_index = u.log_index")
        .filter("u.treasury = ", filter.treasury)
        .filter("u.envelope = ", filter.envelope)
        .filter("p.rail = ", filter.rail)
        .amounts("p.amount >= ", "p.amount <= ", filter.amount)
        .filter("u.block_number <= ", filter.up_to_block)
        .filter("u.block_number > ", filter.beyond_block);
    select.blocks_of(["u.block_number", "payment"], filter.time);
    select
}

/// An agent's payments (from a treasury) nearest to a time (unix seconds), nearest first; of two as near, the later first.
///
/// # Errors
/// When the database fails.
pub async fn nearest(
    db: &Db,
    agent: Address,
    treasury: Option<Address>,
    at: u64,
    limit: u32,
) -> Result<Vec<Payment>, DbError> {
    let [before, from] = select_nearest(agent, treasury, at, limit);
    let mut found = from.rows(db, read).await?;
    found.extend(before.rows(db, read).await?);
    found.sort_by_key(|payment| (payment.timestamp.abs_diff(at), Reverse(payment.position)));
    found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    Ok(found)
}

/// One payment: a purse uses a nonce once.
///
/// # Errors
/// When the database fails.
pub async fn get(db: &Db, purse: Address, nonce: B256) -> Result<Option<Payment>, DbError> {
    as_of(db, purse, nonce, None).await
}

/// The same as the ledger was then, where a moment is named.
///
/// # Errors
/// When the database fails.
pub async fn as_of(
    db: &Db,
    purse: Address,
    nonce: B256,
    past: Option<Past>,
) -> Result<Option<Payment>, DbError> {
    payments(ALL, past)
        .filter("p.purse = ", Some(purse))
        .filter("p.nonce = ", Some(nonce))
        .filter("p.block_number <= ", past.map(|past| past.height))
        .row(db, read)
        .await
}

/// The payments that carry a nonce, whichever purse they are of: one, unless somebody made two purses commit to the same.
///
/// # Errors
/// When the database fails.
pub async fn with_nonce(db: &Db, nonce: B256, limit: u32) -> Result<Vec<Payment>, DbError> {
    select_with_nonce(nonce, limit).rows(db, read).await
}

pub(super) fn select_with_nonce(nonce: B256, limit: u32) -> Select {
    let mut select = payments(ALL, None);
    select.filter("p.nonce = ", Some(nonce)).order_and_limit(" ORDER BY p.purse", limit);
    select
}

/// What a session had paid when a payment of it had settled, that one included: how much, and in how many payments; `None`
/// where those are more than `most`, which takes too long to add up.
///
/// # Errors
/// When the database fails, or the sum is more than a token has.
pub async fn paid_until(
    db: &Db,
    session: B256,
    until: Position,
    most: u32,
) -> Result<Option<(Amount, u64)>, DbError> {
    let read = |row: &DbRow| Ok((sums::read(row, ["high", "low"])?, row.number::<u64>("count")?));
    let found = select_until(session, until, most.saturating_add(1)).row(db, read).await?;
    let (paid, count) = found.unwrap_or_default();
    if count > u64::from(most) {
        return Ok(None);
    }
    let paid = Amount::try_from(paid).map_err(|_| DbError::Inconsistent {
        column: "amount",
        expected: "amounts that add up to one of 96 bits",
        got: paid.to_string(),
    })?;
    Ok(Some((paid, count)))
}

pub(super) fn select_until(session: B256, until: Position, limit: u32) -> Select {
    let mut select = Select::new(concat!(
        "SELECT COUNT(*) AS count, ",
        sums::high!(),
        " AS high, ",
        sums::low!(),
        " AS low FROM (SELECT p.amount FROM payment p"
    ));
    select
        .filter("p.session = ", Some(session))
        .after("(p.block_number, p.log_index) <= ", Some(until.cells()))
        .order_and_limit(" ORDER BY p.block_number, p.log_index", limit)
        .push(") p");
    select
}
