//! `GET /v1/treasuries/{address}/reports/{id}`

use axum::{Json, extract::State};
use uuid::Uuid;

use crate::{
    AppState,
    error::{ApiError, GetFailure},
    extract::Path,
    model::report::ReportState,
    wire::Addr,
};

/// How far a report is, on the process that makes it.
#[utoipa::path(get, path = "/v1/treasuries/{address}/reports/{id}", tag = "Reports",
    params(("address" = inline(Addr), Path, description = "The treasury."), ("id" = String, Path, pattern = "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", description = "The report.")),
    responses((status = 200, description = "It.", body = ReportState), GetFailure))]
pub async fn get_report(
    State(state): State<AppState>,
    Path((address, id)): Path<(Addr, Uuid)>,
) -> Result<Json<ReportState>, ApiError> {
    let job = state.reports.find(address.0, id).ok_or_else(|| ApiError::not_found("report", id))?;
    Ok(Json((&job).into()))
}
