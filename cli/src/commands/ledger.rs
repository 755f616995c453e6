//! `bursar ledger`: who paid, how much, under which policy, and why.

use alloy::primitives::{Address, B256};
use anyhow::Result;
use clap::{Args, Subcommand};
use serde_json::Value;

use super::{
    Context,
    erase::{EraseArgs, erase},
};
use crate::output::{table, usdc};

/// Ledger queries.
#[derive(Debug, Subcommand)]
pub(crate) enum LedgerCommand {
    /// Per agent: funded, drawn, paid, refused, left
    Agents,
    /// Payments, newest first
    Payments(Filter),
    /// What watched accounts paid outside any envelope, newest first
    Settlements(Outside),
    /// What agents were refused, and why
    Refusals(Filter),
    /// Freezes, releases and reviews
    Stops,
    /// Logs that make no sense and are in no sum, newest first
    SetAside {
        /// How many at most
        #[arg(long, default_value_t = 50)]
        limit: u16,
    },
    /// What somebody should look at, newest first
    Alerts(Alerts),
    /// The score of an envelope's agent, with what each term is worth and why it is not more
    Score {
        /// The envelope's number in the treasury
        envelope: u32,
        /// As it stood at this height; now unless told
        #[arg(long)]
        block: Option<u64>,
    },
    /// How the score of an envelope's agent changed, newest first
    Scores {
        /// The envelope's number in the treasury
        envelope: u32,
        /// How many at most
        #[arg(long, default_value_t = 50)]
        limit: u16,
    },
    /// One decision record, with what it says
    Decision {
        /// keccak-256 of the record
        hash: B256,
    },
    /// Why an agent paid: its payments nearest to a time, and whether their nonces commit to the records
    Why {
        /// The agent's identity key
        #[arg(long)]
        agent: Address,
        /// The time, in unix seconds; now unless told
        #[arg(long)]
        at: Option<u64>,
    },
    /// Erase a record because the treasury's owner says so; its hash stays. Signs with the key, or takes a signature
    Erase(EraseArgs),
    /// How far the ledger has followed the chain
    Status,
}

/// What to leave out.
#[derive(Debug, Args)]
pub(crate) struct Filter {
    /// Only of this agent
    #[arg(long)]
    agent: Option<Address>,
    /// Only to this payee
    #[arg(long)]
    payee: Option<Address>,
    /// Only from this time on, in unix seconds (inclusive)
    #[arg(long)]
    from: Option<u64>,
    /// Only before this time, in unix seconds (exclusive)
    #[arg(long)]
    until: Option<u64>,
    /// How many at most
    #[arg(long, default_value_t = 50)]
    limit: u16,
}

/// What to leave out, of what was paid outside any envelope.
#[derive(Debug, Args)]
pub(crate) struct Outside {
    /// Only of this payer
    #[arg(long)]
    payer: Option<Address>,
    /// Only to this payee
    #[arg(long)]
    payee: Option<Address>,
    /// How many at most
    #[arg(long, default_value_t = 50)]
    limit: u16,
}

/// What to leave out, of alerts.
#[derive(Debug, Args)]
pub(crate) struct Alerts {
    /// Only of the configured treasury's envelope with this number
    #[arg(long)]
    envelope: Option<u32>,
    /// Only of this kind
    #[arg(long)]
    kind: Option<String>,
    /// Those that are over as well
    #[arg(long)]
    all: bool,
    /// How many at most
    #[arg(long, default_value_t = 50)]
    limit: u16,
}

impl Alerts {
    fn query(&self, context: &Context) -> Result<String> {
        let treasury = self.envelope.map(|_| context.config.treasury()).transpose()?;
        let of = [("treasury", text_of(treasury)), ("envelope", text_of(self.envelope))];
        let kind = [("kind", self.kind.clone()), ("open", (!self.all).then(|| "true".into()))];
        Ok(query(self.limit, of.into_iter().chain(kind)))
    }
}

impl Outside {
    fn query(&self) -> String {
        query(self.limit, [("payer", text_of(self.payer)), ("payee", text_of(self.payee))])
    }
}

impl Filter {
    fn query(&self) -> String {
        let times = [("from", text_of(self.from)), ("until", text_of(self.until))];
        let of = [("agent", text_of(self.agent)), ("payee", text_of(self.payee))];
        query(self.limit, of.into_iter().chain(times))
    }
}

fn text_of(value: Option<impl ToString>) -> Option<String> {
    value.map(|value| value.to_string())
}

/// A query with a limit, and what else there is.
fn query(limit: u16, pairs: impl IntoIterator<Item = (&'static str, Option<String>)>) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("limit", &limit.to_string());
    for (name, value) in pairs {
        if let Some(value) = value {
            query.append_pair(name, &value);
        }
    }
    query.finish()
}

pub(crate) async fn run(context: &Context, query: LedgerCommand) -> Result<()> {
    let (path, lines): (String, fn(&Value) -> Vec<String>) = match query {
        LedgerCommand::Agents => ("v1/ledger".into(), agents),
        LedgerCommand::Payments(filter) => (format!("v1/payments?{}", filter.query()), payments),
        LedgerCommand::Settlements(filter) => (format!("v1/settlements?{}", filter.query()), settlements),
        LedgerCommand::Refusals(filter) => (format!("v1/refusals?{}", filter.query()), refusals),
        LedgerCommand::Stops => ("v1/stops".into(), stops),
        LedgerCommand::SetAside { limit } => (format!("v1/set-aside?limit={limit}"), set_aside),
        LedgerCommand::Alerts(filter) => (format!("v1/alerts?{}", filter.query(context)?), alerts),
        LedgerCommand::Score { envelope, block } => {
            let treasury = context.config.treasury()?;
            let at = block.map(|block| format!("?block={block}")).unwrap_or_default();
            (format!("v1/envelopes/{treasury}/{envelope}/score{at}"), score)
        }
        LedgerCommand::Scores { envelope, limit } => {
            let treasury = context.config.treasury()?;
            (format!("v1/envelopes/{treasury}/{envelope}/scores?limit={limit}"), scores)
        }
        LedgerCommand::Decision { hash } => (format!("v1/decisions/{hash}"), pretty),
        LedgerCommand::Why { agent, at } => {
            let at = at.map(|at| format!("?at={at}")).unwrap_or_default();
            (format!("v1/agents/{agent}/why{at}"), why)
        }
        LedgerCommand::Erase(args) => return erase(context, args).await,
        LedgerCommand::Status => ("v1/status".into(), pretty),
    };
    let answer: Value = context.api_get(&path).await?;
    context.output.done(&answer, &lines(&answer))
}

/// Per agent, one line.
pub(crate) fn agents(ledger: &Value) -> Vec<String> {
    let rows = items(ledger, "/lines/items", |line| {
        vec![
            text(line, "/agent"),
            money(line, "/totals/funded"),
            money(line, "/totals/drawn"),
            money(line, "/totals/returned"),
            money(line, "/totals/paid"),
            format!("{} ({})", text(line, "/refused/count"), money(line, "/refused/amount")),
            money(line, "/balance/left"),
            text(line, "/score/value"),
            codes(line, "/score/reasons"),
        ]
    });
    let headings = ["agent", "funded", "drawn", "returned", "paid", "refused", "left", "score", "for"];
    table(&headings, &rows)
}

/// Per payment, one line, and why.
pub(crate) fn payments(page: &Value) -> Vec<String> {
    let rows = items(page, "/items", |payment| {
        vec![
            money(payment, "/amount"),
            text(payment, "/payee"),
            format!("v{}", text(payment, "/policyVersion")),
            session(&text(payment, "/session")),
            brief(&text(payment, "/decisionHash")),
            brief(&text(payment, "/approver")),
            brief(&text(payment, "/txHash")),
            text(payment, "/state"),
            reason(payment),
        ]
    });
    let headings =
        ["amount", "payee", "policy", "session", "decision", "approver", "transaction", "state", "why"];
    table(&headings, &rows)
}

/// Per settlement outside any envelope, one line.
fn settlements(page: &Value) -> Vec<String> {
    let rows = items(page, "/items", |one| {
        vec![
            money(one, "/amount"),
            text(one, "/payer"),
            text(one, "/payerLabel"),
            text(one, "/payee"),
            text(one, "/rail"),
            text(one, "/facilitatorLabel"),
            brief(&text(one, "/txHash")),
            text(one, "/state"),
        ]
    });
    table(&["amount", "payer", "called", "payee", "rail", "facilitator", "transaction", "state"], &rows)
}

/// Per log that was set aside, one line.
fn set_aside(page: &Value) -> Vec<String> {
    let rows = items(page, "/items", |one| {
        vec![
            text(one, "/blockNumber"),
            text(one, "/logIndex"),
            brief(&text(one, "/txHash")),
            text(one, "/contract"),
            text(one, "/treasury"),
            text(one, "/error"),
        ]
    });
    table(&["block", "log", "transaction", "contract", "treasury", "why"], &rows)
}

fn why(answer: &Value) -> Vec<String> {
    let rows = items(answer, "/payments", |one| {
        vec![
            text(one, "/payment/timestamp"),
            money(one, "/payment/amount"),
            text(one, "/payment/payee"),
            format!("v{}", text(one, "/payment/policyVersion")),
            brief(&text(one, "/payment/decisionHash")),
            text(one, "/opening/matches"),
            brief(&text(one, "/payment/approver")),
            text(one, "/payment/outcome/delivered"),
            reason(one.get("payment").unwrap_or(&Value::Null)),
        ]
    });
    let headings =
        ["time", "amount", "payee", "policy", "decision", "committed", "approver", "delivered", "why"];
    table(&headings, &rows)
}

/// Why a payment was made; or that the treasury had that erased.
fn reason(payment: &Value) -> String {
    match payment.pointer("/erased/category").and_then(Value::as_str) {
        Some(category) => format!("(erased: {category})"),
        None => text(payment, "/decision/rationale"),
    }
}

fn refusals(page: &Value) -> Vec<String> {
    let rows = items(page, "/items", |refusal| {
        vec![
            money(refusal, "/record/amount"),
            text(refusal, "/record/payee"),
            text(refusal, "/record/reasonCodes/0"),
            text(refusal, "/record/rationale"),
        ]
    });
    table(&["amount", "payee", "refused for", "what it was"], &rows)
}

fn stops(page: &Value) -> Vec<String> {
    let rows = items(page, "/items", |stop| {
        let what = if stop.pointer("/stopped").and_then(Value::as_bool) == Some(true) {
            "stopped"
        } else {
            "released"
        };
        vec![
            text(stop, "/timestamp"),
            what.into(),
            text(stop, "/level"),
            text(stop, "/envelope"),
            text(stop, "/by"),
        ]
    });
    table(&["time", "what", "level", "envelope", "by"], &rows)
}

fn alerts(page: &Value) -> Vec<String> {
    let rows = items(page, "/items", |alert| {
        vec![
            text(alert, "/raisedAt"),
            text(alert, "/severity"),
            text(alert, "/kind"),
            text(alert, "/envelope"),
            text(alert, "/subject"),
            text(alert, "/count"),
            text(alert, "/closedAt"),
        ]
    });
    table(&["time", "severity", "kind", "envelope", "about", "times", "until"], &rows)
}

fn score(score: &Value) -> Vec<String> {
    let gate = match text(score, "/gate").as_str() {
        "review" => ", and a human has to look before the next session",
        "stale" => ", and no session opens before a reviewer reports a score",
        _ => "",
    };
    let mut lines = vec![format!("{} of 850{gate}", text(score, "/value"))];
    let terms = items(score, "/terms", |term| {
        vec![text(term, "/term"), points(term, "/micropoints"), text(term, "/weight")]
    });
    lines.extend(table(&["term", "points", "of"], &terms));
    let reasons = items(score, "/reasons", |reason| {
        vec![
            text(reason, "/code"),
            points(reason, "/lostMicropoints"),
            text(reason, "/cap"),
            text(reason, "/help"),
        ]
    });
    lines.extend(table(&["reason", "lost", "at most", "what it means"], &reasons));
    lines
}

fn scores(page: &Value) -> Vec<String> {
    let rows = items(page, "/items", |past| {
        vec![
            text(past, "/block"),
            text(past, "/at"),
            text(past, "/value"),
            text(past, "/review/cause"),
            codes(past, "/reasons"),
        ]
    });
    table(&["block", "time", "score", "review", "for"], &rows)
}

/// The codes of reasons, on one line.
fn codes(value: &Value, at: &str) -> String {
    items(value, at, |reason| vec![text(reason, "/code")]).concat().join(" ")
}

/// Points with one decimal, from millionths, rounded down.
fn points(value: &Value, at: &str) -> String {
    match value.pointer(at).and_then(Value::as_u64) {
        Some(micropoints) => {
            let tenths = micropoints / 100_000;
            format!("{}.{}", tenths / 10, tenths % 10)
        }
        None => "-".into(),
    }
}

fn pretty(value: &Value) -> Vec<String> {
    serde_json::to_string_pretty(value).into_iter().collect()
}

fn items(value: &Value, at: &str, row: impl Fn(&Value) -> Vec<String>) -> Vec<Vec<String>> {
    value.pointer(at).and_then(Value::as_array).into_iter().flatten().map(row).collect()
}

fn text(value: &Value, at: &str) -> String {
    match value.pointer(at) {
        None | Some(Value::Null) => "-".into(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

fn money(value: &Value, at: &str) -> String {
    usdc(&text(value, at))
}

/// A session as people tell it: the beginning of its purse, and which of the purse's sessions it is.
fn session(id: &str) -> String {
    match id.parse::<B256>().map(bursar_sdk::payment::split_session_id) {
        Ok((purse, sequence)) => format!("{}#{sequence}", &purse.to_string()[..6]),
        Err(_) => "-".into(),
    }
}

fn brief(hash: &str) -> String {
    if hash.len() > 12 { format!("{}…", &hash[..10]) } else { hash.to_owned() }
}
