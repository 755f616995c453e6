//! `bursar review`: the watcher, which puts on chain what follows from the ledger.

use std::{path::PathBuf, time::Duration};

use alloy::signers::local::PrivateKeySigner;
use anyhow::Result;
use bursar_review::{Act, Keys, Watcher, WatcherConfig, provider};
use bursar_sdk::admin::TreasuryAdmin;
use clap::Args;
use serde_json::json;

use super::{
    Context,
    serve::{open, until_interrupted},
};
use crate::keys::read_key;

/// How to watch. The reviewer's key is the one of --key-file.
#[derive(Debug, Args)]
pub(crate) struct ReviewArgs {
    /// File that holds the key of a guardian, who freezes for compromise; without one, that is a review as well
    #[arg(long, env = "BURSAR_GUARDIAN_KEY_FILE", value_name = "FILE")]
    guardian_key_file: Option<PathBuf>,
    /// Look once and end
    #[arg(long)]
    once: bool,
    /// Look once, say what would be sent, and send nothing
    #[arg(long)]
    dry_run: bool,
    /// Milliseconds between two looks
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(10..=60_000))]
    poll: u64,
    /// Seconds of the chain after the last anchor of the transparency log until it is anchored again, where it has grown;
    /// 0: never
    #[arg(long, default_value_t = 86_400, value_name = "SECONDS")]
    anchor_every: u64,
    /// How many seconds of the chain the ledger may be behind; by an older one nothing is decided
    #[arg(long, default_value_t = 30, value_name = "SECONDS")]
    most_behind: u64,
}

pub(crate) async fn run(context: &Context, args: ReviewArgs) -> Result<()> {
    let store = open(&context.config).await?;
    let reviewer = context.keys.signer()?;
    let guardian = args.guardian_key_file.as_deref().map(read_key).transpose()?;
    let keys = std::iter::once(&reviewer).chain(&guardian);
    let provider = provider(context.config.rpc_url.clone(), keys);
    let treasury = context.config.treasury()?;
    let hands = |key: &PrivateKeySigner| {
        (key.address(), TreasuryAdmin::new(treasury, provider.clone(), key.address()))
    };
    let keys = Keys { reviewer: hands(&reviewer), guardian: guardian.as_ref().map(hands) };
    let config = WatcherConfig {
        poll: Duration::from_millis(args.poll),
        most_behind: args.most_behind,
        anchor_every: (args.anchor_every != 0).then_some(args.anchor_every),
        dry_run: args.dry_run,
    };
    let mut watcher = Watcher::new(store, provider.clone(), keys, config);
    watcher.check().await?;
    if !(args.once || args.dry_run) {
        tracing::info!(%treasury, reviewer = %reviewer.address(), "watching");
        watcher.run(until_interrupted()).await;
        return Ok(());
    }
    let round = watcher.round().await?;
    let said = |acts: &[Act]| acts.iter().map(ToString::to_string).collect::<Vec<_>>();
    let mut failed: Vec<String> = round.failed.iter().map(|(act, error)| format!("{act}: {error}")).collect();
    failed.extend(round.not_anchored.iter().map(|error| format!("anchor the log: {error}")));
    let mut done = said(&round.done);
    done.extend(round.anchored.iter().map(ToString::to_string));
    let would = if args.dry_run { "would " } else { "" };
    let mut lines: Vec<String> = done.iter().map(|act| format!("{would}{act}")).collect();
    if lines.is_empty() {
        lines.push("nothing is due".into());
    }
    let value = json!({ "done": done, "there": said(&round.there), "failed": failed });
    context.output.done(&value, &lines)?;
    anyhow::ensure!(failed.is_empty(), "not done: {}", failed.join("; "));
    Ok(())
}
