//! `GET /v1/status`

use axum::{Json, extract::State};

use crate::{
    AppState,
    error::{ApiError, Problem},
    model::status::Status,
};

/// How far the ledger has followed the chain.
#[utoipa::path(get, path = "/v1/status", tag = "Service",
    responses((status = 200, description = "How far.", body = Status),
              (status = "5XX", description = "The store failed.", body = Problem)))]
pub async fn get_status(State(state): State<AppState>) -> Result<Json<Status>, ApiError> {
    let as_of = state.as_of().await?;
    Ok(Json(Status::new(&state, &as_of)))
}
