//! Sessions: bounded grants drawn from an envelope.

use alloy::primitives::{Address, B256};
use bursar_sdk::{amount::Amount, payment::split_session_id};
use serde::{Deserialize, Serialize};

use super::{AmountRange, TimeRange, policies::number, select::Select};
use crate::db::{Cell, Db, DbError, DbRow};

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

const SELECT: &str = "SELECT s.id, s.purse, s.sequence, s.treasury, s.envelope, e.agent, e.asset, s.key, s.budget, s.opened_at, \
                      s.expiry, s.policy_version, e.policy_version AS policy_in_force, s.scope, s.stamp_hash, s.frozen, \
                      s.closed_at, s.returned, s.unspent, s.paid, s.payments, s.opened_tx \
                      FROM session s JOIN envelope e ON e.treasury = s.treasury AND e.number = s.envelope";

/// What [`Session::state`] looks at, as conditions: that it is not so, and that it is.
#[derive(Debug)]
pub(super) struct Stands {
    pub(super) closed: [&'static str; 2],
    pub(super) frozen: [&'static str; 2],
    pub(super) outdated: [&'static str; 2],
}

const STANDS: Stands = Stands {
    closed: ["s.closed_at IS NULL", "s.closed_at IS NOT NULL"],
    frozen: ["NOT s.frozen", "s.frozen"],
    outdated: ["s.policy_version = e.policy_version", "s.policy_version <> e.policy_version"],
};

pub(super) fn read(row: &DbRow) -> Result<Session, DbError> {
    Ok(Session {
        id: row.hash("id")?,
        purse: row.address("purse")?,
        sequence: row.number("sequence")?,
        treasury: row.address("treasury")?,
        envelope: row.number("envelope")?,
        agent: row.address("agent")?,
        asset: row.address("asset")?,
        key: row.address("key")?,
        budget: row.amount("budget")?,
        opened_at: row.number("opened_at")?,
        expiry: row.number("expiry")?,
        policy_version: row.number("policy_version")?,
        policy_in_force: row.number("policy_in_force")?,
        scope: row.json("scope", "a session's scope")?,
        stamp_hash: row.hash("stamp_hash")?,
        frozen: row.flag("frozen")?,
        closed_at: row.maybe_number("closed_at")?,
        returned: row.maybe_amount("returned")?,
        unspent: row.maybe_amount("unspent")?,
        paid: row.sum("paid")?,
        payments: row.number("payments")?,
        opened_tx: row.hash("opened_tx")?,
    })
}

/// Sessions, newest first.
///
/// # Errors
/// When the database fails.
pub async fn list(db: &Db, filter: &Filter, after: Option<Key>, limit: u32) -> Result<Vec<Session>, DbError> {
    select_list(filter, after, limit).rows(db, read).await
}

pub(super) fn select_list(filter: &Filter, after: Option<Key>, limit: u32) -> Select {
    let mut select = Select::new(SELECT);
    narrow(&mut select, filter, "e.agent = ", &STANDS);
    page(&mut select, after, limit);
    select
}

pub(super) fn narrow(select: &mut Select, filter: &Filter, agent: &'static str, stands: &Stands) {
    select
        .filter("s.treasury = ", filter.treasury)
        .filter("s.envelope = ", filter.envelope)
        .filter(agent, filter.agent)
        .filter("s.purse = ", filter.purse)
        .times("s.opened_at >= ", "s.opened_at < ", filter.opened)
        .amounts("s.budget >= ", "s.budget <= ", filter.budget);
    if let Some((state, now)) = filter.state {
        stand(select, state, now, stands);
    }
}

pub(super) fn page(select: &mut Select, after: Option<Key>, limit: u32) {
    let key = after.map(|key| {
        let (purse, sequence) = split_session_id(key.id);
        [key.opened_at.value(), purse.value(), sequence.value()]
    });
    select
        .after("(s.opened_at, s.purse, s.sequence) < ", key)
        .order_and_limit(" ORDER BY s.opened_at DESC, s.purse DESC, s.sequence DESC", limit);
}

/// As [`Session::state`] decides.
fn stand(select: &mut Select, state: State, now: u64, stands: &Stands) {
    let is = |what: [&'static str; 2], so: bool| what[usize::from(so)];
    select.condition(is(stands.closed, state == State::Closed));
    if state == State::Closed {
        return;
    }
    if state == State::Expired {
        select.condition("s.expiry <= ").bind(now);
        return;
    }
    select.condition("s.expiry > ").bind(now).condition(is(stands.frozen, state == State::Frozen));
    if state != State::Frozen {
        select.condition(is(stands.outdated, state == State::Outdated));
    }
}

/// One session.
///
/// # Errors
/// When the database fails.
pub async fn get(db: &Db, id: B256) -> Result<Option<Session>, DbError> {
    Select::new(SELECT).filter("s.id = ", Some(id)).row(db, read).await
}
