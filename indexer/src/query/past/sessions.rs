//! Sessions as they stood.

use std::cmp::Reverse;

use alloy::primitives::{Address, B256};
use bursar_sdk::payment::split_session_id;
use futures::TryStreamExt as _;

use super::{
    super::{
        Past, blocks,
        select::Select,
        sessions::{self, Filter, Key, Session, Stands},
    },
    is_kept, paid, since,
};
use crate::db::{Db, DbError, DbRow};

/// As of block `$1`.
const SELECT: &str = concat!(
    "SELECT s.id, s.purse, s.sequence, s.treasury, s.envelope, v.agent, e.asset, s.key, s.budget, s.opened_at, s.expiry, \
     s.policy_version, v.policy_version AS policy_in_force, s.scope, s.stamp_hash, h.frozen, \
     CASE WHEN h.closed THEN s.closed_at END AS closed_at, CASE WHEN h.closed THEN s.returned END AS returned, \
     CASE WHEN h.closed THEN s.unspent END AS unspent, h.paid, h.payments, s.opened_tx, ",
    since!("p.session = s.id", "h"),
    // In this order: PostgreSQL weighs it itself.
    " FROM session s CROSS JOIN session_then h CROSS JOIN envelope e CROSS JOIN envelope_then v"
);

/// Of what is kept of a session and of its envelope, the last: looked up for each, as envelopes are.
const LAST: &str = "h.purse = (SELECT s.purse) AND h.sequence = (SELECT s.sequence) AND h.block_number = \
                    (SELECT MAX(w.block_number) FROM session_then w \
                    WHERE w.purse = s.purse AND w.sequence = s.sequence AND w.block_number <= $1) \
                    AND e.treasury = s.treasury AND e.number = s.envelope \
                    AND v.treasury = (SELECT s.treasury) AND v.number = (SELECT s.envelope) AND v.block_number = \
                    (SELECT MAX(w.block_number) FROM envelope_then w \
                    WHERE w.treasury = s.treasury AND w.number = s.envelope AND w.block_number <= $1)";

const STOOD: Stands = Stands {
    closed: ["NOT h.closed", "h.closed"],
    frozen: ["NOT h.frozen", "h.frozen"],
    outdated: ["s.policy_version = v.policy_version", "s.policy_version <> v.policy_version"],
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
        _ => return select_list(filter, point, after, limit).rows(db, read).await,
    };
    let until = after.map_or(last.timestamp, |after| after.opened_at.min(last.timestamp));
    let latest = select_latest(agent, filter.treasury, past.height, until);
    let mut whose = latest.stream(db, |row| {
        let key = (row.address("treasury")?, row.number("number")?);
        Ok((key, row.number::<u64>("latest")?))
    });
    let (mut found, most) = (Vec::<Session>::new(), usize::try_from(limit).unwrap_or(usize::MAX));
    while let Some(((treasury, number), latest)) = whose.try_next().await? {
        // None of what is left is newer.
        if found.len() == most && found.last().is_none_or(|last| last.opened_at > latest) {
            break;
        }
        let of = Filter { treasury: Some(treasury), envelope: Some(number), ..filter.clone() };
        found.extend(select_list(&of, point, after, limit).rows(db, read).await?);
        found.sort_unstable_by_key(|row| Reverse((row.opened_at, row.purse, row.sequence)));
        found.truncate(most);
    }
    Ok(found)
}

/// As of a height, with the time of the last block up to it. Blocks may share a second: what of it opened later has not stood yet.
pub(in super::super) fn select_list(
    filter: &Filter,
    (height, time): (u64, u64),
    after: Option<Key>,
    limit: u32,
) -> Select {
    let mut select = Select::given(SELECT, height);
    select.condition(LAST).filter("s.opened_at <= ", Some(time));
    sessions::narrow(&mut select, filter, "v.agent = ", &STOOD);
    sessions::page(&mut select, after, limit);
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
        .condition(
            "n.block_number = (SELECT MAX(m.block_number) FROM agent_then m \
             WHERE m.treasury = n.treasury AND m.number = n.number AND m.block_number <= $1)",
        )
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
    select.condition(LAST).filter("s.purse = ", Some(purse)).filter("s.sequence = ", Some(sequence));
    let found = select.row(db, read).await?;
    Ok(found.filter(|session| session.id == id))
}

fn read(row: &DbRow) -> Result<Session, DbError> {
    let mut session = sessions::read(row)?;
    (session.paid, session.payments) = paid(row)?;
    Ok(session)
}
