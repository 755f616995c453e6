//! Alerts: what somebody should look at, and what that came to.

use alloy::primitives::{Address, B256};
use serde::{Deserialize, Serialize};

use super::select::Select;
use crate::{
    db::{Cell, Db, DbError, DbRow},
    ledger::{AlertKind, AlertRow},
    store::read_alert,
};

/// An alert, by its id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alert {
    /// Names it.
    pub id: B256,
    /// What it says.
    pub row: AlertRow,
}

/// The key of the list, newest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// From when on it holds, in unix seconds.
    pub raised_at: u64,
    /// Names it.
    pub id: B256,
}

/// Which alerts.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Of this treasury.
    pub treasury: Option<Address>,
    /// Of the envelope with this number.
    pub envelope: Option<u32>,
    /// Of this kind.
    pub kind: Option<AlertKind>,
    /// Those that are open, or those that are over.
    pub open: Option<bool>,
}

fn read(row: &DbRow) -> Result<Alert, DbError> {
    Ok(Alert { id: row.hash("id")?, row: read_alert(row)? })
}

/// Alerts that were raised by `now` (unix seconds), newest first.
///
/// # Errors
/// When the database fails.
pub async fn list(
    db: &Db,
    filter: &Filter,
    now: u64,
    after: Option<Cursor>,
    limit: u32,
) -> Result<Vec<Alert>, DbError> {
    select_list(filter, now, after, limit).rows(db, read).await
}

pub(super) fn select_list(filter: &Filter, now: u64, after: Option<Cursor>, limit: u32) -> Select {
    let mut select = Select::new("SELECT * FROM alert");
    select
        .filter("treasury = ", filter.treasury)
        .filter("envelope = ", filter.envelope)
        .filter("raised_at <= ", Some(now));
    select.filter("kind = ", filter.kind.map(AlertKind::code));
    match filter.open {
        None => &mut select,
        // What blocks and records have closed is left out by an index.
        Some(true) => select
            .condition("closed_block IS NULL AND (closed_at IS NULL OR closed_at > ")
            .bind(now)
            .push(")"),
        Some(false) => select.condition("closed_at <= ").bind(now),
    };
    select
        .after("(raised_at, id) < ", after.map(|key| [key.raised_at.value(), key.id.value()]))
        .order_and_limit(" ORDER BY raised_at DESC, id DESC", limit);
    select
}
