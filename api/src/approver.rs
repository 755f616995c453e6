//! Whether an answer to a request is by somebody who may give it: the treasury's roles first, then the signature.

use alloy::{
    primitives::{Address, B256, Bytes, Signature},
    rpc::types::BlockId,
};
use axum::http::StatusCode;
use bursar_indexer::query::{
    approvals::Request,
    approvers::{self, Unfit},
};
use bursar_sdk::eip1271;

use crate::{AppState, error::ApiError, model::approval::ApprovalKind};

/// Longest EIP-1271 signature that fits a payment blob: 4,096 bytes less 139 and the approver's address.
const MAX_CONTRACT_SIGNATURE: usize = 4096 - 139 - 20;

/// Who says to have signed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Signed<'a> {
    pub(crate) by: Address,
    pub(crate) signature: &'a Bytes,
    pub(crate) kind: ApprovalKind,
}

/// Checks an answer to a request, whose `digest` was to be signed.
///
/// # Errors
/// When who signed may not approve, as far as the ledger has followed the chain; when an EOA's signature does not
/// recover to it; when a contract's is too long to travel, or the contract does not take it for its own.
pub(crate) async fn check(
    state: &AppState,
    request: &Request,
    digest: B256,
    signed: Signed<'_>,
) -> Result<(), ApiError> {
    // Asked before it is called: only an approver's own contract is ever asked.
    may_answer(state, request, signed.by).await?;
    match signed.kind {
        ApprovalKind::Eoa => check_account(digest, signed),
        ApprovalKind::Contract => check_contract(state, digest, signed).await,
    }
}

async fn may_answer(state: &AppState, request: &Request, by: Address) -> Result<(), ApiError> {
    let unfit = match approvers::unfit(&state.db, request, by).await? {
        None => return Ok(()),
        Some(Unfit::NoRole) => "does not hold the approver role",
        Some(Unfit::Agent) => "is an agent's identity",
        Some(Unfit::SessionKey) => "is the key of the session that would pay",
        Some(Unfit::PolicyAuthor) => "has set a policy, and the treasury keeps these duties apart",
    };
    let message =
        format!("this account may not approve: it {unfit}, as far as the ledger has followed the chain");
    Err(ApiError::conflict("approver_unfit", message)
        .mismatch("an approver of the treasury", by.to_checksum(None)))
}

fn check_account(digest: B256, signed: Signed<'_>) -> Result<(), ApiError> {
    let got = recover(signed.signature, digest)?;
    if got == signed.by {
        return Ok(());
    }
    let message = "the signature is not the approver's over this payment";
    Err(ApiError::unprocessable("approver_mismatch", message)
        .mismatch(signed.by.to_checksum(None), got.to_checksum(None)))
}

fn recover(signature: &[u8], digest: B256) -> Result<Address, ApiError> {
    let refused = || {
        ApiError::unprocessable("signature_malformed", "the signature is no EOA's")
            .mismatch("65 bytes r, s, v", format!("{} bytes", signature.len()))
    };
    let parsed = Signature::from_raw(signature).map_err(|_| refused())?;
    parsed.recover_address_from_prehash(&digest).map_err(|_| refused())
}

async fn check_contract(state: &AppState, digest: B256, signed: Signed<'_>) -> Result<(), ApiError> {
    let got = signed.signature.len();
    if got > MAX_CONTRACT_SIGNATURE {
        let expected = format!("at most {MAX_CONTRACT_SIGNATURE} bytes");
        let message = "the signature is too long to travel in a payment";
        return Err(ApiError::unprocessable("signature_too_long", message).mismatch(expected, got));
    }
    let unavailable = |message| ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "node_unavailable", message);
    let node = state.node().ok_or_else(|| {
        unavailable("this service has no node to ask the approver's contract; ask its operator")
    })?;
    match eip1271::confirms(node, signed.by, digest, signed.signature.clone(), BlockId::latest()).await {
        Ok(Some(true)) => Ok(()),
        Ok(Some(false)) => Err(ApiError::unprocessable(
            "approver_mismatch",
            "the approver's contract does not take the signature for its own over this payment",
        )),
        Ok(None) => {
            Err(ApiError::unprocessable("approver_no_contract", "there is no contract at the approver")
                .mismatch("a contract", signed.by.to_checksum(None)))
        }
        Err(error) => {
            tracing::warn!(%error, "the node cannot be asked for a contract's signature");
            Err(unavailable("the node that knows the approver's contract does not answer; try again"))
        }
    }
}
