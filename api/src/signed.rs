//! Whether somebody has signed what they say they have: an EOA by its signature, a contract by being asked (EIP-1271).

use alloy::{
    primitives::{Address, B256, Bytes, Signature},
    rpc::types::BlockId,
};
use axum::http::StatusCode;
use bursar_sdk::eip1271;

use crate::{AppState, error::ApiError, model::approval::ApprovalKind};

/// Longest EIP-1271 signature taken: what fits a payment blob, 4,096 bytes less 139 and the approver's address.
const MAX_CONTRACT_SIGNATURE: usize = 4096 - 139 - 20;

/// Who says to have signed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Signed<'a> {
    pub(crate) by: Address,
    pub(crate) signature: &'a Bytes,
    pub(crate) kind: ApprovalKind,
}

/// How a refusal is told: its codes, and what it is about.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Words {
    /// The code of a signature that is not theirs.
    pub(crate) mismatch: &'static str,
    /// The code of a contract that is not there.
    pub(crate) no_contract: &'static str,
    /// What the signer is called.
    pub(crate) who: &'static str,
    /// What was to be signed.
    pub(crate) what: &'static str,
}

/// Checks that `digest` was signed.
///
/// # Errors
/// When an EOA's signature does not recover to it; when a contract's is too long, or the contract does not take it for
/// its own. Only a contract that may sign is to be handed in here: it is called.
pub(crate) async fn check(
    state: &AppState,
    digest: B256,
    signed: Signed<'_>,
    words: Words,
) -> Result<(), ApiError> {
    match signed.kind {
        ApprovalKind::Eoa => account(digest, signed, words),
        ApprovalKind::Contract => contract(state, digest, signed, words).await,
    }
}

fn account(digest: B256, signed: Signed<'_>, words: Words) -> Result<(), ApiError> {
    let got = recover(signed.signature, digest)?;
    if got == signed.by {
        return Ok(());
    }
    let message = format!("the signature is not the {}'s over {}", words.who, words.what);
    Err(ApiError::unprocessable(words.mismatch, message)
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

async fn contract(state: &AppState, digest: B256, signed: Signed<'_>, words: Words) -> Result<(), ApiError> {
    let got = signed.signature.len();
    if got > MAX_CONTRACT_SIGNATURE {
        let expected = format!("at most {MAX_CONTRACT_SIGNATURE} bytes");
        return Err(ApiError::unprocessable("signature_too_long", "the signature is too long to be kept")
            .mismatch(expected, got));
    }
    let (who, what) = (words.who, words.what);
    let unavailable =
        |message: String| ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "node_unavailable", message);
    let node = state.node().ok_or_else(|| {
        unavailable(format!("this service has no node to ask the {who}'s contract; ask its operator"))
    })?;
    match eip1271::confirms(node, signed.by, digest, signed.signature.clone(), BlockId::latest()).await {
        Ok(Some(true)) => Ok(()),
        Ok(Some(false)) => Err(ApiError::unprocessable(
            words.mismatch,
            format!("the {who}'s contract does not take the signature for its own over {what}"),
        )),
        Ok(None) => {
            Err(ApiError::unprocessable(words.no_contract, format!("there is no contract at the {who}"))
                .mismatch("a contract", signed.by.to_checksum(None)))
        }
        Err(error) => {
            tracing::warn!(%error, "the node cannot be asked for a contract's signature");
            Err(unavailable(format!("the node that knows the {who}'s contract does not answer; try again")))
        }
    }
}
