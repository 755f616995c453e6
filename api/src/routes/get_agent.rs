//! `GET /v1/agents/{address}`

use axum::{Json, extract::State};

use crate::{
    AppState,
    access::Caller,
    error::{ApiError, GetFailure},
    extract::{Params, Path},
    model::agent::Agent,
    past::{Then, Told},
    routes::list_agents::with_envelopes,
    wire::Addr,
};

/// An agent, with its envelopes.
#[utoipa::path(get, path = "/v1/agents/{address}", tag = "Agents", params(("address" = inline(Addr), Path, description = "The agent's identity key."), Then),
    responses((status = 200, description = "It.", body = Told<Agent>), GetFailure))]
pub async fn get_agent(
    State(state): State<AppState>,
    caller: Caller,
    Path(address): Path<Addr>,
    Params(then): Params<Then>,
) -> Result<Json<Told<Agent>>, ApiError> {
    let as_of = state.as_of_at(then.at()?).await?;
    let agent = with_envelopes(&state.db, &[address.0], caller.treasury(), &as_of).await?.pop();
    let known = agent.filter(|agent| !agent.envelopes.is_empty());
    let known = known.ok_or_else(|| ApiError::not_found("agent", address))?;
    Ok(Json(Told::new(known, &as_of)))
}
