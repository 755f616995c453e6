//! Tokens, and what identifies a purse's.

use std::collections::BTreeMap;

use alloy::primitives::{Address, B256};

use super::select::Select;
use crate::db::{Db, DbError, DbRow};

/// What a payment of a purse is signed under.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PurseAsset {
    /// The purse's treasury.
    pub treasury: Address,
    /// The purse's envelope.
    pub envelope: u32,
    /// The envelope's agent.
    pub agent: Address,
    /// The envelope's token.
    pub asset: Address,
    /// The token's EIP-712 domain separator.
    pub domain_separator: B256,
}

const SELECT: &str = "SELECT p.address AS purse, e.treasury, e.number, e.agent, a.address, a.domain_separator \
                      FROM purse p JOIN envelope e ON e.treasury = p.treasury AND e.number = p.envelope \
                      JOIN asset a ON a.treasury = e.treasury AND a.address = e.asset";

fn read(row: &DbRow) -> Result<PurseAsset, DbError> {
    Ok(PurseAsset {
        treasury: row.address("treasury")?,
        envelope: row.number("number")?,
        agent: row.address("agent")?,
        asset: row.address("address")?,
        domain_separator: row.hash("domain_separator")?,
    })
}

/// The asset behind a purse; `None` for a purse that the ledger does not know.
///
/// # Errors
/// When the database fails.
pub async fn of_purse(db: &Db, purse: Address) -> Result<Option<PurseAsset>, DbError> {
    Select::new(SELECT).filter("p.address = ", Some(purse)).row(db, read).await
}

/// The assets behind purses, by purse, without those that the ledger does not know.
///
/// # Errors
/// When the database fails.
pub async fn of_purses(db: &Db, purses: &[Address]) -> Result<BTreeMap<Address, PurseAsset>, DbError> {
    if purses.is_empty() {
        return Ok(BTreeMap::new());
    }
    let mut select = Select::new(SELECT);
    select.among("p.address", purses);
    Ok(select.rows(db, |row| Ok((row.address("purse")?, read(row)?))).await?.into_iter().collect())
}
