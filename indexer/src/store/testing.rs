//! Records that come in before the chain does: for measurements, where a million of them are too many to hand in one by
//! one. Only with the feature `testing`.

use alloy::primitives::Address;
use bursar_sdk::{decision::DecisionRecord, delivery::SealedRecord, outcome::OutcomeRecord};

use super::{
    Store, StoreError, decision, outcome, refused,
    tables::{self, Entry},
};
use crate::{
    ledger::Record,
    transparency::{self, Draft},
};

/// A record, and the block that the ledger will stand at when it comes.
#[derive(Debug, Clone)]
pub struct Foreseen {
    /// That block's number.
    pub block: u64,
    /// Its place among those that come then.
    pub seq: u64,
    /// The block's time, in unix seconds: when it comes.
    pub at: u64,
    /// The record as it is handed in.
    pub sealed: SealedRecord,
    /// What it says.
    pub says: Says,
    /// Whose seal it carries.
    pub sealed_by: Address,
}

/// What a record says.
#[derive(Debug, Clone)]
pub enum Says {
    /// Why an agent pays, or why it was refused.
    Decision(Box<DecisionRecord>),
    /// What came of a payment.
    Outcome(Box<OutcomeRecord>),
}

impl Store {
    /// Stores new records of an empty ledger: an indexer that reads the chain from its start takes each of them in at
    /// its block. Nothing is checked.
    ///
    /// # Errors
    /// When the database fails, or has one of them.
    pub async fn foresee(&self, records: &[Foreseen]) -> Result<(), StoreError> {
        let (mut decisions, mut outcomes, mut intake) = (Vec::new(), Vec::new(), Vec::new());
        let mut drafts = Vec::new();
        for Foreseen { block, seq, at, sealed, says, sealed_by } in records {
            let record = match says {
                Says::Decision(record) => {
                    decisions.push(decision::decision(record, sealed, *at));
                    Some(Record::of_decision(record, sealed, None))
                }
                Says::Outcome(record) => {
                    outcomes.push(outcome::outcome(record, sealed, *at));
                    Record::of_outcome(record, sealed, None)
                }
            };
            let entry = record.map(|record| {
                let record = Record { sealed_by: Some(*sealed_by), ..record };
                Entry { block: *block, seq: *seq, at: *at, record }
            });
            let fact = entry.as_ref().map(Entry::digest).transpose()?;
            let seal = transparency::seal_content(Some(&sealed.seal))?;
            drafts.push(match says {
                Says::Decision(record) => {
                    Draft::decision(record, sealed.hash, seal, fact.unwrap_or_default(), *at)
                }
                Says::Outcome(record) => Draft::outcome(record, sealed.hash, seal, fact, *at),
            });
            intake.extend(entry.as_ref().map(tables::intake));
        }
        let mut tx = self.db.begin().await?;
        decision::DECISION.insert_all(&mut tx, decisions).await?;
        outcome::OUTCOME.insert_all(&mut tx, outcomes).await?;
        tables::INTAKE.insert_all(&mut tx, intake).await?;
        for Foreseen { says, .. } in records {
            if let Says::Decision(record) = says {
                refused::came(&mut tx, record).await?;
            }
        }
        transparency::append_all(&mut tx, drafts).await?;
        Ok(tx.commit().await?)
    }
}
