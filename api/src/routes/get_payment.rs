//! `GET /v1/payments/{purse}/{nonce}`

use axum::{Json, extract::State};
use bursar_indexer::query::payments;

use crate::{
    AppState,
    error::{ApiError, GetFailure},
    extract::{Params, Path},
    model::payment::Payment,
    past::{Then, Told},
    wire::{Addr, Hash},
};

/// One payment, with the decision it committed to.
#[utoipa::path(get, path = "/v1/payments/{purse}/{nonce}", tag = "Payments", params(("purse" = inline(Addr), Path, description = "The purse that paid."), ("nonce" = inline(Hash), Path, description = "Its commitment."), Then),
    responses((status = 200, description = "It.", body = Told<Payment>), GetFailure))]
pub async fn get_payment(
    State(state): State<AppState>,
    Path((purse, nonce)): Path<(Addr, Hash)>,
    Params(then): Params<Then>,
) -> Result<Json<Told<Payment>>, ApiError> {
    let as_of = state.as_of_at(then.at()?).await?;
    let row = payments::as_of(&state.db, purse.0, nonce.0, as_of.past()).await?;
    let row = row.ok_or_else(|| ApiError::not_found("payment", format!("{purse}/{nonce}")))?;
    Ok(Json(Told::new(Payment::new(row, as_of.settled()), &as_of)))
}
