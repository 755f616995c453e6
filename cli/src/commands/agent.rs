//! `bursar agent`: open a session, pay a URL, close the session.

use std::{path::PathBuf, sync::Arc, time::Duration};

use alloy::signers::local::PrivateKeySigner;
use anyhow::{Context as _, Result};
use bursar_sdk::{
    Agent, Amount, Purpose, approval::HttpApprovals, clock::Clock, delivery::HttpSink, session::SessionTerms,
};
use clap::{Args, Subcommand};
use serde_json::json;
use url::Url;

use super::{Context, session_keys::FileKeys, stamp::read_stamp};
use crate::{keys, output::usdc};

/// Agent verbs. The key of `--key-file` or BURSAR_KEY is the agent's identity key.
#[derive(Debug, Subcommand)]
pub(crate) enum AgentCommand {
    /// Open a session; what the purse still holds is settled first
    Open {
        #[command(flatten)]
        who: Who,
        /// What the purse shall hold, in the asset's atomic units
        #[arg(long)]
        budget: Amount,
        /// When it ends, in unix seconds; by default as late as policy and windows allow
        #[arg(long)]
        expiry: Option<u64>,
        /// A lower cap per payment, in atomic units
        #[arg(long)]
        cap: Option<Amount>,
        /// A lower approval threshold, in atomic units
        #[arg(long)]
        threshold: Option<Amount>,
    },
    /// Request a URL and pay for it where it asks, from the open session
    Pay {
        #[command(flatten)]
        who: Who,
        /// The URL
        url: Url,
        /// Why: goes into the decision record
        #[arg(long)]
        why: String,
        /// The task behind it
        #[arg(long, default_value = "command line")]
        task: String,
        /// Refuse a challenge that asks more, in atomic units
        #[arg(long)]
        at_most: Option<Amount>,
        /// Payments with the same word here are one payment, however often they are tried
        #[arg(long)]
        once: Option<String>,
        /// How long to wait for a human's approval, in seconds
        #[arg(long, default_value_t = 900)]
        patience: u64,
    },
    /// Show the envelope's limits and what is left of each
    Show {
        #[command(flatten)]
        who: Who,
    },
    /// Close the session: what is unspent returns to the envelope
    Close {
        #[command(flatten)]
        who: Who,
    },
}

/// Which envelope and purse, and who pays the gas of session requests.
#[derive(Debug, Args)]
pub(crate) struct Who {
    /// The envelope's number
    #[arg(long, short)]
    envelope: u32,
    /// Which of the envelope's purses: one per replica of the agent
    #[arg(long, default_value_t = 0)]
    purse: u16,
    /// Key file of whoever pays the gas of session requests; by default the agent itself
    #[arg(long, value_name = "FILE")]
    gas_key_file: Option<PathBuf>,
    /// The agent's stamp, as `bursar stamp issue` prints it: sessions are opened under it, payments carry it, and the API
    /// is handed it
    #[arg(long, value_name = "FILE")]
    stamp: Option<PathBuf>,
}

pub(crate) async fn run(context: &Context, verb: AgentCommand) -> Result<()> {
    match verb {
        AgentCommand::Open { who, budget, expiry, cap, threshold } => {
            let terms = SessionTerms {
                expiry,
                payment_cap: cap,
                approval_threshold: threshold,
                ..SessionTerms::new(budget)
            };
            open(context, &who, &terms).await
        }
        AgentCommand::Pay { who, url, why, task, at_most, once, patience } => {
            let mut purpose = Purpose::new(task, why);
            purpose.advertised = at_most;
            purpose.idempotency_key = once;
            pay(context, &who, url, purpose, Duration::from_secs(patience)).await
        }
        AgentCommand::Show { who } => show(context, &who).await,
        AgentCommand::Close { who } => close(context, &who).await,
    }
}

async fn open(context: &Context, who: &Who, terms: &SessionTerms) -> Result<()> {
    let (agent, _) = connect(context, who, Duration::ZERO).await?;
    let opened = agent.open_session(terms).await?;
    let session = &opened.value;
    context.output.done(
        &json!({
            "purse": session.purse, "sequence": session.sequence, "budget": session.budget,
            "expiry": session.expiry, "policyVersion": session.policy_version, "transaction": opened.hash(),
        }),
        &[
            format!("session {} open on purse {}", session.sequence, session.purse),
            format!("  budget       {}", usdc(&session.budget.to_string())),
            format!("  ends         {} (unix seconds)", session.expiry),
            format!("  transaction  {}", opened.hash()),
            format!("next: bursar agent pay --envelope {} --why REASON URL", who.envelope),
        ],
    )
}

async fn pay(context: &Context, who: &Who, url: Url, purpose: Purpose, patience: Duration) -> Result<()> {
    let (agent, keys) = connect(context, who, patience).await?;
    agent.resume_session(keys.current(agent.purse())?).await.context("taking up the session")?;
    let request = reqwest::Request::new(reqwest::Method::GET, url);
    let answer = agent.pay(request, purpose).await;
    // Paid or refused, the record is worth delivering before this process ends; it is safe on disk if not.
    if let Err(error) = agent.flush().await {
        eprintln!("note: the decision record waits on disk, the API did not take it: {error}");
    }
    let paid = answer?;
    let status = paid.response.status().as_u16();
    let transaction = paid.settlement.as_ref().and_then(bursar_sdk::Settlement::hash);
    let amount = paid.payment.as_ref().map(|payment| payment.authorization.amount);
    let decision = paid.payment.as_ref().map(|payment| payment.decision_hash);
    let body = paid.response.text().await?;
    let facts = json!({
        "status": status, "amount": amount, "decision": decision, "transaction": transaction, "body": body,
    });
    let price = amount.map_or_else(|| "free".into(), |amount| format!("paid {}", usdc(&amount.to_string())));
    let mut lines = vec![body, format!("{price}, HTTP {status}")];
    if let Some(hash) = transaction {
        lines.push(format!("  transaction  {hash}"));
    }
    if let Some(hash) = decision {
        lines.push(format!("  decision     {hash}"));
    }
    context.output.done(&facts, &lines)
}

async fn show(context: &Context, who: &Who) -> Result<()> {
    let (agent, _) = connect(context, who, Duration::ZERO).await?;
    let state = agent.view().envelope_state().await?;
    let rooms = agent.headroom().await?;
    let held = agent.balance().await?;
    let limits: Vec<_> = rooms
        .iter()
        .map(|room| {
            json!({
                "period": room.period.to_string(), "limit": room.limit.to_string(),
                "used": room.used.to_string(), "endsAt": room.endsAt.to_string(),
            })
        })
        .collect();
    let value = json!({
        "envelope": who.envelope, "agent": state.agent, "escrow": state.escrow.to_string(), "purse": agent.purse(),
        "held": held, "frozen": state.frozen, "underReview": state.underReview, "limits": limits,
    });
    let mut lines = vec![
        format!("envelope {} of agent {}", who.envelope, state.agent),
        format!("  escrow       {}", usdc(&state.escrow.to_string())),
        format!("  purse holds  {}", usdc(&held.to_string())),
    ];
    for room in &rooms {
        let left = room.limit.saturating_sub(room.used);
        let every = if room.period.is_zero() { "in all".into() } else { format!("per {} s", room.period) };
        lines.push(format!(
            "  {every:<12} {} left of {}",
            usdc(&left.to_string()),
            usdc(&room.limit.to_string())
        ));
    }
    context.output.done(&value, &lines)
}

async fn close(context: &Context, who: &Who) -> Result<()> {
    let (agent, keys) = connect(context, who, Duration::ZERO).await?;
    agent.resume_session(keys.current(agent.purse())?).await.context("taking up the session")?;
    let closed = agent.close_session().await?;
    context.output.done(
        &json!({ "returned": closed.value, "transaction": closed.hash() }),
        &[
            format!("session closed, {} returned to the envelope", usdc(&closed.value.to_string())),
            format!("  transaction  {}", closed.hash()),
        ],
    )
}

async fn connect(context: &Context, who: &Who, patience: Duration) -> Result<(Agent, Arc<FileKeys>)> {
    let config = &context.config;
    let identity = context.keys.signer()?;
    let gas: PrivateKeySigner = match &who.gas_key_file {
        Some(path) => keys::read_key(path)?,
        None => identity.clone(),
    };
    let (node, _) = keys::provider(config, &gas).await?;
    let purse = context
        .treasury_view()
        .await?
        .purseOf(who.envelope.try_into().context("envelope number")?, who.purse)
        .call()
        .await
        .context("asking the treasury for the purse")?;
    let session_keys = Arc::new(FileKeys::new(config.state_dir.join("sessions"), purse));
    let http = context.api_client()?;
    let approvals =
        HttpApprovals::new(http.clone(), config.api_url.clone(), Clock::system(), Duration::from_secs(1));
    let mut agent = Agent::builder(
        node,
        config.treasury()?,
        who.envelope,
        Arc::new(identity),
        config.state_dir.join("decisions"),
    )
    .purse_index(who.purse)
    .session_keys(Arc::clone(&session_keys) as _)
    .approvals(Arc::new(approvals))
    .patience(patience)
    .sink(Arc::new(HttpSink::new(http, config.api_url.clone())));
    if let Some(path) = &who.stamp {
        agent = agent.stamp(read_stamp(path)?);
    }
    Ok((agent.connect().await?, session_keys))
}
