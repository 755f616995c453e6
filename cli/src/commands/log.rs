//! Log verbs: a treasury's transparency log, and whether it is still what it was.

use std::{path::PathBuf, process::ExitCode, sync::Arc};

use alloy::primitives::{Address, B256};
use anyhow::{Context as _, Result, ensure};
use bursar_indexer::{
    Store,
    query::{log, treasuries},
    source::{RpcConfig, RpcSource, Source as _, Sources},
    store::Mark,
};
use bursar_report::verify::anchors;
use bursar_review::anchor;
use bursar_sdk::{admin::TreasuryAdmin, transparency::Checkpoint};
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use url::Url;

use super::{Context, serve::open};
use crate::keys;

/// The most anchors that the log is held against, the newest.
const MOST_ANCHORS: u32 = 10_000;

/// Log verbs. They read the store itself, so they go where the indexer's store is.
#[derive(Debug, Subcommand)]
pub(crate) enum LogCommand {
    /// Print the log's size and root, signed where there is a key (--log-key-file), and what was anchored last
    Checkpoint,
    /// Print a proof: that an entry is in the log, or that the log begins with what it was
    Prove(Proof),
    /// Hold the log against every record that it names, against the anchors, and against checkpoints that you kept
    Verify(Verify),
    /// Put the log's root on chain, with an owner's or a reviewer's key; `bursar review` does so at an interval
    Anchor,
}

/// Of what.
#[derive(Debug, Args)]
#[group(id = "what", required = true, multiple = false, args = ["entry", "subject", "from"])]
pub(crate) struct Proof {
    /// That the entry with this number is in the log
    #[arg(long, value_name = "NUMBER")]
    entry: Option<u64>,
    /// That the record with this hash, or the request with this digest, is in the log: its first entry
    #[arg(long, value_name = "HASH")]
    subject: Option<B256>,
    /// That the log begins with its first so many entries
    #[arg(long, value_name = "SIZE")]
    from: Option<u64>,
    /// In a log of so many entries; in all of it unless told
    #[arg(long)]
    size: Option<u64>,
}

/// Against what else.
#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// A checkpoint that was kept, as `bursar log checkpoint` or the API gave it; may be given more than once
    #[arg(long, value_name = "FILE", requires = "verifier")]
    checkpoint: Vec<PathBuf>,
    /// What checkpoints are verified with: NAME+ID+KEY
    #[arg(long, value_name = "KEY")]
    verifier: Option<String>,
    /// A node that is asked what was anchored, so that the ledger is not believed in that either
    #[arg(long, value_name = "URL")]
    rpc: Option<Url>,
}

pub(crate) async fn run(context: &Context, verb: LogCommand) -> Result<ExitCode> {
    let (store, treasury) = (open(&context.config).await?, context.config.treasury()?);
    let (value, lines) = match verb {
        LogCommand::Checkpoint => checkpoint(context, &store, treasury).await?,
        LogCommand::Prove(of) => prove(&store, treasury, of).await?,
        LogCommand::Anchor => put_on_chain(context, &store, treasury).await?,
        LogCommand::Verify(against) => return verify(context, &store, treasury, against).await,
    };
    context.output.done(&value, &lines)?;
    Ok(ExitCode::SUCCESS)
}

async fn checkpoint(context: &Context, store: &Store, treasury: Address) -> Result<(Value, Vec<String>)> {
    let (db, chain_id) = (store.db(), context.config.chain_id);
    let size = log::size(db, treasury).await?;
    let root = log::root(db, treasury, size).await?;
    let keeper = context.log_keeper()?;
    let signed = keeper.map(|keeper| keeper.sign(chain_id, treasury, size, root)).transpose()?;
    let last = log::anchors(db, treasury, u64::MAX, 1).await?.pop();
    let value = json!({
        "treasury": treasury,
        "size": size,
        "root": root,
        "checkpoint": signed.as_ref().map(|signed| &signed.note),
        "verifier": signed.as_ref().map(|signed| &signed.verifier),
        "anchor": last.as_ref().map(|last| json!({
            "size": last.size.to_string(), "root": last.root, "block": last.position.block,
            "timestamp": last.timestamp, "txHash": last.tx_hash,
        })),
    });
    let mut lines = vec![format!("{size} entries, root {root}")];
    if let Some(signed) = signed {
        lines.push(format!("verified with {}", signed.verifier));
        lines.push(String::new());
        lines.extend(signed.note.lines().map(str::to_owned));
        lines.push(String::new());
    }
    lines.push(match last {
        None => "nothing was anchored on chain".into(),
        Some(last) => format!("anchored last: {} entries in block {}", last.size, last.position.block),
    });
    Ok((value, lines))
}

async fn prove(store: &Store, treasury: Address, of: Proof) -> Result<(Value, Vec<String>)> {
    let db = store.db();
    let size = log::size_or_all(db, treasury, of.size).await?;
    let root = log::root(db, treasury, size).await?;
    if let Some(from) = of.from {
        let proof = log::consistency(db, treasury, from, size).await?;
        let from_root = log::root(db, treasury, from).await?;
        proof.check(from_root, root)?;
        let value = json!({
            "from": from, "fromRoot": from_root, "size": size, "root": root, "path": proof.path,
        });
        let said =
            format!("{size} entries with root {root} begin with the {from} that had root {from_root}:");
        return Ok((value, told(said, &proof.path)));
    }
    let leaf = match (of.entry, of.subject) {
        (Some(number), _) => log::get(db, treasury, number).await?,
        (None, subject) => log::list(db, log::Filter { treasury, subject }, None, 1).await?.pop(),
    };
    let leaf = leaf.context("the log has no such entry")?;
    let proof = log::inclusion(db, treasury, leaf.number, size).await?;
    proof.check(leaf.hash(), root)?;
    let value = json!({
        "entry": leaf.number, "leaf": leaf.bytes, "leafHash": leaf.hash(), "size": size, "root": root,
        "path": proof.path,
    });
    let mut lines = vec![leaf.bytes.clone()];
    let said = format!("is entry {} of {size} below root {root}:", leaf.number);
    lines.extend(told(said, &proof.path));
    Ok((value, lines))
}

fn told(said: String, path: &[B256]) -> Vec<String> {
    std::iter::once(said).chain(path.iter().map(|hash| format!("  {hash}"))).collect()
}

async fn verify(context: &Context, store: &Store, treasury: Address, against: Verify) -> Result<ExitCode> {
    let mut marks = Vec::new();
    for path in &against.checkpoint {
        let note = std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
        let verifier = against.verifier.as_deref().unwrap_or_default();
        let said =
            Checkpoint::open(&note, verifier).with_context(|| format!("checkpoint {}", path.display()))?;
        let seen = format!("in the checkpoint {}", path.display());
        marks.push(Mark { size: said.size, root: said.root, seen });
    }
    let kept = log::anchors(store.db(), treasury, u64::MAX, MOST_ANCHORS).await?;
    let mark = |anchor: &log::Anchor, whose: &str| {
        let seen =
            format!("anchored in transaction {}, block {}{whose}", anchor.tx_hash, anchor.position.block);
        Mark { size: anchor.size, root: anchor.root, seen }
    };
    let mut places = Vec::new();
    match against.rpc {
        None => marks.extend(kept.iter().map(|anchor| mark(anchor, " (by the ledger)"))),
        Some(rpc) => {
            let there = on_chain(context, store, treasury, rpc).await?;
            marks.extend(there.iter().map(|anchor| mark(anchor, "")));
            let same = |one: &log::Anchor, other: &log::Anchor| {
                (one.tx_hash, one.size, one.root) == (other.tx_hash, other.size, other.root)
            };
            let false_ones = kept.iter().filter(|kept| !there.iter().any(|there| same(kept, there)));
            places.extend(false_ones.map(|anchor| {
                format!("the ledger's anchor in transaction {} is not on the chain", anchor.tx_hash)
            }));
        }
    }
    let audit = store.audit_log(treasury, &marks).await?;
    places.extend(audit.findings.iter().map(ToString::to_string));
    let mut lines = vec![
        format!("{} entries, root {}", audit.size, audit.root),
        format!("held against the records that they name, and {} roots that were seen", marks.len()),
    ];
    lines.extend(places.iter().map(|place| format!("  {place}")));
    if audit.more != 0 {
        lines.push(format!("  and {} more", audit.more));
    }
    let holds = places.is_empty();
    lines.push(if holds { "nothing was changed" } else { "this log is not what it was" }.to_owned());
    let value = json!({
        "treasury": treasury, "size": audit.size, "root": audit.root, "roots": marks.len(), "holds": holds,
        "findings": places, "more": audit.more,
    });
    context.output.done(&value, &lines)?;
    Ok(if holds { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What was anchored through the treasury, as a node of its chain has it.
async fn on_chain(context: &Context, store: &Store, treasury: Address, rpc: Url) -> Result<Vec<log::Anchor>> {
    let source = Arc::new(RpcSource::new(rpc, RpcConfig::default()));
    let (expected, got) = (context.config.chain_id, source.chain_id().await?);
    ensure!(got == expected, "expected a node of chain {expected}, got one of chain {got}");
    let known = treasuries::get(store.db(), treasury).await?;
    let from = known.map_or(context.config.start_block, |known| known.created_block);
    anchors(&Sources::from(source), treasury, from).await.context("asking the node what was anchored")
}

async fn put_on_chain(context: &Context, store: &Store, treasury: Address) -> Result<(Value, Vec<String>)> {
    let (provider, account) = keys::provider(&context.config, &context.keys.signer()?).await?;
    let admin = TreasuryAdmin::new(treasury, provider, account);
    let at = store.checkpoint().await?.context("the ledger holds no block yet")?;
    let last = match anchor::fresh(&admin, at.number).await? {
        None => anchor::kept(store.db(), treasury).await?,
        fresh => fresh,
    };
    let Some(next) = anchor::next(store.db(), treasury, last.map(|(last, _)| last)).await? else {
        return Ok((json!({ "anchored": null }), vec!["the log has not grown since it was anchored".into()]));
    };
    let sent = admin.anchor(next.root, next.size).await?;
    let value = json!({ "anchored": { "size": next.size, "root": next.root }, "transaction": sent.hash() });
    Ok((value, vec![format!("{next}"), format!("transaction {}", sent.hash())]))
}
