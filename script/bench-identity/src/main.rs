//! A fleet simulation: thousands of agents show their stamps to a merchant by the million, cheats among them.
//!
//! Every showing is a whole verification, and every outcome is compared with what it has to be. Cold showings go to
//! a verifier that keeps nothing, warm ones to one that keeps what it verified. Half of them are of sessions that
//! the merchant knows from the chain, so that a chain of n links costs n signatures; the other half carry a proof by
//! the subject, which is one more: cold, those are reported apart. Percentiles are of good showings: refusals mostly
//! end earlier.

mod clocks;
mod figures;
mod fleet;
mod report;

use std::{path::PathBuf, process::ExitCode};

use anyhow::Result;
use bursar_sdk::stamp::{DefaultCurve, K256};
use clap::Parser;

use crate::fleet::{Fleet, simulate};

/// Verifies stamps by the million and writes the figures.
#[derive(Debug, Parser)]
struct Args {
    /// How many showings are verified
    #[arg(long, default_value_t = 14_550_000)]
    verifications: u64,
    /// How many agents there are; a quarter each of 1, 2, 3 and 4 links
    #[arg(long, default_value_t = 4_000)]
    agents: u64,
    /// How many sessions each agent has
    #[arg(long, default_value_t = 3)]
    sessions: u32,
    /// How many of 1,000 showings are spoofs
    #[arg(long, default_value_t = 50)]
    spoofs: u64,
    /// How many of 1,000 showings go to a verifier that has cached nothing
    #[arg(long, default_value_t = 100)]
    cold: u64,
    /// How many showings are verified with k256, for comparison; 0 for none
    #[arg(long, default_value_t = 40_000)]
    compare: u64,
    /// Where the reports go
    #[arg(long, default_value = "target/reports")]
    out: PathBuf,
}

fn main() -> Result<ExitCode> {
    let args = Args::parse();
    eprintln!("issuing stamps to {} agents", args.agents);
    let fleet = Fleet::new(args.agents, args.sessions);
    eprintln!("verifying {} showings", args.verifications);
    let figures = simulate::<DefaultCurve>(&fleet, args.verifications, args.spoofs, args.cold)?;
    let compared = (args.compare > 0)
        .then(|| simulate::<K256>(&fleet, args.compare, args.spoofs, args.cold))
        .transpose()?;
    let good = report::write(&args.out, &figures, compared.as_ref())?;
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
