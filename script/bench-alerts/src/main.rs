//! How soon an alert is read: every kind of violation on a local chain with blocks at a fixed pace, followed by the real
//! indexer into a real store, and asked for through the real API over HTTP.
//!
//! A sample begins when the node has the block that tells of the violation, and ends when the API's answer has the alert. No
//! payment can settle before the next block, so an alert that is there by then was there before the next payment.

mod report;
mod stage;
mod violation;

use std::{path::PathBuf, process::ExitCode, time::Duration};

use anyhow::Result;
use clap::Parser;

use crate::{report::Sample, stage::Stage, violation::Violation};

/// Seeds violations and writes how soon they were told.
#[derive(Debug, Parser)]
struct Args {
    /// How often each kind of violation is seeded
    #[arg(long, default_value_t = 15, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Milliseconds between two blocks
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u64).range(1_000..))]
    block_time: u64,
    /// Where the report goes
    #[arg(long, default_value = "target/reports")]
    out: PathBuf,
}

#[tokio::main]
async fn main() -> Result<ExitCode> {
    let args = Args::parse();
    let stage = Stage::set(args.rounds).await?;
    stage.pace(args.block_time).await?;
    let mut samples = Vec::new();
    for round in 0..args.rounds {
        for violation in Violation::ALL {
            let sample = measure(&stage, violation, round).await?;
            eprintln!("round {round}: {:<20} after {:>5} ms", violation.kind(), sample.after.as_millis());
            samples.push(sample);
        }
    }
    stage.end().await?;
    let good = report::write(&args.out, &samples, Duration::from_millis(args.block_time))?;
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn measure(stage: &Stage, violation: Violation, round: u32) -> Result<Sample> {
    let before = stage.told(violation.kind()).await?;
    let block = violation.seed(stage, round).await?;
    let there = stage.until_told(violation.kind(), before).await?;
    let arrived = stage.arrival(block).await?;
    let next = stage.arrival(block + 1).await?;
    let after = there.saturating_duration_since(arrived);
    Ok(Sample { kind: violation.kind(), after, before_next: there < next })
}
