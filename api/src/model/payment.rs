//! Payments, as clients read them.

use bursar_indexer::query::{checkpoint::Settled, payments};
use bursar_sdk::record::RecordKind;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    model::{decision::Record, erasure::Tombstone, outcome::Outcome},
    wire::{Addr, Hash, Units},
};

/// One x402 settlement from a purse, with the decision it committed to. Times in unix seconds.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Payment {
    /// The treasury.
    pub treasury: Addr,
    /// The envelope's number.
    pub envelope: u32,
    /// The agent that paid.
    pub agent: Addr,
    /// The purse it paid from: the x402 `from`.
    pub purse: Addr,
    /// The session it paid in.
    pub session: Hash,
    /// Who was paid.
    pub payee: Addr,
    /// The token.
    pub asset: Addr,
    /// How much, in the asset's atomic units.
    pub amount: Units,
    /// Whether the chain may still take it back.
    pub state: PaymentState,
    /// The policy in force when it settled.
    pub policy_version: u16,
    /// The hash of that policy's document.
    pub policy_hash: Option<Hash>,
    /// The human who approved it; null where the policy asked for nobody.
    pub approver: Option<Addr>,
    /// Who sent the settling transaction.
    pub facilitator: Addr,
    /// Whether we hold the decision record that its nonce commits to.
    pub explained: bool,
    /// Fields in which that record says otherwise than the chain. Empty is as it should be.
    pub disagreements: Vec<&'static str>,
    /// The decision's hash, where it is known.
    pub decision_hash: Option<Hash>,
    /// The decision record itself.
    pub decision: Option<Record>,
    /// What is left of that record, where the treasury had it erased.
    pub erased: Option<Tombstone>,
    /// What came of it, in its latest revision; null where the agent has not said.
    pub outcome: Option<Outcome>,
    /// How it settled: `eip3009`, `permit2_exact` or `permit2_upto`; `permit2` where nothing tells which.
    pub rail: String,
    /// The commitment to policy, session and decision; with the purse the payment's identity. Null where it settled
    /// through Permit2, which logs none, and the transaction's input did not tell.
    pub nonce: Option<Hash>,
    /// When it settled.
    pub timestamp: u64,
    /// The block.
    pub block_number: u64,
    /// That block's hash.
    pub block_hash: Hash,
    /// Index of the token's `AuthorizationUsed` log in that block; of its `Transfer` log where Permit2 moved it.
    pub log_index: u64,
    /// The settling transaction.
    pub tx_hash: Hash,
}

/// How a payment settles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RailCode {
    /// `transferWithAuthorization` of the token itself.
    Eip3009,
    /// Through Permit2, for exactly the amount.
    Permit2Exact,
    /// Through Permit2, for what was used of the amount.
    Permit2Upto,
    /// Through Permit2, and nothing tells for which.
    Permit2,
}

impl RailCode {
    /// As the store spells it.
    pub fn code(self) -> &'static str {
        match self {
            Self::Eip3009 => "eip3009",
            Self::Permit2Exact => "permit2_exact",
            Self::Permit2Upto => "permit2_upto",
            Self::Permit2 => "permit2",
        }
    }
}

/// Whether the chain may still take a payment back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PaymentState {
    /// On chain; the chain may still take it back.
    Seen,
    /// Unlikely to be taken back: as deep as the keeper asks for, or by the node's word.
    Safe,
    /// On chain, to stay.
    Final,
}

impl PaymentState {
    /// Of what stands in that block.
    pub(crate) fn at(block: u64, settled: Option<Settled>) -> Self {
        match settled {
            Some(settled) if block <= settled.final_number => Self::Final,
            Some(settled) if block <= settled.safe_number => Self::Safe,
            _ => Self::Seen,
        }
    }

    /// Where what is so stands: up to a block (inclusive), and beyond one.
    pub(crate) fn blocks(state: Option<Self>, settled: Option<Settled>) -> (Option<u64>, Option<u64>) {
        let Settled { safe_number, final_number } = settled.unwrap_or_default();
        match state {
            None => (None, None),
            Some(Self::Final) => (Some(final_number), None),
            Some(Self::Safe) => (Some(safe_number), Some(final_number)),
            Some(Self::Seen) => (None, settled.map(|_| safe_number.max(final_number))),
        }
    }

    /// As the API spells it.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Seen => "seen",
            Self::Safe => "safe",
            Self::Final => "final",
        }
    }
}

impl Payment {
    /// A payment; how sure it is to stay, `settled` tells.
    pub fn new(row: payments::Payment, settled: Option<Settled>) -> Self {
        Self {
            disagreements: row.disagreements(),
            explained: row.decision.is_some(),
            erased: row.erased.map(|note| Tombstone::new(note, RecordKind::Decision)),
            decision: row.decision.map(Record::from),
            outcome: row.outcome.map(Outcome::from),
            treasury: row.treasury.into(),
            envelope: row.envelope,
            agent: row.agent.into(),
            purse: row.purse.into(),
            session: row.session.into(),
            payee: row.payee.into(),
            asset: row.asset.into(),
            amount: row.amount.into(),
            state: PaymentState::at(row.position.block, settled),
            policy_version: row.policy_version,
            policy_hash: row.policy_hash.map(Hash),
            approver: row.approver.map(Addr),
            facilitator: row.facilitator.into(),
            decision_hash: row.decision_hash.map(Hash),
            rail: row.rail,
            nonce: row.nonce.map(Hash),
            timestamp: row.timestamp,
            block_number: row.position.block,
            block_hash: row.block_hash.into(),
            log_index: row.position.log,
            tx_hash: row.tx_hash.into(),
        }
    }
}
