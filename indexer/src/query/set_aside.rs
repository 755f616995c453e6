//! Logs that concern us and make no sense: what somebody has to look at before the books can be called whole.

use alloy::primitives::{Address, B256};

use super::{COUNTED, Position, select::Select};
use crate::{
    db::{Db, DbError, DbRow},
    ledger::KeptLog,
};

/// A log that was set aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetAside {
    /// Its place on the chain.
    pub position: Position,
    /// That block, where the ledger has it.
    pub block_hash: Option<B256>,
    /// When that was, in unix seconds.
    pub timestamp: Option<u64>,
    /// The transaction.
    pub tx_hash: B256,
    /// Who emitted it.
    pub address: Address,
    /// The treasury that it is of; `None` where it is of none that is known.
    pub treasury: Option<Address>,
    /// The log; `None` where it is longer than [`LONGEST`].
    pub log: Option<KeptLog>,
    /// What is wrong with it.
    pub error: String,
}

/// The longest log that a list shows, in characters of JSON: any token may log much more than anybody wants to read.
pub const LONGEST: u32 = 16_384;

fn read(row: &DbRow) -> Result<SetAside, DbError> {
    Ok(SetAside {
        position: Position::read(row)?,
        block_hash: row.maybe_hash("block_hash")?,
        timestamp: row.maybe_number("timestamp")?,
        tx_hash: row.hash("tx_hash")?,
        address: row.address("address")?,
        treasury: row.maybe_address("treasury")?,
        log: row.maybe_json("raw", "a log as JSON")?,
        error: row.text("error")?,
    })
}

/// What was set aside of a treasury, or of everybody and nobody, newest first.
///
/// # Errors
/// When the database fails.
pub async fn list(
    db: &Db,
    treasury: Option<Address>,
    after: Option<Position>,
    limit: u32,
) -> Result<Vec<SetAside>, DbError> {
    select_list(treasury, after, limit).rows(db, read).await
}

/// How many there are; one more than [`COUNTED`] where there are more than that.
///
/// # Errors
/// When the database fails.
pub async fn count(db: &Db, treasury: Option<Address>) -> Result<u64, DbError> {
    let found = select_count(treasury).row(db, |row| row.number("number")).await?;
    Ok(found.unwrap_or_default())
}

pub(super) fn select_list(treasury: Option<Address>, after: Option<Position>, limit: u32) -> Select {
    let mut select = Select::new(
        "SELECT u.block_number, u.log_index, b.hash AS block_hash, b.timestamp, u.tx_hash, u.address, u.treasury, \
         CASE WHEN LENGTH(u.raw) <= ",
    );
    select
        .bind(LONGEST)
        .push(
            " THEN u.raw END AS raw, u.error FROM undecoded u LEFT JOIN block b ON b.number = u.block_number",
        )
        .filter("u.treasury = ", treasury)
        .after("(u.block_number, u.log_index) < ", after.map(Position::cells))
        .order_and_limit(" ORDER BY u.block_number DESC, u.log_index DESC", limit);
    select
}

pub(super) fn select_count(treasury: Option<Address>) -> Select {
    let mut select = Select::new("SELECT COUNT(*) AS number FROM (SELECT u.block_number FROM undecoded u");
    select
        .filter("u.treasury = ", treasury)
        .order_and_limit(" ORDER BY u.block_number DESC, u.log_index DESC", COUNTED + 1)
        .push(") few");
    select
}
