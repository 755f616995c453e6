//! `GET /v1/agents`

use std::collections::HashMap;

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
    page::{Asked, Page, PageLimit},
    routes::list_envelopes::with_headroom,
    wire::Addr,
};

/// Most envelopes that are shown of one agent, and read.
const MOST: u32 = 200;

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
    let items = with_envelopes(&state.db, &page.items, treasury, now).await?;
    Ok(Json(Page { items, next: page.next, as_of: None }))
}

/// Agents with their envelopes: one per treasury, so few.
pub(super) async fn with_envelopes(
    db: &Db,
    agents: &[Address],
    treasury: Option<Address>,
    now: u64,
) -> Result<Vec<Agent>, ApiError> {
    let rows = envelopes::of_agents(db, agents, treasury, MOST).await?;
    let whose: Vec<Address> = rows.iter().map(|row| row.agent).collect();
    let mut envelopes = HashMap::<_, Vec<_>>::new();
    for (agent, envelope) in whose.into_iter().zip(with_headroom(db, rows, now).await?) {
        envelopes.entry(agent).or_default().push(envelope);
    }
    let mut agent = |address: &Address| Agent {
        address: (*address).into(),
        envelopes: envelopes.remove(address).unwrap_or_default(),
    };
    Ok(agents.iter().map(&mut agent).collect())
}
