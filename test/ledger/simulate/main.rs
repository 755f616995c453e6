//! Histories drawn from a seed: a chain that grows and turns, nodes that fail, records that come in, and an indexer that is
//! killed again and again wherever it happens to be. Whatever came before, in the end its ledger is what the chain says.
//!
//! `BURSAR_SEEDS` says how many (1,000), `BURSAR_SEED` which one is the first (1): a seed that fails is run alone with
//! `BURSAR_SEED=n BURSAR_SEEDS=1`.
#![allow(missing_docs, unreachable_pub, clippy::unwrap_used)]

#[path = "../story/dump.rs"]
mod dump;
mod history;
mod life;
#[path = "../replay/node.rs"]
#[allow(dead_code)]
mod node;
mod nodes;
#[path = "../replay/outside.rs"]
mod outside;
#[path = "../story/record.rs"]
#[allow(dead_code)]
mod record;
#[path = "../story/told.rs"]
#[allow(dead_code)]
mod told;

use std::{
    path::{Path, PathBuf},
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use anyhow::{Result, ensure};
use bursar_indexer::Store;
use bursar_test_stores::Stores;

use crate::life::Count;

/// One history in so many has its ledger in PostgreSQL, where it takes longer.
const IN_POSTGRES: u64 = 50;

fn number(name: &str, otherwise: u64) -> Result<u64> {
    match std::env::var(name) {
        Ok(text) => {
            Ok(text.parse().map_err(|_| anyhow::anyhow!("expected a number in {name}, got {text:?}"))?)
        }
        Err(_) => Ok(otherwise),
    }
}

fn runtime() -> Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?)
}

/// A store with its schema and nothing in it, to be copied: a thousand migrations take longer than what they are for.
fn empty(folder: &Path) -> Result<PathBuf> {
    let file = folder.join("empty.sqlite");
    runtime()?.block_on(async {
        Store::connect(&format!("sqlite:{}", file.display()).parse()?).await?.close().await;
        anyhow::Ok(())
    })?;
    Ok(file)
}

/// The history of a seed, on a copy of the empty store or on one of its own in PostgreSQL.
fn live(seed: u64, empty: &Path) -> Result<Count> {
    if seed.is_multiple_of(IN_POSTGRES) {
        return runtime()?.block_on(async {
            let url = Stores::postgres()?.another().await?;
            Store::connect(&url.parse()?).await?.close().await;
            history::live(seed, &url).await
        });
    }
    let file = empty.with_file_name(format!("{seed}.sqlite"));
    std::fs::copy(empty, &file)?;
    let lived = runtime()?.block_on(history::live(seed, &format!("sqlite:{}", file.display())));
    std::fs::remove_file(&file)?;
    lived
}

#[test]
fn whatever_happens_the_ledger_is_what_the_chain_says() -> Result<()> {
    let (first, count) = (number("BURSAR_SEED", 1)?, number("BURSAR_SEEDS", 1_000)?);
    let folder = tempfile::tempdir()?;
    let empty = empty(folder.path())?;
    let (next, done) = (AtomicU64::new(first), AtomicU64::new(0));
    let (failed, total) = (Mutex::new(Vec::new()), Mutex::new(Count::default()));
    std::thread::scope(|scope| {
        // Each waits for its disk and its node, too.
        for _ in 0..2 * std::thread::available_parallelism().map_or(2, usize::from) {
            scope.spawn(|| {
                while failed.lock().unwrap().is_empty() {
                    let seed = next.fetch_add(1, Ordering::SeqCst);
                    if seed >= first + count {
                        break;
                    }
                    match live(seed, &empty) {
                        Ok(count) => total.lock().unwrap().add(&count),
                        Err(error) => failed.lock().unwrap().push(format!(
                            "seed {seed}: {error:#}\nalone: make simulate SEED={seed} SEEDS=1"
                        )),
                    }
                    let done = done.fetch_add(1, Ordering::SeqCst) + 1;
                    if done.is_multiple_of((count / 20).max(1)) {
                        println!("{done} of {count} histories: {}", total.lock().unwrap());
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    ensure!(failed.is_empty(), "{}", failed.join("\n"));
    // A simulation in which nothing happens shows nothing.
    let total = total.into_inner().unwrap();
    println!("{count} histories from seed {first}: {total}");
    ensure!(count < 100 || total.is_rich(count), "too little has happened: {total}");
    Ok(())
}
