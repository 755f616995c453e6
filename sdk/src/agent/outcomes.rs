//! What came of payments: recorded when the answer is there, and again when the task is done.

use alloy::primitives::B256;
use serde_json::Value;

use super::Agent;
use crate::{
    authorize::SignedPayment,
    delivery::on_disk,
    error::AgentError,
    offer::{self, OfferRefused},
    outcome::{OutcomeRecord, SCHEMA, SettlementReference},
};

/// What came of a payment, as the agent saw it. The default: nothing came.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outcome {
    /// How the settlement went, as the server says.
    pub settlement: Option<SettlementReference>,
    /// The signed receipt as it came, and what its check found.
    pub receipt: Option<(Value, Result<(), OfferRefused>)>,
    /// The HTTP status of the answer.
    pub http_status: Option<u16>,
    /// keccak-256 of the answer's body, and its length in bytes; `None` where it was not read.
    pub result: Option<(B256, u64)>,
    /// Whether what was paid for came.
    pub delivered: bool,
}

impl Agent {
    /// Records what came of a payment; on disk when this returns, and handed in like decisions. Returns the record's
    /// hash. [`Agent::pay`] does it by itself; whoever pays through another x402 client calls it.
    ///
    /// # Errors
    /// When the record contradicts itself, or the disk fails.
    pub async fn record_outcome(
        &self,
        payment: &SignedPayment,
        outcome: Outcome,
    ) -> Result<B256, AgentError> {
        let view = self.view();
        let (kept, check) = match outcome.receipt {
            None => (None, None),
            Some((receipt, check)) => {
                let code = check.err().map_or("verified", |refused| refused.reason.code());
                (offer::keepable(&receipt).is_ok().then_some(receipt), Some(code.to_owned()))
            }
        };
        let record = OutcomeRecord {
            schema: SCHEMA.to_owned(),
            decision_hash: payment.decision_hash,
            revision: 1,
            prev_hash: B256::ZERO,
            chain_id: view.chain_id(),
            treasury: view.treasury(),
            envelope: view.envelope(),
            agent: self.identity(),
            nonce: payment.authorization.nonce,
            purse: payment.authorization.purse,
            settlement: outcome.settlement,
            receipt: kept,
            receipt_check: check,
            http_status: outcome.http_status,
            result_hash: outcome.result.map(|(hash, _)| hash),
            result_bytes: outcome.result.map(|(_, bytes)| bytes),
            delivered: outcome.delivered,
            task_done: None,
            created_at: self.clock().now(),
        };
        let hash = on_disk(self.spool(), move |spool| {
            // The same payment may be sent again, and be answered again.
            let record = match spool.outcome(record.decision_hash) {
                Ok((hash, last)) => OutcomeRecord {
                    revision: last.revision.saturating_add(1),
                    prev_hash: *hash,
                    task_done: last.task_done,
                    ..record
                },
                Err(_) => record,
            };
            spool.append_outcome(&record)
        })
        .await?;
        self.nudge();
        Ok(hash)
    }

    /// Says whether the task behind a payment was done with what it bought: a further revision of the outcome.
    /// Returns its hash.
    ///
    /// # Errors
    /// When no outcome of that decision is kept here any more, or the disk fails.
    pub async fn task_done(&self, decision: B256, done: bool) -> Result<B256, AgentError> {
        let now = self.clock().now();
        let hash = on_disk(self.spool(), move |spool| {
            let (hash, last) = spool.outcome(decision)?;
            let revised = OutcomeRecord { task_done: Some(done), ..last.revised(*hash, now) };
            spool.append_outcome(&revised)
        })
        .await?;
        self.nudge();
        Ok(hash)
    }
}
