//! What happened, oldest first: for those who follow.

use alloy::primitives::Address;

use super::select::Select;
use crate::{
    db::{Db, DbError, DbRow},
    outbox::{self, Event, Kind, columns},
};

/// An event with its number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// Counts from 1 without a gap: the cursor that leads on from here.
    pub seq: u64,
    /// What happened.
    pub event: Event,
}

/// Which events.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filter {
    /// Of this treasury.
    pub treasury: Option<Address>,
    /// Of the envelope with this number.
    pub envelope: Option<u32>,
    /// Of one of these kinds; of any where there are none. What takes events back always comes along.
    pub kinds: Vec<Kind>,
}

/// What comes after a cursor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Page {
    /// These; there may be more where they are as many as were asked for.
    Events {
        /// In order.
        events: Vec<Told>,
        /// The cursor that leads on.
        next: u64,
    },
    /// What came after the cursor is no longer kept: a consumer that goes on would miss events.
    Gone {
        /// The oldest that is kept.
        oldest: u64,
    },
    /// The cursor is none of this ledger's.
    Ahead {
        /// The newest there is; 0 where there is none.
        newest: u64,
    },
}

const SELECT: &str = concat!("SELECT seq, ", columns!(), " FROM outbox");

fn read(row: &DbRow) -> Result<Told, DbError> {
    Ok(Told { seq: row.number("seq")?, event: outbox::read(row)? })
}

/// The newest event; 0 where there is none.
///
/// # Errors
/// When the database fails.
pub async fn newest(db: &Db) -> Result<u64, DbError> {
    end(db, "SELECT MAX(seq) AS seq FROM outbox").await
}

/// The oldest event that is kept; 0 where there is none.
///
/// # Errors
/// When the database fails.
pub async fn oldest(db: &Db) -> Result<u64, DbError> {
    end(db, "SELECT MIN(seq) AS seq FROM outbox").await
}

async fn end(db: &Db, sql: &str) -> Result<u64, DbError> {
    let found = Select::new(sql).row(db, |row| row.maybe_number("seq")).await?;
    Ok(found.flatten().unwrap_or_default())
}

/// At most `limit` events after a cursor: the number of the last event that was seen. Without one, from the oldest that
/// is kept.
///
/// # Errors
/// When the database fails.
pub async fn after(db: &Db, filter: &Filter, cursor: Option<u64>, limit: u32) -> Result<Page, DbError> {
    // The newest first, the oldest last: what comes or goes meanwhile is then neither skipped nor missed.
    let newest = newest(db).await?;
    if cursor.is_some_and(|cursor| cursor > newest) {
        return Ok(Page::Ahead { newest });
    }
    let events = select_after(filter, cursor.unwrap_or_default(), newest, limit).rows(db, read).await?;
    let oldest = oldest(db).await?;
    if cursor.is_some_and(|cursor| cursor.saturating_add(1) < oldest) {
        return Ok(Page::Gone { oldest });
    }
    let full = events.len() >= usize::try_from(limit).unwrap_or(usize::MAX);
    let last = events.last().map(|told| told.seq).filter(|_| full);
    Ok(Page::Events { next: last.unwrap_or(newest), events })
}

pub(super) fn select_after(filter: &Filter, cursor: u64, newest: u64, limit: u32) -> Select {
    let mut select = Select::new(SELECT);
    select
        .filter("treasury = ", filter.treasury)
        .filter("envelope = ", filter.envelope)
        .filter("seq > ", Some(cursor))
        .filter("seq <= ", Some(newest));
    if !filter.kinds.is_empty() {
        select.condition("kind IN (").bind(Kind::Retracted.code());
        for kind in &filter.kinds {
            select.push(", ").bind(kind.code());
        }
        select.push(")");
    }
    select.order_and_limit(" ORDER BY seq", limit);
    select
}
