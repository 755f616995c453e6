//! `POST /v1/policy-documents`

use alloy::primitives::keccak256;
use axum::{Json, extract::State, http::StatusCode};
use bursar_indexer::query::policy_documents;
use bursar_sdk::policy::PolicyDocument;
use serde_json::Value;

use crate::{
    AppState,
    access::Caller,
    error::{ApiError, PostFailure},
    extract::Body,
    model::record::Receipt,
};

/// Hands in the document of a policy, as `bursar policy example` prints one. Handing it in again changes nothing.
///
/// No signature is asked for: it is kept only where a policy on the chain has the hash of its canonical form (RFC 8785), and is then
/// that policy's document and no other. Any layout of the JSON will do.
#[utoipa::path(post, path = "/v1/policy-documents", tag = "Policies", request_body(content = Object, description = "The policy document."),
    responses((status = 201, description = "Stored.", body = Receipt),
              (status = 200, description = "It was here before.", body = Receipt), PostFailure))]
pub async fn post_policy_document(
    State(state): State<AppState>,
    caller: Caller,
    Body(text): Body<Value>,
) -> Result<(StatusCode, Json<Receipt>), ApiError> {
    let invalid = |error| ApiError::unprocessable("policy_document_invalid", format!("{error}"));
    let document = PolicyDocument::from_json(&text.to_string()).map_err(invalid)?;
    let canonical = document.canonical().map_err(invalid)?;
    let hash = keccak256(&canonical);
    let of = caller.treasury();
    let kept = policy_documents::store(&state.db, hash, &canonical, of, state.now()).await?;
    let kept = kept.ok_or_else(|| {
        let message = "no policy has that document, as far as the ledger has followed the chain";
        ApiError::conflict("policy_unknown", message).mismatch("a policy's hash", hash)
    })?;
    Ok(Receipt::of(hash, kept))
}
