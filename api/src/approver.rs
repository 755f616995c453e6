//! Whether an answer to a request is by somebody who may give it: the treasury's roles first, then the signature.

use alloy::primitives::{Address, B256};
use bursar_indexer::query::{
    approvals::Request,
    approvers::{self, Unfit},
};

use crate::{
    AppState,
    error::ApiError,
    signed::{self, Signed, Words},
};

const WORDS: Words = Words {
    mismatch: "approver_mismatch",
    no_contract: "approver_no_contract",
    who: "approver",
    what: "this payment",
};

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
    signed::check(state, digest, signed, WORDS).await
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
