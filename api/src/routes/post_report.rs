//! `POST /v1/treasuries/{address}/reports`

use axum::{Json, extract::State, http::StatusCode};

use crate::{
    AppState,
    error::{ApiError, PostFailure},
    extract::{Body, Path},
    model::report::{ReportState, ReportWish},
    reports::Wish,
    wire::Addr,
};

/// Has a treasury's report made, as `bursar report` makes it. One is made at a time: while
/// another is, the answer is 409 (`report_busy`).
#[utoipa::path(post, path = "/v1/treasuries/{address}/reports", tag = "Reports", request_body = ReportWish,
    params(("address" = inline(Addr), Path, description = "The treasury.")),
    responses((status = 202, description = "It is being made.", body = ReportState), PostFailure))]
pub async fn post_report(
    State(state): State<AppState>,
    Path(address): Path<Addr>,
    Body(wish): Body<ReportWish>,
) -> Result<(StatusCode, Json<ReportState>), ApiError> {
    let wish = Wish { treasury: address.0, height: wish.height, words: wish.words };
    let job = state.reports.begin(&state, wish).await?;
    tracing::info!(id = %job.id, treasury = %address, height = job.height, "report");
    Ok((StatusCode::ACCEPTED, Json((&job).into())))
}
