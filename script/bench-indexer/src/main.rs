//! Backfill of one replayed chain by ours, on either store, and by a peer, each alone and on a fresh database, and what
//! the databases themselves take. What each has come to is compared with the chain before any figure counts.

mod came_to;
mod limits;
mod ours;
mod ponder;
mod report;
mod rindexer;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context as _, Result};
use bursar_bench::{Replayed, free_address};
use bursar_replay::Params;
use bursar_test_stores::Cluster;
use clap::{Parser, ValueEnum};

use crate::report::{Limits, Ran};

/// The node is in this process, and answers on the same cores: what it takes is taken from whoever asks.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// For everybody who writes to PostgreSQL here: it keeps what it has committed, and has the memory of a small server.
const POSTGRES: &str = "-c shared_buffers=512MB -c max_wal_size=4GB";

/// Indexes the same settlements with ours and with peers and writes the figures.
#[derive(Debug, Parser)]
struct Args {
    /// How many settlements there are, five to a block
    #[arg(long, default_value_t = 1_000_000)]
    settlements: u64,
    /// Percent of them that purses pay, each of which has to be explained by its transaction
    #[arg(long, default_value_t = 0)]
    governed_pct: u64,
    /// Percent of the others that settle over Permit2; the rest over EIP-3009
    #[arg(long, default_value_t = 10)]
    permit2_pct: u64,
    /// What runs, each alone
    #[arg(long, value_delimiter = ',', default_values = ["postgres", "sqlite", "ponder"])]
    run: Vec<Runner>,
    /// How long each answer of the node takes where the backfill is divided, in milliseconds
    #[arg(long, default_value_t = 100)]
    latency: u64,
    /// How many of the settlements the peer indexes, those of the first blocks
    #[arg(long, default_value_t = 50_000)]
    ponder_settlements: u64,
    /// How many URLs the peer asks at once: it limits how often it asks one
    #[arg(long, default_value_t = 24)]
    ponder_urls: u32,
    /// How often all of it runs, one after the other each time: the one in the middle of each counts, since a machine is faster or
    /// slower from one minute to the next
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Where the peer is installed
    #[arg(long, default_value = "target/tools/ponder")]
    ponder: PathBuf,
    /// The other peer's binary, which is run where this names it: no package registry has it (docs/SCALING.md says more)
    #[arg(long)]
    rindexer: Option<PathBuf>,
    /// What a user of it writes
    #[arg(long, default_value = "script/bench-indexer/rindexer")]
    rindexer_project: PathBuf,
    /// The binary that is measured; by default the one beside this
    #[arg(long)]
    bursar: Option<PathBuf>,
    /// Where the reports go
    #[arg(long, default_value = "target/reports")]
    out: PathBuf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Runner {
    /// Ours on PostgreSQL, and a bare COPY of the same rows
    Postgres,
    /// Ours on SQLite, and bare inserts of the same rows
    Sqlite,
    /// Ours on PostgreSQL, alone and then with two others that stand by, from a node that takes its time
    Divided,
    /// The peer, on PostgreSQL
    Ponder,
}

#[tokio::main]
async fn main() -> Result<ExitCode> {
    let args = Args::parse();
    let bursar = match &args.bursar {
        Some(bursar) => bursar.clone(),
        None => std::env::current_exe()?.with_file_name("bursar"),
    };
    let params = Params {
        settlements: args.settlements,
        blocks: (args.settlements / 5).max(1),
        governed_pct: args.governed_pct,
        permit2_pct: args.permit2_pct,
        ..Params::default()
    };
    eprintln!("making a chain of {} settlements in {} blocks", params.settlements, params.blocks);
    let replayed = Replayed::new(params).await?;
    let (mut ran, mut limits) = (Vec::new(), Limits::default());
    for round in 1..=args.rounds {
        if args.rounds > 1 {
            eprintln!("round {round} of {}", args.rounds);
        }
        run(&args, &bursar, &replayed, &mut ran, &mut limits).await?;
    }
    report::write(&args.out, &ran, &limits)?;
    let good = ran.iter().all(Ran::is_right);
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Everything once, each alone.
async fn run(
    args: &Args,
    bursar: &Path,
    replayed: &Replayed,
    ran: &mut Vec<Ran>,
    limits: &mut Limits,
) -> Result<()> {
    if args.run.contains(&Runner::Postgres) {
        let cluster = Cluster::start(POSTGRES)?;
        eprintln!("indexing into PostgreSQL");
        let store = limits::database(&cluster, "ledger").await?;
        ran.push(ours::index(replayed, bursar, "bursar-postgres", store.as_str()).await?);
        eprintln!("copying the same rows");
        let bare = limits::database(&cluster, "bare").await?;
        limits.copied = limits::better(limits.copied, limits::copy(&store, &bare).await?);
        cluster.stop()?;
    }
    if args.run.contains(&Runner::Sqlite) {
        let directory = tempfile::tempdir()?;
        eprintln!("indexing into SQLite");
        let file = |name: &str| directory.path().join(name).with_extension("sqlite");
        let store = file("ledger").to_string_lossy().into_owned();
        ran.push(ours::index(replayed, bursar, "bursar-sqlite", &store).await?);
        eprintln!("inserting the same rows");
        let inserted = limits::insert(&file("ledger"), &file("bare")).await?;
        limits.inserted = limits::better(limits.inserted, inserted);
    }
    if args.run.contains(&Runner::Divided) {
        let delayed = replayed.delayed(args.latency).await?;
        for (name, others) in [("bursar-alone", 0), ("bursar-divided", 2)] {
            let cluster = Cluster::start(POSTGRES)?;
            eprintln!("indexing with {others} that stand by, {} ms an answer", args.latency);
            let store = limits::database(&cluster, "ledger").await?;
            // What is not final is asked for block by block, which is divided among nobody.
            ran.push(ours::index_with(&delayed, bursar, name, store.as_str(), 1, others).await?);
            cluster.stop()?;
        }
    }
    if args.run.contains(&Runner::Ponder) {
        let cluster = Cluster::start(POSTGRES)?;
        eprintln!("indexing the first {} settlements with ponder", args.ponder_settlements);
        let blocks = args.ponder_settlements / 5;
        let peer = ponder::index(replayed, &args.ponder, args.ponder_urls, blocks, cluster.url()).await;
        ran.push(peer.context("ponder")?);
        cluster.stop()?;
    }
    if let Some(binary) = &args.rindexer {
        // It negotiates TLS by the server's name first, and a socket in a folder has none.
        let port = free_address()?.port();
        let cluster = Cluster::start(&format!("{POSTGRES} -c listen_addresses=127.0.0.1 -c port={port}"))?;
        let database = format!("postgres://postgres@127.0.0.1:{port}/postgres").parse()?;
        eprintln!("indexing with rindexer");
        let peer = rindexer::index(replayed, binary, &args.rindexer_project, &database).await;
        ran.push(peer.context("rindexer")?);
        cluster.stop()?;
    }
    Ok(())
}
