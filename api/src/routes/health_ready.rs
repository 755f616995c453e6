//! `GET /health/ready`

use axum::{Json, extract::State, http::StatusCode};

use crate::{
    AppState,
    error::{ApiError, Problem},
    model::status::Status,
};

/// Whether the ledger is close enough to the chain's head to be relied on. Send no traffic if not.
#[utoipa::path(get, path = "/health/ready", tag = "Service",
    responses((status = 200, description = "It is.", body = Status),
              (status = 503, description = "It is not, or the store fails: `code` tells.", body = Problem)))]
pub async fn health_ready(State(state): State<AppState>) -> Result<Json<Status>, ApiError> {
    let not_ready = |message| ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "not_ready", message);
    // Whatever the store's trouble, for a balancer it is one answer.
    let as_of = state.as_of().await.map_err(|_| not_ready("the store does not answer".to_owned()))?;
    let status = Status::new(&state, &as_of);
    match &status.problem {
        None => Ok(Json(status)),
        Some(problem) => Err(not_ready(problem.clone())),
    }
}
