//! Treasuries, with who holds which role.

use alloy::primitives::Address;

use super::select::Select;
use crate::db::{Db, DbError, DbRow};

/// One organisation's contract.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Treasury {
    /// The contract.
    pub address: Address,
    /// Who deployed it.
    pub factory: Address,
    /// Its first owner.
    pub owner: Address,
    /// Whether the whole organisation is frozen.
    pub frozen: bool,
    /// How long a loosening waits, in seconds.
    pub delay: u64,
    /// Whether who writes policies may not approve payments.
    pub separation: bool,
    /// The block that created it.
    pub created_block: u64,
    /// How often it was released: part of what payment nonces commit to.
    pub epoch: u32,
    /// Identity stamps of an earlier epoch are revoked.
    pub stamp_epoch: u32,
}

/// A role that an account holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Role {
    /// Who.
    pub account: Address,
    /// One bit of the contract's role set.
    pub role: u8,
}

/// The bit of the approver's role.
pub const ROLE_APPROVER: u8 = 8;

const SELECT: &str = "SELECT address, factory, owner, frozen, delay, separation, created_block, epoch, stamp_epoch \
     FROM treasury";

fn read(row: &DbRow) -> Result<Treasury, DbError> {
    Ok(Treasury {
        address: row.address("address")?,
        factory: row.address("factory")?,
        owner: row.address("owner")?,
        frozen: row.flag("frozen")?,
        delay: row.number("delay")?,
        separation: row.flag("separation")?,
        created_block: row.number("created_block")?,
        epoch: row.number("epoch")?,
        stamp_epoch: row.number("stamp_epoch")?,
    })
}

/// Treasuries (one of them) by address.
///
/// # Errors
/// When the database fails.
pub async fn list(
    db: &Db,
    only: Option<Address>,
    after: Option<Address>,
    limit: u32,
) -> Result<Vec<Treasury>, DbError> {
    select_list(only, after, limit).rows(db, read).await
}

pub(super) fn select_list(only: Option<Address>, after: Option<Address>, limit: u32) -> Select {
    let mut select = Select::new(SELECT);
    select.filter("address = ", only).filter("address > ", after).order_and_limit(" ORDER BY address", limit);
    select
}

/// One treasury.
///
/// # Errors
/// When the database fails.
pub async fn get(db: &Db, address: Address) -> Result<Option<Treasury>, DbError> {
    Select::new(SELECT).filter("address = ", Some(address)).row(db, read).await
}

/// Who holds which role of a treasury.
///
/// # Errors
/// When the database fails.
pub async fn roles(db: &Db, treasury: Address) -> Result<Vec<Role>, DbError> {
    Select::new("SELECT account, role FROM role")
        .filter("treasury = ", Some(treasury))
        .push(" ORDER BY role, account")
        .rows(db, |row| Ok(Role { account: row.address("account")?, role: row.number("role")? }))
        .await
}

/// Whether an account holds a role, as far as the ledger has followed.
///
/// # Errors
/// When the database fails.
pub async fn holds_role(db: &Db, treasury: Address, account: Address, role: u8) -> Result<bool, DbError> {
    let found = Select::new("SELECT TRUE AS held FROM role")
        .filter("treasury = ", Some(treasury))
        .filter("account = ", Some(account))
        .filter("role = ", Some(role))
        .row(db, |row| row.flag("held"))
        .await?;
    Ok(found.unwrap_or(false))
}
