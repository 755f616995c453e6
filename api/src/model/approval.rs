//! Approval requests, as clients read them.

use bursar_indexer::query::approvals;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::wire::{Addr, Hash, Hex, Units};

/// A payment above the threshold, as its agent asks for it. Times in unix seconds.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ApprovalSubmission {
    /// The treasury whose approver it needs.
    pub treasury: Addr,
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// The purse that pays.
    pub purse: Addr,
    /// Who is paid.
    pub payee: Addr,
    /// How much, in the asset's atomic units.
    pub amount: Units,
    /// Valid after (exclusive).
    pub valid_after: u64,
    /// Valid before (exclusive).
    pub valid_before: u64,
    /// The commitment to policy, session and decision.
    pub nonce: Hash,
    /// keccak-256 of the decision record.
    pub decision_hash: Hash,
    /// The EIP-3009 digest that the session key signs: the payment's identity.
    pub digest: Hash,
}

/// A request with what became of it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ApprovalRequest {
    /// The treasury whose approver it needs.
    pub treasury: Addr,
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// The purse that pays.
    pub purse: Addr,
    /// Who is paid.
    pub payee: Addr,
    /// How much, in the asset's atomic units.
    pub amount: Units,
    /// Valid after (exclusive).
    pub valid_after: u64,
    /// Valid before (exclusive).
    pub valid_before: u64,
    /// The commitment to policy, session and decision.
    pub nonce: Hash,
    /// keccak-256 of the decision record.
    pub decision_hash: Hash,
    /// The EIP-3009 digest that the session key signs.
    pub digest: Hash,
    /// What an approver signs: the EIP-712 `PaymentApproval` under the treasury's domain.
    pub approval_digest: Hash,
    /// Where it stands.
    pub state: ApprovalState,
    /// Who approved.
    pub approver: Option<Addr>,
    /// The approver's signature: 65 bytes r, s, v of an EOA, or what the contract's EIP-1271 is asked.
    pub approval: Option<Hex>,
    /// Of which kind it is.
    pub approval_kind: Option<ApprovalKind>,
    /// Who rejected.
    pub rejected_by: Option<Addr>,
    /// Why it was rejected.
    pub reason: Option<String>,
    /// When we got the request, in unix seconds.
    pub requested_at: u64,
}

/// Where a request stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ApprovalState {
    /// It waits for a human.
    Pending,
    /// Approved.
    Approved,
    /// Rejected.
    Rejected,
    /// Nobody answered in time.
    Expired,
}

/// What the approver is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ApprovalKind {
    /// An externally owned account: the signature recovers to it.
    Eoa,
    /// A contract, asked by EIP-1271; a Safe for one.
    Contract,
}

/// A human's yes.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ApprovalAnswer {
    /// Who approves.
    pub approver: Addr,
    /// 65 bytes r, s, v of an EOA, or what the contract's EIP-1271 is asked (at most 3,937 bytes).
    pub signature: Hex,
    /// What the approver is.
    pub kind: ApprovalKind,
}

/// A human's no.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RejectionAnswer {
    /// Who rejects.
    pub by: Addr,
    /// Why; at most 1,000 characters.
    pub reason: String,
}

impl ApprovalRequest {
    /// A request as it stands at `now` (unix seconds).
    pub fn new(row: approvals::Approval, chain_id: u64, now: u64) -> Self {
        let state = row.state(now).into();
        let approval_digest = crate::approval::approval_digest(&row.request, chain_id).into();
        let request = row.request;
        let mut view = Self {
            treasury: request.treasury.into(),
            chain_id,
            purse: request.purse.into(),
            payee: request.payee.into(),
            amount: request.amount.into(),
            valid_after: request.valid_after,
            valid_before: request.valid_before,
            nonce: request.nonce.into(),
            decision_hash: request.decision_hash.into(),
            digest: request.digest.into(),
            approval_digest,
            state,
            approver: None,
            approval: None,
            approval_kind: None,
            rejected_by: None,
            reason: None,
            requested_at: row.requested_at,
        };
        match row.answer {
            None => {}
            Some(approvals::Answer::Approved { approver, signature, contract }) => {
                view.approver = Some(approver.into());
                view.approval = Some(signature.into());
                view.approval_kind = Some(if contract { ApprovalKind::Contract } else { ApprovalKind::Eoa });
            }
            Some(approvals::Answer::Rejected { by, reason }) => {
                view.rejected_by = Some(by.into());
                view.reason = Some(reason);
            }
        }
        view
    }
}

impl From<approvals::State> for ApprovalState {
    fn from(state: approvals::State) -> Self {
        match state {
            approvals::State::Pending => Self::Pending,
            approvals::State::Approved => Self::Approved,
            approvals::State::Rejected => Self::Rejected,
            approvals::State::Expired => Self::Expired,
        }
    }
}

impl From<ApprovalState> for approvals::State {
    fn from(state: ApprovalState) -> Self {
        match state {
            ApprovalState::Pending => Self::Pending,
            ApprovalState::Approved => Self::Approved,
            ApprovalState::Rejected => Self::Rejected,
            ApprovalState::Expired => Self::Expired,
        }
    }
}
