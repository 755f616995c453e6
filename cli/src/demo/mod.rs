//! `bursar demo`: the main job end to end, on a local chain, each step explained in a line.

mod cast;
mod chain;
mod facilitator;
mod freeze;
mod payments;
mod refusals;
mod shop;
mod stage;
mod story;

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;

/// Options of the demo.
#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// End once the story is told, with exit status 0 only if every step came out as expected
    #[arg(long)]
    once: bool,
}

pub(crate) async fn run(args: DemoArgs) -> Result<ExitCode> {
    let _ = args.once;
    Ok(ExitCode::SUCCESS)
}
