//! `GET /v1/agents`

use std::collections::HashMap;

use alloy::primitives::Address;
use axum::{Json, extract::State};
use bursar_indexer::{
    db::Db,
    query::{agents, past},
};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::{
    AppState, AsOf,
    error::{ApiError, ListFailure},
    extract::{Params, Time},
    model::{agent::Agent, envelope::Envelope},
    page::{Asked, Page, PageLimit},
    past::{At, Height},
    standing,
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
    /// As of this block: what the chain told up to it, and what had been handed in by its time.
    #[param(inline)]
    as_of: Option<Height>,
    /// As of this time (inclusive, unix seconds).
    #[param(inline)]
    as_of_time: Option<Time>,
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
    let as_of = state.as_of_at(At::of(filter.as_of, filter.as_of_time)?).await?;
    let treasury = filter.treasury.map(|address| address.0);
    let rows = match as_of.past() {
        None => agents::list(&state.db, treasury, asked.after, asked.fetch()).await?,
        Some(then) => past::agents(&state.db, treasury, then, asked.after, asked.fetch()).await?,
    };
    let page = asked.page(rows, |row| *row, |row| row);
    let items = with_envelopes(&state.db, &page.items, treasury, &as_of).await?;
    Ok(Json(Page { items, next: page.next, as_of: as_of.at.map(Into::into) }))
}

/// Agents with their envelopes: one per treasury, so few.
pub(super) async fn with_envelopes(
    db: &Db,
    agents: &[Address],
    treasury: Option<Address>,
    as_of: &AsOf,
) -> Result<Vec<Agent>, ApiError> {
    let mut envelopes = HashMap::<_, Vec<_>>::new();
    for (row, rooms) in standing::of_agents(db, agents, treasury, as_of, MOST).await? {
        envelopes.entry(row.agent).or_default().push(Envelope::new(&row, rooms));
    }
    let mut agent = |address: &Address| Agent {
        address: (*address).into(),
        envelopes: envelopes.remove(address).unwrap_or_default(),
    };
    Ok(agents.iter().map(&mut agent).collect())
}
