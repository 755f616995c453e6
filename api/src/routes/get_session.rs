//! `GET /v1/sessions/{id}`

use axum::{Json, extract::State};
use bursar_indexer::query::sessions;

use crate::{
    AppState,
    error::{ApiError, GetFailure},
    extract::Path,
    model::session::Session,
    wire::Hash,
};

/// One session.
#[utoipa::path(get, path = "/v1/sessions/{id}", tag = "Sessions", params(("id" = inline(Hash), Path, description = "Purse and sequence number in one.")),
    responses((status = 200, description = "It.", body = Session), GetFailure))]
pub async fn get_session(
    State(state): State<AppState>,
    Path(id): Path<Hash>,
) -> Result<Json<Session>, ApiError> {
    let row = sessions::get(&state.db, id.0).await?;
    let row = row.ok_or_else(|| ApiError::not_found("session", &id))?;
    Ok(Json(Session::new(row, state.as_of().await?.now)))
}
