//! One payment's page: who paid, under which policy, why, with whose approval, what moved, what came of it, the score at
//! the time, and its place in the log.

mod evidence;
mod gather;
mod rules;
mod view;

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use bursar_indexer::query::{
    Past, approvals, decisions, outcomes, past,
    payees::{self, Payee},
    payments::{self, Payment},
    policies, scores, sessions, stamps, treasuries,
};

use self::view::Story;
use super::{links, problem, rendered, text::when};
use crate::{
    AppState, AsOf,
    error::ApiError,
    extract::{Params, Path},
    logged::logged,
    past::Then,
    standing, vouched,
    wire::{Addr, Hash},
};

/// Most payments of a session that are added up to say where this one stands among them.
const ADDED_UP: u32 = 1_000;
/// Revisions of an outcome that are shown.
const REVISIONS: u32 = 20;

/// One payment's page.
pub(super) async fn payment(
    State(state): State<AppState>,
    path: Result<Path<(Addr, Hash)>, ApiError>,
    asked: Result<Params<Then>, ApiError>,
) -> Response {
    match told(&state, path, asked).await {
        Ok(response) => response,
        Err(error) if error.status().is_client_error() => problem::page(&state, &error),
        Err(error) => error.into_response(),
    }
}

async fn told(
    state: &AppState,
    path: Result<Path<(Addr, Hash)>, ApiError>,
    asked: Result<Params<Then>, ApiError>,
) -> Result<Response, ApiError> {
    let Path((purse, nonce)) = path?;
    let Params(then) = asked?;
    let as_of = state.as_of_at(then.at()?).await?;
    let row = payments::as_of(&state.db, purse.0, nonce.0, as_of.past()).await?;
    let row = row.ok_or_else(|| ApiError::not_found("payment", format!("{purse}/{nonce}")))?;
    let mut story = gathered(state, &row, &as_of).await?;
    if let Some(at) = as_of.at {
        story.stay(at);
    }
    rendered(&story)
}

async fn gathered(state: &AppState, row: &Payment, as_of: &AsOf) -> Result<Story, ApiError> {
    let (db, config, past) = (&state.db, &*state.config, as_of.past());
    // What others handed in counts up to then.
    let until = past.map_or(u64::MAX, |past| past.records_until);
    let policy = policies::as_of(db, (row.treasury, row.envelope, row.policy_version), past).await?;
    let session = match past {
        None => sessions::get(db, row.session).await?,
        Some(past) => past::session(db, row.session, past).await?,
    };
    let hash = row.decision.as_ref().and(row.decision_hash);
    let decision = match hash {
        Some(hash) => decisions::as_of(db, hash, past).await?,
        None => None,
    };
    let seal = match hash {
        Some(hash) => decisions::seal(db, hash).await?,
        None => None,
    };
    let mut revisions = match row.decision_hash {
        Some(hash) => outcomes::revisions(db, hash, REVISIONS).await?,
        None => Vec::new(),
    };
    revisions.retain(|revision| revision.received_at <= until);
    let of_payment = approvals::Filter {
        treasury: Some(row.treasury),
        agent: Some(row.agent),
        purse: Some(row.purse),
        nonce: row.nonce,
        past,
        ..Default::default()
    };
    let approval = approvals::list(db, &of_payment, None, 1).await?.pop();
    let listed = match policy.as_ref().map(|policy| policy.rules.payee_list) {
        None | Some(0) => None,
        Some(list) => Some(listed(state, row, list, past).await?),
    };
    let paid = payments::paid_until(db, row.session, row.position, ADDED_UP).await?;
    // What it was before this payment counted.
    let before = row.position.block.saturating_sub(1);
    let score = scores::at_block(db, (row.treasury, row.envelope), before).await?;
    let envelope = standing::get(db, (row.treasury, row.envelope), as_of).await?.map(|(row, _)| row);
    let asked = approval.as_ref().map(|approval| approval.request.digest);
    let said = revisions.iter().map(|revision| revision.outcome.hash);
    let records = row.decision_hash.into_iter().chain(asked).chain(said).collect();
    let mut log = logged(db, row.treasury, records, past.map_or(u64::MAX, |past| past.height)).await?;
    if let Some((past, log)) = past.zip(log.as_mut()) {
        log.forget_after(past);
    }
    let mut stamps = Vec::new();
    let of_session = session.as_ref().map(|session| ("opened its session with", session.stamp_hash));
    let of_record = row.decision.as_ref().map(|record| ("named in its decision", record.stamp_hash));
    for (what, hash) in of_session.into_iter().chain(of_record).filter(|(_, hash)| !hash.is_zero()) {
        let revoked = stamps::revoked(db, row.treasury, hash).await?;
        let revoked = revoked.filter(|it| past.is_none_or(|past| it.position.block <= past.height));
        let chain = vouched::of_treasury(db, row.treasury, hash).await?;
        let chain = chain.filter(|chain| chain.received_at <= until);
        stamps.push(gather::stamp(config, what, hash, revoked.as_ref(), chain.as_ref(), row));
    }
    let stamp_epoch = match past {
        None => treasuries::get(db, row.treasury).await?.map_or(0, |treasury| treasury.stamp_epoch),
        Some(past) => past::stamp_epoch(db, row.treasury, past).await?,
    };
    Ok(Story {
        chain: config.chain_name.clone(),
        chain_id: config.chain_id,
        block: as_of.at.map(|at| at.height).or(as_of.checkpoint.map(|checkpoint| checkpoint.number)),
        past: super::then::Then::of(as_of, links::payment(row)),
        all: "/audit/payments".into(),
        payment: super::gather::payment(config, row, as_of.settled()),
        at: when(row.timestamp),
        json_href: gather::json(row),
        json: gather::json(row),
        disagrees: row.disagreements(),
        who: gather::who(config, row, session.as_ref()),
        stamps,
        stamp_epoch,
        policy: policy.as_ref().map(|policy| gather::policy(config, row, policy)),
        rules: policy
            .as_ref()
            .map(|policy| rules::rules(config, row, policy, session.as_ref(), (listed, past.is_some())))
            .unwrap_or_default(),
        why: decision.as_ref().map(super::request::why),
        record: decision
            .as_ref()
            .map(|decision| evidence::record(config, row, decision, seal.as_ref(), session.as_ref())),
        erased: row.erased.as_ref().map(|note| evidence::erased(config, note)),
        approval: gather::approval(config, row, approval.as_ref(), policy.as_ref(), session.as_ref()),
        moved: gather::moved(config, row, session.as_ref(), envelope.as_ref(), paid),
        outcomes: revisions
            .iter()
            .map(|revision| evidence::outcome(config, row, revision, session.as_ref()))
            .collect(),
        score: score.map(|past| gather::score(row, past)),
        log: log.map(|log| evidence::logged(config, row, log)),
        version: env!("CARGO_PKG_VERSION"),
    })
}

async fn listed(state: &AppState, row: &Payment, list: u16, past: Option<Past>) -> Result<bool, ApiError> {
    if let Some(past) = past {
        return Ok(past::on_list(&state.db, row.treasury, (list, row.payee), past).await?);
    }
    let of = payees::Filter { treasury: Some(row.treasury), list: Some(list), payee: Some(row.payee) };
    let found: Vec<Payee> = payees::list(&state.db, &of, None, 1).await?;
    Ok(!found.is_empty())
}
