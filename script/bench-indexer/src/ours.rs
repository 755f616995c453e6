//! Ours: the binary that people run, following the chain until it stands at its head.

use std::path::Path;

use anyhow::{Context as _, Result};
use bursar_bench::{Replayed, follow};
use bursar_indexer::{Store, db::Query, ledger::WatchKind};
use bursar_replay::{TOKEN, Tally};

use crate::report::Ran;

/// Blocks whose rows are read at a time.
const STEP: u64 = 10_000;

/// Indexes the whole chain into an empty store.
pub(crate) async fn index(
    replayed: &Replayed,
    bursar: &Path,
    name: &'static str,
    store_url: &str,
) -> Result<Ran> {
    let store = Store::connect(&store_url.parse()?).await?;
    store.put_watched(WatchKind::Token, &[TOKEN], None).await?;
    store.put_watched(WatchKind::Payer, &replayed.payers(), None).await?;
    replayed.forget_calls();
    let took = follow(replayed, bursar, &store, store_url).await?;
    let (head, _) = replayed.head();
    let (rpc_calls, truth) = (replayed.calls(), replayed.truth(head));
    let got = tally(&store, head).await?;
    store.close().await;
    Ok(Ran { name, version: env!("CARGO_PKG_VERSION").into(), took, rpc_calls, got, truth })
}

/// What the ledger holds: payments from purses, and what others have settled.
async fn tally(store: &Store, head: u64) -> Result<Tally> {
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
