//! Agents: an identity key and the envelopes it spends from.

use alloy::primitives::Address;

use super::select::Select;
use crate::db::{Db, DbError};

/// Agents by address.
///
/// # Errors
/// When the database fails.
pub async fn list(
    db: &Db,
    treasury: Option<Address>,
    after: Option<Address>,
    limit: u32,
) -> Result<Vec<Address>, DbError> {
    select_list(treasury, after, limit).rows(db, |row| row.address("agent")).await
}

pub(super) fn select_list(treasury: Option<Address>, after: Option<Address>, limit: u32) -> Select {
    let mut select = Select::new("SELECT DISTINCT agent FROM envelope");
    select.sift("treasury = ", treasury).filter("agent > ", after).order_and_limit(" ORDER BY agent", limit);
    select
}
