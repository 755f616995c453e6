//! `bursar report` over a million payments of one treasury: how long it takes, and how much memory; then the same
//! again, which has to give the same bytes, and `bursar verify` of what was written.
//!
//! The ledger is made as ledgers are: a chain of a seed is indexed by the binary that is measured afterwards. What agents
//! say of their payments is in the store before, sealed, and taken in by the indexer as the payments come by.

mod report;
mod runs;

use std::{path::PathBuf, process::ExitCode};

use anyhow::{Context as _, Result};
use bursar_bench::{Replayed, follow, foresee};
use bursar_indexer::Store;
use bursar_replay::Params;
use clap::Parser;

use crate::{report::Figures, runs::Runs};

/// Reports payments and writes the figures.
#[derive(Debug, Parser)]
struct Args {
    /// How many payments there are at least, five to a block
    #[arg(long, default_value_t = 1_000_000)]
    payments: u64,
    /// How many agents pay
    #[arg(long, default_value_t = 100)]
    agents: u64,
    /// Of 100 payments, how many agents have explained
    #[arg(long, default_value_t = 98)]
    explained_pct: u64,
    /// The binary that is measured; by default the one beside this
    #[arg(long)]
    bursar: Option<PathBuf>,
    /// Where ledger and reports are while it runs; a few gigabytes
    #[arg(long, default_value = "target/bench")]
    work: PathBuf,
    /// Where the figures go
    #[arg(long, default_value = "target/reports")]
    out: PathBuf,
}

/// The most that a block settles of five on average, which the first does before there is a treasury.
const BEFORE: u64 = 25;

#[tokio::main]
async fn main() -> Result<ExitCode> {
    let args = Args::parse();
    let bursar = match args.bursar {
        Some(bursar) => bursar,
        None => std::env::current_exe()?.with_file_name("bursar"),
    };
    let params = Params {
        settlements: args.payments + BEFORE,
        blocks: (args.payments / 5).max(1),
        governed_pct: 100,
        treasuries: 1,
        envelopes: args.agents,
        recorded: true,
        ..Params::default()
    };
    eprintln!("making a chain of {} payments in {} blocks", params.settlements, params.blocks);
    let replayed = Replayed::new(params).await?;
    std::fs::create_dir_all(&args.work).with_context(|| format!("creating {}", args.work.display()))?;
    let work = tempfile::tempdir_in(args.work.canonicalize()?)?;
    let file = work.path().join("ledger.sqlite");
    let url = file.to_str().context("a path that is text")?;
    let store = Store::connect(&url.parse()?).await?;
    eprintln!("sealing what agents say of {} % of them", args.explained_pct);
    let records = foresee(&replayed, &store, args.explained_pct).await?;
    eprintln!("indexing");
    let indexed = follow(&replayed, &bursar, &store, url).await?;
    store.close().await;
    drop(replayed);

    let runs = Runs { bursar: &bursar, store: url, work: work.path() };
    eprintln!("reporting");
    let first = runs.report("first").await?;
    eprintln!("reporting again");
    let second = runs.report("second").await?;
    let same_bytes = runs::digest(&first.folder)? == runs::digest(&second.folder)?;
    eprintln!("verifying");
    let verified = runs.verify(&first.folder).await?;
    let figures = Figures { records, indexed, first, second, same_bytes, verified };
    let good = report::write(&args.out, &figures)?;
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
