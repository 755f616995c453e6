//! `GET /v1/payments/{purse}/{nonce}/evidence`

use axum::{Json, extract::State};

use crate::{
    AppState,
    error::{ApiError, GetFailure},
    extract::{Nothing, Params, Path},
    model::evidence::Evidence,
    verify,
    wire::{Addr, Hash},
};

/// What a payment rests on: what the ledger says, the records as they are kept, and where the chain has the same. For
/// whoever checks it through a node of their own, as its page does.
#[utoipa::path(get, path = "/v1/payments/{purse}/{nonce}/evidence", tag = "Payments", params(("purse" = inline(Addr), Path, description = "The purse that paid."), ("nonce" = inline(Hash), Path, description = "Its commitment.")),
    responses((status = 200, description = "It.", body = Evidence), GetFailure))]
pub async fn get_payment_evidence(
    State(state): State<AppState>,
    Path(payment): Path<(Addr, Hash)>,
    Params(Nothing {}): Params<Nothing>,
) -> Result<Json<Evidence>, ApiError> {
    Ok(Json(verify::evidence(&state, payment).await?))
}
