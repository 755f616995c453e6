//! What was refused, counted as decisions come and go, in the transaction in which they do.

use alloy::primitives::{Address, B256, U256};
use bursar_sdk::decision::{DecisionRecord, Verdict};

use crate::db::{Cell as _, DbError, Query, Tx, table};

/// Counts a decision that came, where it is a refusal.
pub(super) async fn came(tx: &mut Tx, record: &DecisionRecord) -> Result<(), DbError> {
    if record.verdict != Verdict::Denied {
        return Ok(());
    }
    let (of, amount) = ((record.treasury, record.envelope), record.amount.to_u256());
    count(tx, of, |(many, sum)| (many.saturating_add(1), sum.saturating_add(amount))).await
}

/// Counts a decision no more that is about to go, where it is a refusal.
pub(super) async fn goes(tx: &mut Tx, decision: B256) -> Result<(), DbError> {
    let query =
        Query::new("SELECT treasury, envelope, amount FROM decision WHERE hash = $1 AND verdict = 'denied'");
    let Some(row) = query.bind(decision).row(&mut *tx).await? else { return Ok(()) };
    let (of, amount) = ((row.address("treasury")?, row.number("envelope")?), row.total("amount")?);
    count(tx, of, |(many, sum)| (many.saturating_sub(1), sum.saturating_sub(amount))).await
}

/// Whoever writes the ledger does so alone: what is read here stands until it is written.
async fn count(
    tx: &mut Tx,
    of: (Address, u32),
    counted: impl FnOnce((u64, U256)) -> (u64, U256),
) -> Result<(), DbError> {
    let row = REFUSED.find(vec![of.0.value(), of.1.value()]).row(&mut *tx).await?;
    let before = row.map(|row| Ok::<_, DbError>((row.number("count")?, row.total("amount")?))).transpose()?;
    let (many, sum) = counted(before.unwrap_or_default());
    REFUSED.put(refused(of, many, sum)).execute(tx).await?;
    Ok(())
}

table! {
    REFUSED, fn refused(of: (Address, u32), many: u64, sum: U256) {
        key { treasury: of.0, envelope: of.1 }
        count: many,
        amount: sum,
    }
}
