//! Outcome records, as agents sent them. Not from the chain: no reorg touches them.

use alloy::primitives::B256;
use bursar_sdk::{delivery::SealedRecord, outcome::OutcomeRecord};

use super::{Inserted, Store, StoreError, intake};
use crate::{
    db::{Cell, DbError, table},
    ledger::Record,
    outbox,
    query::erasures,
    transparency::{self, Draft},
};

/// Why an outcome is not stored.
#[derive(Debug, thiserror::Error)]
pub enum OutcomeError {
    /// The revision that it names is not here yet: it may come again.
    #[error("expected revision {missing} of the outcome before it")]
    Gap {
        /// The one that has to come first.
        missing: u32,
    },
    /// That revision is another record: an outcome that was told is not told otherwise.
    #[error("expected revision {revision} to be {expected}, got {got}")]
    Forked {
        /// Which one.
        revision: u32,
        /// The hash of the one that is here.
        expected: B256,
        /// The hash that came in its place.
        got: B256,
    },
    /// The database failed, or holds what does not read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<DbError> for OutcomeError {
    fn from(error: DbError) -> Self {
        Self::Store(error.into())
    }
}

impl Store {
    /// Stores an outcome record that was checked against its hash ([`OutcomeRecord::verified`]), its seal and its
    /// decision, and takes it into the ledger at the height where that stands; once stored, it survives a power cut.
    /// `received_at` is in unix seconds.
    ///
    /// # Errors
    /// When the revision before it is missing, when it or the one before is another record, or the database fails.
    pub async fn insert_outcome(
        &self,
        record: &OutcomeRecord,
        sealed: &SealedRecord,
        received_at: u64,
    ) -> Result<Inserted, OutcomeError> {
        let (decision, revision) = (record.decision_hash, record.revision);
        // Revisions are never taken away: what is found here is here when the next one is written.
        if let Some(before) = revision.checked_sub(1).filter(|before| *before != 0) {
            let expected = self.outcome_hash(decision, before).await?;
            let expected = match expected {
                None => erasures::of_outcome(&self.db, decision, before).await?.map(|stone| stone.note.hash),
                kept => kept,
            };
            same(before, expected.ok_or(OutcomeError::Gap { missing: before })?, record.prev_hash)?;
        }
        let mut tx = self.db.begin().await?;
        // Of a decision that was erased nothing more is kept: its outcomes went with it.
        if erasures::get(&mut tx, decision).await?.is_some() {
            return Ok(Inserted::Erased);
        }
        if let Some(stone) = erasures::of_outcome(&mut tx, decision, revision).await? {
            return same(revision, stone.note.hash, sealed.hash).map(|()| Inserted::Erased);
        }
        if OUTCOME.insert_new(outcome(record, sealed, received_at)).execute(&mut tx).await? != 0 {
            let chain_id = self.chain_id(&mut tx).await?;
            let fact = match Record::of_outcome(record, sealed, chain_id) {
                Some(fact) => Some(intake::enter(&mut tx, &fact).await?.digest()?),
                None => None,
            };
            let seal = transparency::seal_content(Some(&sealed.seal))?;
            let draft = Draft::outcome(record, sealed.hash, seal, fact, received_at);
            transparency::append(&mut tx, draft).await?;
            outbox::add(&mut tx, &outbox::outcome(record, sealed.hash, received_at)).await?;
            tx.commit().await?;
            return Ok(Inserted::New);
        }
        drop(tx);
        if let Some(expected) = self.outcome_hash(decision, revision).await? {
            same(revision, expected, sealed.hash)?;
        }
        Ok(Inserted::Existing)
    }

    async fn outcome_hash(&self, decision: B256, revision: u32) -> Result<Option<B256>, DbError> {
        let row = OUTCOME.find(vec![decision.value(), revision.value()]).row(&self.db).await?;
        row.map(|row| row.hash("hash")).transpose()
    }
}

fn same(revision: u32, expected: B256, got: B256) -> Result<(), OutcomeError> {
    if expected == got { Ok(()) } else { Err(OutcomeError::Forked { revision, expected, got }) }
}

table! {
    OUTCOME, fn outcome(record: &OutcomeRecord, sealed: &SealedRecord, received_at: u64) {
        key { decision_hash: record.decision_hash, revision: record.revision }
        hash: sealed.hash,
        seal: sealed.seal.clone(),
        received_at: received_at,
        record: sealed.canonical.as_str(),
    }
}
