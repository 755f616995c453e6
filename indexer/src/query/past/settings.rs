//! What a treasury had set for all its envelopes.

use alloy::primitives::Address;

use super::{
    super::{Past, select::Select},
    is_kept,
};
use crate::db::{Db, DbError};

/// Whether a payee was on a list.
///
/// # Errors
/// As [`super::envelope`].
pub async fn on_list(
    db: &Db,
    treasury: Address,
    (list, payee): (u16, Address),
    past: Past,
) -> Result<bool, DbError> {
    is_kept(db).await?;
    let select = select_listed(treasury, (list, payee), past.height);
    Ok(select.row(db, |row| row.flag("listed")).await?.unwrap_or(false))
}

pub(in super::super) fn select_listed(
    treasury: Address,
    (list, payee): (u16, Address),
    height: u64,
) -> Select {
    let mut select = Select::new("SELECT t.listed FROM payee_then t");
    select
        .filter("t.treasury = ", Some(treasury))
        .filter("t.list = ", Some(list))
        .filter("t.payee = ", Some(payee))
        .filter("t.block_number <= ", Some(height))
        .order_and_limit(" ORDER BY t.block_number DESC", 1);
    select
}

/// The epoch of stamps: those of an earlier one were revoked.
///
/// # Errors
/// As [`super::envelope`].
pub async fn stamp_epoch(db: &Db, treasury: Address, past: Past) -> Result<u32, DbError> {
    is_kept(db).await?;
    let select = select_epoch(treasury, past.height);
    Ok(select.row(db, |row| row.number("stamp_epoch")).await?.unwrap_or(0))
}

pub(in super::super) fn select_epoch(treasury: Address, height: u64) -> Select {
    let mut select = Select::new("SELECT t.stamp_epoch FROM treasury_then t");
    select
        .filter("t.treasury = ", Some(treasury))
        .filter("t.block_number <= ", Some(height))
        .order_and_limit(" ORDER BY t.block_number DESC", 1);
    select
}
