//! Why an agent paid, as an auditor asks it.

use bursar_indexer::query::{checkpoint::Settled, payments, policies};
use bursar_sdk::payment::{commitment, terms};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    model::{payment::Payment, policy::Policy},
    wire::{Addr, Hash},
};

/// What an agent paid around a time, and why.
#[derive(Debug, Serialize, ToSchema)]
pub struct Why {
    /// The agent's identity key.
    pub agent: Addr,
    /// The time asked about, in unix seconds.
    pub at: u64,
    /// The payments nearest to it, nearest first.
    pub payments: Vec<Explained>,
}

/// One payment, and all that explains it: its decision, approver and outcome are in it.
#[derive(Debug, Serialize, ToSchema)]
pub struct Explained {
    /// The payment.
    pub payment: Payment,
    /// The policy in force when it settled; null where the ledger has not got it.
    pub policy: Option<Policy>,
    /// What its nonce commits to; null without a decision record.
    pub opening: Option<Opening>,
}

/// A nonce opened: what the chain says it was paid under, and the hash of the record we hold, put together again.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Opening {
    /// How often what stands above the envelope had been released, as the record says.
    pub epoch: u64,
    /// The policy version, as the chain says.
    pub policy_version: u16,
    /// The session, as the chain says.
    pub session: Hash,
    /// keccak-256 of the record, computed again.
    pub decision_hash: Hash,
    /// The commitment to these four.
    pub nonce: Hash,
    /// Whether it is the payment's nonce: the record was there before the payment, and is the one.
    pub matches: bool,
}

impl Explained {
    /// A payment with its policy; how sure it is to stay, `settled` tells.
    pub fn new(row: payments::Payment, policy: Option<policies::Policy>, settled: Option<Settled>) -> Self {
        Self {
            opening: Opening::of(&row),
            policy: policy.map(Policy::from),
            payment: Payment::new(row, settled),
        }
    }
}

impl Opening {
    fn of(row: &payments::Payment) -> Option<Self> {
        let record = row.decision.as_ref()?;
        let hash = record.hash().ok()?;
        let nonce = commitment(terms(record.epoch, row.policy_version), row.session, hash);
        Some(Self {
            epoch: record.epoch,
            policy_version: row.policy_version,
            session: row.session.into(),
            decision_hash: hash.into(),
            nonce: nonce.into(),
            matches: row.nonce == Some(nonce),
        })
    }
}
