//! A log held against what is kept: each entry against its leaf, the leaves against the tree, the tree against roots that
//! somebody has seen, and each entry against the record that it names. What does not fit is found, and where.

mod kept;
mod tree;
mod trouble;
mod unlogged;

use alloy::primitives::{Address, B256};
use bursar_sdk::transparency::Entry;

use self::tree::Walk;
use super::{Store, StoreError};
use crate::{
    db::{DbError, DbRow, Query},
    query::log::Leaf,
};

pub use trouble::{Finding, Trouble};

/// How many entries are looked at together.
const PAGE: usize = 256;

/// The most findings that are told one by one: where there are more, the log is another.
const MOST: usize = 1_000;

/// A root that somebody has seen: in a checkpoint, or on the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// Of how many entries.
    pub size: u64,
    /// Their root.
    pub root: B256,
    /// Where it was seen, for people.
    pub seen: String,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audit {
    /// How many entries the log has.
    pub size: u64,
    /// Their root, worked out from the leaves.
    pub root: B256,
    /// What does not fit, the smallest entry's first; as many as are told one by one.
    pub findings: Vec<Finding>,
    /// How many more there are.
    pub more: u64,
}

/// Collects what does not fit.
#[derive(Debug, Default)]
struct Findings {
    all: Vec<Finding>,
    more: u64,
}

impl Findings {
    fn add(&mut self, entry: Option<u64>, subject: Option<B256>, what: Trouble) {
        if self.all.len() < MOST {
            self.all.push(Finding { entry, subject, what });
        } else {
            self.more += 1;
        }
    }
}

impl Store {
    /// The treasuries that have a log.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn logs(&self) -> Result<Vec<Address>, StoreError> {
        let rows =
            Query::new("SELECT DISTINCT treasury FROM log_entry ORDER BY treasury").rows(&self.db).await?;
        Ok(rows.iter().map(|row| row.address("treasury")).collect::<Result<_, _>>()?)
    }

    /// Holds a treasury's log against what is kept of the records that it names, and against roots that somebody has
    /// seen. What comes in meanwhile is left for the next time.
    ///
    /// # Errors
    /// When the database fails; what does not fit is no error.
    pub async fn audit_log(&self, treasury: Address, marks: &[Mark]) -> Result<Audit, StoreError> {
        let mut findings = Findings::default();
        let (size, nodes) = self.extent(treasury).await?;
        let mut walk = Walk::new(treasury, marks);
        let mut from = 0;
        while from < size {
            let rows = self.entries(treasury, from, size).await?;
            let Some(last) = rows.last() else { break };
            let next = last.number("number").map(|last: u64| last.saturating_add(1))?;
            let mut leaves = Vec::new();
            for row in &rows {
                let number: u64 = row.number("number")?;
                if let Some(entry) = read(row, number, treasury, &mut findings)? {
                    leaves.push(Leaf { number, entry, bytes: row.text("entry")? });
                }
            }
            let bytes: Vec<(u64, String)> = rows
                .iter()
                .map(|row| Ok((row.number("number")?, row.text("entry")?)))
                .collect::<Result<_, DbError>>()?;
            walk.entries(&self.db, &bytes, next, &mut findings).await?;
            kept::check(&self.db, treasury, &leaves, &mut findings).await?;
            from = next;
        }
        let root = walk.end(size, nodes, &mut findings);
        unlogged::check(&self.db, treasury, &mut findings).await?;
        // Those of no entry come last.
        findings.all.sort_by_key(|finding| finding.entry.unwrap_or(u64::MAX));
        Ok(Audit { size, root, findings: findings.all, more: findings.more })
    }

    /// How many entries there are by their numbers, and how many nodes by their positions, both of the same moment.
    async fn extent(&self, treasury: Address) -> Result<(u64, u64), DbError> {
        let query = Query::new(
            "SELECT (SELECT MAX(number) FROM log_entry WHERE treasury = $1) AS entry, \
             (SELECT MAX(position) FROM log_node WHERE treasury = $1) AS node",
        );
        let Some(row) = query.bind(treasury).row(&self.db).await? else { return Ok((0, 0)) };
        let count = |last: Option<u64>| last.map_or(0, |last| last.saturating_add(1));
        Ok((count(row.maybe_number("entry")?), count(row.maybe_number("node")?)))
    }

    async fn entries(&self, treasury: Address, from: u64, size: u64) -> Result<Vec<DbRow>, DbError> {
        let query = Query::new(
            "SELECT number, kind, subject, at, entry FROM log_entry \
             WHERE treasury = $1 AND number >= $2 AND number < $3 ORDER BY number LIMIT $4",
        );
        query.bind(treasury).bind(from).bind(size).bind(PAGE as u64).rows(&self.db).await
    }
}

/// The entry of a row, where it reads; what stands beside it says the same.
fn read(
    row: &DbRow,
    number: u64,
    treasury: Address,
    findings: &mut Findings,
) -> Result<Option<Entry>, DbError> {
    let entry = match Entry::from_canonical(&row.text("entry")?) {
        Ok(entry) => entry,
        Err(error) => {
            findings.add(Some(number), None, Trouble::Unreadable(error.to_string()));
            return Ok(None);
        }
    };
    let subject = Some(entry.subject);
    if entry.treasury != treasury {
        findings.add(Some(number), subject, Trouble::OtherTreasury { got: entry.treasury });
    }
    let beside = [
        ("kind", row.text("kind").ok().as_deref() == Some(entry.kind.code())),
        ("subject", row.hash("subject").ok() == subject),
        ("at", row.number("at").ok() == Some(entry.at)),
    ];
    for (column, fits) in beside {
        if !fits {
            findings.add(Some(number), subject, Trouble::Beside { column });
        }
    }
    Ok(Some(entry))
}
