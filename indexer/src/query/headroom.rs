//! What each limit of an envelope has left: what the ledger counted, read at a time.

use alloy::primitives::Address;
use bursar_sdk::{
    amount::Amount,
    windows::{Window, end_at},
};
use sqlx::{SqlitePool, sqlite::SqliteRow};

use super::{QueryError, column, envelopes, select::Select};

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
    /// What is left.
    pub fn left(&self) -> Amount {
        self.limit.saturating_sub(self.used)
    }
}

/// What each limit of an envelope has left at `now` (unix seconds), shortest window first.
///
/// # Errors
/// When the database fails.
pub async fn of_envelope(
    pool: &SqlitePool,
    (treasury, envelope): envelopes::Key,
    now: u64,
) -> Result<Vec<Headroom>, QueryError> {
    select(treasury, envelope).rows(pool, |row| read(row, now)).await
}

pub(super) fn select(treasury: Address, envelope: u32) -> Select {
    let mut select = Select::new("SELECT period, limit_amount, used, window_index FROM limit_use");
    select
        .filter("treasury = ", Some(treasury.to_vec()))
        .filter("envelope = ", Some(i64::from(envelope)))
        .push(" ORDER BY idx");
    select
}

pub(super) fn read(row: &SqliteRow, now: u64) -> Result<Headroom, QueryError> {
    let window = Window {
        period: column::number(row, "period")?,
        limit: column::amount(row, "limit_amount")?,
        used: column::amount(row, "used")?,
        index: column::number(row, "window_index")?,
    };
    Ok(Headroom {
        period: window.period,
        limit: window.limit,
        used: window.used_at(now),
        ends_at: end_at(window.period, now),
    })
}
