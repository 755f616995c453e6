//! Who approved a payment.

use alloy::{
    primitives::{Address, B256, keccak256},
    sol_types::SolStruct,
};
use bursar_sdk::{
    abi::TransferWithAuthorization,
    payment::{Approval, Authorization, treasury_domain},
};

use crate::decode::PaymentCall;

/// The approver of a payment that needed one: recovered from an EOA's signature, named by a contract's.
///
/// The treasury has verified it before the payment settled; `None` only where no approval is carried.
pub(super) fn approver(
    chain_id: u64,
    treasury: Address,
    domain_separator: B256,
    call: &PaymentCall,
) -> Option<Address> {
    let blob = &call.blob;
    match blob.approval.as_ref()? {
        Approval::Contract { approver, .. } => Some(*approver),
        Approval::Eoa(signature) => {
            let authorization = Authorization {
                purse: call.from,
                payee: blob.payee,
                amount: blob.amount,
                valid_after: blob.valid_after,
                valid_before: blob.valid_before,
                nonce: call.nonce,
            };
            let digest = digest(domain_separator, call);
            let approval = authorization.approval(blob.decision_hash, digest);
            let hash = approval.eip712_signing_hash(&treasury_domain(chain_id, treasury));
            signature.recover_address_from_prehash(&hash).ok()
        }
    }
}

/// The token's digest, under the domain separator that the treasury has on record for it.
fn digest(domain_separator: B256, call: &PaymentCall) -> B256 {
    let hash = TransferWithAuthorization {
        from: call.from,
        to: call.to,
        value: call.value,
        validAfter: call.valid_after,
        validBefore: call.valid_before,
        nonce: call.nonce,
    }
    .eip712_hash_struct();
    keccak256([&[0x19, 0x01], domain_separator.as_slice(), hash.as_slice()].concat())
}
