//! Ours: the binary that people run, following the chain until it stands at its head.

use std::path::Path;

use anyhow::Result;
use bursar_bench::{FINALITY, Replayed, follow_with, tally, watch_all};
use bursar_indexer::Store;

use crate::report::Ran;

/// Indexes the whole chain into an empty store.
pub(crate) async fn index(
    replayed: &Replayed,
    bursar: &Path,
    name: &'static str,
    store_url: &str,
) -> Result<Ran> {
    index_with(replayed, bursar, name, store_url, FINALITY, 0).await
}

/// The same where all but so many blocks are final, with so many `others` that stand by.
pub(crate) async fn index_with(
    replayed: &Replayed,
    bursar: &Path,
    name: &'static str,
    store_url: &str,
    finality: u64,
    others: usize,
) -> Result<Ran> {
    let store = Store::connect(&store_url.parse()?).await?;
    watch_all(replayed, &store).await?;
    replayed.forget_calls();
    let took = follow_with(replayed, bursar, &store, store_url, finality, others).await?;
    let (head, _) = replayed.head();
    let (rpc_calls, truth) = (replayed.calls(), replayed.truth(head));
    let got = tally(&store, head).await?;
    store.close().await;
    Ok(Ran { name, version: env!("CARGO_PKG_VERSION").into(), took, rpc_calls, got, truth })
}
