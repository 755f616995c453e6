//! `POST /v1/approval-requests`

use alloy::primitives::Address;
use axum::{Json, extract::State, http::StatusCode};
use bursar_indexer::query::{
    approvals::{self, Kept, Request},
    assets,
};
use bursar_sdk::{
    approval::asked_by,
    payment::{Rail, Token},
};

use crate::{
    AppState,
    access::Caller,
    approval::payment_digest,
    error::{ApiError, PostFailure},
    extract::Body,
    model::approval::{ApprovalRequest, ApprovalSubmission},
    record::check_sealer,
};

/// Asks a human to approve one payment. Asking again changes nothing.
///
/// `digest` must be what the session key signs to pay the purse's token on that rail, and `seal` the agent's. An agent may
/// have so many requests open at a time, and a treasury's agents together: one more is answered 429, names the limit,
/// and may come again. What was taken before is never pushed out.
#[utoipa::path(post, path = "/v1/approval-requests", tag = "Approvals", request_body = ApprovalSubmission,
    responses((status = 201, description = "It waits for a human.", body = ApprovalRequest),
              (status = 200, description = "It was asked before.", body = ApprovalRequest), PostFailure))]
pub async fn post_approval_request(
    State(state): State<AppState>,
    caller: Caller,
    Body(submission): Body<ApprovalSubmission>,
) -> Result<(StatusCode, Json<ApprovalRequest>), ApiError> {
    let chain_id = state.config.chain_id;
    if submission.chain_id != chain_id {
        return Err(ApiError::unprocessable("chain_mismatch", "the request is of another chain")
            .mismatch(chain_id, submission.chain_id));
    }
    let mut request = Request::try_from(submission)?;
    caller.check_treasury(request.treasury)?;
    let now = state.as_of().await?.now;
    if request.valid_before <= now {
        return Err(ApiError::unprocessable("payment_expired", "the payment could no longer settle")
            .mismatch(format!("validBefore after {now}"), request.valid_before));
    }
    caller.check_agent(check(&state, &mut request).await?)?;
    let kept = approvals::store(&state.db, &request, state.config.room, now).await?;
    let status = match kept {
        Kept::New => StatusCode::CREATED,
        Kept::Existing => StatusCode::OK,
        Kept::Full { of_agent, limit, open, next } => return Err(full(of_agent, limit, open, next)),
    };
    let row = approvals::get(&state.db, request.digest).await?.ok_or_else(ApiError::internal)?;
    Ok((status, Json(ApprovalRequest::new(row, chain_id, now))))
}

/// A human's attention is bounded: so is what may wait for it.
fn full(of_agent: bool, limit: u32, open: u64, next: u64) -> ApiError {
    let (code, whose) = match of_agent {
        true => ("agent_requests_full", "the agent's"),
        false => ("treasury_requests_full", "the treasury's"),
    };
    let message =
        format!("as many of {whose} approval requests are open as may; ask again when one is answered");
    ApiError::new(StatusCode::TOO_MANY_REQUESTS, code, message).mismatch(
        format!("fewer than {limit} open requests"),
        format!("{open} open, the next of which runs out at {next} (unix seconds)"),
    )
}

/// What a human is shown must be what the session key signs, and asked by the agent itself: that one is given.
async fn check(state: &AppState, request: &mut Request) -> Result<Address, ApiError> {
    let Some(known) = assets::of_purse(&state.db, request.purse).await? else {
        let message = "the ledger knows no such purse, as far as it has followed the chain";
        return Err(ApiError::conflict("purse_unknown", message)
            .mismatch("a known purse", request.purse.to_checksum(None)));
    };
    if known.treasury != request.treasury {
        return Err(ApiError::unprocessable("treasury_mismatch", "the purse is another treasury's")
            .mismatch(known.treasury.to_checksum(None), request.treasury.to_checksum(None)));
    }
    let chain_id = state.config.chain_id;
    let token = Token { chain_id, address: known.asset, domain_separator: known.domain_separator };
    let expected = payment_digest(request, token);
    if expected != request.digest {
        return Err(ApiError::unprocessable("digest_mismatch", "the digest is not this payment's")
            .mismatch(expected, request.digest));
    }
    check_seal(request, chain_id, known.agent)?;
    Ok(known.agent)
}

/// Nobody else may take an agent's room, or a human's attention in its name.
fn check_seal(request: &mut Request, chain_id: u64, agent: Address) -> Result<(), ApiError> {
    let seal = request.seal.as_ref();
    let by = seal.and_then(|seal| asked_by(chain_id, request.treasury, request.digest, seal));
    check_sealer(by, agent, "the request is not sealed by the purse's agent")?;
    request.agent = Some(agent);
    Ok(())
}

impl TryFrom<ApprovalSubmission> for Request {
    type Error = ApiError;

    fn try_from(submission: ApprovalSubmission) -> Result<Self, ApiError> {
        let facilitator = submission.facilitator.map(|facilitator| facilitator.0);
        let rail = Rail::from_code(&submission.rail, facilitator).ok_or_else(|| {
            let got = match facilitator {
                Some(facilitator) => format!("{:?} with facilitator {facilitator}", submission.rail),
                None => format!("{:?} without a facilitator", submission.rail),
            };
            ApiError::unprocessable("rail_unknown", "the payment settles on no rail that purses pay on")
                .mismatch("eip3009, permit2_exact, or permit2_upto with its facilitator", got)
        })?;
        Ok(Self {
            digest: submission.digest.0,
            treasury: submission.treasury.0,
            purse: submission.purse.0,
            payee: submission.payee.0,
            amount: submission.amount.0,
            valid_after: submission.valid_after,
            valid_before: submission.valid_before,
            nonce: submission.nonce.0,
            rail,
            decision_hash: submission.decision_hash.0,
            agent: None,
            seal: Some(submission.seal.0),
        })
    }
}
