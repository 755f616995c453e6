//! Entries held against what is kept of what they name.

use std::collections::HashMap;

use alloy::primitives::{Address, B256};
use bursar_sdk::{
    decision::DecisionRecord,
    delivery::SealedRecord,
    outcome::OutcomeRecord,
    record::{RecordError, RecordKind},
    transparency::{Entry, LogKind},
};

use super::{
    super::{
        accesses,
        decision::{DECISION, decision},
        outcome::{OUTCOME, outcome},
        tables::{INTAKE, read_intake},
    },
    Findings, Trouble,
};
use crate::{
    db::{Cell as _, Db, DbError, DbRow, Query, Table, Value, one_of},
    query::{
        approvals::{self, APPROVAL_REQUEST},
        erasures::{self, note},
        log::Leaf,
    },
    transparency::{answer_digest, request_digest, seal_content, tombstone_digest},
};

/// What is kept of the subjects of a page, by their hashes.
struct Kept {
    decisions: HashMap<B256, DbRow>,
    outcomes: HashMap<B256, DbRow>,
    facts: HashMap<B256, DbRow>,
    requests: HashMap<B256, DbRow>,
    stones: HashMap<B256, DbRow>,
    /// The number of the newest answer to each request.
    answers: HashMap<B256, u64>,
}

/// Looks up what a page of entries names, and holds each against it.
pub(super) async fn check(
    db: &Db,
    treasury: Address,
    leaves: &[Leaf],
    findings: &mut Findings,
) -> Result<(), DbError> {
    let kept = Kept::of(db, treasury, leaves).await?;
    for Leaf { number, entry, .. } in leaves {
        let mut add = |what| findings.add(Some(*number), Some(entry.subject), what);
        match entry.kind {
            LogKind::Decision | LogKind::Refusal => {
                match kept.decisions.get(&entry.subject) {
                    Some(row) => check_decision(row, entry, &mut add)?,
                    None => kept.erased(entry, DECISION_TABLE, &mut add),
                }
                kept.fact(entry, &mut add)?;
            }
            LogKind::Outcome => {
                match kept.outcomes.get(&entry.subject) {
                    Some(row) => check_outcome(row, entry, &mut add)?,
                    None => kept.erased(entry, OUTCOME_TABLE, &mut add),
                }
                kept.fact(entry, &mut add)?;
            }
            LogKind::ApprovalRequest => kept.request(entry, &mut add)?,
            LogKind::Approval | LogKind::Rejection => {
                kept.answer(*number, entry, &mut add)?;
                // Of further answers to the same request, the ledger takes nothing.
                if entry.fact.is_some() {
                    kept.fact(entry, &mut add)?;
                }
            }
            LogKind::Erasure => kept.erasure(entry, &mut add)?,
            LogKind::Access => match accesses::digest_of(db, entry.subject).await {
                Ok(None) => add(Trouble::RecordGone { table: ACCESS_TABLE }),
                Ok(Some(found)) if found == entry.subject => {}
                // A row that does not read is not what was logged.
                Ok(Some(_)) | Err(DbError::Inconsistent { .. }) => {
                    add(Trouble::Content { what: ACCESS_TABLE });
                }
                Err(error) => return Err(error),
            },
            // Of kinds that a later version knows, there is nothing here to look at.
            _ => {}
        }
    }
    Ok(())
}

const DECISION_TABLE: &str = "decision";
const OUTCOME_TABLE: &str = "outcome";
const REQUEST_TABLE: &str = "approval request";
const ACCESS_TABLE: &str = "list of accesses";

impl Kept {
    async fn of(db: &Db, treasury: Address, leaves: &[Leaf]) -> Result<Self, DbError> {
        let of = |kinds: &[LogKind]| -> Vec<Vec<Value>> {
            let named = leaves.iter().filter(|leaf| kinds.contains(&leaf.entry.kind));
            named.map(|leaf| vec![leaf.entry.subject.value()]).collect()
        };
        let facts =
            [LogKind::Decision, LogKind::Refusal, LogKind::Outcome, LogKind::Approval, LogKind::Rejection];
        let erased = of(&[LogKind::Decision, LogKind::Refusal, LogKind::Outcome, LogKind::Erasure]);
        let asked = of(&[LogKind::ApprovalRequest, LogKind::Approval, LogKind::Rejection]);
        Ok(Self {
            decisions: rows(db, &DECISION, "hash", &of(&[LogKind::Decision, LogKind::Refusal])).await?,
            outcomes: rows(db, &OUTCOME, "hash", &of(&[LogKind::Outcome])).await?,
            facts: rows(db, &INTAKE, "subject", &of(&facts)).await?,
            stones: stones(db, &erased).await?,
            requests: rows(db, &APPROVAL_REQUEST, "digest", &asked).await?,
            answers: newest_answers(db, treasury, leaves).await?,
        })
    }

    /// A record that is not there has to have been erased.
    fn erased(&self, entry: &Entry, table: &'static str, add: &mut impl FnMut(Trouble)) {
        let Some(row) = self.stones.get(&entry.subject) else { return add(Trouble::RecordGone { table }) };
        // Of the tombstone itself, its own entry tells.
        if row.number("received_at").ok() != Some(entry.at) {
            add(Trouble::Content { what: "tombstone" });
        }
    }

    fn fact(&self, entry: &Entry, add: &mut impl FnMut(Trouble)) -> Result<(), DbError> {
        let found = match self.facts.get(&entry.subject) {
            None => None,
            Some(row) => read(row, read_intake)?.map(|fact| fact.digest()).transpose()?,
        };
        if found != entry.fact {
            add(Trouble::Content { what: "fact that the ledger took from it" });
        }
        Ok(())
    }

    fn request(&self, entry: &Entry, add: &mut impl FnMut(Trouble)) -> Result<(), DbError> {
        let Some(row) = self.requests.get(&entry.subject) else {
            add(Trouble::RecordGone { table: REQUEST_TABLE });
            return Ok(());
        };
        let found = read(row, approvals::read)?;
        let found = found.map(|it| request_digest(&it.request, it.requested_at)).transpose()?;
        if found != entry.content {
            add(Trouble::Content { what: REQUEST_TABLE });
        }
        Ok(())
    }

    fn answer(&self, number: u64, entry: &Entry, add: &mut impl FnMut(Trouble)) -> Result<(), DbError> {
        // An approval gives way to a later one: only the newest is kept.
        if self.answers.get(&entry.subject) != Some(&number) {
            return Ok(());
        }
        let found = match self.requests.get(&entry.subject) {
            None => None,
            Some(row) => read(row, |row| {
                let at = row.maybe_number("answered_at")?;
                Ok(approvals::read(row)?.answer.zip(at))
            })?
            .flatten(),
        };
        let found = found.map(|(answer, at)| answer_digest(&answer, at)).transpose()?;
        if found != entry.content {
            add(Trouble::Content { what: "answer" });
        }
        Ok(())
    }

    fn erasure(&self, entry: &Entry, add: &mut impl FnMut(Trouble)) -> Result<(), DbError> {
        let found = match self.stones.get(&entry.subject) {
            None => {
                add(Trouble::RecordGone { table: "tombstone" });
                return Ok(());
            }
            Some(row) => read(row, erasures::read)?,
        };
        let found = found.map(|stone| tombstone_digest(&stone)).transpose()?;
        if found != entry.content {
            add(Trouble::Content { what: "tombstone" });
        }
        Ok(())
    }
}

fn check_decision(row: &DbRow, entry: &Entry, add: &mut impl FnMut(Trouble)) -> Result<(), DbError> {
    let table = DECISION_TABLE;
    let Some(sealed) = sealed(row, entry, RecordKind::Decision, table, add)? else { return Ok(()) };
    match DecisionRecord::verified(&sealed.canonical, entry.subject) {
        Err(error) => add(Trouble::Words { table, error: error.to_string() }),
        Ok(record) => {
            let expected = decision(&record, &sealed, entry.at);
            let mut columns = DECISION.differing(row, &expected);
            columns.retain(|column| *column != "seal");
            if LogKind::from(record.verdict) != entry.kind || Some(record.envelope) != entry.envelope {
                columns.push("record");
            }
            if !columns.is_empty() {
                add(Trouble::Row { table, columns });
            }
        }
    }
    Ok(())
}

fn check_outcome(row: &DbRow, entry: &Entry, add: &mut impl FnMut(Trouble)) -> Result<(), DbError> {
    let table = OUTCOME_TABLE;
    let Some(sealed) = sealed(row, entry, RecordKind::Outcome, table, add)? else { return Ok(()) };
    let record: Result<OutcomeRecord, RecordError> =
        OutcomeRecord::verified(&sealed.canonical, entry.subject);
    match record {
        Err(error) => add(Trouble::Words { table, error: error.to_string() }),
        Ok(record) => {
            let expected = outcome(&record, &sealed, entry.at);
            let mut columns = OUTCOME.differing(row, &expected);
            columns.retain(|column| *column != "seal");
            if Some(record.envelope) != entry.envelope {
                columns.push("record");
            }
            if !columns.is_empty() {
                add(Trouble::Row { table, columns });
            }
        }
    }
    Ok(())
}

/// The record as it is kept; its seal is the one that was logged.
fn sealed(
    row: &DbRow,
    entry: &Entry,
    kind: RecordKind,
    table: &'static str,
    add: &mut impl FnMut(Trouble),
) -> Result<Option<SealedRecord>, DbError> {
    let read = (row.text("record"), row.maybe_bytes("seal"));
    let (Ok(canonical), Ok(seal)) = read else {
        add(Trouble::Words { table, error: "they do not read".to_owned() });
        return Ok(None);
    };
    if entry.content.is_some_and(|content| seal_content(seal.as_ref()).ok() != Some(content)) {
        add(Trouble::Content { what: "seal" });
    }
    Ok(Some(SealedRecord {
        kind,
        hash: entry.subject,
        canonical,
        seal: seal.unwrap_or_default(),
        trace: None,
    }))
}

/// A row that does not read is not what was logged; a database that fails is an error.
fn read<T>(row: &DbRow, read: impl Fn(&DbRow) -> Result<T, DbError>) -> Result<Option<T>, DbError> {
    match read(row) {
        Ok(it) => Ok(Some(it)),
        Err(DbError::Inconsistent { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

async fn rows(
    db: &Db,
    table: &'static Table,
    by: &'static str,
    keys: &[Vec<Value>],
) -> Result<HashMap<B256, DbRow>, DbError> {
    if keys.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = table.among(&[by], keys).rows(db).await?;
    rows.into_iter().map(|row| Ok((row.hash(by)?, row))).collect()
}

async fn stones(db: &Db, keys: &[Vec<Value>]) -> Result<HashMap<B256, DbRow>, DbError> {
    if keys.is_empty() {
        return Ok(HashMap::new());
    }
    let (condition, values) = one_of(&["e.hash"], keys);
    let select = concat!("SELECT e.*, ", note!(), " FROM erasure e WHERE ");
    let rows = Query::made(format!("{select}{condition}"), values).rows(db).await?;
    rows.into_iter().map(|row| Ok((row.hash("hash")?, row))).collect()
}

async fn newest_answers(db: &Db, treasury: Address, leaves: &[Leaf]) -> Result<HashMap<B256, u64>, DbError> {
    let mut newest = HashMap::new();
    for leaf in leaves {
        if !matches!(leaf.entry.kind, LogKind::Approval | LogKind::Rejection) {
            continue;
        }
        let query = Query::new(
            "SELECT MAX(number) AS number FROM log_entry WHERE subject = $2 \
             AND CASE WHEN treasury = $1 AND kind IN ('approval', 'rejection') THEN TRUE ELSE FALSE END",
        );
        let row = query.bind(treasury).bind(leaf.entry.subject).row(db).await?;
        if let Some(number) = row.map(|row| row.maybe_number("number")).transpose()?.flatten() {
            newest.insert(leaf.entry.subject, number);
        }
    }
    Ok(newest)
}
