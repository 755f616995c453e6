//! What can go wrong while a report is made or read.

use crate::annex::Annex;

/// Why there is no report, or none that reads.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// The database failed, or holds what was never written.
    #[error(transparent)]
    Db(#[from] bursar_indexer::db::DbError),
    /// A file cannot be written or read.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// A table cannot be written or read.
    #[error(transparent)]
    Csv(#[from] csv::Error),
    /// Something cannot be written as JSON, or read from it.
    #[error("not the JSON it should be: {0}")]
    Json(String),
    /// A page or a picture cannot be drawn.
    #[error("cannot be drawn: {0}")]
    Drawing(String),
    /// There is no such height to report.
    #[error("expected a height from {first} to {last}, {why}, got {got}")]
    Height {
        /// The block that created the treasury.
        first: u64,
        /// The last block that is known, or final.
        last: u64,
        /// Which of the two.
        why: &'static str,
        /// What was asked for.
        got: u64,
    },
    /// The ledger is of nothing of the kind.
    #[error("the ledger holds no {0}")]
    Unknown(String),
    /// A reorg went by.
    #[error(
        "block {height} was {before} when the report began and is {after} now: a reorg took it back; ask again"
    )]
    Reorg {
        /// Which block.
        height: u64,
        /// Its hash before.
        before: alloy::primitives::B256,
        /// Its hash after, where it has one.
        after: String,
    },
    /// A row is not what its table holds.
    #[error("{table}: {what}")]
    Row {
        /// Which table.
        table: &'static str,
        /// What is wrong.
        what: String,
    },
    /// No annex is called that.
    #[error("expected the name of an annex, got {got:?}")]
    NoAnnex {
        /// What came instead.
        got: String,
    },
    /// No column is called that.
    #[error("expected a column of {annex}, got {got:?}")]
    NoColumn {
        /// Which annex.
        annex: &'static str,
        /// What came instead.
        got: String,
    },
    /// Rows were not counted that way.
    #[error("the rows of {annex} were not counted by {columns:?}")]
    NotCounted {
        /// Which annex.
        annex: &'static str,
        /// By which columns.
        columns: String,
    },
    /// A sum that no ledger holds.
    #[error("{0} is beyond what a ledger holds")]
    Overflow(&'static str),
}

impl ReportError {
    pub(crate) fn row(annex: Annex, what: impl Into<String>) -> Self {
        Self::Row { table: annex.name(), what: what.into() }
    }
}
