//! Bursar's one binary: the demo, the services, treasury and agent verbs, ledger queries.

mod approval_request;
mod commands;
mod config;
mod demo;
mod keys;
mod logs;
mod nats;
mod output;
mod telemetry;

use std::{path::PathBuf, process::ExitCode};

use alloy::primitives::Address;
use anyhow::{Context as _, Result};
use bursar_indexer::StoreUrl;
use clap::{Parser, Subcommand};
use tracing_subscriber::{EnvFilter, Layer as _, layer::SubscriberExt as _, util::SubscriberInitExt as _};
use url::Url;

use crate::{
    commands::{
        Context, agent::AgentCommand, key::KeyCommand, ledger::LedgerCommand, log::LogCommand,
        policy::PolicyCommand, report::ReportArgs, review::ReviewArgs, stamp::StampCommand,
        treasury::TreasuryCommand, verify::VerifyArgs, watch::WatchCommand, webhook::WebhookCommand,
    },
    config::{Config, Network},
    keys::KeyArgs,
    output::Output,
    telemetry::Traces,
};

/// Lets AI agents pay over x402 inside an envelope that nobody can talk them out of.
///
/// Start with `bursar demo`: it runs everything on a local chain and explains each step.
///
/// Configuration, each overriding the one before: defaults of the network (--network), `bursar.toml`, BURSAR_*
/// environment variables, flags. `bursar config` prints what applies. Keys come from --key-file or BURSAR_KEY, and
/// are never printed.
#[derive(Debug, Parser)]
#[command(name = "bursar", version, max_term_width = 110)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// Configuration file
    #[arg(long, global = true, env = "BURSAR_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// The network whose defaults apply
    #[arg(long, global = true, value_enum)]
    network: Option<Network>,
    /// Of the chains that are configured, this one alone
    #[arg(long, global = true, value_name = "CHAIN_ID")]
    chain: Option<u64>,
    /// The node's HTTP address
    #[arg(long, global = true, value_name = "URL")]
    rpc_url: Option<Url>,
    /// The treasury to act on
    #[arg(long, global = true, value_name = "ADDRESS")]
    treasury: Option<Address>,
    /// The treasury factory to follow, or to deploy through
    #[arg(long, global = true, value_name = "ADDRESS")]
    factory: Option<Address>,
    /// The token of new envelopes
    #[arg(long, global = true, value_name = "ADDRESS")]
    asset: Option<Address>,
    /// Where the ledger is kept: sqlite:PATH, a path, or postgres://USER@HOST/DATABASE
    // Text here, since clap repeats what does not read, and there may be a password in it.
    #[arg(long, global = true, value_name = "STORE")]
    store: Option<String>,
    /// Where the API is
    #[arg(long, global = true, value_name = "URL")]
    api_url: Option<Url>,
    #[command(flatten)]
    keys: KeyArgs,
    /// Print one JSON document, for scripts
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run everything on a local chain: agents pay, get refused, are frozen; the ledger is printed
    Demo(demo::DemoArgs),
    /// Follow the chain and serve the API, in one process
    Serve,
    /// Follow the chain into the ledger
    Index {
        /// Read the chain again from its start: records stay, at the heights where they were taken in
        #[arg(long)]
        again: bool,
    },
    /// Serve the API over a ledger that `bursar index` keeps
    Api,
    /// What treasury teams do: create, top up, set policies, freeze, approve, withdraw
    #[command(subcommand)]
    Treasury(TreasuryCommand),
    /// Policy documents: print an example, check one, hold one against the chain
    #[command(subcommand)]
    Policy(PolicyCommand),
    /// Identity stamps: issue one, print one, verify one
    #[command(subcommand)]
    Stamp(StampCommand),
    /// What agents do: open a session, pay a URL, close the session
    #[command(subcommand)]
    Agent(AgentCommand),
    /// Ask the ledger: who paid, how much, under which policy, and why
    #[command(subcommand)]
    Ledger(LedgerCommand),
    /// The transparency log: its root, proofs, whether anything was changed, and its anchor on chain
    #[command(subcommand)]
    Log(LogCommand),
    /// Who is looked at besides our own: accounts that pay outside any envelope, and facilitators by name
    #[command(subcommand)]
    Watch(WatchCommand),
    /// Who is told of events: signed messages to endpoints of yours
    #[command(subcommand)]
    Webhook(WebhookCommand),
    /// Who may ask the API: keys with roles, made and revoked
    #[command(subcommand)]
    Key(KeyCommand),
    /// Watch the ledger and put on chain what follows: review flags, scores, the freeze for compromise
    Review(ReviewArgs),
    /// Report what the ledger says at a height: for auditors and regulators, who can verify it without us
    Report(ReportArgs),
    /// Hold a report against its files, and against the chain: needs no ledger of ours
    Verify(VerifyArgs),
    /// Print the configuration that applies
    ///
    /// Each setting comes from the network's defaults, then bursar.toml (or --config FILE), then the environment,
    /// then a flag where there is one. In the file by its name, in the environment as BURSAR_ and the name in
    /// capitals:
    ///
    ///   network         local | base-sepolia | base; picks the defaults below            (local)
    ///   chain_id        EIP-155 id; a node of another chain is refused                    (31337 | 84532 | 8453)
    ///   rpc_url         the node's HTTP address                                          (the network's public one)
    ///   ws_url          its WebSocket address: the indexer hears of new blocks as they come (none)
    ///   fallback_rpc_urls  other nodes, asked where that one fails: ["URL", ...]           (none)
    ///   rpc_quorum      how many nodes the indexer wants the same answer of; rpc_url and ws_url are one (1)
    ///   factory         the treasury factory to follow, or to deploy through              (none)
    ///   asset           the token of new envelopes                                       (USDC; local: none)
    ///   treasury        the treasury that treasury and agent verbs act on                 (none)
    ///   start_block     the first block that can hold one of ours                        (0)
    ///   finality_depth  blocks; a deeper reorganisation stops the indexer                 (64 | 256 | 256)
    ///   final_at        what the node calls final, in place of a depth: safe | finalized    (none)
    ///   safe_depth      blocks; what is so deep is told as safe until it is final, which by a node's
    ///                   `finalized` that node tells                                       (what is final)
    ///   lease_seconds   another indexer on the store takes over after that; 0: none is there (10)
    ///   store           the ledger: sqlite:PATH, a path, or postgres://USER@HOST/DATABASE (bursar.sqlite)
    ///   partition_blocks  in PostgreSQL, how many blocks a partition is for that is made (1500000)
    ///   listen          where the API listens                                            (127.0.0.1:8402)
    ///   access          who is answered there: access.mode = "open" (this machine) | "keys" (open)
    ///                   in the environment BURSAR_ACCESS_MODE; see docs/ACCESS.md
    ///                   access.limits.{per_minute, at_once}: what one may ask          (1200, 1200)
    ///                   access.limits.{new_per_minute, new_at_once}: new keys, tokens
    ///                   or sign-ins from one address                                   (600, 600)
    ///                   access.oidc: an issuer whose tokens are taken, too, and where people
    ///                   sign in from the pages (access.oidc.sign_in); in the file alone (none)
    ///   metrics_listen  where Prometheus finds /metrics; not for the public               (none)
    ///   api_url         where agents, approvers and `bursar ledger` find the API          (http://127.0.0.1:8402/)
    ///   open_requests_per_agent, open_requests_per_treasury
    ///                   approval requests that may be open at a time                      (16, 256)
    ///   event_days      how many days events are kept; 0: for ever                        (0)
    ///   webhook_days    days that a webhook's endpoint may fail before it is told no more (5)
    ///   log_name        the name that transparency logs go by: best a host's               (bursar)
    ///   state_dir       decision records and session keys of agent verbs                  (.bursar)
    ///   telemetry       where traces go: telemetry.otlp_endpoint, an OTLP collector's address (none)
    ///                   in the environment BURSAR_TELEMETRY_OTLP_ENDPOINT, or OpenTelemetry's own
    ///                   OTEL_EXPORTER_OTLP_ENDPOINT and the like, which win
    ///   nats            where events are published: nats.{url, stream, subject_prefix}, and as whom:
    ///                   nats.user with nats.password_file, or nats.token_file               (none)
    ///                   in the environment BURSAR_NATS_URL and the like; in the file alone
    ///                   nats.{max_age_days, max_bytes}; see docs/EVENTS.md
    ///   chains          further chains that services follow, each a table of that name with all its
    ///                   settings; --chain ID has a command act on one of them             (none)
    ///
    /// Keys are no settings: --key-file FILE (mode 600), BURSAR_KEY_FILE, or BURSAR_KEY; to the API --api-key-file FILE,
    /// BURSAR_API_KEY_FILE, or BURSAR_API_KEY. BURSAR_LOG filters logs
    /// (for example: info,bursar_indexer=debug).
    #[command(verbatim_doc_comment)]
    Config,
}

/// Set up in `.cargo/config.toml`: two arenas, and what is free goes back to the system within a second.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    // Commands tell their story themselves; a service logs. The demo provokes the facilitator on purpose.
    let quiet = !matches!(cli.command, Command::Serve | Command::Index { .. } | Command::Api);
    let default =
        if quiet { "error,x402_chain_eip155=off" } else { "info,sqlx=warn,hyper=warn,async_nats=off" };
    let filter = EnvFilter::try_from_env("BURSAR_LOG").unwrap_or_else(|_| EnvFilter::new(default));
    let logs =
        tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_filter(logs::filter(filter));
    let (config, traces) = match begin(&cli) {
        Ok(begun) => begun,
        Err(error) => {
            eprintln!("error: {error:#}");
            return ExitCode::FAILURE;
        }
    };
    let exporting = traces.as_ref().map(Traces::layer);
    tracing_subscriber::registry().with(exporting).with(logs).init();
    let ended = run(cli, config, traces.is_some()).await;
    if let Some(traces) = traces {
        traces.end().await;
    }
    match ended {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The configuration, which the demo needs none of, and the exporter of traces, where one is asked for.
fn begin(cli: &Cli) -> Result<(Option<Config>, Option<Traces>)> {
    if let Command::Demo(_) = cli.command {
        return Ok((None, None));
    }
    let config = Config::load(cli.config.as_ref(), cli.network)?;
    let collector = config.telemetry.otlp_endpoint.as_ref().map(|collector| &collector.0);
    // OpenTelemetry's variables are often set for a whole machine: what they ask for in vain must stop nobody.
    let traces = Traces::start(collector).unwrap_or_else(|error| {
        eprintln!("note: no traces are exported: {error:#}");
        None
    });
    Ok((Some(config), traces))
}

async fn run(cli: Cli, config: Option<Config>, traced: bool) -> Result<ExitCode> {
    let store: Option<StoreUrl> = cli.store.map(|text| text.parse()).transpose().context("--store")?;
    if let Command::Demo(args) = cli.command {
        return demo::run(args, store).await;
    }
    let mut config = config.context("no configuration was read")?;
    if let Some(chain) = cli.chain {
        config = config.of_chain(chain)?;
    }
    config.rpc_url = cli.rpc_url.unwrap_or(config.rpc_url);
    config.api_url = cli.api_url.unwrap_or(config.api_url);
    config.treasury = cli.treasury.or(config.treasury);
    config.factory = cli.factory.or(config.factory);
    config.store = store.unwrap_or(config.store);
    config.asset = cli.asset.or(config.asset);
    let context = Context { config, keys: cli.keys, output: Output { json: cli.json }, traced };
    match cli.command {
        Command::Demo(_) => {}
        Command::Serve => commands::serve::serve(&context).await?,
        Command::Index { again } => commands::serve::index(&context, again).await?,
        Command::Api => commands::serve::api(&context).await?,
        Command::Treasury(verb) => commands::treasury::run(&context, verb).await?,
        Command::Policy(verb) => commands::policy::run(&context, verb).await?,
        Command::Stamp(verb) => commands::stamp::run(&context, verb).await?,
        Command::Agent(verb) => commands::agent::run(&context, verb).await?,
        Command::Ledger(query) => commands::ledger::run(&context, query).await?,
        Command::Log(verb) => return commands::log::run(&context, verb).await,
        Command::Watch(verb) => commands::watch::run(&context, verb).await?,
        Command::Webhook(verb) => commands::webhook::run(&context, verb).await?,
        Command::Key(verb) => commands::key::run(&context, verb).await?,
        Command::Review(args) => commands::review::run(&context, args).await?,
        Command::Report(args) => commands::report::run(&context, args).await?,
        Command::Verify(args) => return commands::verify::run(&context, args).await,
        Command::Config => {
            let value = serde_json::to_value(&context.config)?;
            let lines = serde_json::to_string_pretty(&value)?;
            context.output.done(&value, &[lines])?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
