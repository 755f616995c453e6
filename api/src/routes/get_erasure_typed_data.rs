//! `GET /v1/records/{hash}/erasure/typed-data`

use axum::{Json, extract::State};
use serde::Deserialize;
use utoipa::IntoParams;

use super::post_erasure::treasury_of;
use crate::{
    AppState,
    approval::erasure_typed_data,
    error::{ApiError, GetFailure},
    extract::{Params, Path},
    model::{approval::TypedData, erasure::Category},
    wire::Hash,
};

/// Why.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Reason {
    /// Why the record is to be erased; `subject_request` unless told.
    #[param(inline)]
    category: Option<Category>,
}

/// What a wallet is given to sign to have a record erased, as `eth_signTypedData_v4` and Safes take it (EIP-712).
#[utoipa::path(get, path = "/v1/records/{hash}/erasure/typed-data", tag = "Decisions",
    params(("hash" = inline(Hash), Path, description = "keccak-256 of the canonical record."), Reason),
    responses((status = 200, description = "It.", body = TypedData), GetFailure))]
pub async fn get_erasure_typed_data(
    State(state): State<AppState>,
    Path(hash): Path<Hash>,
    Params(reason): Params<Reason>,
) -> Result<Json<TypedData>, ApiError> {
    let treasury = treasury_of(&state, hash.0).await?;
    let treasury = treasury.ok_or_else(|| ApiError::not_found("record", &hash))?;
    let category = reason.category.unwrap_or(Category::SubjectRequest).into();
    Ok(Json(erasure_typed_data(treasury, state.config.chain_id, hash.0, category)))
}
