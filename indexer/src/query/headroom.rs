//! What each limit of an envelope or a group has left: what the ledger counted, read at a time.

use std::collections::BTreeMap;

use alloy::primitives::Address;
use bursar_sdk::{
    amount::Amount,
    windows::{Window, end_at},
};

use super::{
    envelopes::{self, Envelope},
    groups,
    select::Select,
};
use crate::db::{Db, DbError, DbRow};

/// One limit as it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Headroom {
    /// Length of the window in seconds; 0 for the lifetime limit.
    pub period: u32,
    /// Most that may be drawn, in atomic units.
    pub limit: Amount,
    /// What was drawn in the current window, open sessions included.
    pub used: Amount,
    /// When the window ends (exclusive, unix seconds); a lifetime does not.
    pub ends_at: Option<u64>,
}

impl Headroom {
    /// A limit at `now` (unix seconds).
    pub(super) fn of(window: Window, now: u64) -> Self {
        Self {
            period: window.period,
            limit: window.limit,
            used: window.used_at(now),
            ends_at: end_at(window.period, now),
        }
    }

    /// What is left.
    pub fn left(&self) -> Amount {
        self.limit.saturating_sub(self.used)
    }
}

/// What each limit of an envelope has left at `now` (unix seconds), shortest window first.
///
/// # Errors
/// When the database fails.
pub async fn of_envelope(db: &Db, key: envelopes::Key, now: u64) -> Result<Vec<Headroom>, DbError> {
    select("limit_use WHERE envelope = ", key).rows(db, |row| read(row, now)).await
}

/// What each limit of an envelope has counted, shortest window first.
///
/// # Errors
/// When the database fails.
pub async fn windows(db: &Db, key: envelopes::Key) -> Result<Vec<Window>, DbError> {
    select("limit_use WHERE envelope = ", key).rows(db, window).await
}

/// What each limit of these envelopes has left at `now` (unix seconds), shortest window first.
///
/// # Errors
/// When the database fails.
pub async fn of_all(
    db: &Db,
    rows: &[Envelope],
    now: u64,
) -> Result<BTreeMap<envelopes::Key, Vec<Headroom>>, DbError> {
    let mut rooms = BTreeMap::<_, Vec<Headroom>>::new();
    for (treasury, numbers) in envelopes::by_treasury(rows) {
        let mut select =
            Select::new("SELECT envelope, period, limit_amount, used, window_index FROM limit_use");
        select.filter("treasury = ", Some(treasury)).among("envelope", &numbers);
        select.push(" ORDER BY envelope, idx");
        for (envelope, room) in select.rows(db, |row| Ok((row.number("envelope")?, read(row, now)?))).await? {
            rooms.entry((treasury, envelope)).or_default().push(room);
        }
    }
    Ok(rooms)
}

/// What each limit of a group has left at `now` (unix seconds), shortest window first.
///
/// # Errors
/// When the database fails.
pub async fn of_group(db: &Db, key: groups::Key, now: u64) -> Result<Vec<Headroom>, DbError> {
    select("group_limit_use WHERE group_number = ", key).rows(db, |row| read(row, now)).await
}

pub(super) fn select(table_and_number: &'static str, (treasury, number): (Address, u32)) -> Select {
    let mut select = Select::new("SELECT period, limit_amount, used, window_index FROM ");
    select.push(table_and_number).bind(number).push(" AND treasury = ").bind(treasury).push(" ORDER BY idx");
    select
}

fn read(row: &DbRow, now: u64) -> Result<Headroom, DbError> {
    Ok(Headroom::of(window(row)?, now))
}

fn window(row: &DbRow) -> Result<Window, DbError> {
    Ok(Window {
        period: row.number("period")?,
        limit: row.amount("limit_amount")?,
        used: row.amount("used")?,
        index: row.number("window_index")?,
    })
}
