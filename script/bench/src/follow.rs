//! The binary that people run, following a chain until it stands at its head.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
};

use anyhow::{Context as _, Result};
use bursar_indexer::Store;
use bursar_replay::FACTORY;
use tokio::process::Command;

use crate::{Measured, Replayed, Took};

/// The binary, for a store: its own settings in the environment, nobody else's beside it.
///
/// # Errors
/// When it is not there.
pub fn bursar(binary: &Path, store_url: &str, work: &Path) -> Result<Command> {
    let binary: PathBuf = binary.canonicalize().with_context(|| format!("{}", binary.display()))?;
    let mut command = Command::new(binary);
    command.current_dir(work).stdin(Stdio::null());
    command.env("BURSAR_NETWORK", "base").env("BURSAR_STORE", store_url).env("BURSAR_LOG", "warn,sqlx=error");
    Ok(command)
}

/// How many blocks are not final, unless it is said.
pub const FINALITY: u64 = 30;

/// Indexes the whole chain.
///
/// # Errors
/// When the binary ends before it is there, or the store fails.
pub async fn follow(replayed: &Replayed, binary: &Path, store: &Store, store_url: &str) -> Result<Took> {
    follow_with(replayed, binary, store, store_url, FINALITY, 0).await
}

/// Indexes the whole chain, of which all but so many blocks are final, with so many others that stand by. What it takes is that of
/// the first.
///
/// # Errors
/// When one of them ends before the ledger is there, or the store fails.
pub async fn follow_with(
    replayed: &Replayed,
    binary: &Path,
    store: &Store,
    store_url: &str,
    finality: u64,
    others: usize,
) -> Result<Took> {
    let (_, hash) = replayed.head();
    let work = tempfile::tempdir()?;
    let start = || {
        let mut command = bursar(binary, store_url, work.path())?;
        command.arg("index").env("BURSAR_RPC_URL", replayed.url());
        command.env("BURSAR_FACTORY", FACTORY.to_string()).env("BURSAR_FINALITY_DEPTH", finality.to_string());
        Measured::start(command)
    };
    let mut indexer = start()?;
    // The others later: the one that is measured is to be the one that writes.
    while others > 0 && store.checkpoint().await?.is_none() {
        indexer.look().await?;
    }
    let mut others = (0..others).map(|_| start()).collect::<Result<Vec<_>>>()?;
    while store.checkpoint().await?.is_none_or(|at| at.hash != hash) {
        indexer.look().await?;
    }
    let took = indexer.done().await?;
    for mut other in others.drain(..) {
        other.look().await?;
        other.done().await?;
    }
    Ok(took)
}
