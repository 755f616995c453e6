//! A human's approval, shown with the payment it is for.

use alloy::{
    primitives::{Address, B256, U256},
    sol_types::SolStruct as _,
};

use super::{
    curve::Curve,
    refusal::{StampRefusal, StampRefused},
    shown::PaymentShown,
    signature::{StampSignature, ask},
    state::StampState,
};
use crate::{abi, amount::Amount, payment::treasury_domain};

/// An approval as it was given: what the approver signed, and who that is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApprovalShown {
    /// The purse it allows to pay.
    pub purse: Address,
    /// Whom.
    pub payee: Address,
    /// How much, in atomic units.
    pub amount: Amount,
    /// Until when, unix seconds (exclusive).
    pub valid_before: u64,
    /// The decision it is bound to.
    pub decision_hash: B256,
    /// The payment's digest it is bound to.
    pub digest: B256,
    /// Who approved.
    pub approver: Address,
    /// Their signature, under the treasury's domain.
    pub signature: StampSignature,
}

impl ApprovalShown {
    /// The EIP-712 digest that the approver signed.
    pub fn approval_digest(&self, chain_id: u64, treasury: Address) -> B256 {
        abi::PaymentApproval {
            purse: self.purse,
            payee: self.payee,
            amount: self.amount.to_u256(),
            validBefore: U256::from(self.valid_before),
            decisionHash: self.decision_hash,
            digest: self.digest,
        }
        .eip712_signing_hash(&treasury_domain(chain_id, treasury))
    }

    pub(crate) fn check<C: Curve>(
        &self,
        payment: &PaymentShown,
        state: &StampState,
        now: u64,
    ) -> Result<(), StampRefused> {
        if (self.purse, self.payee, self.amount) != (payment.purse, payment.payee, payment.amount) {
            return Err(StampRefused::new(
                StampRefusal::ApprovalOfOtherPayment,
                format_args!("{} from {} to {}", payment.amount, payment.purse, payment.payee),
                format_args!("{} from {} to {}", self.amount, self.purse, self.payee),
            ));
        }
        if (self.digest, self.decision_hash, self.valid_before)
            != (payment.digest, payment.decision_hash, payment.valid_before)
        {
            let expected = format_args!("an approval of payment {}", payment.digest);
            return Err(StampRefused::new(StampRefusal::ApprovalReplayed, expected, self.digest));
        }
        if now >= self.valid_before {
            let expected = format_args!("a time before {}", self.valid_before);
            return Err(StampRefused::new(StampRefusal::ApprovalExpired, expected, now));
        }
        if !state.approvers.contains(&self.approver) {
            return Err(StampRefused::new(StampRefusal::ApproverUnknown, "an approver", self.approver));
        }
        let digest = self.approval_digest(state.chain_id, state.treasury);
        let forged = StampRefusal::ApprovalForged;
        match self.signature.check::<C>(self.approver, &digest, forged)? {
            Some(question) => ask(&question, state, forged),
            None => Ok(()),
        }
    }
}
