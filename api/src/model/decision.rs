//! Decisions and refusals, as clients read them.

use bursar_indexer::query::decisions;
use bursar_sdk::decision::DecisionRecord;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    model::outcome::Outcome,
    wire::{Addr, Hash, Reason, Units, VerdictText},
};

/// A decision record, and the payment that committed to it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Decision {
    /// keccak-256 of the canonical JSON.
    pub hash: Hash,
    /// The record.
    pub record: Record,
    /// The nonce that a payment under it carries; null where no session was open.
    pub nonce: Option<Hash>,
    /// When we got it, in unix seconds.
    pub received_at: u64,
    /// The payment that settled under it; null where none has.
    pub payment: Option<Settlement>,
    /// What came of it, in its latest revision; null where the agent has not said.
    pub outcome: Option<Outcome>,
}

/// A decision with the very bytes that hash to its hash.
#[derive(Debug, Serialize, ToSchema)]
pub struct DecisionDetail {
    /// The decision.
    #[serde(flatten)]
    pub decision: Decision,
    /// The canonical JSON (RFC 8785): keccak-256 of this text is `hash`.
    pub canonical: String,
}

/// Where a decision settled.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Settlement {
    /// The purse that paid; with the decision's nonce the payment's identity.
    pub purse: Addr,
    /// The settling transaction.
    pub tx_hash: Hash,
    /// The block.
    pub block_number: u64,
    /// When, in unix seconds.
    pub timestamp: u64,
}

/// What an agent decided about one payment, and on what grounds. Amounts in atomic units.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// Names the record's own schema.
    pub schema: String,
    /// Unique, chosen by the agent.
    pub id: String,
    /// Counts the records of this purse's chain from 1.
    pub seq: u64,
    /// Hash of the chain's record before this one; zero for the first.
    pub prev_hash: Hash,
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// The treasury.
    pub treasury: Addr,
    /// The envelope's number.
    pub envelope: u32,
    /// The agent's identity key.
    pub agent: Addr,
    /// keccak-256 of the agent's ERC-8004 reference, or zero.
    pub agent_ref: Hash,
    /// Hash of the identity stamp in use, or zero.
    pub stamp_hash: Hash,
    /// The purse that pays, or would.
    pub purse: Addr,
    /// The session; zero where none was open.
    pub session: Hash,
    /// The policy version in force.
    pub policy_version: u16,
    /// The hash of that policy's document.
    pub policy_hash: Hash,
    /// What set the agent going.
    pub trigger: String,
    /// What is bought.
    pub resource: Resource,
    /// keccak-256 of the canonical JSON of the x402 payment requirement.
    pub requirement_hash: Hash,
    /// The signed x402 offer, where there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub offer: Option<serde_json::Value>,
    /// Who would be paid.
    pub payee: Addr,
    /// The token.
    pub asset: Addr,
    /// How much.
    pub amount: Units,
    /// What else the agent could have done.
    pub alternatives: Vec<String>,
    /// The rules looked at before signing.
    pub rules: Vec<RuleCheck>,
    /// Why, in words.
    pub rationale: String,
    /// The model that decided, where one did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<Model>,
    /// Pay, or not.
    pub verdict: VerdictText,
    /// Why not; empty where the verdict is to pay.
    pub reason_codes: Vec<Reason>,
    /// When the agent decided, in unix seconds, by its own clock.
    pub created_at: u64,
    /// Random; makes the hash on chain meaningless once the record is erased.
    pub salt: Hash,
}

/// What is bought.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Resource {
    /// Where.
    pub url: String,
    /// The HTTP method.
    pub method: String,
    /// keccak-256 of the request's body; zero without one.
    pub body_hash: Hash,
}

/// One rule, as it was checked.
#[derive(Debug, Serialize, ToSchema)]
pub struct RuleCheck {
    /// The refusal that this rule would give.
    pub id: Reason,
    /// What was asked for.
    pub input: String,
    /// What binds.
    pub limit: String,
    /// Whether it held.
    pub pass: bool,
}

/// The model that decided.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Model {
    /// Who runs it.
    pub provider: String,
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// keccak-256 of the prompt.
    pub prompt_hash: Hash,
}

impl From<decisions::Decision> for DecisionDetail {
    fn from(row: decisions::Decision) -> Self {
        Self { canonical: row.canonical.clone(), decision: row.into() }
    }
}

impl From<decisions::Decision> for Decision {
    fn from(row: decisions::Decision) -> Self {
        let settlement = |payment: decisions::Settlement| Settlement {
            purse: payment.purse.into(),
            tx_hash: payment.tx_hash.into(),
            block_number: payment.position.block,
            timestamp: payment.timestamp,
        };
        Self {
            hash: row.hash.into(),
            record: row.record.into(),
            nonce: row.nonce.map(Hash),
            received_at: row.received_at,
            payment: row.payment.map(settlement),
            outcome: row.outcome.map(Outcome::from),
        }
    }
}

impl From<DecisionRecord> for Record {
    fn from(record: DecisionRecord) -> Self {
        let rule = |rule: bursar_sdk::decision::RuleCheck| RuleCheck {
            id: rule.id.into(),
            input: rule.input,
            limit: rule.limit,
            pass: rule.pass,
        };
        let model = |model: bursar_sdk::decision::Model| Model {
            provider: model.provider,
            name: model.name,
            version: model.version,
            prompt_hash: model.prompt_hash.into(),
        };
        Self {
            schema: record.schema,
            id: record.id,
            seq: record.seq,
            prev_hash: record.prev_hash.into(),
            chain_id: record.chain_id,
            treasury: record.treasury.into(),
            envelope: record.envelope,
            agent: record.agent.into(),
            agent_ref: record.agent_ref.into(),
            stamp_hash: record.stamp_hash.into(),
            purse: record.purse.into(),
            session: record.session.into(),
            policy_version: record.policy_version,
            policy_hash: record.policy_hash.into(),
            trigger: record.trigger,
            resource: Resource {
                url: record.resource.url,
                method: record.resource.method,
                body_hash: record.resource.body_hash.into(),
            },
            requirement_hash: record.requirement_hash.into(),
            offer: record.offer,
            payee: record.payee.into(),
            asset: record.asset.into(),
            amount: record.amount.into(),
            alternatives: record.alternatives,
            rules: record.rules.into_iter().map(rule).collect(),
            rationale: record.rationale,
            model: record.model.map(model),
            verdict: record.verdict.into(),
            reason_codes: record.reason_codes.into_iter().map(Reason).collect(),
            created_at: record.created_at,
            salt: record.salt.into(),
        }
    }
}
