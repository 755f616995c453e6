//! `GET /v1/payments/{purse}/{nonce}`

use axum::{Json, extract::State};
use bursar_indexer::query::payments;

use crate::{
    AppState,
    error::{ApiError, GetFailure},
    extract::Path,
    model::payment::Payment,
    wire::{Addr, Hash},
};

/// One payment, with the decision it committed to.
#[utoipa::path(get, path = "/v1/payments/{purse}/{nonce}", tag = "Payments", params(("purse" = inline(Addr), Path, description = "The purse that paid."), ("nonce" = inline(Hash), Path, description = "Its commitment.")),
    responses((status = 200, description = "It.", body = Payment), GetFailure))]
pub async fn get_payment(
    State(state): State<AppState>,
    Path((purse, nonce)): Path<(Addr, Hash)>,
) -> Result<Json<Payment>, ApiError> {
    let row = payments::get(&state.db, purse.0, nonce.0).await?;
    let row = row.ok_or_else(|| ApiError::not_found("payment", format!("{purse}/{nonce}")))?;
    let settled = state.as_of().await?.settled();
    Ok(Json(Payment::new(row, settled)))
}
