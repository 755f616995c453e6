//! Sessions as they stood.

use std::cmp::Reverse;

use alloy::primitives::{Address, B256};
use bursar_sdk::payment::split_session_id;

use super::{
    super::{
        Past, blocks, envelopes,
        select::Select,
        sessions::{self, Filter, Key, Session, Stands},
        sums,
    },
    is_kept, paid, since, still_its_own,
};
use crate::db::{Db, DbError, DbRow};

/// What is kept last of a session `s`.
macro_rules! then {
    ($column:literal) => {
        concat!(
            "(SELECT h.",
            $column,
            " FROM session_then h WHERE h.purse = s.purse AND h.sequence = s.sequence \
             AND h.block_number <= $1 ORDER BY h.block_number DESC LIMIT 1)"
        )
    };
}

/// What is kept last of its envelope.
macro_rules! envelope_then {
    ($column:literal) => {
        concat!(
            "(SELECT v.",
            $column,
            " FROM envelope_then v WHERE v.treasury = s.treasury AND v.number = s.envelope \
             AND v.block_number <= $1 ORDER BY v.block_number DESC LIMIT 1)"
        )
    };
}

/// As of block `$1`, of a page of sessions, which comes first as a page of envelopes does.
const SELECT: &str = concat!(
    "SELECT s.id, s.purse, s.sequence, s.treasury, s.envelope, v.agent, e.asset, s.key, s.budget, s.opened_at, s.expiry, \
     s.policy_version, v.policy_version AS policy_in_force, s.scope, s.stamp_hash, h.frozen, \
     CASE WHEN h.closed THEN s.closed_at END AS closed_at, CASE WHEN h.closed THEN s.returned END AS returned, \
     CASE WHEN h.closed THEN s.unspent END AS unspent, h.paid, h.payments, s.opened_tx, ",
    since!("p.session = s.id", "h"),
    " FROM (SELECT s.purse, s.sequence, ",
    then!("block_number"),
    " AS last, ",
    envelope_then!("block_number"),
    " AS last_of_envelope FROM session s"
);

const OF_PAGE: &str = ") o CROSS JOIN session s CROSS JOIN session_then h CROSS JOIN envelope e CROSS JOIN envelope_then v \
                       WHERE s.purse = o.purse AND s.sequence = o.sequence \
                       AND h.purse = o.purse AND h.sequence = o.sequence AND h.block_number = o.last \
                       AND e.treasury = s.treasury AND e.number = s.envelope \
                       AND v.treasury = s.treasury AND v.number = s.envelope AND v.block_number = o.last_of_envelope";

/// Blocks may share a second: what of it opened later was not there.
const WAS_OPEN: &str = concat!(then!("block_number"), " IS NOT NULL");

const STOOD: Stands = Stands {
    closed: [concat!("NOT ", then!("closed")), then!("closed")],
    frozen: [concat!("NOT ", then!("frozen")), then!("frozen")],
    outdated: [
        concat!("s.policy_version = ", envelope_then!("policy_version")),
        concat!("s.policy_version <> ", envelope_then!("policy_version")),
    ],
};

/// Sessions, newest first. Those of an agent are looked for in each of its envelopes, from the one that opened one last: in one
/// envelope more than a page needs.
///
/// # Errors
/// As [`super::envelope`].
pub async fn sessions(
    db: &Db,
    filter: &Filter,
    past: Past,
    after: Option<Key>,
    limit: u32,
) -> Result<Vec<Session>, DbError> {
    is_kept(db).await?;
    // Before the first block nothing was.
    let Some(last) = blocks::up_to(db, past.height).await? else { return Ok(Vec::new()) };
    let point = (past.height, last.timestamp);
    let agent = match filter.agent {
        Some(agent) if filter.purse.is_none() && filter.envelope.is_none() => agent,
        _ => return page(db, select_list(filter, point, after, limit)).await,
    };
    let until = after.map_or(last.timestamp, |after| after.opened_at.min(last.timestamp));
    let latest = select_latest(agent, filter.treasury, past.height, until);
    // All at once: a connection that waits for others of the same few would wait for ever beside as many of its kind.
    let whose = latest.rows(db, |row| {
        let key: envelopes::Key = (row.address("treasury")?, row.number("number")?);
        Ok((key, row.number::<u64>("latest")?))
    });
    let (mut found, most) = (Vec::<Session>::new(), usize::try_from(limit).unwrap_or(usize::MAX));
    for ((treasury, number), latest) in whose.await? {
        // None of what is left is newer.
        if found.len() == most && found.last().is_none_or(|last| last.opened_at > latest) {
            break;
        }
        let of = Filter { treasury: Some(treasury), envelope: Some(number), ..filter.clone() };
        found.extend(page(db, select_list(&of, point, after, limit)).await?);
        sort(&mut found);
        found.truncate(most);
    }
    Ok(found)
}

async fn page(db: &Db, select: Select) -> Result<Vec<Session>, DbError> {
    let mut page = select.rows(db, read).await?;
    sort(&mut page);
    Ok(page)
}

fn sort(rows: &mut [Session]) {
    rows.sort_unstable_by_key(|row| Reverse((row.opened_at, row.purse, row.sequence)));
}

/// As of a height, with the time of the last block up to it.
pub(in super::super) fn select_list(
    filter: &Filter,
    (height, time): (u64, u64),
    after: Option<Key>,
    limit: u32,
) -> Select {
    let mut select = Select::given(SELECT, height);
    select.condition(WAS_OPEN).filter("s.opened_at <= ", Some(time));
    sessions::narrow(&mut select, filter, concat!(envelope_then!("agent"), " = "), &STOOD);
    sessions::page(&mut select, after, limit);
    select.push(OF_PAGE);
    select
}

/// An agent's envelopes that had opened sessions until a time (unix seconds, inclusive), those that opened one last first.
pub(in super::super) fn select_latest(
    agent: Address,
    treasury: Option<Address>,
    height: u64,
    until: u64,
) -> Select {
    let mut select = Select::given("SELECT * FROM (SELECT n.treasury, n.number, ", height);
    select
        .push("(SELECT s.opened_at FROM session s WHERE s.treasury = n.treasury AND s.envelope = n.number AND s.opened_at <= ")
        .bind(until)
        .push(" ORDER BY s.opened_at DESC LIMIT 1) AS latest FROM agent_then n")
        .filter("n.agent = ", Some(agent))
        .filter("n.treasury = ", treasury)
        .condition(still_its_own!("n"))
        .push(") o WHERE latest IS NOT NULL ORDER BY latest DESC");
    select
}

/// One session; `None` where it was not open yet.
///
/// # Errors
/// As [`super::envelope`].
pub async fn session(db: &Db, id: B256, past: Past) -> Result<Option<Session>, DbError> {
    is_kept(db).await?;
    let (purse, sequence) = split_session_id(id);
    let mut select = Select::given(SELECT, past.height);
    select.filter("s.purse = ", Some(purse)).filter("s.sequence = ", Some(sequence));
    select.order_and_limit("", 1).push(OF_PAGE);
    let found = select.row(db, read).await?;
    Ok(found.filter(|session| session.id == id))
}

fn read(row: &DbRow) -> Result<Session, DbError> {
    let mut session = sessions::read(row)?;
    (session.paid, session.payments) = paid(row)?;
    Ok(session)
}
