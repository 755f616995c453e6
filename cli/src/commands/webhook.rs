//! `bursar webhook`: who is told of events.

use alloy::primitives::Address;
use anyhow::{Result, bail};
use bursar_api::webhook::{
    send::{Message, Sender},
    sign,
    target::check,
};
use bursar_indexer::{
    Store,
    outbox::Kind,
    query::events::Filter,
    store::{Begin, PUBLISHER, Webhook, Wish},
};
use bursar_sdk::clock::{Clock, Entropy};
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use url::Url;

use super::{
    Context,
    serve::{open, webhooks},
};
use crate::output::table;

/// Webhook verbs. They write to the store itself, so they go where the service's store is; a running service takes
/// the change up at once.
#[derive(Debug, Subcommand)]
pub(crate) enum WebhookCommand {
    /// Tell an endpoint of events, from now on or from a cursor; prints the secret, this once
    Add {
        /// Where to: https, or http on this machine
        // Text here, since clap repeats what does not read, and there may be a password in it.
        #[arg(value_name = "URL")]
        url: String,
        #[command(flatten)]
        of: Wanted,
        /// Begin after this event, instead of now
        #[arg(long, value_name = "CURSOR")]
        from: Option<u64>,
        /// Deliver to private networks as well
        #[arg(long)]
        allow_private: bool,
    },
    /// Print who is told of what, and how far each has got; `nats` is what is published
    List,
    /// Tell an endpoint nothing more
    Remove {
        /// Which
        id: String,
    },
    /// Send a message of the kind `webhook.test` now
    Test {
        /// Which
        id: String,
    },
    /// Tell again what came after an event; begins again where an endpoint was given up
    Replay {
        /// Which
        id: String,
        /// The last event that is not told again
        #[arg(long, value_name = "CURSOR")]
        from: u64,
    },
}

/// Which events.
#[derive(Debug, Args)]
pub(crate) struct Wanted {
    /// Of this treasury only
    #[arg(long, value_name = "ADDRESS")]
    of_treasury: Option<Address>,
    /// Of the envelope with this number only
    #[arg(long, value_name = "NUMBER", requires = "of_treasury")]
    of_envelope: Option<u32>,
    /// Of these kinds only, separated by commas (docs/EVENTS.md lists them)
    #[arg(long, value_name = "KINDS", value_delimiter = ',', value_parser = kind)]
    kinds: Vec<Kind>,
}

fn kind(text: &str) -> Result<Kind, String> {
    let codes: Vec<&str> = Kind::ALL.iter().map(|kind| kind.code()).collect();
    Kind::of(text).ok_or_else(|| format!("expected a kind of event, one of {}", codes.join(", ")))
}

pub(crate) async fn run(context: &Context, verb: WebhookCommand) -> Result<()> {
    let store = open(&context.config).await?;
    let now = Clock::system().now();
    let (value, lines) = match verb {
        WebhookCommand::Add { url, of, from, allow_private } => {
            let Ok(url) = url.parse::<Url>() else {
                bail!("expected the address of an endpoint: https://…")
            };
            check(&url, allow_private)?;
            let filter = Filter { treasury: of.of_treasury, envelope: of.of_envelope, kinds: of.kinds };
            let wish = Wish { url, private: allow_private, filter };
            add(&store, &wish, from, now).await?
        }
        WebhookCommand::List => list(&store).await?,
        WebhookCommand::Remove { id } => {
            anyhow::ensure!(store.remove_webhook(&id).await?, "there is no webhook {id}");
            (json!({ "id": id, "removed": true }), vec![format!("{id} removed")])
        }
        WebhookCommand::Test { id } => {
            anyhow::ensure!(id != PUBLISHER, "what is published goes to a stream, and no endpoint");
            let Some(webhook) = store.webhook(&id).await? else { bail!("there is no webhook {id}") };
            let sender = Sender::new(&webhooks(&context.config))?;
            let message = Message::test(&webhook, now)?;
            sender.send(&webhook.wish, &webhook.secret, &message, now).await?;
            (json!({ "id": id, "delivered": true }), vec![format!("{id} has a message of kind webhook.test")])
        }
        WebhookCommand::Replay { id, from } => {
            anyhow::ensure!(id != PUBLISHER, "what is published is read again from its stream");
            anyhow::ensure!(store.replay_webhook(&id, Begin::After(from)).await?, "there is no webhook {id}");
            (json!({ "id": id, "cursor": from }), vec![format!("{id} is told again what came after {from}")])
        }
    };
    store.close().await;
    context.output.done(&value, &lines)
}

async fn add(store: &Store, wish: &Wish, from: Option<u64>, now: u64) -> Result<(Value, Vec<String>)> {
    let entropy = Entropy::system();
    let secret = sign::new_secret(&entropy);
    let id = format!("wh_{}", hex::encode(&entropy.next()[..12]));
    let begin = from.map_or(Begin::Now, Begin::After);
    store.add_webhook(&id, wish, &secret, begin, now).await?;
    let shown = sign::shown(&secret);
    let lines = vec![
        format!("webhook  {id}"),
        format!("secret   {shown}"),
        "The secret is shown this once: messages are verified with it (docs/EVENTS.md).".into(),
    ];
    Ok((json!({ "id": id, "secret": shown }), lines))
}

async fn list(store: &Store) -> Result<(Value, Vec<String>)> {
    let webhooks = store.webhooks().await?;
    let values: Vec<Value> = webhooks.iter().map(described).collect();
    let rows = webhooks.iter().map(|webhook| {
        let state = match (webhook.disabled_at, webhook.failing_since) {
            (Some(at), _) => format!("given up at {at}"),
            (None, Some(since)) => format!("fails since {since}"),
            (None, None) => "told".into(),
        };
        let error = webhook.last_error.clone().unwrap_or_default();
        vec![webhook.id.clone(), webhook.cursor.to_string(), state, origin(webhook), error]
    });
    let headings = ["webhook", "cursor", "state", "endpoint", "last error"];
    Ok((json!({ "items": values }), table(&headings, &rows.collect::<Vec<_>>())))
}

fn described(webhook: &Webhook) -> Value {
    let filter = &webhook.wish.filter;
    json!({
        "id": webhook.id,
        "endpoint": origin(webhook),
        "allowPrivate": webhook.wish.private,
        "treasury": filter.treasury.map(|treasury| treasury.to_checksum(None)),
        "envelope": filter.envelope,
        "kinds": filter.kinds.iter().map(|kind| kind.code()).collect::<Vec<_>>(),
        "cursor": webhook.cursor,
        "createdAt": webhook.created_at,
        "failures": webhook.failures,
        "failingSince": webhook.failing_since,
        "lastError": webhook.last_error,
        "nextAt": webhook.next_at,
        "disabledAt": webhook.disabled_at,
    })
}

/// An address without its path, which may be as good as a password.
fn origin(webhook: &Webhook) -> String {
    let url = &webhook.wish.url;
    // A server that is published to has no path, and no origin that is written.
    if webhook.id == PUBLISHER { url.to_string() } else { url.origin().ascii_serialization() }
}
