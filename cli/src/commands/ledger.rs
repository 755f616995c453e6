//! `bursar ledger`.
use anyhow::Result;
use clap::Subcommand;
use super::Context;
/// Ledger queries.
#[derive(Debug, Subcommand)]
pub(crate) enum LedgerCommand { /// x
 Agents }
pub(crate) async fn run(_: &Context, _: LedgerCommand) -> Result<()> { Ok(()) }
