//! `bursar stamp`: who an agent is, issued at deployment, verified by anyone.

use std::path::{Path, PathBuf};

use alloy::primitives::B256;
use anyhow::{Context as _, Result};
use bursar_sdk::{
    clock::Clock,
    stamp::{Link, Memory, StampBundle, StampDomain, StampState, StampTerms, UnsignedStamp, Verifier},
};
use clap::Subcommand;
use serde_json::{Value, json};

use super::Context;

/// Stamp verbs.
#[derive(Debug, Subcommand)]
pub(crate) enum StampCommand {
    /// Issue a stamp, signed with the key at hand: a root by a stamper, or, with --parent, a delegation by its subject
    Issue {
        /// What it says (JSON; see docs/STAMPS.md)
        terms: PathBuf,
        /// The stamp it is delegated from
        #[arg(long, value_name = "FILE")]
        parent: Option<PathBuf>,
    },
    /// Print what a stamp says, link by link; says nothing about whether it holds
    Show {
        /// The stamp, as `issue` prints it
        stamp: PathBuf,
    },
    /// Verify a stamp against the treasury's roles and revocations
    Verify {
        /// The stamp, as `issue` prints it
        stamp: PathBuf,
        /// A state as `bursar stamp state` prints it, instead of asking a node
        #[arg(long, value_name = "FILE")]
        state: Option<PathBuf>,
        /// The time to verify at, unix seconds, instead of now
        #[arg(long, value_name = "SECONDS")]
        at: Option<u64>,
    },
    /// Print what a verifier has to know of the treasury (JSON), read from the chain since `start_block`
    State,
}

pub(crate) async fn run(context: &Context, verb: StampCommand) -> Result<()> {
    match verb {
        StampCommand::Issue { terms, parent } => issue(context, &terms, parent.as_deref()).await,
        StampCommand::Show { stamp } => show(context, &stamp),
        StampCommand::Verify { stamp, state, at } => verify(context, &stamp, state.as_deref(), at).await,
        StampCommand::State => {
            println!("{}", serde_json::to_string_pretty(&read_state(context).await?)?);
            Ok(())
        }
    }
}

async fn issue(context: &Context, terms: &Path, parent: Option<&Path>) -> Result<()> {
    let text = read(terms)?;
    let terms: StampTerms =
        serde_json::from_str(&text).with_context(|| format!("the terms {}", terms.display()))?;
    let (signer, salt) = (context.keys.signer()?, B256::random());
    let unsigned = match parent {
        Some(parent) => UnsignedStamp::child(&read_stamp(parent)?, &terms, salt)?,
        None => {
            let domain = StampDomain::new(context.config.chain_id, context.config.treasury()?);
            UnsignedStamp::root(domain, &terms, signer.address(), salt)?
        }
    };
    let stamp = unsigned.sign(&signer).await?;
    let text = stamp.to_text()?;
    // For a file: the stamp alone is what `show`, `verify` and --parent read.
    context.output.done(&json!({ "stampHash": stamp.hash(), "stamp": text }), std::slice::from_ref(&text))
}

fn show(context: &Context, path: &Path) -> Result<()> {
    let stamp = read_stamp(path)?;
    let links: Vec<Value> = stamp
        .links
        .iter()
        .map(|link| {
            json!({
                "stampHash": link.stamp.hash(&stamp.domain),
                "stamp": link.stamp,
                "scope": link.scope,
                "windows": link.windows,
            })
        })
        .collect();
    let session = stamp.session.as_ref().map(|proof| {
        json!({
            "session": proof.session,
            "key": proof.key,
            "notBefore": proof.not_before,
            "notAfter": proof.not_after,
        })
    });
    let value = json!({
        "chainId": stamp.domain.chain_id,
        "treasury": stamp.domain.treasury,
        "links": links,
        "session": session,
    });
    let mut lines = vec![format!("chain {}, treasury {}", stamp.domain.chain_id, stamp.domain.treasury)];
    for (at, link) in stamp.links.iter().enumerate() {
        lines.extend(describe(at, link, link.stamp.hash(&stamp.domain)));
    }
    if let Some(proof) = &stamp.session {
        lines.push(format!("in session {} until {}", proof.session, proof.not_after));
    }
    context.output.done(&value, &lines)
}

fn describe(at: usize, link: &Link, hash: B256) -> Vec<String> {
    let stamp = &link.stamp;
    let list = |name: &str, count: Option<usize>| match count {
        None => format!("any {name}"),
        Some(count) => format!("{count} {name}"),
    };
    let scope = &link.scope;
    let mut lines = vec![
        format!("{} {hash}", if at == 0 { "root" } else { "delegated" }),
        format!("  issuer              {}", stamp.issuer),
        format!("  subject             {}", stamp.subject),
        format!("  one payment         at most {} atomic units", stamp.per_payment_max),
        format!("  in all              at most {} atomic units", stamp.total_max),
    ];
    for window in &link.windows.0 {
        lines.push(format!("  every {:>9} s   at most {} atomic units", window.period, window.limit));
    }
    lines.extend([
        format!(
            "  may pay             {}, {}, {}",
            list("assets", scope.assets.as_ref().map(Vec::len)),
            list("payees", scope.payees.as_ref().map(Vec::len)),
            list("hosts", scope.hosts.as_ref().map(Vec::len)),
        ),
        format!("  valid               from {} until {} (unix seconds)", stamp.not_before, stamp.not_after),
        format!("  delegations left    {}", stamp.depth_left),
        format!("  epoch               {}", stamp.epoch),
    ]);
    lines
}

async fn verify(context: &Context, path: &Path, state: Option<&Path>, at: Option<u64>) -> Result<()> {
    let stamp = read_stamp(path)?;
    let state: StampState = match state {
        Some(file) => {
            serde_json::from_str(&read(file)?).with_context(|| format!("the state {}", file.display()))?
        }
        None => {
            let mut state = read_state(context).await?;
            state.ask_contracts(&context.reader().await?, &stamp).await?;
            state
        }
    };
    let now = at.unwrap_or_else(|| Clock::system().now());
    let verifier = Verifier::new(0, Memory::new(now, 0));
    let verified = verifier.verify_chain(&stamp.encode()?, &state, now)?;
    context.output.done(
        &json!({
            "valid": true,
            "stampHash": verified.hash,
            "subject": verified.stamp.subject,
            "rootIssuer": verified.root_issuer,
            "links": verified.chain,
            "block": state.block,
        }),
        &[
            format!("the stamp holds: {}", verified.hash),
            format!("  subject             {}", verified.stamp.subject),
            format!("  root issued by      {}", verified.root_issuer),
            format!("  at block            {}", state.block),
        ],
    )
}

async fn read_state(context: &Context) -> Result<StampState> {
    let contract = context.treasury_view().await?;
    let provider = context.reader().await?;
    let from = context.config.start_block;
    StampState::read(&provider, *contract.address(), from).await.context("reading the treasury's events")
}

pub(super) fn read_stamp(path: &Path) -> Result<StampBundle> {
    StampBundle::from_text(read(path)?.trim()).with_context(|| format!("the stamp {}", path.display()))
}

fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))
}
