//! One approval request: all that a human wants to know before answering.

mod gather;
mod view;

use axum::{extract::State, response::Response};
use bursar_indexer::query::{
    approvals::{self, Approval, Filter},
    approvers, assets, decisions, envelopes, groups, headroom, payments, policies, sessions,
};
use bursar_sdk::decision::Verdict;

use self::view::RequestPage;
pub(super) use self::{gather::why, view::Why};
use super::{inbox, rendered, text::when};
use crate::{AppState, error::ApiError, extract::Path, wire::Hash};

/// Payments, refusals and requests that are shown of what the agent did before.
const BEFORE: u32 = 5;
/// Payments to the payee that are counted.
const COUNTED: u32 = 100;
/// Groups above an envelope that are shown: as deep as they go.
const DEEPEST: usize = 8;

/// One request's page.
pub(super) async fn request(
    State(state): State<AppState>,
    Path(digest): Path<Hash>,
) -> Result<Response, ApiError> {
    let row = approvals::get(&state.db, digest.0).await?;
    let row = row.ok_or_else(|| ApiError::not_found("approval request", &digest))?;
    rendered(&gathered(&state, row).await?)
}

async fn gathered(state: &AppState, row: Approval) -> Result<RequestPage, ApiError> {
    let (db, config) = (&state.db, &*state.config);
    let as_of = state.as_of().await?;
    let (now, request) = (as_of.now, &row.request);
    let known = assets::of_purse(db, request.purse).await?;
    let asset = known.map(|known| known.asset);
    let decision = decisions::get(db, request.decision_hash).await?;
    let settled = payments::get(db, request.purse, request.nonce).await?;
    let mut page = RequestPage {
        chain: config.chain_name.clone(),
        chain_id: config.chain_id,
        now,
        open: row.state(now) == approvals::State::Pending,
        request: super::gather::request(config, &row, asset, None, now),
        requested: when(row.requested_at),
        units: request.amount.to_string(),
        charged_by: request.rail.facilitator().map(|facilitator| facilitator.to_checksum(None)),
        asset: asset.map(|asset| super::gather::named(config, asset)),
        purse: request.purse.to_checksum(None),
        envelope: None,
        policy: None,
        digest: format!("{:#x}", request.digest),
        decision_hash: format!("{:#x}", request.decision_hash),
        why: decision.as_ref().map(gather::why),
        disagrees: decision
            .as_ref()
            .map(|decision| gather::disagreements(decision, request, asset))
            .unwrap_or_default(),
        before: None,
        limits: Vec::new(),
        payments: Vec::new(),
        refusals: Vec::new(),
        earlier: Vec::new(),
        approvers: Vec::new(),
        settled: settled.map(|payment| super::gather::payment(config, &payment, as_of.settled())),
        version: env!("CARGO_PKG_VERSION"),
    };
    for approver in approvers::list(db, request.treasury).await? {
        if approvers::unfit(db, request, approver).await?.is_none() {
            page.approvers.push(super::gather::named(config, approver));
        }
    }
    if let Some(known) = known {
        limits(state, &row, (known.treasury, known.envelope), now, &mut page).await?;
        history(state, &row, (known.treasury, known.envelope), now, &mut page).await?;
    }
    Ok(page)
}

/// What the payment is held against, and what is left of it.
async fn limits(
    state: &AppState,
    row: &Approval,
    key: envelopes::Key,
    now: u64,
    page: &mut RequestPage,
) -> Result<(), ApiError> {
    let (db, config, request) = (&state.db, &*state.config, &row.request);
    let Some(envelope) = envelopes::get(db, key).await? else { return Ok(()) };
    let of_purse = sessions::Filter { purse: Some(request.purse), ..Default::default() };
    let session = sessions::list(db, &of_purse, None, 1).await?.pop();
    let mut limits = gather::of_session(config, &envelope, session.as_ref(), request.amount);
    let rooms = headroom::of_envelope(db, key, now).await?;
    limits.extend(rooms.iter().map(|room| gather::of_window(config, envelope.asset, None, room)));
    let mut above = envelope.group;
    for _ in 0..DEEPEST {
        let Some(group) = groups::get(db, (key.0, above)).await? else { break };
        let rooms = headroom::of_group(db, (key.0, above), now).await?;
        limits.extend(rooms.iter().map(|room| gather::of_window(config, envelope.asset, Some(above), room)));
        above = group.parent;
    }
    page.limits = limits;
    page.policy = policies::get(db, (key.0, key.1, envelope.policy_version))
        .await?
        .map(|policy| gather::policy(config, envelope.asset, &policy));
    page.envelope = Some(gather::envelope(&envelope));
    Ok(())
}

/// What the agent did before.
async fn history(
    state: &AppState,
    row: &Approval,
    (treasury, number): envelopes::Key,
    now: u64,
    page: &mut RequestPage,
) -> Result<(), ApiError> {
    let (db, config, request) = (&state.db, &*state.config, &row.request);
    let of_envelope =
        payments::Filter { treasury: Some(treasury), envelope: Some(number), ..Default::default() };
    let latest = payments::list(db, &of_envelope, None, BEFORE).await?;
    page.payments = latest.iter().map(|payment| super::gather::payment(config, payment, None)).collect();
    let to_payee = payments::Filter { payee: Some(request.payee), ..of_envelope };
    page.before = gather::before(&payments::list(db, &to_payee, None, COUNTED).await?, COUNTED);
    let denied = decisions::Filter {
        treasury: Some(treasury),
        envelope: Some(number),
        verdict: Some(Verdict::Denied),
        ..Default::default()
    };
    let refused = decisions::list(db, &denied, None, BEFORE).await?;
    page.refusals = refused.iter().map(|decision| super::gather::refusal(config, decision)).collect();
    let by_agent = Filter {
        treasury: Some(treasury),
        agent: request.agent,
        purse: request.agent.is_none().then_some(request.purse),
        ..Filter::default()
    };
    page.earlier = inbox::requests(state, &by_agent, now, BEFORE + 1).await?;
    page.earlier.retain(|earlier| earlier.href != page.request.href);
    Ok(())
}
