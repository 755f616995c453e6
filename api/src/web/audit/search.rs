//! One search for everything: an address, a hash or a name leads to what it is, or to all that it may be.

use alloy::primitives::{Address, B256};
use askama::Template;
use axum::{
    extract::{RawQuery, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use bursar_indexer::query::{
    approvals, assets, decisions, envelopes, erasures, outcomes, payments, policies, sessions, settlements,
    treasuries, watched,
};
use serde::Deserialize;

use super::{
    super::{
        gather::{self, MAX_WORDS},
        links, rendered_with_forms,
        text::said,
    },
    TABS, Tab,
};
use crate::{
    AppState,
    error::ApiError,
    extract::parameters,
    wire::{Addr, Hash},
};

/// Longest that is searched for, in characters.
const LONGEST: usize = 200;
/// Accounts of a like name that are looked at.
const ALIKE: usize = 8;
/// Watched accounts whose names are looked through.
const WATCHED: u32 = 1_000;
/// Payments, policies and the like that are shown of a kind.
const OF_A_KIND: u32 = 5;

/// What is searched for.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    q: Option<String>,
}

#[derive(Debug, Template)]
#[template(path = "audit/search.html")]
struct SearchPage {
    chain: String,
    tabs: &'static [Tab],
    title: &'static str,
    path: &'static str,
    q: String,
    refused: Option<String>,
    found: Vec<Found>,
    version: &'static str,
}

/// Something that it may be.
#[derive(Debug)]
struct Found {
    what: String,
    name: String,
    href: String,
}

/// The desk's first page, and what a search finds.
pub(super) async fn search(
    State(state): State<AppState>,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    let asked = parameters::<Asked>(&query.unwrap_or_default());
    let (q, mut refused) = match asked {
        Ok(asked) => (asked.q.unwrap_or_default().trim().to_owned(), None),
        Err(error) => (String::new(), Some(error.told())),
    };
    let mut found = Vec::new();
    if q.chars().count() > LONGEST {
        refused = Some(format!("A search has at most {LONGEST} characters."));
    } else if let Some(hash) = digits(&q, 64) {
        found = match hash.parse::<Hash>() {
            Ok(hash) => of_hash(&state, hash.0).await?,
            Err(_) => Vec::new(),
        };
    } else if let Some(address) = digits(&q, 40) {
        match address.parse::<Addr>() {
            Ok(address) => found = of_address(&state, address.0).await?,
            Err(expected) => refused = Some(format!("That address is mistyped: {expected}.")),
        }
    } else if !q.is_empty() {
        for address in named(&state, &q).await? {
            found.extend(of_address(&state, address).await?);
        }
    }
    if let [only] = &*found {
        return Ok(Redirect::to(&only.href).into_response());
    }
    let page = SearchPage {
        chain: state.config.chain_name.clone(),
        tabs: &TABS,
        title: "Audit",
        path: "/audit",
        q: q.chars().take(LONGEST).collect(),
        found,
        version: env!("CARGO_PKG_VERSION"),
        refused,
    };
    let status = if page.refused.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    rendered_with_forms(status, &page)
}

/// So many hex digits, with or without 0x before them, as the API spells them.
fn digits(text: &str, many: usize) -> Option<String> {
    let rest = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")).unwrap_or(text);
    (rest.len() == many && rest.bytes().all(|b| b.is_ascii_hexdigit())).then(|| format!("0x{rest}"))
}

/// What a hash may be: of a transaction, a record, a payment, a session, a policy.
async fn of_hash(state: &AppState, hash: B256) -> Result<Vec<Found>, ApiError> {
    let (db, config) = (&state.db, &*state.config);
    let mut found = Vec::new();
    let in_tx = payments::Filter { tx_hash: Some(hash), ..Default::default() };
    for row in payments::list(db, &in_tx, None, OF_A_KIND).await? {
        found.push(payment("Payment in that transaction", config, &row));
    }
    for row in payments::with_nonce(db, hash, OF_A_KIND).await? {
        found.push(payment("Payment with that nonce", config, &row));
    }
    let mut decided = decisions::get(db, hash).await?.map(|row| ("Decision", row));
    if decided.is_none()
        && let Some(outcome) = outcomes::get(db, hash).await?
    {
        let row = decisions::get(db, outcome.record.decision_hash).await?;
        decided = row.map(|row| ("Outcome of a decision", row));
    }
    if let Some((what, row)) = decided {
        let href = links::settled(&row).unwrap_or_else(|| links::decision(row.hash));
        let name = said(&row.record.rationale, MAX_WORDS);
        found.push(Found { what: what.into(), name, href });
    } else if erasures::get(db, hash).await?.is_some() {
        let (name, href) = ("what is left of it".into(), links::decision(hash));
        found.push(Found { what: "Erased record".into(), name, href });
    }
    if approvals::get(db, hash).await?.is_some() {
        let (name, href) = ("what was asked, and answered".into(), format!("/approvals/{hash:#x}"));
        found.push(Found { what: "Approval request".into(), name, href });
    }
    if let Some(row) = sessions::get(db, hash).await? {
        let name = format!("session {} of {}", row.sequence, gather::named(config, row.agent).name);
        let href = format!("/audit/payments?session={hash:#x}");
        found.push(Found { what: "Payments in a session".into(), name, href });
    }
    for row in policies::with_hash(db, hash, OF_A_KIND).await? {
        let (treasury, envelope, version) = (row.treasury, row.envelope, row.version);
        let name =
            format!("version {version} of envelope {envelope} of {}", gather::named(config, treasury).name);
        let href = links::policy(treasury, envelope, version);
        found.push(Found { what: "Policy".into(), name, href });
    }
    Ok(found)
}

fn payment(what: &str, config: &crate::Config, row: &payments::Payment) -> Found {
    let shown = gather::payment(config, row, None);
    let name = format!("{} to {}, {}", shown.amount, shown.payee.name, shown.at.full);
    Found { what: what.into(), name, href: shown.href }
}

/// What an account is to the ledger.
async fn of_address(state: &AppState, address: Address) -> Result<Vec<Found>, ApiError> {
    let (db, config) = (&state.db, &*state.config);
    let (name, digits) = (gather::named(config, address).name, address.to_checksum(None));
    let mut found = Vec::new();
    let mut say = |what: &str, href: String| {
        found.push(Found { what: what.to_owned(), name: name.clone(), href });
    };
    if treasuries::get(db, address).await?.is_some() {
        say("Payments of a treasury", format!("/audit/payments?treasury={digits}"));
    }
    let of_agent = envelopes::Filter { agent: Some(address), ..Default::default() };
    if !envelopes::list(db, &of_agent, None, 1).await?.is_empty() {
        say("Payments of an agent", format!("/audit/payments?agent={digits}"));
        say("Refusals of an agent", format!("/audit/refusals?agent={digits}"));
    }
    let to_payee = payments::Filter { payee: Some(address), ..Default::default() };
    if !payments::list(db, &to_payee, None, 1).await?.is_empty() {
        say("Payments to a payee", format!("/audit/payments?payee={digits}"));
    }
    if let Some(known) = assets::of_purse(db, address).await? {
        let (treasury, envelope) = (known.treasury.to_checksum(None), known.envelope);
        say(
            "Payments of a purse's envelope",
            format!("/audit/payments?treasury={treasury}&envelope={envelope}"),
        );
    }
    let of_payer = settlements::Filter { payer: Some(address), ..Default::default() };
    if !settlements::list(db, &of_payer, None, 1).await?.is_empty() {
        say("Ungoverned payments by an account", format!("/audit/settlements?payer={digits}"));
    }
    let to_payee = settlements::Filter { payee: Some(address), ..Default::default() };
    if !settlements::list(db, &to_payee, None, 1).await?.is_empty() {
        say("Ungoverned payments to a payee", format!("/audit/settlements?payee={digits}"));
    }
    Ok(found)
}

/// Accounts whose name has that in it; one that is called just that, alone.
async fn named(state: &AppState, text: &str) -> Result<Vec<Address>, ApiError> {
    let mut known: Vec<(String, Address)> =
        state.config.names.iter().map(|(address, name)| (name.to_lowercase(), *address)).collect();
    for row in watched::list(&state.db, None, None, WATCHED).await? {
        known.extend(row.label.map(|label| (label.to_lowercase(), row.address)));
    }
    let text = text.to_lowercase();
    let mut exact: Vec<Address> = known.iter().filter(|(name, _)| *name == text).map(|(_, at)| *at).collect();
    if exact.is_empty() {
        exact = known.into_iter().filter(|(name, _)| name.contains(&text)).map(|(_, at)| at).collect();
    }
    exact.sort_unstable();
    exact.dedup();
    exact.truncate(ALIKE);
    Ok(exact)
}
