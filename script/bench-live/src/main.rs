//! How soon a settlement is read through the API: a replayed chain whose node tells of each block over WebSocket, the released
//! binary that follows it and serves the API, and a reader who asks for the latest settlement again and again.
//!
//! A sample begins when the node has the block, and ends when the API's answer holds it. Blocks come at a fixed pace, each with
//! its share of the settlements of a second, whether the ledger keeps up or not.

mod report;
mod service;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use bursar_bench::{Replayed, tally, watch_all};
use bursar_indexer::{Store, db::Query};
use bursar_replay::Params;
use bursar_test_stores::Cluster;
use clap::Parser;

use crate::{
    report::{Ran, Sample},
    service::Service,
};

/// Blocks that are there before anything is measured.
const BEFORE: u64 = 400;
/// How long the ledger may take for the last block.
const PATIENCE: Duration = Duration::from_secs(60);

/// Measures how soon settlements are read, and writes the figures.
#[derive(Debug, Parser)]
struct Args {
    /// How long, in seconds, on each store
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..))]
    seconds: u64,
    /// Settlements in a second, at least
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(1..))]
    per_second: u64,
    /// Milliseconds between two blocks
    #[arg(long, default_value_t = 250, value_parser = clap::value_parser!(u64).range(10..=1_000))]
    block_time: u64,
    /// Percent of them that purses pay, each of which has to be explained by its transaction
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(..=100))]
    governed_pct: u64,
    /// The binary that is measured; by default the one beside this
    #[arg(long)]
    bursar: Option<PathBuf>,
    /// Where the report goes
    #[arg(long, default_value = "target/reports")]
    out: PathBuf,
}

#[tokio::main]
async fn main() -> Result<ExitCode> {
    let args = Args::parse();
    let bursar = match &args.bursar {
        Some(bursar) => bursar.clone(),
        None => std::env::current_exe()?.with_file_name("bursar"),
    };
    let cluster = Cluster::start("")?;
    let work = tempfile::tempdir()?;
    let file = format!("sqlite:{}", work.path().join("ledger.sqlite").display());
    let server = cluster.url().to_string();
    let mut ran = Vec::new();
    for (name, store) in [("bursar-sqlite", file), ("bursar-postgres", server)] {
        eprintln!("{name}: {} settlements a second for {} s", args.per_second, args.seconds);
        ran.push(measure(&args, &bursar, name, &store).await?);
    }
    cluster.stop()?;
    let good = report::write(&args.out, args.per_second, &ran)?;
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn measure(args: &Args, bursar: &Path, name: &'static str, store_url: &str) -> Result<Ran> {
    // How many a block has is drawn: some more, so that a stretch of low draws is no less than what is asked for.
    let settlements = BEFORE * (args.per_second + args.per_second / 8) * args.block_time / 1_000;
    let mix = Params { governed_pct: args.governed_pct, permit2_pct: 10, payers: 500, ..Params::default() };
    let params = Params { blocks: BEFORE, settlements, ..mix };
    let replayed = Replayed::new(params).await?;
    let store = Store::connect(&store_url.parse()?).await?;
    watch_all(&replayed, &store).await?;
    let mut service = Service::start(bursar, &replayed, store_url).await?;
    service.until_indexed(replayed.head().0, PATIENCE).await?;
    if store_url.starts_with("postgres") {
        // A server that has been up for a while writes its log over what it no longer needs of it, rather than into new files.
        Query::new("CHECKPOINT").execute(store.db()).await?;
    }
    replayed.forget_calls();
    let pace = Duration::from_millis(args.block_time);
    let (began, mut samples, mut told) = (Instant::now(), Vec::new(), 0);
    for round in 1..=u32::try_from(args.seconds * 1_000 / args.block_time)? {
        let due = began + pace * round;
        tokio::time::sleep(due.saturating_duration_since(Instant::now())).await;
        let mined = replayed.mine();
        let (block, arrived, settlements) = (mined.block, mined.at, mined.governed + mined.others);
        told += settlements;
        if settlements == 0 {
            continue;
        }
        // Where it is not there by the next block, it is late by as much as it takes until it is.
        service.until(mined, PATIENCE).await?;
        samples.push(Sample { settlements, after: arrived.elapsed(), behind: due.elapsed() > pace });
        if round % 40 == 0 {
            eprintln!("{name}: block {block}, {told} settlements");
        }
    }
    let (wall, rpc_calls) = (began.elapsed(), replayed.calls());
    let (head, _) = replayed.head();
    service.until_indexed(head, PATIENCE).await?;
    let took = service.done().await?;
    let (got, truth) = (tally(&store, head).await?, replayed.truth(head));
    store.close().await;
    ensure!(got == truth, "{name}: expected {truth:?}, got {got:?}");
    let peak_kib = took.peak_kib;
    ensure!(!samples.is_empty(), "no block had a settlement");
    Ok(Ran { name, samples, settlements: told, wall, peak_kib, rpc_calls })
}
