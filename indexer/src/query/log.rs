//! The transparency log of a treasury: its entries, its roots, and what they prove.

use alloy::primitives::{Address, B256};
use bursar_sdk::transparency::{Consistency, Entry, Inclusion, Nodes, ProofError, Step, leaf_hash};
use serde::{Deserialize, Serialize};

use super::{
    Position,
    history::{Rows, Scope},
    select::Select,
};
use crate::{
    db::{Db, DbError, DbRow},
    transparency::{nodes_at, size_of},
};

/// Why a log does not answer.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The database failed, or holds what does not read.
    #[error(transparent)]
    Db(#[from] DbError),
    /// There is nothing to prove, or a node is missing.
    #[error(transparent)]
    Proof(#[from] ProofError),
}

/// An entry at its place in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaf {
    /// Its number, from 0.
    pub number: u64,
    /// What it says.
    pub entry: Entry,
    /// Its bytes: canonical JSON.
    pub bytes: String,
}

impl Leaf {
    /// Its hash, as proofs begin with.
    pub fn hash(&self) -> B256 {
        leaf_hash(self.bytes.as_bytes())
    }
}

/// The key of the list, oldest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    /// The entry's number.
    pub number: u64,
}

/// A root of the log, as somebody anchored it on chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Anchor {
    /// Its place on the chain.
    pub position: Position,
    /// When, in unix seconds.
    pub timestamp: u64,
    /// The transaction.
    pub tx_hash: B256,
    /// Of how many entries.
    pub size: u64,
    /// Their root.
    pub root: B256,
    /// Who anchored it.
    pub by: Address,
}

/// How many entries the log has; 0 where there is none.
///
/// # Errors
/// When the database fails.
pub async fn size(db: &Db, treasury: Address) -> Result<u64, DbError> {
    size_of(treasury, db).await
}

/// The size that was asked for, or that of all of the log.
///
/// # Errors
/// When the database fails.
pub async fn size_or_all(db: &Db, treasury: Address, asked: Option<u64>) -> Result<u64, DbError> {
    match asked {
        Some(size) => Ok(size),
        None => size(db, treasury).await,
    }
}

/// How many entries the log had when the last of those came that came until then (unix seconds, inclusive).
///
/// # Errors
/// When the database fails.
pub async fn size_until(db: &Db, treasury: Address, until: u64) -> Result<u64, DbError> {
    let last = select_until(treasury, until).row(db, |row| row.number::<u64>("number")).await?;
    Ok(last.map_or(0, |last| last.saturating_add(1)))
}

pub(super) fn select_until(treasury: Address, until: u64) -> Select {
    let mut select = Select::new("SELECT number FROM log_entry");
    select
        .filter("treasury = ", Some(treasury))
        .filter("at <= ", Some(until))
        .order_and_limit(" ORDER BY number DESC", 1);
    select
}

/// How many entries a report of that scope has: those that had come by then, and those below a root that was anchored up to
/// its height.
///
/// # Errors
/// When the database fails.
pub async fn size_in(db: &Db, scope: Scope) -> Result<u64, DbError> {
    let all = size(db, scope.treasury).await?;
    let came = size_until(db, scope.treasury, scope.records_until).await?;
    let anchors = select_anchors(scope.treasury, scope.height, u32::MAX).rows(db, read_anchor).await?;
    // Whoever anchors may say any number.
    let anchored = anchors.iter().map(|anchor| anchor.size).filter(|size| *size <= all).max();
    Ok(came.max(anchored.unwrap_or_default()))
}

/// The first `size` entries, as they come.
pub fn entries(db: &Db, treasury: Address, size: u64) -> Rows<'_, Leaf> {
    select_entries(treasury, size).stream(db, read)
}

pub(super) fn select_entries(treasury: Address, size: u64) -> Select {
    let mut select = Select::new(SELECT);
    select.filter("treasury = ", Some(treasury)).filter("number < ", Some(size)).push(" ORDER BY number");
    select
}

/// The root of the log's first `size` entries.
///
/// # Errors
/// When it has fewer, or the database fails.
pub async fn root(db: &Db, treasury: Address, size: u64) -> Result<B256, LogError> {
    ask(db, treasury, size, |nodes| nodes.root(size)).await
}

/// That an entry is one of the log's first `size`.
///
/// # Errors
/// When it is not, the log has fewer, or the database fails.
pub async fn inclusion(db: &Db, treasury: Address, number: u64, size: u64) -> Result<Inclusion, LogError> {
    ask(db, treasury, size, |nodes| nodes.inclusion(number, size)).await
}

/// That the log's first `from` entries are the first of `size`.
///
/// # Errors
/// When it has fewer, or the database fails.
pub async fn consistency(db: &Db, treasury: Address, from: u64, size: u64) -> Result<Consistency, LogError> {
    ask(db, treasury, size, |nodes| nodes.consistency(from, size)).await
}

/// A question takes its nodes at once: it is asked for what it needs, and then for the answer.
async fn ask<T>(
    db: &Db,
    treasury: Address,
    size: u64,
    question: impl Fn(&Nodes) -> Result<Step<T>, ProofError>,
) -> Result<T, LogError> {
    let has = size_of(treasury, db).await?;
    if size > has {
        return Err(ProofError::OutOfRange { what: "a size", size: has, got: size }.into());
    }
    let positions = match question(&Nodes::default())? {
        Step::Done(answer) => return Ok(answer),
        Step::Needs(positions) => positions,
    };
    let mut nodes = Nodes::default();
    nodes.add(nodes_at(treasury, &positions, db).await?);
    match question(&nodes)? {
        Step::Done(answer) => Ok(answer),
        Step::Needs(missing) => Err(ProofError::Node(missing.first().copied().unwrap_or_default()).into()),
    }
}

const SELECT: &str = "SELECT number, entry FROM log_entry";

fn read(row: &DbRow) -> Result<Leaf, DbError> {
    let bytes = row.text("entry")?;
    let entry = Entry::from_canonical(&bytes).map_err(|error| DbError::Inconsistent {
        column: "entry",
        expected: "an entry of a log",
        got: error.to_string(),
    })?;
    Ok(Leaf { number: row.number("number")?, entry, bytes })
}

/// Which entries.
#[derive(Debug, Clone, Copy)]
pub struct Filter {
    /// Of this treasury's log.
    pub treasury: Address,
    /// About this record or request.
    pub subject: Option<B256>,
}

/// Entries, oldest first.
///
/// # Errors
/// When the database fails.
pub async fn list(db: &Db, of: Filter, after: Option<Key>, limit: u32) -> Result<Vec<Leaf>, DbError> {
    select_list(of, after, limit).rows(db, read).await
}

pub(super) fn select_list(of: Filter, after: Option<Key>, limit: u32) -> Select {
    let mut select = Select::new(SELECT);
    match of.subject {
        None => select.filter("treasury = ", Some(of.treasury)),
        // A hash is of one record, and that of one treasury.
        subject => select.sift("treasury = ", Some(of.treasury)).filter("subject = ", subject),
    };
    select.filter("number > ", after.map(|key| key.number)).order_and_limit(" ORDER BY number", limit);
    select
}

/// One entry; `None` where the log has none with that number.
///
/// # Errors
/// When the database fails.
pub async fn get(db: &Db, treasury: Address, number: u64) -> Result<Option<Leaf>, DbError> {
    let mut select = Select::new(SELECT);
    select.filter("treasury = ", Some(treasury)).filter("number = ", Some(number)).row(db, read).await
}

/// The newest `limit` roots that stand on the chain up to a block (inclusive), oldest first.
///
/// # Errors
/// When the database fails.
pub async fn anchors(db: &Db, treasury: Address, up_to: u64, limit: u32) -> Result<Vec<Anchor>, DbError> {
    let mut anchors = select_anchors(treasury, up_to, limit).rows(db, read_anchor).await?;
    anchors.reverse();
    Ok(anchors)
}

pub(super) fn select_anchors(treasury: Address, up_to: u64, limit: u32) -> Select {
    let mut select = Select::new(
        "SELECT a.block_number, a.log_index, a.timestamp, a.tx_hash, a.size, a.root, a.by FROM anchor a",
    );
    select
        .filter("a.treasury = ", Some(treasury))
        .filter("a.block_number <= ", Some(up_to))
        .order_and_limit(" ORDER BY a.block_number DESC, a.log_index DESC", limit);
    select
}

fn read_anchor(row: &DbRow) -> Result<Anchor, DbError> {
    let size = row.text("size")?;
    Ok(Anchor {
        position: Position::read(row)?,
        timestamp: row.number("timestamp")?,
        tx_hash: row.hash("tx_hash")?,
        size: size.parse().map_err(|_| DbError::Inconsistent {
            column: "size",
            expected: "a number of 64 bits",
            got: size,
        })?,
        root: row.hash("root")?,
        by: row.address("by")?,
    })
}
