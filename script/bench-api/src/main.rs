//! The API over ten million payments, on SQLite and on PostgreSQL: every question that it answers, asked at a steady
//! rate whether or not the answers keep up, so that waiting counts; and how the database goes about each of them.
//!
//! The first million is made as ledgers are made: a replayed chain, indexed by the binary that is measured afterwards,
//! with what agents say of their payments. The others are copies of these within the store, at other log indexes of
//! the same blocks, without records of their own.

mod ask;
mod grow;
mod load;
mod make;
mod plan;
mod report;
mod sample;

use std::{path::PathBuf, process::ExitCode, time::Duration};

use anyhow::Result;
use bursar_bench::Replayed;
use bursar_replay::Params;
use clap::{Parser, ValueEnum};

/// Asks the API everything and writes the figures.
#[derive(Debug, Parser)]
struct Args {
    /// How many payments there are, about
    #[arg(long, default_value_t = 10_000_000)]
    payments: u64,
    /// How many of them are indexed; the others are copies of those within the store
    #[arg(long, default_value_t = 1_000_000)]
    indexed: u64,
    /// Of 100 payments that are indexed, how many agents have explained
    #[arg(long, default_value_t = 98)]
    explained_pct: u64,
    /// Requests a second
    #[arg(long, default_value_t = 80)]
    rps: u32,
    /// For how long, in seconds
    #[arg(long, default_value_t = 60)]
    seconds: u32,
    /// On which stores
    #[arg(long, value_delimiter = ',', default_values = ["sqlite", "postgres"])]
    store: Vec<Kind>,
    /// In which store instead, which is filled where it is empty, and kept: what a change is worth shows sooner
    #[arg(long, value_name = "URL")]
    ledger: Vec<String>,
    /// The binary that is measured; by default the one beside this
    #[arg(long)]
    bursar: Option<PathBuf>,
    /// Where the SQLite ledger is while it runs: about a gigabyte for a million payments
    #[arg(long, default_value = "target/bench")]
    work: PathBuf,
    /// Where the reports go
    #[arg(long, default_value = "target/reports")]
    out: PathBuf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    Sqlite,
    Postgres,
}

#[tokio::main]
async fn main() -> Result<ExitCode> {
    let args = Args::parse();
    let bursar = match &args.bursar {
        Some(bursar) => bursar.clone(),
        None => std::env::current_exe()?.with_file_name("bursar"),
    };
    let indexed = args.indexed.min(args.payments);
    let params = Params {
        // One in ten is somebody's outside any envelope.
        settlements: indexed + indexed / 9,
        governed_pct: 90,
        blocks: (indexed / 5).max(1),
        treasuries: 20,
        envelopes: 50,
        payers: 2_000,
        recorded: true,
        ..Params::default()
    };
    eprintln!("making a chain of {} settlements in {} blocks", params.settlements, params.blocks);
    let replayed = Replayed::new(params).await?;
    let pace = load::Pace { rps: args.rps.max(1), lasts: Duration::from_secs(args.seconds.into()) };
    let mut ran = Vec::new();
    let made = args.store.iter().map(|kind| make::Place::new(*kind, &args.work));
    let kept = args.ledger.iter().cloned().map(|url| Ok(make::Place::Kept(url)));
    // Where each is made only when its turn comes.
    let places: Box<dyn Iterator<Item = Result<make::Place>>> =
        if args.ledger.is_empty() { Box::new(made) } else { Box::new(kept) };
    for place in places {
        let place = place?;
        let made = make::make(&replayed, &bursar, &place, args.explained_pct, args.payments).await?;
        ran.push(ask::ask(&bursar, made, pace).await?);
        place.gone()?;
    }
    let good = report::write(&args.out, &ran, pace)?;
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
