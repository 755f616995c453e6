//! Sessions as they stood.

use std::cmp::Reverse;

use alloy::primitives::B256;

use super::{
    super::{
        Past, envelopes,
        select::Select,
        sessions::{self, Filter, Key, Session},
    },
    Roster,
    account::paid_until,
    moment::Moment,
};
use crate::db::{Db, DbError};

/// So many envelopes of an agent are looked through at a time: anybody may name an agent in a treasury of their own.
const ENVELOPES: usize = 1_000;

/// Sessions, newest first.
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
    let moment = Moment::of(db, past).await?;
    let roster = Roster::load(db, filter.treasury, past.height).await?;
    let mut rows = Vec::new();
    match filter.agent {
        None => {
            rows = select_list(filter, None, &moment, after, limit).rows(db, sessions::read).await?;
        }
        Some(agent) => {
            let whose: Vec<envelopes::Key> = roster.of(agent).collect();
            for some in whose.chunks(ENVELOPES) {
                let select = select_list(filter, Some(some), &moment, after, limit);
                rows.extend(select.rows(db, sessions::read).await?);
            }
            rows.sort_unstable_by_key(|row| Reverse((row.opened_at, row.purse, row.sequence)));
            rows.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        }
    }
    stood(db, &roster, &moment, rows).await
}

/// Those of these envelopes, where there are any: an agent's, then.
pub(in super::super) fn select_list(
    filter: &Filter,
    whose: Option<&[envelopes::Key]>,
    moment: &Moment,
    after: Option<Key>,
    limit: u32,
) -> Select {
    let mut select = sessions::filtered(&Filter { agent: None, ..filter.clone() }, Some(moment));
    if let Some(whose) = whose {
        select.condition("(s.treasury, s.envelope) IN ");
        for ((treasury, number), before) in
            whose.iter().zip(std::iter::once("(VALUES (").chain(std::iter::repeat("), (")))
        {
            select.push(before).bind(*treasury).push(", ").bind(*number);
        }
        select.push("))");
    }
    sessions::page(&mut select, after, limit);
    select
}

/// One session; `None` where it was not open yet.
///
/// # Errors
/// As [`super::envelope`].
pub async fn session(db: &Db, id: B256, past: Past) -> Result<Option<Session>, DbError> {
    let moment = Moment::of(db, past).await?;
    let mut select = sessions::select(Some(&moment));
    let found = select.filter("s.id = ", Some(id)).row(db, sessions::read).await?;
    let Some(row) = found else { return Ok(None) };
    let roster = Roster::load(db, Some(row.treasury), past.height).await?;
    Ok(stood(db, &roster, &moment, vec![row]).await?.pop())
}

/// Rows of today as they stood: what only changes with blocks is told anew.
async fn stood(
    db: &Db,
    roster: &Roster,
    moment: &Moment,
    rows: Vec<Session>,
) -> Result<Vec<Session>, DbError> {
    let mut all = Vec::with_capacity(rows.len());
    for mut row in rows {
        if let Some(envelope) = roster.envelopes.get(&(row.treasury, row.envelope)) {
            row.agent = envelope.agent;
        }
        if !moment.had_closed(row.id, row.closed_at) {
            (row.closed_at, row.returned, row.unspent) = (None, None, None);
            (row.paid, row.payments) = paid_until(db, row.id, moment.height).await?;
        }
        all.push(row);
    }
    Ok(all)
}
