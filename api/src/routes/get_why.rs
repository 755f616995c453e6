//! `GET /v1/agents/{address}/why`

use axum::{Json, extract::State};
use bursar_indexer::query::{envelopes, payments, policies};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::{
    AppState,
    access::Caller,
    error::{ApiError, GetFailure},
    extract::{Number, Params, Path, Time},
    model::why::{Explained, Why},
    wire::Addr,
};

/// How many payments unless told.
const DEFAULT_LIMIT: u64 = 3;

/// When.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Moment {
    /// The time asked about, in unix seconds; now unless told.
    #[param(inline)]
    at: Option<Time>,
    /// How many payments, 1 to 20; 3 unless told.
    #[param(inline)]
    limit: Option<Number<1, 20>>,
}

/// Why an agent paid: its payments nearest to a time, each with decision, policy, approver, outcome, and its
/// nonce opened.
#[utoipa::path(get, path = "/v1/agents/{address}/why", tag = "Agents", params(("address" = inline(Addr), Path, description = "The agent's identity key."), Moment),
    responses((status = 200, description = "The payments, nearest first.", body = Why), GetFailure))]
pub async fn get_why(
    State(state): State<AppState>,
    caller: Caller,
    Path(address): Path<Addr>,
    Params(moment): Params<Moment>,
) -> Result<Json<Why>, ApiError> {
    let as_of = state.as_of().await?;
    let treasury = caller.treasury();
    let of = envelopes::Filter { treasury, agent: Some(address.0), ..Default::default() };
    if envelopes::list(&state.db, &of, None, 1).await?.is_empty() {
        return Err(ApiError::not_found("agent", address));
    }
    let at = moment.at.map_or(as_of.now, |time| time.0);
    let limit = moment.limit.map_or(DEFAULT_LIMIT, |limit| limit.0);
    let limit = u32::try_from(limit).unwrap_or(u32::MAX);
    let rows = payments::nearest(&state.db, address.0, treasury, at, limit).await?;
    let mut explained = Vec::with_capacity(rows.len());
    for row in rows {
        let policy = policies::get(&state.db, (row.treasury, row.envelope, row.policy_version)).await?;
        explained.push(Explained::new(row, policy, as_of.settled()));
    }
    Ok(Json(Why { agent: address, at, payments: explained }))
}
