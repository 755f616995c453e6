//! Amounts `p.amount` that the database adds up: the two halves of their digits apart, since no integer of a database holds all of
//! them.

use alloy::primitives::U256;

use crate::db::{DbError, DbRow};

/// The first 14 digits.
macro_rules! high {
    () => {
        "CAST(SUM(CAST(substr(p.amount, 1, 14) AS BIGINT)) AS BIGINT)"
    };
}
pub(super) use high;

/// The other 15.
macro_rules! low {
    () => {
        "CAST(SUM(CAST(substr(p.amount, 15, 15) AS BIGINT)) AS BIGINT)"
    };
}
pub(super) use low;

/// 10^15: the lower half has so many digits.
const HALF: U256 = U256::from_limbs([1_000_000_000_000_000, 0, 0, 0]);

/// What they come to, from the columns of both halves; of none, nothing.
pub(super) fn read(row: &DbRow, [high, low]: [&'static str; 2]) -> Result<U256, DbError> {
    let high: u64 = row.maybe_number(high)?.unwrap_or_default();
    let low: u64 = row.maybe_number(low)?.unwrap_or_default();
    Ok(U256::from(high).saturating_mul(HALF).saturating_add(U256::from(low)))
}
