//! `GET /v1/approval-requests/{digest}/typed-data`

use axum::{Json, extract::State};
use bursar_indexer::query::approvals;
use serde::Deserialize;
use utoipa::IntoParams;

use super::post_rejection::check_reason;
use crate::{
    AppState,
    approval::typed_data,
    error::{ApiError, GetFailure, Problem},
    extract::{Params, Path},
    model::approval::TypedData,
    wire::Hash,
};

/// Which answer.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Question {
    /// To reject for this reason, at most 1,000 characters; without it, to approve.
    rejecting: Option<String>,
}

/// What a wallet is given to sign in answer to a request, as `eth_signTypedData_v4` and Safes take it (EIP-712).
#[utoipa::path(get, path = "/v1/approval-requests/{digest}/typed-data", tag = "Approvals",
    params(("digest" = inline(Hash), Path, description = "The payment's digest."), Question),
    responses((status = 200, description = "It.", body = TypedData),
              (status = 422, description = "The reason cannot be signed: `code` tells.", body = Problem), GetFailure))]
pub async fn get_approval_typed_data(
    State(state): State<AppState>,
    Path(digest): Path<Hash>,
    Params(question): Params<Question>,
) -> Result<Json<TypedData>, ApiError> {
    if let Some(reason) = &question.rejecting {
        check_reason(reason)?;
    }
    let row = approvals::get(&state.db, digest.0).await?;
    let row = row.ok_or_else(|| ApiError::not_found("approval request", &digest))?;
    Ok(Json(typed_data(&row.request, state.config.chain_id, question.rejecting.as_deref())))
}
