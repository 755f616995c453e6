//! Approval requests, as clients read them.

use bursar_indexer::query::approvals;
use bursar_sdk::payment::Rail;
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
    /// How it is to settle: `eip3009`, `permit2_exact` or `permit2_upto`, whose amount is the most that may be charged.
    #[serde(default = "eip3009")]
    pub rail: String,
    /// The only account that may settle; on `permit2_upto`, and there only.
    #[serde(default)]
    pub facilitator: Option<Addr>,
    /// keccak-256 of the decision record.
    pub decision_hash: Hash,
    /// What the session key signs: the payment's identity.
    pub digest: Hash,
    /// The agent's signature that it asks: EIP-712 `ApprovalRequest(bytes32 digest)` under the treasury's domain, 65
    /// bytes.
    pub seal: Hex,
}

fn eip3009() -> String {
    Rail::Eip3009.code().to_owned()
}

/// A request with what became of it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ApprovalRequest {
    /// The treasury whose approver it needs.
    pub treasury: Addr,
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// The agent that asks; `null` for what came before requests were sealed.
    pub agent: Option<Addr>,
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
    /// How it is to settle: `eip3009`, `permit2_exact` or `permit2_upto`, whose amount is the most that may be charged.
    pub rail: String,
    /// The only account that may settle, on `permit2_upto`.
    pub facilitator: Option<Addr>,
    /// keccak-256 of the decision record.
    pub decision_hash: Hash,
    /// What the session key signs.
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
    /// The signature under the rejection; `null` for what came before rejections were signed.
    pub rejection: Option<Hex>,
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
    /// Over EIP-712 `PaymentRejection` under the treasury's domain: 65 bytes r, s, v of an EOA, or what the contract's
    /// EIP-1271 is asked (at most 3,937 bytes).
    pub signature: Hex,
    /// What the approver is.
    pub kind: ApprovalKind,
}

/// What a wallet is given to sign, as `eth_signTypedData_v4` takes it (EIP-712).
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TypedData {
    /// The members of each type.
    #[schema(value_type = Object)]
    pub types: serde_json::Value,
    /// `PaymentApproval` or `PaymentRejection`.
    pub primary_type: &'static str,
    /// The treasury's.
    #[schema(value_type = Object)]
    pub domain: serde_json::Value,
    /// What is signed; numbers as decimal strings.
    #[schema(value_type = Object)]
    pub message: serde_json::Value,
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
            agent: request.agent.map(Addr::from),
            purse: request.purse.into(),
            payee: request.payee.into(),
            amount: request.amount.into(),
            valid_after: request.valid_after,
            valid_before: request.valid_before,
            nonce: request.nonce.into(),
            rail: request.rail.code().to_owned(),
            facilitator: request.rail.facilitator().map(Addr::from),
            decision_hash: request.decision_hash.into(),
            digest: request.digest.into(),
            approval_digest,
            state,
            approver: None,
            approval: None,
            approval_kind: None,
            rejected_by: None,
            reason: None,
            rejection: None,
            requested_at: row.requested_at,
        };
        match row.answer {
            None => {}
            Some(approvals::Answer::Approved { approver, signature, contract }) => {
                view.approver = Some(approver.into());
                view.approval = Some(signature.into());
                view.approval_kind = Some(if contract { ApprovalKind::Contract } else { ApprovalKind::Eoa });
            }
            Some(approvals::Answer::Rejected { by, reason, signature }) => {
                view.rejected_by = Some(by.into());
                view.reason = Some(reason);
                view.rejection = signature.map(Hex::from);
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
