//! A payment that waits for a human, as the API tells it, and the approval that a wallet signs.

use alloy::{
    primitives::{Address, B256},
    signers::{Signer as _, local::PrivateKeySigner},
    sol_types::SolStruct,
};
use anyhow::{Context as _, Result};
use bursar_sdk::{
    Amount,
    payment::{Authorization, Rail, treasury_domain},
};
use serde::Deserialize;

use crate::commands::signed::Signed;

/// A request of `v1/approval-requests`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ApprovalRequest {
    pub(crate) digest: B256,
    pub(crate) treasury: Address,
    pub(crate) chain_id: u64,
    pub(crate) purse: Address,
    pub(crate) payee: Address,
    pub(crate) amount: Amount,
    pub(crate) valid_after: u64,
    pub(crate) valid_before: u64,
    pub(crate) nonce: B256,
    pub(crate) rail: String,
    pub(crate) facilitator: Option<Address>,
    pub(crate) decision_hash: B256,
    pub(crate) state: String,
}

impl ApprovalRequest {
    /// The payment that it asks to approve.
    pub(crate) fn authorization(&self) -> Authorization {
        Authorization {
            purse: self.purse,
            payee: self.payee,
            amount: self.amount,
            valid_after: self.valid_after,
            valid_before: self.valid_before,
            nonce: self.nonce,
        }
    }

    /// How it is to settle.
    pub(crate) fn rail(&self) -> Result<Rail> {
        Rail::from_code(&self.rail, self.facilitator)
            .with_context(|| format!("expected a rail that purses pay on, got {:?}", self.rail))
    }

    /// Signs the approval (EIP-712 `PaymentApproval`).
    pub(crate) async fn approved_by(&self, approver: &PrivateKeySigner) -> Result<Signed> {
        self.sign(approver, &self.authorization().approval(self.decision_hash, self.digest)).await
    }

    /// Signs the rejection (EIP-712 `PaymentRejection`).
    pub(crate) async fn rejected_by(&self, approver: &PrivateKeySigner, reason: &str) -> Result<Signed> {
        self.sign(approver, &self.authorization().rejection(self.digest, reason)).await
    }

    async fn sign(
        &self,
        approver: &PrivateKeySigner,
        typed: &(impl SolStruct + Send + Sync),
    ) -> Result<Signed> {
        let domain = treasury_domain(self.chain_id, self.treasury);
        let signature = approver.sign_typed_data(typed, &domain).await?;
        Ok(Signed::here(approver.address(), signature.as_bytes().into()))
    }
}
