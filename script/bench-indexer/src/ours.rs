//! Ours: the binary that people run, following the chain until it stands at its head.

use std::{path::Path, process::Stdio};

use anyhow::{Context as _, Result};
use bursar_indexer::{Store, db::Query, ledger::WatchKind};
use bursar_replay::{FACTORY, TOKEN, Tally};
use tokio::process::Command;

use crate::{child::Measured, replayed::Replayed, report::Ran};

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
    let (head, hash) = replayed.head();
    let work = tempfile::tempdir()?;
    let mut command = Command::new(bursar.canonicalize().with_context(|| format!("{}", bursar.display()))?);
    command.arg("index").current_dir(work.path()).stdin(Stdio::null());
    command.env("BURSAR_NETWORK", "base").env("BURSAR_RPC_URL", replayed.url());
    command.env("BURSAR_FACTORY", FACTORY.to_string()).env("BURSAR_STORE", store_url);
    command.env("BURSAR_FINALITY_DEPTH", "30").env("BURSAR_LOG", "warn");
    replayed.forget_calls();
    let mut indexer = Measured::start(command)?;
    while store.checkpoint().await?.is_none_or(|at| at.hash != hash) {
        indexer.look().await?;
    }
    let took = indexer.done().await?;
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
