//! `POST /v1/transactions`

use axum::{Json, extract::State};

use crate::{
    AppState,
    access::Caller,
    error::{ApiError, PostFailure},
    extract::Body,
    model::transaction::{PreparedTransaction, TransactionRequest},
    prepare,
};

/// Prepares a transaction for somebody's own wallet: what it will do, before and after, and the call data.
///
/// Nothing is signed, sent or kept: this service holds no key. What the ledger knows to be refused is refused here, with
/// both sides; a stop is prepared all the same where the ledger has it already, since the ledger may be behind. Where the
/// service has a node, the node says whether it would pass now.
#[utoipa::path(post, path = "/v1/transactions", tag = "Transactions", request_body = TransactionRequest,
    responses((status = 200, description = "It.", body = PreparedTransaction), PostFailure))]
pub async fn post_transaction(
    State(state): State<AppState>,
    caller: Caller,
    Body(request): Body<TransactionRequest>,
) -> Result<Json<PreparedTransaction>, ApiError> {
    caller.check_treasury(request.treasury.0)?;
    prepare::prepare(&state, request).await.map(Json)
}
