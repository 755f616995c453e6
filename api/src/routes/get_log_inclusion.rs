//! `GET /v1/treasuries/{address}/log/inclusion`

use axum::{Json, extract::State};
use bursar_indexer::query::log;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::{
    AppState,
    error::{ApiError, GetFailure},
    extract::{LogNumber, Params, Path},
    model::log::InclusionProof,
    wire::{Addr, Hash},
};

/// Of what.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Question {
    /// The entry with this number; the last one unless told.
    #[param(inline)]
    entry: Option<LogNumber>,
    /// The first entry about the record with this hash, or the payment with this digest that waits for a human: that it
    /// came in.
    #[param(inline)]
    subject: Option<Hash>,
    /// In a log of so many entries; in all of it unless told.
    #[param(inline)]
    size: Option<LogNumber>,
}

/// A proof that an entry is in a treasury's log, below a root that may have been seen before.
#[utoipa::path(get, path = "/v1/treasuries/{address}/log/inclusion", tag = "Log",
    params(("address" = inline(Addr), Path, description = "The treasury."), Question),
    responses((status = 200, description = "It.", body = InclusionProof), GetFailure))]
pub async fn get_log_inclusion(
    State(state): State<AppState>,
    Path(address): Path<Addr>,
    Params(question): Params<Question>,
) -> Result<Json<InclusionProof>, ApiError> {
    let (db, treasury) = (&state.db, address.0);
    let size = log::size_or_all(db, treasury, question.size.map(|size| size.0)).await?;
    let leaf = match (question.entry, question.subject) {
        (Some(_), Some(_)) => {
            return Err(ApiError::invalid_parameter("entry", "either entry or subject", "both"));
        }
        (None, Some(subject)) => {
            let of = log::Filter { treasury, subject: Some(subject.0) };
            let leaf = log::list(db, of, None, 1).await?.pop();
            leaf.ok_or_else(|| ApiError::not_found("entry in that log about", subject))?
        }
        (entry, None) => {
            let number = entry.map_or(size.saturating_sub(1), |entry| entry.0);
            let leaf = log::get(db, treasury, number).await?;
            leaf.ok_or_else(|| ApiError::not_found("entry in that log with number", number))?
        }
    };
    let proof = log::inclusion(db, treasury, leaf.number, size).await?;
    let root = log::root(db, treasury, size).await?.into();
    let path = proof.path.into_iter().map(Hash).collect();
    Ok(Json(InclusionProof { entry: leaf.into(), size, root, path }))
}
