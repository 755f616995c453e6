//! What a ledger has to come to, and what it comes to.

use anyhow::{Context as _, Result};
use bursar_indexer::{Store, db::Query, ledger::WatchKind};
use bursar_replay::{TOKEN, Tally};

use crate::Replayed;

/// Blocks whose rows are read at a time.
const STEP: u64 = 10_000;

/// Has a store that holds nothing yet look at everybody who pays on a chain outside any envelope.
///
/// # Errors
/// When the database fails.
pub async fn watch_all(replayed: &Replayed, store: &Store) -> Result<()> {
    store.put_watched(WatchKind::Token, &[TOKEN], None).await?;
    store.put_watched(WatchKind::Payer, &replayed.payers(), None).await?;
    Ok(())
}

/// What the ledger holds up to a block: payments from purses, and what others have settled.
///
/// # Errors
/// When the database fails, or an amount is beyond 64 bits.
pub async fn tally(store: &Store, head: u64) -> Result<Tally> {
    let mut tally = Tally::default();
    for table in [
        "SELECT tx_hash, log_index, amount, block_number FROM payment WHERE block_number BETWEEN $1 AND $2",
        "SELECT tx_hash, log_index, amount, block_number FROM settlement WHERE block_number BETWEEN $1 AND $2",
    ] {
        let mut from = 0;
        while from <= head {
            let query = Query::new(table).bind(from).bind(from + STEP - 1);
            for row in query.rows(store.db()).await? {
                let amount = row.total("amount")?.try_into().context("an amount beyond 64 bits")?;
                tally.add(
                    row.hash("tx_hash")?,
                    row.number("log_index")?,
                    amount,
                    row.number("block_number")?,
                );
            }
            from += STEP;
        }
    }
    Ok(tally)
}
