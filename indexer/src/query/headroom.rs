//! What each limit of an envelope has left: what the ledger counted, read at a time.

use alloy::primitives::Address;
use bursar_sdk::amount::Amount;
use sqlx::{SqlitePool, sqlite::SqliteRow};

use super::{QueryError, column, envelopes, select::Select};

/// Windows are aligned to Monday 1970-01-05 00:00 UTC, as in `contracts/libraries/Windows.sol`.
const ANCHOR: u64 = 345_600;

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

/// The number of the window that `now` falls into; a lifetime has one, 0.
fn index_at(period: u32, now: u64) -> u64 {
    if period == 0 { 0 } else { now.saturating_sub(ANCHOR) / u64::from(period) }
}

/// When the window that `now` falls into ends (exclusive, unix seconds); `None` for a lifetime.
pub fn ends_at(period: u32, now: u64) -> Option<u64> {
    (period != 0).then(|| ANCHOR + (index_at(period, now) + 1) * u64::from(period))
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

fn read(row: &SqliteRow, now: u64) -> Result<Headroom, QueryError> {
    let period = column::number(row, "period")?;
    let counted: u64 = column::number(row, "window_index")?;
    let used = column::amount(row, "used")?;
    Ok(Headroom {
        period,
        limit: column::amount(row, "limit_amount")?,
        // Nothing is used yet of a window that no draw has touched.
        used: if counted == index_at(period, now) { used } else { Amount::ZERO },
        ends_at: ends_at(period, now),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weeks_end_on_mondays() {
        const WEEK: u32 = 604_800;
        // Monday 2026-11-16 00:00 UTC.
        const MONDAY: u64 = 1_794_787_200;
        assert_eq!(ends_at(WEEK, MONDAY), Some(MONDAY + u64::from(WEEK)));
        assert_eq!(ends_at(WEEK, MONDAY - 1), Some(MONDAY));
        assert_eq!(ends_at(0, MONDAY), None);
    }
}
