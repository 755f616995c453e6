//! `GET /health/live`

use axum::http::StatusCode;

/// Whether the process answers at all. Restart it if not.
#[utoipa::path(get, path = "/health/live", tag = "Service",
    responses((status = 204, description = "It does.")))]
pub async fn health_live() -> StatusCode {
    StatusCode::NO_CONTENT
}
