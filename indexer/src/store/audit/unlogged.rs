//! What is kept, and not in the log.

use alloy::primitives::{Address, B256};

use super::{Findings, Trouble};
use crate::db::{Db, DbError, Query};

/// Each kind of thing that is logged, and those of a treasury that no entry names. Whose log it is stands in a case: SQLite
/// would walk all of that log for each of them.
const UNLOGGED: &[(&str, &str)] = &[
    (
        "decision",
        "SELECT d.hash AS subject FROM decision d WHERE d.treasury = $1 AND NOT EXISTS (SELECT 1 FROM log_entry l \
         WHERE l.subject = d.hash \
         AND CASE WHEN l.treasury = d.treasury AND l.kind IN ('decision', 'refusal') THEN TRUE ELSE FALSE END) \
         ORDER BY d.hash LIMIT $2",
    ),
    (
        "outcome",
        "SELECT o.hash AS subject FROM decision d CROSS JOIN outcome o WHERE d.treasury = $1 \
         AND o.decision_hash = d.hash AND NOT EXISTS (SELECT 1 FROM log_entry l WHERE l.subject = o.hash \
         AND CASE WHEN l.treasury = d.treasury AND l.kind = 'outcome' THEN TRUE ELSE FALSE END) \
         ORDER BY o.hash LIMIT $2",
    ),
    (
        "fact that the ledger took from it",
        "SELECT i.subject FROM intake i WHERE i.treasury = $1 AND NOT EXISTS (SELECT 1 FROM log_entry l \
         WHERE l.subject = i.subject \
         AND CASE WHEN l.treasury = i.treasury AND l.kind IN ('decision', 'refusal', 'outcome', 'approval', \
         'rejection') THEN TRUE ELSE FALSE END) \
         ORDER BY i.subject LIMIT $2",
    ),
    (
        "approval request",
        "SELECT r.digest AS subject FROM approval_request r WHERE r.treasury = $1 AND NOT EXISTS (SELECT 1 \
         FROM log_entry l WHERE l.subject = r.digest \
         AND CASE WHEN l.treasury = r.treasury AND l.kind = 'approval_request' THEN TRUE ELSE FALSE END) \
         ORDER BY r.digest LIMIT $2",
    ),
    (
        "answer",
        "SELECT r.digest AS subject FROM approval_request r WHERE r.treasury = $1 AND r.answer IS NOT NULL \
         AND NOT EXISTS (SELECT 1 FROM log_entry l WHERE l.subject = r.digest \
         AND CASE WHEN l.treasury = r.treasury AND l.kind IN ('approval', 'rejection') THEN TRUE ELSE FALSE END) \
         ORDER BY r.digest LIMIT $2",
    ),
    (
        "tombstone",
        "SELECT e.hash AS subject FROM erasure e WHERE e.treasury = $1 AND NOT EXISTS (SELECT 1 FROM log_entry l \
         WHERE l.subject = e.hash \
         AND CASE WHEN l.treasury = e.treasury AND l.kind = 'erasure' THEN TRUE ELSE FALSE END) \
         ORDER BY e.hash LIMIT $2",
    ),
    (
        "access",
        "SELECT a.batch AS subject FROM access a WHERE a.treasury = $1 AND NOT EXISTS (SELECT 1 FROM log_entry l \
         WHERE l.subject = a.batch \
         AND CASE WHEN l.treasury = a.treasury AND l.kind = 'access' THEN TRUE ELSE FALSE END) \
         ORDER BY a.seq LIMIT $2",
    ),
];

pub(super) async fn check(db: &Db, treasury: Address, findings: &mut Findings) -> Result<(), DbError> {
    for (table, sql) in UNLOGGED {
        let rows = Query::new(sql).bind(treasury).bind(super::MOST as u64).rows(db).await?;
        for row in rows {
            // What does not read as a hash is in no log.
            let subject: Option<B256> = row.hash("subject").ok();
            findings.add(None, subject, Trouble::Unlogged { table });
        }
    }
    Ok(())
}
