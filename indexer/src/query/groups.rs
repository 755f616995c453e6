//! Groups: budgets above envelopes, with what their limits have left.

use alloy::primitives::Address;
use sqlx::{SqlitePool, sqlite::SqliteRow};

use super::{
    QueryError, column,
    headroom::{self, Headroom},
    select::Select,
};

/// A budget that several envelopes draw against, beside their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// The treasury.
    pub treasury: Address,
    /// Counts the treasury's groups from 1.
    pub number: u32,
    /// The group above, or 0.
    pub parent: u32,
    /// The token.
    pub asset: Address,
    /// Whether it is frozen itself; a group above it may be all the same.
    pub frozen: bool,
    /// How often it was released: part of what payment nonces of its envelopes commit to.
    pub epoch: u32,
    /// How many envelopes are in it, those of groups below not counted.
    pub envelopes: u64,
    /// The block that created it.
    pub created_block: u64,
}

/// The key of the list: treasury and number.
pub type Key = (Address, u32);

/// Which groups.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Of this treasury.
    pub treasury: Option<Address>,
    /// Right below this one; 0 for those at the top.
    pub parent: Option<u32>,
}

const SELECT: &str = "SELECT g.treasury, g.number, g.parent, g.asset, g.frozen, g.epoch, g.created_block, \
     (SELECT count(*) FROM envelope e WHERE e.treasury = g.treasury AND e.group_number = g.number) AS envelopes \
     FROM envelope_group g";

fn read(row: &SqliteRow) -> Result<Group, QueryError> {
    Ok(Group {
        treasury: column::address(row, "treasury")?,
        number: column::number(row, "number")?,
        parent: column::number(row, "parent")?,
        asset: column::address(row, "asset")?,
        frozen: column::flag(row, "frozen")?,
        epoch: column::number(row, "epoch")?,
        envelopes: column::number(row, "envelopes")?,
        created_block: column::number(row, "created_block")?,
    })
}

/// Groups by treasury and number.
///
/// # Errors
/// When the database fails.
pub async fn list(
    pool: &SqlitePool,
    filter: &Filter,
    after: Option<Key>,
    limit: u32,
) -> Result<Vec<Group>, QueryError> {
    select_list(filter, after, limit).rows(pool, read).await
}

pub(super) fn select_list(filter: &Filter, after: Option<Key>, limit: u32) -> Select {
    let mut select = Select::new(SELECT);
    select
        .filter("g.treasury = ", filter.treasury.map(|key| key.to_vec()))
        .filter("g.parent = ", filter.parent.map(i64::from));
    if let Some((treasury, number)) = after {
        select
            .condition("(g.treasury, g.number) > (")
            .bind(treasury.to_vec())
            .push(", ")
            .bind(i64::from(number))
            .push(")");
    }
    select.order_and_limit(" ORDER BY g.treasury, g.number", limit);
    select
}

/// One group.
///
/// # Errors
/// When the database fails.
pub async fn get(pool: &SqlitePool, key: Key) -> Result<Option<Group>, QueryError> {
    Select::new(SELECT)
        .filter("g.treasury = ", Some(key.0.to_vec()))
        .filter("g.number = ", Some(i64::from(key.1)))
        .row(pool, read)
        .await
}

/// What each limit of a group has left at `now` (unix seconds), shortest window first.
///
/// # Errors
/// When the database fails.
pub async fn headroom(pool: &SqlitePool, key: Key, now: u64) -> Result<Vec<Headroom>, QueryError> {
    Select::new("SELECT period, limit_amount, used, window_index FROM group_limit_use")
        .filter("treasury = ", Some(key.0.to_vec()))
        .filter("group_number = ", Some(i64::from(key.1)))
        .push(" ORDER BY idx")
        .rows(pool, |row| headroom::read(row, now))
        .await
}
