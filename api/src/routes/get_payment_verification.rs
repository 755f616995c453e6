//! `GET /v1/payments/{purse}/{nonce}/verification`

use axum::{Json, extract::State};

use crate::{
    AppState,
    error::{ApiError, GetFailure},
    extract::{Nothing, Params, Path},
    model::verification::Verification,
    verify::{self, Facts},
    wire::{Addr, Hash},
};

/// A payment held against the chain, link by link, by this service's own node. What could not be checked says why, and
/// is no yes. Who does not trust this service checks the evidence through a node of their own.
#[utoipa::path(get, path = "/v1/payments/{purse}/{nonce}/verification", tag = "Payments", params(("purse" = inline(Addr), Path, description = "The purse that paid."), ("nonce" = inline(Hash), Path, description = "Its commitment.")),
    responses((status = 200, description = "How it came out.", body = Verification), GetFailure))]
pub async fn get_payment_verification(
    State(state): State<AppState>,
    Path((purse, nonce)): Path<(Addr, Hash)>,
    Params(Nothing {}): Params<Nothing>,
) -> Result<Json<Verification>, ApiError> {
    let evidence = verify::evidence(&state, (purse.clone(), nonce.clone())).await?;
    let facts = match state.node() {
        Some(node) => Facts::ask(node, &evidence).await,
        None => Facts::none("this service has no node"),
    };
    Ok(Json(Verification { purse, nonce, checks: verify::checks(&evidence, &facts) }))
}
