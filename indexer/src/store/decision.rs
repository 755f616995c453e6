//! Decision records, as agents sent them. Not from the chain: no reorg touches them.

use std::time::SystemTime;

use alloy::primitives::B256;
use bursar_sdk::{decision::DecisionRecord, delivery::SealedRecord};

use super::{Store, StoreError, intake, refused, traces};
use crate::{
    db::{DbError, Query, Tx, table},
    ledger::Record,
    outbox,
    query::erasures,
    transparency::{self, Draft},
};

/// What became of a record that was handed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inserted {
    /// It is stored now.
    New,
    /// It was stored before.
    Existing,
    /// It was stored, and erased since: it is not stored again.
    Erased,
}

impl Store {
    /// Stores a decision record that was checked against its hash ([`DecisionRecord::verified`]) and its seal, and takes
    /// it into the ledger at the height where that stands; once stored, it survives a power cut. `received_at` is in
    /// unix seconds.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn insert_decision(
        &self,
        record: &DecisionRecord,
        sealed: &SealedRecord,
        received_at: u64,
    ) -> Result<Inserted, StoreError> {
        let began = SystemTime::now();
        let mut tx = self.db.begin().await?;
        if erasures::get(&mut tx, sealed.hash).await?.is_some() {
            return Ok(Inserted::Erased);
        }
        if DECISION.insert_new(decision(record, sealed, received_at)).execute(&mut tx).await? == 0 {
            return Ok(Inserted::Existing);
        }
        explain(&mut tx, record, sealed.hash).await?;
        refused::came(&mut tx, record).await?;
        let chain_id = self.chain_id(&mut tx).await?;
        let taken_in = intake::enter(&mut tx, &Record::of_decision(record, sealed, chain_id)).await?;
        let (seal, fact) = (transparency::seal_content(Some(&sealed.seal))?, taken_in.digest()?);
        let draft = Draft::decision(record, sealed.hash, seal, fact, received_at);
        transparency::append(&mut tx, draft).await?;
        outbox::add(&mut tx, &outbox::decided(record, sealed.hash, received_at)).await?;
        let traced = match sealed.trace {
            Some(_) => traces::of_decision(&mut tx, sealed.hash).await?,
            None => Vec::new(),
        };
        tx.commit().await?;
        traces::tell(traced, began);
        Ok(Inserted::New)
    }
}

/// The payment that commits to a decision is unexplained no more, where it has settled. What once was known stays
/// known: the chain may turn, and a record that is erased leaves its mark.
async fn explain(tx: &mut Tx, record: &DecisionRecord, hash: B256) -> Result<(), DbError> {
    let Some((purse, _)) = record.purse() else { return Ok(()) };
    let query = Query::new(
        "DELETE FROM unexplained WHERE (block_number, log_index) IN \
         (SELECT block_number, log_index FROM payment WHERE purse = $1 AND nonce = $2)",
    );
    query.bind(purse).bind(record.nonce_of(hash)).execute(tx).await?;
    Ok(())
}

table! {
    DECISION, fn decision(record: &DecisionRecord, sealed: &SealedRecord, received_at: u64) {
        key { hash: sealed.hash }
        treasury: record.treasury,
        envelope: record.envelope,
        agent: record.agent,
        seq: record.seq,
        session: record.purse().map(|_| record.session),
        nonce: record.purse().map(|_| record.nonce_of(sealed.hash)),
        purse: record.purse().map(|(purse, _)| purse),
        payee: record.payee,
        amount: record.amount,
        verdict: record.verdict.code(),
        reason: record.reason_codes.first().map(|reason| reason.code()),
        created_at: record.created_at,
        received_at: received_at,
        record: sealed.canonical.as_str(),
        seal: sealed.seal.clone(),
        traceparent: sealed.trace.map(|trace| trace.to_string()),
    }
}
