//! Who approved a payment.

use alloy::{
    primitives::{Address, B256},
    sol_types::SolStruct,
};
use bursar_sdk::payment::{Approval, Authorization, treasury_domain};

use crate::decode::PaymentCall;

/// The approver of a payment that needed one: recovered from an EOA's signature, named by a contract's.
///
/// The treasury has verified it before the payment settled; `None` only where no approval is carried.
pub(super) fn approver(
    chain_id: u64,
    treasury: Address,
    digest: B256,
    call: &PaymentCall,
) -> Option<Address> {
    let blob = &call.blob;
    match blob.approval.as_ref()? {
        Approval::Contract { approver, .. } => Some(*approver),
        Approval::Eoa(signature) => {
            let approval = authorization(call).approval(blob.decision_hash, digest);
            let hash = approval.eip712_signing_hash(&treasury_domain(chain_id, treasury));
            signature.recover_address_from_prehash(&hash).ok()
        }
    }
}

/// What the blob says was signed.
pub(super) fn authorization(call: &PaymentCall) -> Authorization {
    Authorization {
        purse: call.from,
        payee: call.blob.payee,
        amount: call.blob.amount,
        valid_after: call.blob.valid_after,
        valid_before: call.blob.valid_before,
        nonce: call.nonce,
    }
}
