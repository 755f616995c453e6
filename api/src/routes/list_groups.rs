//! `GET /v1/groups`

use axum::{Json, extract::State};
use bursar_indexer::query::{groups, headroom};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::{
    AppState,
    error::{ApiError, ListFailure},
    extract::{EnvelopeNumber, Params},
    model::group::Group,
    page::{Asked, Page, PageLimit},
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
    /// Right below the group with this number.
    #[param(inline)]
    parent: Option<EnvelopeNumber>,
    /// Rows on a page, 1 to 200; 50 unless told.
    #[param(inline)]
    limit: Option<PageLimit>,
    /// Where to go on: `next` of the page before.
    cursor: Option<String>,
}

/// Groups, by treasury and number, with what their limits have left.
#[utoipa::path(get, path = "/v1/groups", tag = "Groups", params(Filter),
    responses((status = 200, description = "A page.", body = Page<Group>), ListFailure))]
pub async fn list_groups(
    State(state): State<AppState>,
    Params(filter): Params<Filter>,
) -> Result<Json<Page<Group>>, ApiError> {
    let asked = Asked::new("groups", filter.cursor.as_deref(), filter.limit)?;
    let now = state.as_of().await?.now;
    let of = groups::Filter {
        treasury: filter.treasury.map(|address| address.0),
        parent: filter.parent.map(EnvelopeNumber::to_u32),
    };
    let rows = groups::list(&state.db, &of, asked.after, asked.fetch()).await?;
    let page = asked.page(rows, |row| (row.treasury, row.number), |row| row);
    let mut items = Vec::with_capacity(page.items.len());
    for row in page.items {
        let rooms = headroom::of_group(&state.db, (row.treasury, row.number), now).await?;
        items.push(Group::new(&row, rooms));
    }
    Ok(Json(Page { items, next: page.next, as_of: None }))
}
