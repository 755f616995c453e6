//! Agents: an identity key and the envelopes it spends from.

use alloy::primitives::Address;
use sqlx::SqlitePool;

use super::{QueryError, column, select::Select};

/// Agents by address.
///
/// # Errors
/// When the database fails.
pub async fn list(
    pool: &SqlitePool,
    treasury: Option<Address>,
    after: Option<Address>,
    limit: u32,
) -> Result<Vec<Address>, QueryError> {
    select_list(treasury, after, limit).rows(pool, |row| column::address(row, "agent")).await
}

pub(super) fn select_list(treasury: Option<Address>, after: Option<Address>, limit: u32) -> Select {
    let mut select = Select::new("SELECT DISTINCT agent FROM envelope");
    select
        .filter("+treasury = ", treasury.map(|key| key.to_vec()))
        .filter("agent > ", after.map(|key| key.to_vec()))
        .order_and_limit(" ORDER BY agent", limit);
    select
}
