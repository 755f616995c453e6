//! The ledger in sums: per token, over every envelope.

use std::collections::BTreeMap;

use alloy::primitives::{Address, U256};

use super::select::Select;
use crate::db::{Db, DbError, DbRow};

/// What all envelopes in one token come to. Sums may pass 96 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Total {
    /// How many envelopes.
    pub envelopes: u64,
    /// Topped up.
    pub funded: U256,
    /// Withdrawn.
    pub withdrawn: U256,
    /// Drawn by sessions.
    pub drawn: U256,
    /// Returned by sessions.
    pub returned: U256,
    /// Paid.
    pub paid: U256,
    /// Sent straight to purses by strangers.
    pub donated: U256,
    /// How many payments.
    pub payments: u64,
}

impl Total {
    /// What is left in treasuries and purses.
    pub fn left(&self) -> U256 {
        (self.funded + self.donated).saturating_sub(self.withdrawn + self.paid)
    }
}

/// Totals by token; of one treasury or agent, or of all.
///
/// # Errors
/// When the database fails.
pub async fn totals(
    db: &Db,
    treasury: Option<Address>,
    agent: Option<Address>,
) -> Result<BTreeMap<Address, Total>, DbError> {
    let mut select = Select::new(
        "SELECT asset, funded, withdrawn, drawn, returned, paid, donated, payments FROM envelope",
    );
    select.filter("treasury = ", treasury).filter("agent = ", agent);
    let mut totals = BTreeMap::<_, Total>::new();
    // Exact beyond 64 bits, so SQL cannot add them up.
    let add = |row: &DbRow| {
        let total = totals.entry(row.address("asset")?).or_default();
        total.envelopes += 1;
        total.funded += row.total("funded")?;
        total.withdrawn += row.total("withdrawn")?;
        total.drawn += row.total("drawn")?;
        total.returned += row.total("returned")?;
        total.paid += row.total("paid")?;
        total.donated += row.total("donated")?;
        total.payments += row.number::<u64>("payments")?;
        Ok(())
    };
    select.each(db, add).await?;
    Ok(totals)
}
