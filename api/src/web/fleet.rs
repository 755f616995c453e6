//! Which envelopes the overview shows: those that somebody should look at first.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use alloy::primitives::Address;
use bursar_indexer::{
    db::{Db, DbError},
    query::{
        envelopes::{self, Envelope, Filter, Key},
        headroom::{self, Headroom},
    },
};

use super::text::per_mille;

/// Envelopes that are shown.
const SHOWN: usize = 24;
/// Envelopes that are looked at, of those without a stop; and of those with one, of each kind.
const LOOKED_AT: u32 = 240;
const STOPPED: u32 = 24;
/// From this use of a limit on it is near its end, in thousandths.
const NEAR: u64 = 800;

/// What is shown of a fleet.
#[derive(Debug)]
pub(super) struct Fleet {
    pub(super) rows: Vec<Envelope>,
    pub(super) rooms: BTreeMap<Key, Vec<Headroom>>,
    /// Whether there are others.
    pub(super) more: bool,
}

/// The envelopes to look at first, of a treasury or of all, at `now` (unix seconds): frozen ones, those under review, those near a limit, then
/// the others in their order.
pub(super) async fn most_urgent(db: &Db, treasury: Option<Address>, now: u64) -> Result<Fleet, DbError> {
    let mut rows = Vec::new();
    for (state, most) in [
        (Some(envelopes::State::Frozen), STOPPED),
        (Some(envelopes::State::UnderReview), STOPPED),
        (None, LOOKED_AT),
    ] {
        let filter = Filter { treasury, state, ..Filter::default() };
        rows.extend(envelopes::list(db, &filter, None, most).await?);
    }
    let mut seen = BTreeSet::new();
    rows.retain(|row| seen.insert((row.treasury, row.number)));
    let rooms = headroom::of_all(db, &rows, now).await?;
    rows.sort_by_key(|row| {
        let key = (row.treasury, row.number);
        (urgency(row, rooms.get(&key).map(Vec::as_slice).unwrap_or_default()), key)
    });
    let more = rows.len() > SHOWN;
    rows.truncate(SHOWN);
    Ok(Fleet { rows, rooms, more })
}

/// The more urgent, the smaller.
fn urgency(row: &Envelope, rooms: &[Headroom]) -> (u8, Reverse<u64>) {
    let share = |room: &Headroom| per_mille(room.used.to_u256(), room.limit.to_u256());
    let used = rooms.iter().map(share).max().unwrap_or_default();
    match () {
        () if row.organisation_frozen || row.group_frozen || row.frozen => (0, Reverse(0)),
        () if row.under_review => (1, Reverse(0)),
        () if used >= NEAR => (2, Reverse(used)),
        () => (3, Reverse(0)),
    }
}
