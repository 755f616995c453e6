//! `bursar policy`: documents that people read and the chain enforces.

use std::path::PathBuf;

use alloy::primitives::aliases::U24;
use anyhow::{Context as _, Result};
use bursar_sdk::{
    chain::ChainView,
    policy::{PolicyDocument, WindowLimit},
    tree::{Setting, Tree, Unit},
};
use clap::Subcommand;
use serde_json::json;

use super::Context;
use crate::output::usdc;

/// Policy verbs.
#[derive(Debug, Subcommand)]
pub(crate) enum PolicyCommand {
    /// Print an example document for the configured network and asset
    Example,
    /// Check a document, and print its hash and what it allows
    Check {
        /// The document (JSON)
        document: PathBuf,
    },
    /// Draw what an opening and a payment are asked, and what every answer leads to
    Tree {
        /// A document (JSON) that nothing stands above yet
        #[arg(required_unless_present = "envelope")]
        document: Option<PathBuf>,
        /// An envelope as the chain has it, with its groups, freezes and review
        #[arg(long, conflicts_with = "document")]
        envelope: Option<u32>,
        /// Which of its purses: what its session narrows is drawn too
        #[arg(long, default_value_t = 0, requires = "envelope")]
        purse: u16,
        /// A picture (SVG) instead of text
        #[arg(long)]
        svg: bool,
    },
    /// Hand a document in to the API, once it is in force: whoever asks why an agent paid reads it there
    Publish {
        /// The document (JSON)
        document: PathBuf,
    },
    /// Hold a document against the policy in force on chain
    Compare {
        /// The envelope's number
        envelope: u32,
        /// The document (JSON)
        document: PathBuf,
    },
}

pub(crate) async fn run(context: &Context, verb: PolicyCommand) -> Result<()> {
    match verb {
        PolicyCommand::Example => example(context),
        PolicyCommand::Check { document } => {
            let policy = read(&document)?;
            let hash = policy.hash()?;
            context.output.done(&json!({ "policyHash": hash, "policy": policy }), &describe(&policy, hash))
        }
        PolicyCommand::Tree { document, envelope, purse, svg } => {
            let setting = match (document, envelope) {
                (Some(document), _) => Setting::of_document(&read(&document)?)?,
                (None, envelope) => on_chain(context, envelope.unwrap_or_default(), purse).await?,
            };
            // As `usdc` shows amounts: six decimals.
            let tree = Tree::of(&setting, &Unit { decimals: 6, symbol: String::new() });
            // The tree itself, either way: it is meant for a file.
            print!("{}", if svg { tree.to_svg() } else { tree.to_text() });
            Ok(())
        }
        PolicyCommand::Publish { document } => {
            let policy = read(&document)?;
            let told = context.api_post("v1/policy-documents", &serde_json::to_value(&policy)?).await?;
            context.output.done(&told, &[format!("kept as the document of policies {}", policy.hash()?)])
        }
        PolicyCommand::Compare { envelope, document } => {
            let policy = read(&document)?;
            let contract = context.treasury_view().await?;
            let number = U24::try_from(envelope).context("envelope number")?;
            let on_chain = contract.envelope(number).call().await.context("asking the treasury")?;
            policy.matches(&on_chain.policy).context("the document differs from the policy in force")?;
            context.output.done(
                &json!({ "matches": true, "version": on_chain.policyVersion.to_string() }),
                &[format!("the document is the policy in force (version {})", on_chain.policyVersion)],
            )
        }
    }
}

async fn on_chain(context: &Context, envelope: u32, purse: u16) -> Result<Setting> {
    let treasury = context.treasury_view().await?;
    let view = ChainView::connect(treasury.provider().clone(), *treasury.address(), envelope).await;
    Ok(Setting::of_chain(&view.context("reading the envelope")?, purse).await?)
}

fn example(context: &Context) -> Result<()> {
    let amount = bursar_sdk::amount::Amount::new;
    let policy = PolicyDocument {
        schema: bursar_sdk::policy::SCHEMA.into(),
        name: "research agent".into(),
        purpose: "Buys market data and web search for the weekly report.".into(),
        chain_id: context.config.chain_id,
        asset: context.config.asset.unwrap_or_default(),
        payment_cap: amount(5_000_000),
        approval_threshold: amount(1_000_000),
        session_limit: amount(10_000_000),
        max_session_seconds: 4 * 3_600,
        payee_list: 1,
        lifetime_limit: amount(0),
        windows: vec![
            WindowLimit { period: 86_400, limit: amount(25_000_000) },
            WindowLimit { period: 604_800, limit: amount(100_000_000) },
        ],
        notes: vec!["Amounts are in the asset's atomic units.".into()],
    };
    // The document itself, either way: it is meant for a file.
    println!("{}", serde_json::to_string_pretty(&policy)?);
    Ok(())
}

fn read(path: &PathBuf) -> Result<PolicyDocument> {
    let text = std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
    PolicyDocument::from_json(&text).with_context(|| format!("the policy document {}", path.display()))
}

fn describe(policy: &PolicyDocument, hash: alloy::primitives::B256) -> Vec<String> {
    let money = |amount: bursar_sdk::amount::Amount| usdc(&amount.to_string());
    let mut lines = vec![
        format!("policy \"{}\" is sound", policy.name),
        format!("  hash                {hash}"),
        format!("  one payment         at most {}", money(policy.payment_cap)),
        format!("  a human approves    above {}", money(policy.approval_threshold)),
        format!(
            "  one session         at most {}, at most {} s",
            money(policy.session_limit),
            policy.max_session_seconds
        ),
    ];
    for window in &policy.windows {
        lines.push(format!("  every {:>9} s   at most {}", window.period, money(window.limit)));
    }
    if !policy.lifetime_limit.is_zero() {
        lines.push(format!("  in all              at most {}", money(policy.lifetime_limit)));
    }
    lines.push(match policy.payee_list {
        0 => "  payees              any".into(),
        list => format!("  payees              on list {list}"),
    });
    lines
}
