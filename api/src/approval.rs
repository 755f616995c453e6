//! What an approval request says, checked: pure, what the ledger knows comes in.

use alloy::{
    primitives::{Address, B256, Signature, keccak256},
    sol_types::SolStruct,
};
use bursar_indexer::query::approvals::{Answer, Request};
use bursar_sdk::payment::{Authorization, treasury_domain};

use crate::{
    error::ApiError,
    model::approval::{ApprovalAnswer, ApprovalKind},
};

/// Longest EIP-1271 signature that fits a payment blob: 4,096 bytes less 139 and the approver's address.
const MAX_CONTRACT_SIGNATURE: usize = 4096 - 139 - 20;

fn authorization(request: &Request) -> Authorization {
    Authorization {
        purse: request.purse,
        payee: request.payee,
        amount: request.amount,
        valid_after: request.valid_after,
        valid_before: request.valid_before,
        nonce: request.nonce,
    }
}

/// The EIP-3009 digest of the payment under its token's domain separator.
pub fn payment_digest(request: &Request, domain_separator: B256) -> B256 {
    let payment = authorization(request);
    let hash = bursar_sdk::abi::TransferWithAuthorization {
        from: payment.purse,
        to: payment.payee,
        value: payment.amount.to_u256(),
        validAfter: alloy::primitives::U256::from(payment.valid_after),
        validBefore: alloy::primitives::U256::from(payment.valid_before),
        nonce: payment.nonce,
    }
    .eip712_hash_struct();
    let mut preimage = Vec::with_capacity(66);
    preimage.extend_from_slice(&[0x19, 0x01]);
    preimage.extend_from_slice(domain_separator.as_slice());
    preimage.extend_from_slice(hash.as_slice());
    keccak256(preimage)
}

/// What an approver signs.
pub fn approval_digest(request: &Request, chain_id: u64) -> B256 {
    authorization(request)
        .approval(request.decision_hash, request.digest)
        .eip712_signing_hash(&treasury_domain(chain_id, request.treasury))
}

/// An approver's answer, held against the request. Whether the approver may approve is the chain's to say.
///
/// # Errors
/// When an EOA's signature does not recover to it, or a contract's is too long to travel.
pub fn checked(request: &Request, chain_id: u64, answer: ApprovalAnswer) -> Result<Answer, ApiError> {
    let (approver, signature) = (answer.approver.0, answer.signature.0);
    match answer.kind {
        ApprovalKind::Contract => {
            let got = signature.len();
            if got > MAX_CONTRACT_SIGNATURE {
                let expected = format!("at most {MAX_CONTRACT_SIGNATURE} bytes");
                let message = "the signature is too long to travel in a payment";
                return Err(ApiError::unprocessable("signature_too_long", message).mismatch(expected, got));
            }
            Ok(Answer::Approved { approver, signature, contract: true })
        }
        ApprovalKind::Eoa => {
            let got = recover(&signature, approval_digest(request, chain_id))?;
            if got != approver {
                let message = "the signature is not the approver's over this payment";
                return Err(ApiError::unprocessable("approver_mismatch", message)
                    .mismatch(approver.to_checksum(None), got.to_checksum(None)));
            }
            Ok(Answer::Approved { approver, signature, contract: false })
        }
    }
}

fn recover(signature: &[u8], digest: B256) -> Result<Address, ApiError> {
    let refused = || {
        ApiError::unprocessable("signature_malformed", "the signature is no EOA's")
            .mismatch("65 bytes r, s, v", format!("{} bytes", signature.len()))
    };
    let parsed = Signature::from_raw(signature).map_err(|_| refused())?;
    parsed.recover_address_from_prehash(&digest).map_err(|_| refused())
}
