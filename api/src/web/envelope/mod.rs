//! An agent's page: one envelope, what came of it, and what it may do.

mod curves;
mod gather;
mod policy;
mod then;
mod view;

use axum::{
    extract::State,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use bursar_indexer::query::{
    Position, alerts, approvals, decisions, envelopes, groups, headroom, payments, refusals, scores,
    sessions, stops,
};
use bursar_sdk::decision::Verdict;

pub(super) use self::curves::of_many as curve_of_many;
use self::view::EnvelopePage;
use super::{inbox, problem, rendered};
use crate::{
    AppState,
    error::ApiError,
    extract::{EnvelopeNumber, Params, Path},
    layers::CSP_PICTURE,
    model::status::Status,
    past::Then,
    standing,
    wire::Addr,
};

const SESSIONS: u32 = 10;
const PAYMENTS: u32 = 20;
const REFUSALS: u32 = 10;
const STOPS: u32 = 20;
const ALERTS: u32 = 10;
const APPROVALS: u32 = 10;
/// Groups above an envelope: as deep as they go.
const DEEPEST: usize = 8;

async fn found(
    state: &AppState,
    treasury: &Addr,
    number: EnvelopeNumber,
) -> Result<envelopes::Envelope, ApiError> {
    let row = envelopes::get(&state.db, (treasury.0, number.to_u32())).await?;
    row.ok_or_else(|| ApiError::not_found("envelope", format!("{treasury}/{}", number.0)))
}

/// The page.
pub(super) async fn envelope(
    State(state): State<AppState>,
    Path((treasury, number)): Path<(Addr, EnvelopeNumber)>,
    asked: Result<Params<Then>, ApiError>,
) -> Result<Response, ApiError> {
    match told(&state, &treasury, number, asked).await {
        Err(error) if error.status().is_client_error() => Ok(problem::page(&state, &error)),
        told => told,
    }
}

async fn told(
    state: &AppState,
    treasury: &Addr,
    number: EnvelopeNumber,
    asked: Result<Params<Then>, ApiError>,
) -> Result<Response, ApiError> {
    let Params(then) = asked?;
    let as_of = state.as_of_at(then.at()?).await?;
    let Some(past) = as_of.past() else {
        let row = found(state, treasury, number).await?;
        return rendered(&gathered(state, &row).await?);
    };
    let stood = standing::get(&state.db, (treasury.0, number.to_u32()), &as_of).await?;
    let stood = stood.ok_or_else(|| ApiError::not_found("envelope", format!("{treasury}/{}", number.0)))?;
    then::page(state, stood, &as_of, past).await
}

/// Its policy as a picture, which styles itself.
pub(super) async fn policy_picture(
    State(state): State<AppState>,
    Path((treasury, number)): Path<(Addr, EnvelopeNumber)>,
) -> Result<Response, ApiError> {
    let row = found(&state, &treasury, number).await?;
    let above = above(&state, &row).await?;
    let now = state.as_of().await?.now;
    let tree = policy::tree(&state, &row, &above, now).await?;
    let tree =
        tree.ok_or_else(|| ApiError::not_found("policy of envelope", format!("{treasury}/{}", number.0)))?;
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("image/svg+xml")),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(CSP_PICTURE)),
    ];
    Ok((headers, tree.to_svg()).into_response())
}

/// A group above an envelope, with what its limits have left.
type Above = (groups::Group, Vec<headroom::Headroom>);

/// Its group and those above it, lowest first.
async fn above(state: &AppState, row: &envelopes::Envelope) -> Result<Vec<Above>, ApiError> {
    let now = state.as_of().await?.now;
    let (mut above, mut number) = (Vec::new(), row.group);
    while above.len() < DEEPEST {
        let key = (row.treasury, number);
        let Some(group) = groups::get(&state.db, key).await? else { break };
        number = group.parent;
        above.push((group, headroom::of_group(&state.db, key, now).await?));
    }
    Ok(above)
}

async fn gathered(state: &AppState, row: &envelopes::Envelope) -> Result<EnvelopePage, ApiError> {
    let (db, config) = (&state.db, &*state.config);
    let as_of = state.as_of().await?;
    let (now, key) = (as_of.now, (row.treasury, row.number));
    let (treasury, envelope) = (Some(row.treasury), Some(row.number));
    let rooms = headroom::of_envelope(db, key, now).await?;
    let score = scores::get(db, key).await?;
    let refused = refusals::of_all(db, std::slice::from_ref(row)).await?.remove(&key).unwrap_or_default();
    let open = alerts::Filter { treasury, envelope, open: Some(true), ..Default::default() };
    let alerts = alerts::list(db, &open, now, None, ALERTS).await?;
    let above = above(state, row).await?;
    let tree = policy::tree(state, row, &above, now).await?;
    let denied =
        decisions::Filter { treasury, envelope, verdict: Some(Verdict::Denied), ..Default::default() };
    let refusals = decisions::list(db, &denied, None, REFUSALS).await?;
    let of_envelope = payments::Filter { treasury, envelope, ..Default::default() };
    let payments = payments::list(db, &of_envelope, None, PAYMENTS).await?;
    let of_envelope = sessions::Filter { treasury, envelope, ..Default::default() };
    let sessions = sessions::list(db, &of_envelope, None, SESSIONS).await?;
    let waiting = approvals::Filter {
        treasury,
        agent: Some(row.agent),
        state: Some((approvals::State::Pending, now)),
        ..Default::default()
    };
    let status = Status::new(state, &as_of);
    let agent = super::gather::agent(config, row, &rooms, refused, score.as_ref(), &alerts, now);
    Ok(EnvelopePage {
        chain: config.chain_name.clone(),
        chain_id: config.chain_id,
        block: status.indexed,
        block_at: status.indexed_at.map(super::text::when),
        problem: status.problem,
        explorer: super::gather::explorer(config),
        unit: gather::unit(config, row.asset),
        groups: above
            .iter()
            .map(|(group, _)| view::Group { number: group.number, frozen: group.frozen })
            .collect(),
        treasury: row.treasury.to_checksum(None),
        escrow: super::text::money(config, row.asset, row.escrow().to_u256()),
        withdrawn: super::text::money(config, row.asset, row.withdrawn.to_u256()),
        curves: curves::of_envelope(state, row, &rooms, now).await?,
        above: above.iter().flat_map(|above| gather::above(config, above, now)).collect(),
        policy: gather::policy(config, row, tree.as_ref()),
        sessions: sessions.iter().map(|session| gather::session(config, session, now)).collect(),
        payments: payments.iter().map(|row| super::gather::payment(config, row, as_of.settled())).collect(),
        refusals: refusals.iter().map(|row| super::gather::refusal(config, row)).collect(),
        stops: stopped(state, row, None).await?.iter().map(|row| super::gather::stop(config, row)).collect(),
        approvals: inbox::requests(state, &waiting, now, APPROVALS).await?,
        agent,
        version: status.version,
    })
}

/// What was stopped and released of it (up to a block), and of the organisation with it; newest first.
async fn stopped(
    state: &AppState,
    row: &envelopes::Envelope,
    up_to_block: Option<u64>,
) -> Result<Vec<stops::Stop>, ApiError> {
    let treasury = Some(row.treasury);
    let own = stops::Filter { treasury, envelope: Some(row.number), up_to_block, ..Default::default() };
    let mut all = stops::list(&state.db, &own, None, STOPS).await?;
    let whole = stops::Filter { treasury, level: Some("organisation"), up_to_block, ..Default::default() };
    all.extend(stops::list(&state.db, &whole, None, STOPS).await?);
    all.sort_by_key(|stop| std::cmp::Reverse::<Position>(stop.position));
    all.truncate(usize::try_from(STOPS).unwrap_or(usize::MAX));
    Ok(all)
}
