//! `bursar key`: who may ask the API.

use alloy::primitives::Address;
use anyhow::{Context as _, Result, bail, ensure};
use bursar_api::access::key::Key;
use bursar_indexer::{
    Store,
    access::{Grant, Role},
    store::ApiKey,
};
use bursar_sdk::clock::{Clock, Entropy};
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::{Context, serve::open};
use crate::output::table;

/// Longest name of a key, in characters.
const MAX_NAME: usize = 80;

/// Key verbs. They write to the store itself, so they go where the service's store is; a running service takes the change
/// up at once.
#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    /// Make a key; prints it, this once
    Create(Wanted),
    /// Print the keys there are, and there were: not their secrets, which nobody keeps
    List,
    /// Have a key no longer taken, from now on and for good
    Revoke {
        /// Which: the part of the key after bursar_
        id: String,
    },
}

/// A key to be.
#[derive(Debug, Args)]
pub(crate) struct Wanted {
    /// What to call it: who has it, or what
    #[arg(long, value_name = "TEXT")]
    name: String,
    /// What its holder may: auditor, treasury, agent or approver (docs/ACCESS.md)
    #[arg(long, value_name = "ROLE")]
    role: Role,
    /// For this treasury alone
    #[arg(long, value_name = "ADDRESS", required_unless_present = "all_treasuries")]
    of_treasury: Option<Address>,
    /// For all treasuries: the operator's own auditor
    #[arg(long, conflicts_with = "of_treasury")]
    all_treasuries: bool,
    /// The agent's identity, or the approver's account
    #[arg(long, value_name = "ADDRESS")]
    account: Option<Address>,
    /// Days after which it is no longer taken; for ever unless told
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..))]
    days: Option<u32>,
}

pub(crate) async fn run(context: &Context, verb: KeyCommand) -> Result<()> {
    let store = open(&context.config).await?;
    let now = Clock::system().now();
    let (value, lines) = match verb {
        KeyCommand::Create(wanted) => create(&store, &wanted, now).await?,
        KeyCommand::List => list(&store, now).await?,
        KeyCommand::Revoke { id } => {
            let Some(at) = store.revoke_api_key(&id, now).await? else { bail!("there is no key {id}") };
            (json!({ "id": id, "revokedAt": at }), vec![format!("{id} is no longer taken, since {at}")])
        }
    };
    store.close().await;
    context.output.done(&value, &lines)
}

async fn create(store: &Store, wanted: &Wanted, now: u64) -> Result<(Value, Vec<String>)> {
    let name = wanted.name.trim();
    let fits = !name.is_empty() && name.chars().count() <= MAX_NAME && !name.chars().any(char::is_control);
    ensure!(fits, "expected a name of 1 to {MAX_NAME} characters, on one line");
    let grant = Grant::new(wanted.role, wanted.of_treasury, wanted.account)?;
    let expires_at = wanted.days.map(|days| now.saturating_add(u64::from(days) * 86_400));
    let key = Key::new(&Entropy::system());
    let kept = ApiKey {
        id: key.id().to_owned(),
        name: name.to_owned(),
        hash: key.hash(),
        grant,
        created_at: now,
        expires_at,
        revoked_at: None,
    };
    store.add_api_key(&kept).await.context("keeping the key")?;
    let mut value = described(&kept, now);
    value["key"] = key.shown().into();
    let lines = vec![
        format!("id    {}", kept.id),
        format!("key   {}", key.shown()),
        "The key is shown this once: give it to its holder in private, and keep it nowhere else.".into(),
    ];
    Ok((value, lines))
}

async fn list(store: &Store, now: u64) -> Result<(Value, Vec<String>)> {
    let keys = store.api_keys().await?;
    let values: Vec<Value> = keys.iter().map(|key| described(key, now)).collect();
    let rows = keys.iter().map(|key| {
        let of = key.grant.treasury().map_or("all".into(), |treasury| treasury.to_checksum(None));
        let account = key.grant.account().map(|account| account.to_checksum(None)).unwrap_or_default();
        vec![key.id.clone(), key.grant.role().code().into(), of, account, state(key, now), key.name.clone()]
    });
    let headings = ["key", "role", "treasury", "account", "state", "name"];
    Ok((json!({ "items": values }), table(&headings, &rows.collect::<Vec<_>>())))
}

fn state(key: &ApiKey, now: u64) -> String {
    match (key.revoked_at, key.expires_at) {
        (Some(at), _) => format!("revoked at {at}"),
        (None, Some(at)) if at <= now => format!("ran out at {at}"),
        (None, Some(at)) => format!("taken until {at}"),
        (None, None) => "taken".into(),
    }
}

fn described(key: &ApiKey, now: u64) -> Value {
    json!({
        "id": key.id,
        "name": key.name,
        "role": key.grant.role().code(),
        "treasury": key.grant.treasury().map(|treasury| treasury.to_checksum(None)),
        "account": key.grant.account().map(|account| account.to_checksum(None)),
        "createdAt": key.created_at,
        "expiresAt": key.expires_at,
        "revokedAt": key.revoked_at,
        "state": state(key, now),
    })
}
