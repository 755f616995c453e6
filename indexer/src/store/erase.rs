//! Erasing records: the row goes, a tombstone stays, and what was freed is overwritten.

use alloy::primitives::{Address, B256, Bytes};
use bursar_sdk::{decision::DecisionRecord, erasure::ErasureCategory, outcome::OutcomeRecord};

use super::{Store, StoreError, refused};
use crate::{
    db::{DbError, DbRow, Query, Tx, table},
    outbox,
    query::erasures::{self, Note, Place, Tombstone},
    transparency::{self, Draft},
};

/// Who says that a record is to be erased, why, and by which signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// An owner of the treasury.
    pub by: Address,
    /// Why.
    pub category: ErasureCategory,
    /// Over record and category.
    pub signature: Bytes,
    /// Whether a contract was asked for it.
    pub contract: bool,
}

/// What became of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Erased {
    /// The record is gone, now or since before.
    Gone(Box<Tombstone>),
    /// There is no such record.
    Unknown,
}

impl Store {
    /// Erases a decision with its outcomes, or an outcome, by an order that was checked; what was erased before stays
    /// as it was. Afterwards nothing of it is in the store's files: SQLite's is written anew, which takes a while and keeps
    /// others from writing; in PostgreSQL the rows' room is freed. `now` is in unix seconds.
    ///
    /// # Errors
    /// When the database fails. Where the record is gone and its room could not be freed, the same order does that.
    pub async fn erase_record(&self, hash: B256, order: &Order, now: u64) -> Result<Erased, StoreError> {
        let mut tx = self.db.begin().await?;
        if erasures::get(&mut tx, hash).await?.is_none() {
            let stones = match decision(&mut tx, hash, order, now).await? {
                Some(stone) => [vec![stone], outcomes_of(&mut tx, hash, order, now).await?].concat(),
                None => outcome(&mut tx, hash, order, now).await?.into_iter().collect(),
            };
            let Some(first) = stones.first() else { return Ok(Erased::Unknown) };
            refused::goes(&mut tx, hash).await?;
            ERASURE.insert_all(&mut tx, stones.iter().map(erasure).collect()).await?;
            for sql in [
                "DELETE FROM outcome WHERE hash = $1 OR decision_hash = $1",
                "DELETE FROM decision WHERE hash = $1",
            ] {
                Query::new(sql).bind(hash).execute(&mut tx).await?;
            }
            outbox::add(&mut tx, &outbox::erased(first)).await?;
            let drafts = stones.iter().map(Draft::erasure).collect::<Result<Vec<_>, _>>()?;
            transparency::append_all(&mut tx, drafts).await?;
            tx.commit().await?;
        } else {
            drop(tx);
        }
        self.db.scrub(&["decision", "outcome"]).await?;
        let stone = erasures::get(&self.db, hash).await?;
        Ok(stone.map_or(Erased::Unknown, |stone| Erased::Gone(Box::new(stone))))
    }
}

impl Order {
    fn note(&self, hash: B256, erased_at: u64) -> Note {
        let Self { by, category, signature, .. } = self.clone();
        Note { hash, erased_at, erased_by: by, category, signature }
    }
}

async fn decision(tx: &mut Tx, hash: B256, order: &Order, now: u64) -> Result<Option<Tombstone>, DbError> {
    let query = Query::new("SELECT record, received_at FROM decision WHERE hash = $1").bind(hash);
    let Some(row) = query.row(tx).await? else { return Ok(None) };
    let record: DecisionRecord = row.json("record", "a decision record")?;
    Ok(Some(Tombstone {
        note: order.note(hash, now),
        place: Place::Decision { seq: record.seq, prev_hash: record.prev_hash, verdict: record.verdict },
        treasury: record.treasury,
        envelope: record.envelope,
        agent: record.agent,
        purse: record.purse,
        nonce: record.purse().map(|_| record.nonce_of(hash)),
        created_at: record.created_at,
        received_at: row.number("received_at")?,
        contract: order.contract,
    }))
}

async fn outcomes_of(
    tx: &mut Tx,
    decision: B256,
    order: &Order,
    now: u64,
) -> Result<Vec<Tombstone>, DbError> {
    let sql = "SELECT hash, record, received_at FROM outcome WHERE decision_hash = $1 ORDER BY revision";
    let rows = Query::new(sql).bind(decision).rows(tx).await?;
    rows.iter().map(|row| read_outcome(row, order, now)).collect()
}

async fn outcome(tx: &mut Tx, hash: B256, order: &Order, now: u64) -> Result<Option<Tombstone>, DbError> {
    let query = Query::new("SELECT hash, record, received_at FROM outcome WHERE hash = $1").bind(hash);
    query.row(tx).await?.as_ref().map(|row| read_outcome(row, order, now)).transpose()
}

fn read_outcome(row: &DbRow, order: &Order, now: u64) -> Result<Tombstone, DbError> {
    let record: OutcomeRecord = row.json("record", "an outcome record")?;
    Ok(Tombstone {
        note: order.note(row.hash("hash")?, now),
        place: Place::Outcome { decision_hash: record.decision_hash, revision: record.revision },
        treasury: record.treasury,
        envelope: record.envelope,
        agent: record.agent,
        purse: record.purse,
        nonce: Some(record.nonce),
        created_at: record.created_at,
        received_at: row.number("received_at")?,
        contract: order.contract,
    })
}

table! {
    ERASURE, fn erasure(stone: &Tombstone) {
        key { hash: stone.note.hash }
        kind: stone.place.code(),
        treasury: stone.treasury,
        envelope: stone.envelope,
        agent: stone.agent,
        purse: stone.purse,
        nonce: stone.nonce,
        seq: stone.place.chained().map(|(seq, ..)| seq),
        prev_hash: stone.place.chained().map(|(_, before, _)| before),
        verdict: stone.place.chained().map(|(.., verdict)| verdict.code()),
        decision_hash: stone.place.told().map(|(decision, _)| decision),
        revision: stone.place.told().map(|(_, revision)| revision),
        created_at: stone.created_at,
        received_at: stone.received_at,
        erased_at: stone.note.erased_at,
        erased_by: stone.note.erased_by,
        category: stone.note.category.code(),
        signature: stone.note.signature.clone(),
        contract: stone.contract,
    }
}
