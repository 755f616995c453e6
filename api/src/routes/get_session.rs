//! `GET /v1/sessions/{id}`

use axum::{Json, extract::State};
use bursar_indexer::query::{past, sessions};

use crate::{
    AppState,
    error::{ApiError, GetFailure},
    extract::{Params, Path},
    model::session::Session,
    past::{Then, Told},
    wire::Hash,
};

/// One session.
#[utoipa::path(get, path = "/v1/sessions/{id}", tag = "Sessions", params(("id" = inline(Hash), Path, description = "Purse and sequence number in one."), Then),
    responses((status = 200, description = "It.", body = Told<Session>), GetFailure))]
pub async fn get_session(
    State(state): State<AppState>,
    Path(id): Path<Hash>,
    Params(then): Params<Then>,
) -> Result<Json<Told<Session>>, ApiError> {
    let as_of = state.as_of_at(then.at()?).await?;
    let row = match as_of.past() {
        None => sessions::get(&state.db, id.0).await?,
        Some(then) => past::session(&state.db, id.0, then).await?,
    };
    let row = row.ok_or_else(|| ApiError::not_found("session", &id))?;
    Ok(Json(Told::new(Session::new(row, as_of.now), &as_of)))
}
