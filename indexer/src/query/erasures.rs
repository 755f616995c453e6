//! Records that were erased: what is left of them.

use alloy::primitives::{Address, B256, Bytes};
use bursar_sdk::{decision::Verdict, erasure::ErasureCategory, record::RecordKind, transparency::LogKind};

use crate::db::{Cell as _, DbError, DbRow, Link, Query};

/// That a record was erased. Time in unix seconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// The record's hash: what is on chain, and what the records after it name.
    pub hash: B256,
    /// When it was erased.
    pub erased_at: u64,
    /// By whom.
    pub erased_by: Address,
    /// Why.
    pub category: ErasureCategory,
    /// The signature that says so.
    pub signature: Bytes,
}

/// What is left of a record. Times in unix seconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tombstone {
    /// That it was erased.
    pub note: Note,
    /// What it was.
    pub place: Place,
    /// Of which treasury.
    pub treasury: Address,
    /// Of which envelope in it.
    pub envelope: u32,
    /// Whose.
    pub agent: Address,
    /// In whose chain; with the nonce, which payment it was about.
    pub purse: Address,
    /// The payment's commitment; `None` where no session was open.
    pub nonce: Option<B256>,
    /// When it was made, as its author said.
    pub created_at: u64,
    /// When we had got it.
    pub received_at: u64,
    /// Whether a contract was asked for it.
    pub contract: bool,
}

/// What an erased record was, and where it stood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// A decision, in its purse's chain.
    Decision {
        /// Its number.
        seq: u64,
        /// The hash of the one before.
        prev_hash: B256,
        /// To pay, or not.
        verdict: Verdict,
    },
    /// An outcome, among those of a decision.
    Outcome {
        /// That decision.
        decision_hash: B256,
        /// Its number.
        revision: u32,
    },
}

impl Place {
    /// The kind of record.
    pub fn kind(self) -> RecordKind {
        match self {
            Self::Decision { .. } => RecordKind::Decision,
            Self::Outcome { .. } => RecordKind::Outcome,
        }
    }

    /// The kind of record, as tables and reports spell it.
    pub fn code(self) -> &'static str {
        match self {
            Self::Decision { .. } => "decision",
            Self::Outcome { .. } => "outcome",
        }
    }

    /// As what it was logged when it came.
    pub fn logged_as(self) -> LogKind {
        match self {
            Self::Decision { verdict, .. } => verdict.into(),
            Self::Outcome { .. } => LogKind::Outcome,
        }
    }

    /// Where a decision stood in its purse's chain: its number, the hash of the one before, and its verdict.
    pub fn chained(self) -> Option<(u64, B256, Verdict)> {
        match self {
            Self::Decision { seq, prev_hash, verdict } => Some((seq, prev_hash, verdict)),
            Self::Outcome { .. } => None,
        }
    }

    /// Of which decision an outcome told, and its number among those.
    pub fn told(self) -> Option<(B256, u32)> {
        match self {
            Self::Decision { .. } => None,
            Self::Outcome { decision_hash, revision } => Some((decision_hash, revision)),
        }
    }
}

/// A note beside something else, in columns that [`note!`] names; `None` where there is none.
pub(super) fn read_note(row: &DbRow) -> Result<Option<Note>, DbError> {
    let Some(hash) = row.maybe_hash("erased_hash")? else { return Ok(None) };
    let category = row.text("category")?;
    Ok(Some(Note {
        hash,
        erased_at: row.number("erased_at")?,
        erased_by: row.address("erased_by")?,
        category: category.parse().map_err(|_| DbError::Inconsistent {
            column: "category",
            expected: "why records are erased",
            got: category,
        })?,
        signature: row.bytes("signature")?,
    }))
}

/// The columns of a note, of `erasure e`.
macro_rules! note {
    () => {
        "e.hash AS erased_hash, e.erased_at, e.erased_by, e.category, e.signature"
    };
}

pub(crate) use note;

pub(crate) fn read(row: &DbRow) -> Result<Tombstone, DbError> {
    let inconsistent = |column, expected, got| DbError::Inconsistent { column, expected, got };
    let kind = row.text("kind")?;
    let place = match kind.as_str() {
        "decision" => {
            let code = row.text("verdict")?;
            Place::Decision {
                seq: row.number("seq")?,
                prev_hash: row.hash("prev_hash")?,
                verdict: Verdict::of(&code).ok_or_else(|| inconsistent("verdict", "a verdict", code))?,
            }
        }
        "outcome" => {
            Place::Outcome { decision_hash: row.hash("decision_hash")?, revision: row.number("revision")? }
        }
        _ => return Err(inconsistent("kind", "a kind of record", kind)),
    };
    Ok(Tombstone {
        note: read_note(row)?.ok_or_else(|| inconsistent("hash", "32 bytes", "NULL".to_owned()))?,
        place,
        treasury: row.address("treasury")?,
        envelope: row.number("envelope")?,
        agent: row.address("agent")?,
        purse: row.address("purse")?,
        nonce: row.maybe_hash("nonce")?,
        created_at: row.number("created_at")?,
        received_at: row.number("received_at")?,
        contract: row.flag("contract")?,
    })
}

/// What is left of the record with that hash; `None` where it was not erased.
///
/// # Errors
/// When the database fails.
pub async fn get(on: impl Into<Link<'_>>, hash: B256) -> Result<Option<Tombstone>, DbError> {
    one(concat!("SELECT e.*, ", note!(), " FROM erasure e WHERE hash = $1"), vec![hash.value()], on).await
}

/// What is left of the decision that a payment committed to; `None` where it was not erased.
///
/// # Errors
/// When the database fails.
pub async fn of_payment(
    on: impl Into<Link<'_>>,
    purse: Address,
    nonce: B256,
) -> Result<Option<Tombstone>, DbError> {
    let sql = concat!(
        "SELECT e.*, ",
        note!(),
        " FROM erasure e WHERE purse = $1 AND nonce = $2 AND kind = 'decision'"
    );
    one(sql, vec![purse.value(), nonce.value()], on).await
}

/// What is left of a decision's outcome with that number; `None` where it was not erased.
///
/// # Errors
/// When the database fails.
pub async fn of_outcome(
    on: impl Into<Link<'_>>,
    decision: B256,
    revision: u32,
) -> Result<Option<Tombstone>, DbError> {
    let sql = concat!("SELECT e.*, ", note!(), " FROM erasure e WHERE decision_hash = $1 AND revision = $2");
    one(sql, vec![decision.value(), revision.value()], on).await
}

async fn one(
    sql: &'static str,
    values: Vec<crate::db::Value>,
    on: impl Into<Link<'_>>,
) -> Result<Option<Tombstone>, DbError> {
    Query::made(sql, values).row(on).await?.as_ref().map(read).transpose()
}
