//! Records from outside the chain, where the ledger took them in.

use alloy::primitives::B256;
use serde_json::json;

use crate::{
    db::{DbError, DbRow, table},
    ledger::{Fact, Record},
    transparency,
};

/// A record at its place in the ledger: after all of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) struct Entry {
    pub(in crate::store) block: u64,
    pub(in crate::store) seq: u64,
    /// The time of the block that the ledger stood at, in unix seconds.
    pub(in crate::store) at: u64,
    pub(in crate::store) record: Record,
}

table! {
    INTAKE, fn intake(entry: &Entry) {
        key { block_number: entry.block, seq: entry.seq }
        timestamp: entry.at,
        subject: entry.record.subject,
        fact: entry.record.fact.code().0,
        gravity: entry.record.fact.code().1,
        treasury: entry.record.treasury,
        envelope: entry.record.envelope,
        purse: entry.record.payment.map(|(purse, _)| purse),
        nonce: entry.record.payment.map(|(_, nonce)| nonce),
        created_at: entry.record.created_at,
        sealed_by: entry.record.sealed_by,
    }
}

impl Entry {
    /// Of what the ledger took from the record, and where: it stays when the record's words are erased.
    pub(in crate::store) fn digest(&self) -> Result<B256, DbError> {
        let Record { subject, fact, treasury, envelope, payment, created_at, sealed_by } = self.record;
        let (fact, gravity) = fact.code();
        transparency::digest(&json!({
            "block": self.block.to_string(),
            "seq": self.seq.to_string(),
            "at": self.at.to_string(),
            "subject": subject,
            "fact": fact,
            "gravity": gravity,
            "treasury": treasury,
            "envelope": envelope,
            "purse": payment.map(|(purse, _)| purse),
            "nonce": payment.map(|(_, nonce)| nonce),
            "createdAt": created_at.to_string(),
            "sealedBy": sealed_by,
        }))
    }
}

pub(in crate::store) fn read_intake(row: &DbRow) -> Result<Entry, DbError> {
    let (fact, gravity) = (row.text("fact")?, row.maybe_text("gravity")?);
    let known = Fact::of(&fact, gravity.as_deref());
    Ok(Entry {
        block: row.number("block_number")?,
        seq: row.number("seq")?,
        at: row.number("timestamp")?,
        record: Record {
            subject: row.hash("subject")?,
            fact: known.ok_or(DbError::Inconsistent {
                column: "fact",
                expected: "what a record tells",
                got: fact,
            })?,
            treasury: row.address("treasury")?,
            envelope: row.number("envelope")?,
            payment: row.maybe_address("purse")?.zip(row.maybe_hash("nonce")?),
            created_at: row.number("created_at")?,
            sealed_by: row.maybe_address("sealed_by")?,
        },
    })
}
