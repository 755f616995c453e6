//! Sessions as they stood.

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

/// Most envelopes of an agent that are looked through: anybody may name an agent in a treasury of their own.
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
    let select = match filter.agent {
        None => select_list(filter, None, &moment, after, limit),
        Some(agent) => {
            let whose: Vec<envelopes::Key> = roster.of(agent).take(ENVELOPES).collect();
            if whose.is_empty() {
                return Ok(Vec::new());
            }
            select_list(filter, Some(&whose), &moment, after, limit)
        }
    };
    stood(db, &roster, &moment, select.rows(db, sessions::read).await?).await
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
