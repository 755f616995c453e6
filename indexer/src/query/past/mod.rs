//! Envelopes and sessions as they stood at a height.
//!
//! Their rows change with blocks and are kept as they stand. How they stood is built again from what never changes: what
//! treasuries said, payments, stops and policies, each with its block. The arithmetic of limits is the one that the
//! projection counts with, so that a ledger asked as of a block tells what one that ended there tells.
//!
//! A page of envelopes costs what their treasuries said up to there; what tokens said of every payment is left alone.

mod account;
mod moment;
mod roster;
mod sessions;
mod settings;

use std::{
    collections::BTreeSet,
    ops::Bound::{Excluded, Unbounded},
};

use alloy::primitives::Address;
use bursar_sdk::windows::Window;

pub(super) use self::moment::Moment;
use self::roster::Roster;
#[cfg(test)]
pub(super) use self::{account::select_said, sessions::select_list as select_sessions};
pub use self::{
    sessions::{session, sessions},
    settings::{on_list, stamp_epoch},
};
use super::{
    Past,
    envelopes::{Envelope, Filter, Key},
    headroom::Headroom,
    history::{self, Event},
    select::Select,
};
use crate::{
    db::{Db, DbError},
    decode::said::Said,
};

/// An envelope as it stood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stood {
    /// Its row.
    pub row: Envelope,
    /// What each limit had counted, shortest window first, the lifetime last.
    pub windows: Vec<Window>,
}

impl Stood {
    /// What each limit had left at `now` (unix seconds).
    pub fn headroom(&self, now: u64) -> Vec<Headroom> {
        self.windows.iter().map(|window| Headroom::of(*window, now)).collect()
    }
}

/// One envelope; `None` where there was none yet.
///
/// # Errors
/// When the database fails, or its events do not follow from each other.
pub async fn envelope(db: &Db, key: Key, past: Past) -> Result<Option<Stood>, DbError> {
    let roster = Roster::load(db, Some(key.0), past.height).await?;
    match roster.envelopes.get(&key) {
        None => Ok(None),
        Some(row) => Ok(Some(account::told(db, row.clone(), past.height).await?)),
    }
}

/// Envelopes by treasury and number.
///
/// # Errors
/// As [`envelope`].
pub async fn envelopes(
    db: &Db,
    filter: &Filter,
    past: Past,
    after: Option<Key>,
    limit: u32,
) -> Result<Vec<Stood>, DbError> {
    let roster = Roster::load(db, filter.treasury, past.height).await?;
    let from = (after.map_or(Unbounded, Excluded), Unbounded);
    let found = roster.envelopes.range(from).map(|(_, row)| row).filter(|row| filter.takes(row));
    let found: Vec<Envelope> = found.take(most(limit)).cloned().collect();
    stood(db, found, past).await
}

/// Agents by address.
///
/// # Errors
/// As [`envelope`].
pub async fn agents(
    db: &Db,
    treasury: Option<Address>,
    past: Past,
    after: Option<Address>,
    limit: u32,
) -> Result<Vec<Address>, DbError> {
    let roster = Roster::load(db, treasury, past.height).await?;
    let all: BTreeSet<Address> = roster.envelopes.values().map(|row| row.agent).collect();
    Ok(all.into_iter().filter(|agent| after.is_none_or(|after| *agent > after)).take(most(limit)).collect())
}

/// Envelopes of these agents, by treasury and number; of one treasury, or of all. Of each agent the first `limit`.
///
/// # Errors
/// As [`envelope`].
pub async fn of_agents(
    db: &Db,
    agents: &[Address],
    treasury: Option<Address>,
    past: Past,
    limit: u32,
) -> Result<Vec<Stood>, DbError> {
    let roster = Roster::load(db, treasury, past.height).await?;
    let of = |agent: &Address| {
        let agent = *agent;
        roster.envelopes.values().filter(move |row| row.agent == agent).take(most(limit))
    };
    let mut rows: Vec<Envelope> = agents.iter().flat_map(of).cloned().collect();
    rows.sort_by_key(|row| (row.treasury, row.number));
    stood(db, rows, past).await
}

async fn stood(db: &Db, rows: Vec<Envelope>, past: Past) -> Result<Vec<Stood>, DbError> {
    let mut all = Vec::with_capacity(rows.len());
    for row in rows {
        all.push(account::told(db, row, past.height).await?);
    }
    Ok(all)
}

fn most(limit: u32) -> usize {
    usize::try_from(limit).unwrap_or(usize::MAX)
}

/// What treasuries said of such kinds up to a height, in the chain's order. It is said once or rarely: found by kind, and
/// put in order here.
async fn said(
    db: &Db,
    kinds: &'static str,
    treasury: Option<Address>,
    height: u64,
) -> Result<Vec<Event>, DbError> {
    let mut select = Select::new(history::SELECT_EVENTS);
    select.condition(kinds).sift("e.treasury = ", treasury).filter("e.block_number <= ", Some(height));
    let mut events = select.rows(db, history::read_event).await?;
    events.sort_unstable_by_key(|event| event.position);
    Ok(events)
}

/// What a treasury said.
fn read(event: &Event) -> Result<Said, DbError> {
    let reads = Said::read(&event.kind, &event.args);
    reads.map_err(|error| wrong("what a treasury says", format!("{}: {error}", event.kind)))
}

/// What treasuries said does not read, or does not follow from what they said before.
fn wrong(expected: &'static str, got: impl ToString) -> DbError {
    DbError::Inconsistent { column: "args", expected, got: got.to_string() }
}
