//! A fleet's week, scored from scratch as it would come in block by block, and the figures.
//!
//! Every session is five events: its draw, its payment, the decision behind it, what was delivered, and what it gave
//! back. After each of them the score is evaluated and the gate judged, as the ledger would. Histories come from a
//! seeded generator; some agents run away, spray payees, leave payments unexplained, and so on, so that the scores
//! are worth looking at. A peer scores the same histories of the first agents, in the same run.

mod agent;
mod fleet;
mod peer;
mod report;

use std::{num::NonZero, path::PathBuf, process::ExitCode};

use anyhow::Result;
use clap::Parser;

/// Scores a fleet's week of sessions and writes the figures.
#[derive(Debug, Parser)]
struct Args {
    /// How many agents there are
    #[arg(long, default_value_t = 69_000)]
    agents: u64,
    /// How many sessions each of them has a day
    #[arg(long, default_value_t = 400)]
    sessions: u64,
    /// How many days are scored
    #[arg(long, default_value_t = 7)]
    days: u64,
    /// How many threads score; by default as many as the machine runs at once
    #[arg(long)]
    threads: Option<NonZero<usize>>,
    /// How many agents the peer scores too; it looks at the whole history for every score. 0 for none
    #[arg(long, default_value_t = 24)]
    peer_agents: u64,
    /// Where the peer is installed
    #[arg(long, default_value = "script/bench-score/peer")]
    peer: PathBuf,
    /// Where the reports go
    #[arg(long, default_value = "target/reports")]
    out: PathBuf,
}

fn main() -> Result<ExitCode> {
    let args = Args::parse();
    let week = fleet::Week { sessions: args.sessions.max(1), days: args.days };
    let threads = args.threads.map_or_else(std::thread::available_parallelism, Ok)?;
    eprintln!("scoring {} sessions of {} agents", args.agents * week.all(), args.agents);
    let ours = fleet::score(args.agents, week, threads);
    let peers = args.peer_agents.min(args.agents);
    let peer = if peers > 0 {
        eprintln!("scoring the first {peers} agents' sessions with the peer");
        Some(peer::score(&args.peer, peers, week)?)
    } else {
        None
    };
    let good = report::write(&args.out, &ours, peer.as_ref())?;
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
