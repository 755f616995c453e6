//! The ledger in sums: per token, over every envelope.

use std::collections::BTreeMap;

use alloy::primitives::{Address, U256};
use futures::TryStreamExt;
use sqlx::SqlitePool;

use super::{QueryError, column};

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
    pool: &SqlitePool,
    treasury: Option<Address>,
    agent: Option<Address>,
) -> Result<BTreeMap<Address, Total>, QueryError> {
    // Exact beyond 64 bits, so SQL cannot add them up.
    let mut rows = sqlx::query(
        "SELECT asset, funded, withdrawn, drawn, returned, paid, donated, payments FROM envelope \
         WHERE (?1 IS NULL OR treasury = ?1) AND (?2 IS NULL OR agent = ?2)",
    )
    .bind(treasury.map(|key| key.to_vec()))
    .bind(agent.map(|key| key.to_vec()))
    .fetch(pool);
    let mut totals = BTreeMap::<_, Total>::new();
    while let Some(row) = rows.try_next().await? {
        let amount = |name| column::amount(&row, name).map(|amount| amount.to_u256());
        let total = totals.entry(column::address(&row, "asset")?).or_default();
        total.envelopes += 1;
        total.funded += amount("funded")?;
        total.withdrawn += amount("withdrawn")?;
        total.drawn += amount("drawn")?;
        total.returned += amount("returned")?;
        total.paid += amount("paid")?;
        total.donated += amount("donated")?;
        total.payments += column::number::<u64>(&row, "payments")?;
    }
    Ok(totals)
}
