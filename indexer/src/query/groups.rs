//! Groups: budgets above envelopes, with what their limits have left.

use alloy::primitives::Address;

use super::select::Select;
use crate::db::{Cell, Db, DbError, DbRow};

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

fn read(row: &DbRow) -> Result<Group, DbError> {
    Ok(Group {
        treasury: row.address("treasury")?,
        number: row.number("number")?,
        parent: row.number("parent")?,
        asset: row.address("asset")?,
        frozen: row.flag("frozen")?,
        epoch: row.number("epoch")?,
        envelopes: row.number("envelopes")?,
        created_block: row.number("created_block")?,
    })
}

/// Groups by treasury and number.
///
/// # Errors
/// When the database fails.
pub async fn list(db: &Db, filter: &Filter, after: Option<Key>, limit: u32) -> Result<Vec<Group>, DbError> {
    select_list(filter, after, limit).rows(db, read).await
}

pub(super) fn select_list(filter: &Filter, after: Option<Key>, limit: u32) -> Select {
    let mut select = Select::new(SELECT);
    select.filter("g.treasury = ", filter.treasury).filter("g.parent = ", filter.parent);
    let key = after.map(|(treasury, number)| [treasury.value(), number.value()]);
    select.after("(g.treasury, g.number) > ", key).order_and_limit(" ORDER BY g.treasury, g.number", limit);
    select
}

/// One group.
///
/// # Errors
/// When the database fails.
pub async fn get(db: &Db, key: Key) -> Result<Option<Group>, DbError> {
    Select::new(SELECT)
        .filter("g.treasury = ", Some(key.0))
        .filter("g.number = ", Some(key.1))
        .row(db, read)
        .await
}
