//! The watch list.

use alloy::primitives::Address;

use super::select::Select;
use crate::{
    db::{Cell as _, Db, DbError, DbRow},
    ledger::WatchKind,
};

/// An address on the watch list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watched {
    /// `payer`, `token` or `facilitator`.
    pub kind: String,
    /// Which.
    pub address: Address,
    /// What people call it.
    pub label: Option<String>,
    /// The first block that is looked at.
    pub from_block: u64,
}

const SELECT: &str = "SELECT w.kind, w.address, w.label, w.from_block FROM watched w";

fn read(row: &DbRow) -> Result<Watched, DbError> {
    Ok(Watched {
        kind: row.text("kind")?,
        address: row.address("address")?,
        label: row.maybe_text("label")?,
        from_block: row.number("from_block")?,
    })
}

/// The watch list by kind and address, after that one.
///
/// # Errors
/// When the database fails.
pub async fn list(
    db: &Db,
    kind: Option<WatchKind>,
    after: Option<(String, Address)>,
    limit: u32,
) -> Result<Vec<Watched>, DbError> {
    select_list(kind, after, limit).rows(db, read).await
}

pub(super) fn select_list(kind: Option<WatchKind>, after: Option<(String, Address)>, limit: u32) -> Select {
    let mut select = Select::new(SELECT);
    select
        .filter("w.kind = ", kind.map(WatchKind::code))
        .after("(w.kind, w.address) > ", after.map(|(kind, address)| [kind.value(), address.value()]))
        .order_and_limit(" ORDER BY w.kind, w.address", limit);
    select
}
