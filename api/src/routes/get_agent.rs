//! `GET /v1/agents/{address}`

use axum::{Json, extract::State};

use crate::{
    AppState,
    access::Caller,
    error::{ApiError, GetFailure},
    extract::Path,
    model::agent::Agent,
    routes::list_agents::with_envelopes,
    wire::Addr,
};

/// An agent, with its envelopes.
#[utoipa::path(get, path = "/v1/agents/{address}", tag = "Agents", params(("address" = inline(Addr), Path, description = "The agent's identity key.")),
    responses((status = 200, description = "It.", body = Agent), GetFailure))]
pub async fn get_agent(
    State(state): State<AppState>,
    caller: Caller,
    Path(address): Path<Addr>,
) -> Result<Json<Agent>, ApiError> {
    let now = state.as_of().await?.now;
    let agent = with_envelopes(&state.db, &[address.0], caller.treasury(), now).await?.pop();
    let known = agent.filter(|agent| !agent.envelopes.is_empty());
    known.map(Json).ok_or_else(|| ApiError::not_found("agent", address))
}
