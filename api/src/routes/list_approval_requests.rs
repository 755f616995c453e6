//! `GET /v1/approval-requests`

use axum::{Json, extract::State};
use bursar_indexer::query::approvals;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::{
    AppState,
    error::{ApiError, ListFailure},
    extract::Params,
    model::approval::{ApprovalRequest, ApprovalState},
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
    /// Of this purse.
    #[param(inline)]
    purse: Option<Addr>,
    /// Asked by this agent.
    #[param(inline)]
    agent: Option<Addr>,
    /// To this payee.
    #[param(inline)]
    payee: Option<Addr>,
    /// Standing there now.
    #[param(inline)]
    state: Option<ApprovalState>,
    /// Rows on a page, 1 to 200; 50 unless told.
    #[param(inline)]
    limit: Option<PageLimit>,
    /// Where to go on: `next` of the page before.
    cursor: Option<String>,
}

/// Approval requests, newest first. `state=pending` is the inbox.
#[utoipa::path(get, path = "/v1/approval-requests", tag = "Approvals", params(Filter),
    responses((status = 200, description = "A page.", body = Page<ApprovalRequest>), ListFailure))]
pub async fn list_approval_requests(
    State(state): State<AppState>,
    Params(filter): Params<Filter>,
) -> Result<Json<Page<ApprovalRequest>>, ApiError> {
    let asked = Asked::new("approval-requests", filter.cursor.as_deref(), filter.limit)?;
    let now = state.as_of().await?.now;
    let of = approvals::Filter {
        treasury: filter.treasury.map(|address| address.0),
        purse: filter.purse.map(|address| address.0),
        agent: filter.agent.map(|address| address.0),
        payee: filter.payee.map(|address| address.0),
        state: filter.state.map(|state| (state.into(), now)),
    };
    let rows = approvals::list(&state.db, &of, asked.after, asked.fetch()).await?;
    let key = |row: &approvals::Approval| approvals::Key {
        requested_at: row.requested_at,
        digest: row.request.digest,
    };
    Ok(Json(asked.page(rows, key, |row| ApprovalRequest::new(row, state.config.chain_id, now))))
}
