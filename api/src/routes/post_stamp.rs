//! `POST /v1/stamps`

use axum::{Json, extract::State, http::StatusCode};
use bursar_indexer::query::stamps::{self, Chain};
use bursar_sdk::stamp::{Linked, StampBundle, StampRefused};

use crate::{
    AppState,
    access::Caller,
    error::{ApiError, PostFailure},
    extract::Body,
    model::{record::Receipt, stamp::StampSubmission},
    record::check_chain,
};

/// Hands in the stamp that sessions are opened under, with those that it is delegated from. Handing it in again changes nothing.
///
/// Each link has to be delegated from the one before, no wider than it and signed by its issuer, and the last to be what a
/// session of its subject was opened under, as far as the ledger has followed the chain: before that it may come again. Whether
/// its issuer might issue, whether it was revoked or is over is told of a payment, as of that payment.
#[utoipa::path(post, path = "/v1/stamps", tag = "Stamps", request_body = StampSubmission,
    responses((status = 201, description = "Stored.", body = Receipt),
              (status = 200, description = "It was here before.", body = Receipt), PostFailure))]
pub async fn post_stamp(
    State(state): State<AppState>,
    caller: Caller,
    Body(submission): Body<StampSubmission>,
) -> Result<(StatusCode, Json<Receipt>), ApiError> {
    let malformed = |error: bursar_sdk::stamp::Malformed| {
        ApiError::unprocessable("stamp_malformed", "the stamp does not read")
            .mismatch(error.expected, "something else")
    };
    // Where it is shown is of one session, and of nobody's interest after it.
    let bundle =
        StampBundle { session: None, ..StampBundle::from_text(&submission.stamp).map_err(malformed)? };
    let bytes = bundle.encode().map_err(malformed)?;
    let Linked { bundle, .. } = Linked::read(&bytes).map_err(refused)?;
    check_chain(state.config.chain_id, bundle.domain.chain_id)?;
    let subject = bundle.leaf().map(|link| link.stamp.subject).unwrap_or_default();
    caller.check_treasury(bundle.domain.treasury)?;
    caller.check_agent(subject)?;
    let chain = Chain {
        hash: bundle.hash(),
        treasury: bundle.domain.treasury,
        subject,
        bundle: bytes.into(),
        received_at: state.now(),
    };
    let kept = stamps::keep(&state.db, &chain).await?.ok_or_else(|| {
        let message =
            "no session of its subject was opened under it, as far as the ledger has followed the chain";
        ApiError::conflict("stamp_unknown", message).mismatch("a stamp that a session names", chain.hash)
    })?;
    tracing::info!(hash = %chain.hash, ?kept, "stamp");
    Ok(Receipt::of(chain.hash, kept))
}

fn refused(refused: StampRefused) -> ApiError {
    let message = format!("the stamp does not hold together: {}", refused.reason.help());
    ApiError::unprocessable("stamp_refused", message).mismatch(&refused.expected, &refused.got)
}
