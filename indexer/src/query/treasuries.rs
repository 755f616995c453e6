//! Treasuries, with who holds which role.

use alloy::primitives::Address;
use sqlx::{SqlitePool, sqlite::SqliteRow};

use super::{QueryError, column, select::Select};

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

fn read(row: &SqliteRow) -> Result<Treasury, QueryError> {
    Ok(Treasury {
        address: column::address(row, "address")?,
        factory: column::address(row, "factory")?,
        owner: column::address(row, "owner")?,
        frozen: column::flag(row, "frozen")?,
        delay: column::number(row, "delay")?,
        separation: column::flag(row, "separation")?,
        created_block: column::number(row, "created_block")?,
        epoch: column::number(row, "epoch")?,
        stamp_epoch: column::number(row, "stamp_epoch")?,
    })
}

/// Treasuries by address.
///
/// # Errors
/// When the database fails.
pub async fn list(
    pool: &SqlitePool,
    after: Option<Address>,
    limit: u32,
) -> Result<Vec<Treasury>, QueryError> {
    select_list(after, limit).rows(pool, read).await
}

pub(super) fn select_list(after: Option<Address>, limit: u32) -> Select {
    let mut select = Select::new(SELECT);
    select.filter("address > ", after.map(|key| key.to_vec())).order_and_limit(" ORDER BY address", limit);
    select
}

/// One treasury.
///
/// # Errors
/// When the database fails.
pub async fn get(pool: &SqlitePool, address: Address) -> Result<Option<Treasury>, QueryError> {
    Select::new(SELECT).filter("address = ", Some(address.to_vec())).row(pool, read).await
}

/// Who holds which role of a treasury.
///
/// # Errors
/// When the database fails.
pub async fn roles(pool: &SqlitePool, treasury: Address) -> Result<Vec<Role>, QueryError> {
    Select::new("SELECT account, role FROM role")
        .filter("treasury = ", Some(treasury.to_vec()))
        .push(" ORDER BY role, account")
        .rows(pool, |row| {
            Ok(Role { account: column::address(row, "account")?, role: column::number(row, "role")? })
        })
        .await
}

/// Whether an account holds a role, as far as the ledger has followed.
///
/// # Errors
/// When the database fails.
pub async fn holds_role(
    pool: &SqlitePool,
    treasury: Address,
    account: Address,
    role: u8,
) -> Result<bool, QueryError> {
    let found = Select::new("SELECT 1 AS held FROM role")
        .filter("treasury = ", Some(treasury.to_vec()))
        .filter("account = ", Some(account.to_vec()))
        .filter("role = ", Some(i64::from(role)))
        .row(pool, |row| column::flag(row, "held"))
        .await?;
    Ok(found.unwrap_or(false))
}
