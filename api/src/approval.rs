//! What an approval request says, and what is signed in answer to it. Pure.

use alloy::{
    primitives::{Address, B256},
    sol_types::SolStruct,
};
use bursar_indexer::query::approvals::Request;
use bursar_sdk::{
    erasure::ErasureCategory,
    payment::{Authorization, Token, treasury_domain},
};
use serde_json::{Value, json};

use crate::model::approval::TypedData;

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

/// What the session key signs to pay it.
pub fn payment_digest(request: &Request, token: Token) -> B256 {
    authorization(request).digest(request.rail, token)
}

/// What an approver signs to approve.
pub fn approval_digest(request: &Request, chain_id: u64) -> B256 {
    authorization(request)
        .approval(request.decision_hash, request.digest)
        .eip712_signing_hash(&treasury_domain(chain_id, request.treasury))
}

/// What an approver signs to reject for a reason.
pub fn rejection_digest(request: &Request, chain_id: u64, reason: &str) -> B256 {
    authorization(request)
        .rejection(request.digest, reason)
        .eip712_signing_hash(&treasury_domain(chain_id, request.treasury))
}

/// What a wallet is given to sign (`eth_signTypedData_v4`): to approve, or to reject for a reason.
pub fn typed_data(request: &Request, chain_id: u64, rejecting: Option<&str>) -> TypedData {
    let payment = [("purse", "address"), ("payee", "address"), ("amount", "uint256")];
    let (primary_type, fields, own) = match rejecting {
        None => (
            "PaymentApproval",
            [("validBefore", "uint256"), ("decisionHash", "bytes32"), ("digest", "bytes32")].as_slice(),
            json!({ "validBefore": request.valid_before.to_string(), "decisionHash": request.decision_hash }),
        ),
        Some(reason) => (
            "PaymentRejection",
            [("digest", "bytes32"), ("reason", "string")].as_slice(),
            json!({ "reason": reason }),
        ),
    };
    let mut message = json!({
        "purse": request.purse.to_checksum(None), "payee": request.payee.to_checksum(None),
        "amount": request.amount.to_string(), "digest": request.digest,
    });
    if let (Some(message), Value::Object(own)) = (message.as_object_mut(), own) {
        message.extend(own);
    }
    let fields = [payment.as_slice(), fields].concat();
    typed(request.treasury, chain_id, primary_type, &fields, message)
}

/// What a wallet is given to sign to have a record erased.
pub fn erasure_typed_data(
    treasury: Address,
    chain_id: u64,
    record: B256,
    category: ErasureCategory,
) -> TypedData {
    let fields = [("recordHash", "bytes32"), ("category", "string")];
    let message = json!({ "recordHash": record, "category": category.code() });
    typed(treasury, chain_id, "RecordErasure", &fields, message)
}

fn typed(
    treasury: Address,
    chain_id: u64,
    primary_type: &'static str,
    fields: &[(&str, &str)],
    message: Value,
) -> TypedData {
    let domain =
        [("name", "string"), ("version", "string"), ("chainId", "uint256"), ("verifyingContract", "address")];
    let members = |fields: &[(&str, &str)]| -> Value {
        fields.iter().map(|(name, kind)| json!({ "name": name, "type": kind })).collect()
    };
    TypedData {
        types: json!({
            "EIP712Domain": members(&domain),
            (primary_type): members(fields),
        }),
        primary_type,
        domain: json!({
            "name": "Bursar Treasury", "version": "1", "chainId": chain_id,
            "verifyingContract": treasury.to_checksum(None),
        }),
        message,
    }
}

#[cfg(test)]
mod tests {
    use alloy::dyn_abi;
    use bursar_sdk::{amount::Amount, erasure::erasure_digest, payment::Rail};

    use super::*;

    fn request() -> Request {
        Request {
            digest: B256::repeat_byte(1),
            treasury: Address::repeat_byte(2),
            purse: Address::repeat_byte(3),
            payee: Address::repeat_byte(4),
            amount: Amount::new(u64::MAX),
            valid_after: 5,
            valid_before: 6,
            nonce: B256::repeat_byte(7),
            rail: Rail::Eip3009,
            decision_hash: B256::repeat_byte(8),
            agent: None,
            seal: None,
        }
    }

    /// As a wallet hashes what it is given.
    fn as_a_wallet(typed: &TypedData) -> anyhow::Result<B256> {
        let typed: dyn_abi::TypedData = serde_json::from_value(serde_json::to_value(typed)?)?;
        Ok(typed.eip712_signing_hash()?)
    }

    #[test]
    fn a_wallet_signs_what_the_treasury_will_recompute() -> anyhow::Result<()> {
        assert_eq!(as_a_wallet(&typed_data(&request(), 84_532, None))?, approval_digest(&request(), 84_532));
        let reason = "no: \"quotes\", new\nlines and ünïcode \u{202e}";
        let rejecting = typed_data(&request(), 84_532, Some(reason));
        assert_eq!(as_a_wallet(&rejecting)?, rejection_digest(&request(), 84_532, reason));
        let (treasury, record) = (Address::repeat_byte(2), B256::repeat_byte(9));
        for category in ErasureCategory::ALL {
            let erasing = erasure_typed_data(treasury, 84_532, record, category);
            assert_eq!(as_a_wallet(&erasing)?, erasure_digest(84_532, treasury, record, category));
        }
        Ok(())
    }

    #[test]
    fn no_two_answers_share_a_digest() {
        let asked = request();
        let mut other = request();
        other.amount = Amount::new(1);
        let digests = [
            approval_digest(&asked, 1),
            approval_digest(&asked, 2),
            approval_digest(&other, 1),
            rejection_digest(&asked, 1, ""),
            rejection_digest(&asked, 1, "a"),
            rejection_digest(&asked, 2, "a"),
            rejection_digest(&other, 1, "a"),
        ];
        let different: std::collections::BTreeSet<B256> = digests.into_iter().collect();
        assert_eq!(different.len(), digests.len());
    }
}
