//! An agent's page as it was: what stood and what had come by then. Nothing can be done from it.

use askama::Template;
use axum::response::Response;
use bursar_indexer::query::{
    Past, decisions, envelopes::Envelope, headroom::Headroom, past, payments, scores, sessions,
};
use bursar_sdk::decision::Verdict;

use super::{
    super::{
        gather, links, rendered,
        text::money,
        then::{Then, dated},
        view::{Agent, Payment, Refusal, Score, Stop},
    },
    PAYMENTS, REFUSALS, SESSIONS, stopped,
    view::Session,
};
use crate::{AppState, AsOf, error::ApiError};

#[derive(Debug, Template)]
#[template(path = "envelope_then.html")]
struct EnvelopeThen {
    chain: String,
    chain_id: u64,
    past: Option<Then>,
    agent: Agent,
    escrow: String,
    withdrawn: String,
    score: Option<Score>,
    policy_href: String,
    sessions: Vec<Session>,
    payments: Vec<Payment>,
    refusals: Vec<Refusal>,
    stops: Vec<Stop>,
    all_sessions: String,
    all_payments: String,
    all_refusals: String,
    all_stops: String,
    /// Where its JSON is.
    json: String,
    version: &'static str,
}

/// The page of an envelope with what its limits had left.
pub(super) async fn page(
    state: &AppState,
    (row, rooms): (Envelope, Vec<Headroom>),
    as_of: &AsOf,
    then: Past,
) -> Result<Response, ApiError> {
    let (db, config, key) = (&state.db, &*state.config, (row.treasury, row.number));
    let (treasury, envelope) = (Some(row.treasury), Some(row.number));
    let of = sessions::Filter { treasury, envelope, ..Default::default() };
    let sessions = past::sessions(db, &of, then, None, SESSIONS).await?;
    let of = payments::Filter { treasury, envelope, past: Some(then), ..Default::default() };
    let payments = payments::list(db, &of, None, PAYMENTS).await?;
    let of = decisions::Filter {
        treasury,
        envelope,
        verdict: Some(Verdict::Denied),
        past: Some(then),
        ..Default::default()
    };
    let refusals = decisions::list(db, &of, None, REFUSALS).await?;
    let score = scores::at_block(db, key, then.height).await?;
    let keep = |href: String| dated(href, as_of.at);
    let all = |list: &str| {
        keep(format!("{list}?treasury={}&envelope={}", row.treasury.to_checksum(None), row.number))
    };
    let place = links::envelope(row.treasury, row.number);
    let payment = |of: &payments::Payment| {
        let shown = gather::payment(config, of, as_of.settled());
        Payment { href: keep(shown.href), policy_href: keep(shown.policy_href), ..shown }
    };
    let session = |of: &sessions::Session| {
        let shown = super::gather::session(config, of, as_of.now);
        Session { href: keep(shown.href), may_stop: false, ..shown }
    };
    let refusal = |of: &decisions::Decision| {
        let shown = gather::refusal(config, of);
        Refusal { href: keep(shown.href), ..shown }
    };
    rendered(&EnvelopeThen {
        chain: config.chain_name.clone(),
        chain_id: config.chain_id,
        past: Then::of(as_of, place.clone()),
        agent: gather::agent(config, &row, &rooms, Default::default(), None, &[], as_of.now),
        escrow: money(config, row.asset, row.escrow().to_u256()),
        withdrawn: money(config, row.asset, row.withdrawn.to_u256()),
        score: score.map(|past| gather::score_then(&row, past, then.height)),
        policy_href: keep(links::policy(row.treasury, row.number, row.policy_version)),
        sessions: sessions.iter().map(session).collect(),
        payments: payments.iter().map(payment).collect(),
        refusals: refusals.iter().map(refusal).collect(),
        stops: stopped(state, &row, Some(then.height))
            .await?
            .iter()
            .map(|row| gather::stop(config, row))
            .collect(),
        all_sessions: all("/v1/sessions"),
        all_payments: all("/audit/payments"),
        all_refusals: all("/audit/refusals"),
        all_stops: all("/audit/stops"),
        json: keep(format!("/v1{place}")),
        version: env!("CARGO_PKG_VERSION"),
    })
}
