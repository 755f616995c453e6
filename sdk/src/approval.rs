//! A human's yes to one payment, wherever it comes from.

mod http;

use std::fmt;

use alloy::{
    primitives::{Address, B256, Bytes, Signature},
    sol_types::SolStruct,
};
use async_trait::async_trait;

use crate::{
    abi,
    error::AgentError,
    payment::{Approval, Authorization, Rail, treasury_domain},
    record::signer_of,
    session::SharedSigner,
};

pub use self::http::HttpApprovals;

/// One payment that waits for a human.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApprovalRequest {
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// The treasury whose approvers may approve.
    pub treasury: Address,
    /// The payment.
    pub authorization: Authorization,
    /// How it is to settle.
    pub rail: Rail,
    /// The decision it is made under.
    pub decision_hash: B256,
    /// What the session key signs.
    pub digest: B256,
    /// The identity key's signature that the agent asks ([`asking_digest`]), 65 bytes: nobody else can fill an
    /// approver's inbox in its name.
    pub seal: Bytes,
    /// An answer after this, in unix seconds, is of no use.
    pub deadline: u64,
}

/// What an agent signs to ask for the approval of the payment with that digest: EIP-712 under the treasury's domain.
pub fn asking_digest(chain_id: u64, treasury: Address, digest: B256) -> B256 {
    abi::ApprovalRequest { digest }.eip712_signing_hash(&treasury_domain(chain_id, treasury))
}

/// Who asks, by the seal of a request; `None` where it is nobody's.
pub fn asked_by(chain_id: u64, treasury: Address, digest: B256, seal: &Bytes) -> Option<Address> {
    signer_of(asking_digest(chain_id, treasury, digest), seal)
}

impl ApprovalRequest {
    /// The EIP-712 digest that an approver signs.
    pub fn approval_digest(&self) -> B256 {
        self.authorization
            .approval(self.decision_hash, self.digest)
            .eip712_signing_hash(&treasury_domain(self.chain_id, self.treasury))
    }
}

/// Where approvals come from.
#[async_trait]
pub trait ApprovalSource: Send + Sync + fmt::Debug {
    /// Asks for an approval and waits for the answer, at most until the request's deadline.
    ///
    /// # Errors
    /// [`AgentError::ApprovalRejected`], [`AgentError::ApprovalExpired`], [`AgentError::ApprovalsCrowded`] when too
    /// many others wait until then, or [`AgentError::ApprovalUnavailable`] when nobody can be asked.
    async fn approve(&self, request: &ApprovalRequest) -> Result<Approval, AgentError>;
}

/// Approves whatever is asked with a key at hand: for tests and demonstrations.
#[derive(Clone)]
pub struct LocalApprover(pub SharedSigner);

impl fmt::Debug for LocalApprover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LocalApprover").field(&self.0.address()).finish()
    }
}

#[async_trait]
impl ApprovalSource for LocalApprover {
    async fn approve(&self, request: &ApprovalRequest) -> Result<Approval, AgentError> {
        Ok(eoa(self.0.sign_hash(&request.approval_digest()).await?))
    }
}

/// An externally owned account's signature as a payment carries it: contracts take low s only.
pub fn eoa(signature: Signature) -> Approval {
    Approval::Eoa(signature.normalized_s())
}
