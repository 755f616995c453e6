//! Sessions: bounded grants drawn from an envelope.

use alloy::primitives::{Address, B256};
use bursar_sdk::{amount::Amount, payment::split_session_id};
use serde::{Deserialize, Serialize};
use sqlx::{SqlitePool, sqlite::SqliteRow};

use super::{AmountRange, QueryError, TimeRange, column, policies::number, select::Select};

/// A bounded grant. Amounts in the asset's atomic units, times in unix seconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Purse and sequence number in one, as payments commit to it.
    pub id: B256,
    /// The purse that pays.
    pub purse: Address,
    /// Counts the purse's sessions from 1.
    pub sequence: u32,
    /// The treasury.
    pub treasury: Address,
    /// The envelope's number.
    pub envelope: u32,
    /// The envelope's agent.
    pub agent: Address,
    /// The token.
    pub asset: Address,
    /// The session key.
    pub key: Address,
    /// What it drew.
    pub budget: Amount,
    /// When it was opened.
    pub opened_at: u64,
    /// When it ends (exclusive).
    pub expiry: u64,
    /// The policy it was opened under.
    pub policy_version: u16,
    /// The envelope's policy in force.
    pub policy_in_force: u16,
    /// What it narrows.
    pub scope: Scope,
    /// Hash of the identity stamp in use, or zero.
    pub stamp_hash: B256,
    /// Whether it is frozen.
    pub frozen: bool,
    /// When it was settled.
    pub closed_at: Option<u64>,
    /// What the purse gave back then.
    pub returned: Option<Amount>,
    /// The part of it that the session had drawn.
    pub unspent: Option<Amount>,
    /// What it paid.
    pub paid: Amount,
    /// How many payments.
    pub payments: u64,
    /// The transaction that opened it.
    pub opened_tx: B256,
}

/// What a session narrows; a zero field narrows nothing.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Scope {
    /// Lower cap per payment.
    #[serde(deserialize_with = "number")]
    pub payment_cap: Amount,
    /// Lower approval threshold.
    #[serde(deserialize_with = "number")]
    pub approval_threshold: Amount,
    /// A further payee list.
    #[serde(deserialize_with = "number")]
    pub payee_list: u16,
}

/// Where a session stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It may pay, unless its envelope or organisation is frozen.
    Open,
    /// Somebody stopped it.
    Frozen,
    /// Its policy is no longer in force: it pays no more.
    Outdated,
    /// Its time is over; not settled yet.
    Expired,
    /// Settled.
    Closed,
}

impl Session {
    /// Where it stands at `now` (unix seconds).
    pub fn state(&self, now: u64) -> State {
        match () {
            () if self.closed_at.is_some() => State::Closed,
            () if now >= self.expiry => State::Expired,
            () if self.frozen => State::Frozen,
            () if self.policy_version != self.policy_in_force => State::Outdated,
            () => State::Open,
        }
    }
}

/// The key of the list, newest first: opening, purse, sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    /// When it was opened.
    pub opened_at: u64,
    /// Purse and sequence number.
    pub id: B256,
}

/// Which sessions.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Of this treasury.
    pub treasury: Option<Address>,
    /// Of the envelope with this number.
    pub envelope: Option<u32>,
    /// Of this agent's envelopes.
    pub agent: Option<Address>,
    /// Of this purse.
    pub purse: Option<Address>,
    /// Opened then.
    pub opened: TimeRange,
    /// With a budget like this.
    pub budget: AmountRange,
    /// Standing there, at that time.
    pub state: Option<(State, u64)>,
}

const SELECT: &str = "SELECT s.id, s.purse, s.sequence, s.treasury, s.envelope, e.agent, e.asset, s.key, \
     s.budget, s.opened_at, s.expiry, s.policy_version, e.policy_version AS policy_in_force, s.scope, \
     s.stamp_hash, s.frozen, s.closed_at, s.returned, s.unspent, s.paid, s.payments, s.opened_tx \
     FROM session s JOIN envelope e ON e.treasury = s.treasury AND e.number = s.envelope";

fn read(row: &SqliteRow) -> Result<Session, QueryError> {
    Ok(Session {
        id: column::hash(row, "id")?,
        purse: column::address(row, "purse")?,
        sequence: column::number(row, "sequence")?,
        treasury: column::address(row, "treasury")?,
        envelope: column::number(row, "envelope")?,
        agent: column::address(row, "agent")?,
        asset: column::address(row, "asset")?,
        key: column::address(row, "key")?,
        budget: column::amount(row, "budget")?,
        opened_at: column::number(row, "opened_at")?,
        expiry: column::number(row, "expiry")?,
        policy_version: column::number(row, "policy_version")?,
        policy_in_force: column::number(row, "policy_in_force")?,
        scope: column::json(row, "scope", "a session's scope")?,
        stamp_hash: column::hash(row, "stamp_hash")?,
        frozen: column::flag(row, "frozen")?,
        closed_at: column::maybe_number(row, "closed_at")?,
        returned: column::maybe_amount(row, "returned")?,
        unspent: column::maybe_amount(row, "unspent")?,
        paid: column::amount(row, "paid")?,
        payments: column::number(row, "payments")?,
        opened_tx: column::hash(row, "opened_tx")?,
    })
}

/// Sessions, newest first.
///
/// # Errors
/// When the database fails.
pub async fn list(
    pool: &SqlitePool,
    filter: &Filter,
    after: Option<Key>,
    limit: u32,
) -> Result<Vec<Session>, QueryError> {
    select_list(filter, after, limit).rows(pool, read).await
}

pub(super) fn select_list(filter: &Filter, after: Option<Key>, limit: u32) -> Select {
    let mut select = Select::new(SELECT);
    select
        .filter("s.treasury = ", filter.treasury.map(|key| key.to_vec()))
        .filter("s.envelope = ", filter.envelope.map(i64::from))
        .filter("e.agent = ", filter.agent.map(|key| key.to_vec()))
        .filter("s.purse = ", filter.purse.map(|key| key.to_vec()))
        .times("s.opened_at >= ", "s.opened_at < ", filter.opened)
        .amounts("s.budget >= ", "s.budget <= ", filter.budget);
    if let Some((state, now)) = filter.state {
        stand(&mut select, state, column::signed(now));
    }
    if let Some(key) = after {
        let (purse, sequence) = split_session_id(key.id);
        select
            .condition("(s.opened_at, s.purse, s.sequence) < (")
            .bind(column::signed(key.opened_at))
            .push(", ")
            .bind(purse.to_vec())
            .push(", ")
            .bind(i64::from(sequence))
            .push(")");
    }
    select.order_and_limit(" ORDER BY s.opened_at DESC, s.purse DESC, s.sequence DESC", limit);
    select
}

/// As [`Session::state`] decides.
fn stand(select: &mut Select, state: State, now: i64) {
    if state == State::Closed {
        select.condition("s.closed_at IS NOT NULL");
        return;
    }
    select.condition("s.closed_at IS NULL");
    if state == State::Expired {
        select.condition("s.expiry <= ").bind(now);
        return;
    }
    select.condition("s.expiry > ").bind(now);
    match state {
        State::Frozen => select.condition("s.frozen = 1"),
        State::Outdated => select.condition("s.frozen = 0").condition("s.policy_version <> e.policy_version"),
        _ => select.condition("s.frozen = 0").condition("s.policy_version = e.policy_version"),
    };
}

/// One session.
///
/// # Errors
/// When the database fails.
pub async fn get(pool: &SqlitePool, id: B256) -> Result<Option<Session>, QueryError> {
    Select::new(SELECT).filter("s.id = ", Some(id.to_vec())).row(pool, read).await
}
