//! `GET /v1/agents`

use alloy::primitives::Address;
use axum::{Json, extract::State};
use bursar_indexer::{
    db::Db,
    query::{agents, envelopes},
};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::{
    AppState,
    error::{ApiError, ListFailure},
    extract::Params,
    model::agent::Agent,
    page::{Asked, MAX_LIMIT, Page, PageLimit},
    routes::list_envelopes::with_headroom,
    wire::Addr,
};

/// Which ones.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// Of this treasury.
    #[param(inline)]
    treasury: Option<Addr>,
    /// Rows on a page, 1 to 200; 50 unless told.
    #[param(inline)]
    limit: Option<PageLimit>,
    /// Where to go on: `next` of the page before.
    cursor: Option<String>,
}

/// Agents, by address, with their envelopes.
#[utoipa::path(get, path = "/v1/agents", tag = "Agents", params(Filter),
    responses((status = 200, description = "A page.", body = Page<Agent>), ListFailure))]
pub async fn list_agents(
    State(state): State<AppState>,
    Params(filter): Params<Filter>,
) -> Result<Json<Page<Agent>>, ApiError> {
    let asked = Asked::new("agents", filter.cursor.as_deref(), filter.limit)?;
    let now = state.as_of().await?.now;
    let treasury = filter.treasury.map(|address| address.0);
    let rows = agents::list(&state.db, treasury, asked.after, asked.fetch()).await?;
    let page = asked.page(rows, |row| *row, |row| row);
    let mut items = Vec::with_capacity(page.items.len());
    for address in page.items {
        items.push(agent(&state.db, address, treasury, now).await?);
    }
    Ok(Json(Page { items, next: page.next }))
}

/// An agent with its envelopes: one per treasury, so few.
pub(super) async fn agent(
    db: &Db,
    address: Address,
    treasury: Option<Address>,
    now: u64,
) -> Result<Agent, ApiError> {
    let of = envelopes::Filter { agent: Some(address), treasury, ..Default::default() };
    let limit = u32::try_from(MAX_LIMIT).unwrap_or(u32::MAX);
    let rows = envelopes::list(db, &of, None, limit).await?;
    Ok(Agent { address: address.into(), envelopes: with_headroom(db, rows, now).await? })
}
