//! `POST /v1/approval-requests`

use axum::{Json, extract::State, http::StatusCode};
use bursar_indexer::query::{
    approvals::{self, Request},
    assets,
};

use crate::{
    AppState,
    approval::payment_digest,
    error::{ApiError, PostFailure},
    extract::Body,
    model::approval::{ApprovalRequest, ApprovalSubmission},
};

/// Asks a human to approve one payment. Asking again changes nothing.
///
/// `digest` must be the EIP-3009 digest of the payment under the purse's token.
#[utoipa::path(post, path = "/v1/approval-requests", tag = "Approvals", request_body = ApprovalSubmission,
    responses((status = 201, description = "It waits for a human.", body = ApprovalRequest),
              (status = 200, description = "It was asked before.", body = ApprovalRequest), PostFailure))]
pub async fn post_approval_request(
    State(state): State<AppState>,
    Body(submission): Body<ApprovalSubmission>,
) -> Result<(StatusCode, Json<ApprovalRequest>), ApiError> {
    let chain_id = state.config.chain_id;
    if submission.chain_id != chain_id {
        return Err(ApiError::unprocessable("chain_mismatch", "the request is of another chain")
            .mismatch(chain_id, submission.chain_id));
    }
    let request = Request::from(submission);
    let now = state.as_of().await?.now;
    if request.valid_before <= now {
        return Err(ApiError::unprocessable("payment_expired", "the payment could no longer settle")
            .mismatch(format!("validBefore after {now}"), request.valid_before));
    }
    check_digest(&state, &request).await?;
    let new = approvals::store(&state.db, &request, state.now()).await?;
    let row = approvals::get(&state.db, request.digest).await?.ok_or_else(ApiError::internal)?;
    let status = if new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(ApprovalRequest::new(row, chain_id, now))))
}

/// What a human is shown must be what the session key signs.
async fn check_digest(state: &AppState, request: &Request) -> Result<(), ApiError> {
    let Some(known) = assets::of_purse(&state.db, request.purse).await? else {
        let message = "the ledger knows no such purse, as far as it has followed the chain";
        return Err(ApiError::conflict("purse_unknown", message)
            .mismatch("a known purse", request.purse.to_checksum(None)));
    };
    if known.treasury != request.treasury {
        return Err(ApiError::unprocessable("treasury_mismatch", "the purse is another treasury's")
            .mismatch(known.treasury.to_checksum(None), request.treasury.to_checksum(None)));
    }
    let expected = payment_digest(request, known.domain_separator);
    if expected != request.digest {
        return Err(ApiError::unprocessable("digest_mismatch", "the digest is not this payment's")
            .mismatch(expected, request.digest));
    }
    Ok(())
}

impl From<ApprovalSubmission> for Request {
    fn from(submission: ApprovalSubmission) -> Self {
        Self {
            digest: submission.digest.0,
            treasury: submission.treasury.0,
            purse: submission.purse.0,
            payee: submission.payee.0,
            amount: submission.amount.0,
            valid_after: submission.valid_after,
            valid_before: submission.valid_before,
            nonce: submission.nonce.0,
            decision_hash: submission.decision_hash.0,
        }
    }
}
