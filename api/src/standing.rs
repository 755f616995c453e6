//! Envelopes with what their limits have left: as they stand, or as they stood.

use alloy::primitives::Address;
use bursar_indexer::{
    db::Db,
    query::{
        envelopes::{self, Envelope, Filter, Key},
        headroom::{self, Headroom},
        past::{self, Stood},
    },
};

use crate::{AsOf, error::ApiError};

/// An envelope, with what each limit has left.
pub(crate) type Standing = (Envelope, Vec<Headroom>);

/// One envelope; `None` where there is none, or was none yet.
///
/// # Errors
/// When the store fails.
pub(crate) async fn get(db: &Db, key: Key, as_of: &AsOf) -> Result<Option<Standing>, ApiError> {
    if let Some(then) = as_of.past() {
        let found = past::envelope(db, key, then).await?;
        return Ok(found.map(|stood| at(stood, as_of.now)));
    }
    let Some(row) = envelopes::get(db, key).await? else { return Ok(None) };
    let rooms = headroom::of_envelope(db, key, as_of.now).await?;
    Ok(Some((row, rooms)))
}

/// Envelopes by treasury and number.
///
/// # Errors
/// When the store fails.
pub(crate) async fn list(
    db: &Db,
    filter: &Filter,
    as_of: &AsOf,
    after: Option<Key>,
    limit: u32,
) -> Result<Vec<Standing>, ApiError> {
    match as_of.past() {
        None => beside(db, envelopes::list(db, filter, after, limit).await?, as_of.now).await,
        Some(then) => Ok(all(past::envelopes(db, filter, then, after, limit).await?, as_of.now)),
    }
}

/// Envelopes of these agents (in a treasury), by treasury and number; of each the first `most`.
///
/// # Errors
/// When the store fails.
pub(crate) async fn of_agents(
    db: &Db,
    agents: &[Address],
    treasury: Option<Address>,
    as_of: &AsOf,
    most: u32,
) -> Result<Vec<Standing>, ApiError> {
    match as_of.past() {
        None => beside(db, envelopes::of_agents(db, agents, treasury, most).await?, as_of.now).await,
        Some(then) => Ok(all(past::of_agents(db, agents, treasury, then, most).await?, as_of.now)),
    }
}

async fn beside(db: &Db, rows: Vec<Envelope>, now: u64) -> Result<Vec<Standing>, ApiError> {
    let mut rooms = headroom::of_all(db, &rows, now).await?;
    let with = |row: Envelope| {
        let left = rooms.remove(&(row.treasury, row.number)).unwrap_or_default();
        (row, left)
    };
    Ok(rows.into_iter().map(with).collect())
}

fn all(stood: Vec<Stood>, now: u64) -> Vec<Standing> {
    stood.into_iter().map(|stood| at(stood, now)).collect()
}

fn at(stood: Stood, now: u64) -> Standing {
    let rooms = stood.headroom(now);
    (stood.row, rooms)
}
