//! The report as a value: sections of tables, of which every number says where it is from.

use alloy::primitives::{Address, B256};
use bursar_sdk::transparency::SignedCheckpoint;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{ReportError, annex::Summary, figure::Figure, subject::Subject, trial::Trial};

/// The schema this crate writes and reads.
pub const SCHEMA: &str = "bursar.report/1";

/// A report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Report {
    /// [`SCHEMA`].
    pub schema: String,
    /// What made it, with its version.
    pub producer: String,
    /// Follows from the subject.
    pub id: Uuid,
    /// What it is about.
    pub subject: Subject,
    /// S0 to S12.
    pub sections: Vec<Section>,
    /// The underwriter's pack: U1 to U7.
    pub underwriting: Vec<Section>,
    /// What was tested, and what came of it.
    pub trials: Vec<Trial>,
    /// The controls of each framework, and what the trials say of them.
    pub frameworks: Vec<crate::controls::Framework>,
    /// The tables behind it, one file each.
    pub annexes: Vec<Summary>,
    /// The transparency log that it has the entries of.
    pub log: Log,
}

/// A transparency log, as a report has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Log {
    /// The root of its entries, of which the subject says how many.
    pub root: B256,
    /// The same, signed by its keeper; left out where nobody signs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<SignedCheckpoint>,
}

/// One section.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Section {
    /// `S0` to `S12`; `U1` to `U7` in the underwriter's pack.
    pub id: String,
    /// What it is called.
    pub title: String,
    /// What it says, in words.
    pub text: Vec<String>,
    /// Its tables.
    pub tables: Vec<Table>,
}

/// A table for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Table {
    /// What it is called.
    pub title: String,
    /// The columns' headings.
    pub columns: Vec<String>,
    /// Its rows, each with a cell for every column.
    pub rows: Vec<Vec<Cell>>,
    /// How many rows are left out here; the annex named has them all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub more: Option<More>,
}

/// Rows that are left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct More {
    /// How many.
    pub rows: u64,
    /// Where they are.
    pub annex: String,
}

/// A cell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Cell {
    /// Words, addresses, hashes.
    Text(String),
    /// A point in time, in unix seconds.
    Time(u64),
    /// A setting, in atomic units of a token; followed by the transaction in its row.
    Limit(String, Address),
    /// A number, with its source.
    Figure(Box<Figure>),
}

impl Cell {
    pub(crate) fn text(text: impl std::fmt::Display) -> Self {
        Self::Text(text.to_string())
    }
}

impl From<Figure> for Cell {
    fn from(figure: Figure) -> Self {
        Self::Figure(Box::new(figure))
    }
}

/// How many rows a table for people has at most.
pub(crate) const MOST_ROWS: usize = 60;

impl Table {
    pub(crate) fn new(title: &str, columns: &[&str]) -> Self {
        let columns = columns.iter().map(|column| (*column).to_owned()).collect();
        Self { title: title.to_owned(), columns, rows: Vec::new(), more: None }
    }

    pub(crate) fn row(&mut self, cells: Vec<Cell>) -> &mut Self {
        self.rows.push(cells);
        self
    }

    /// As many rows as people read; the rest is in the annex.
    pub(crate) fn short(mut self, annex: crate::annex::Annex) -> Self {
        let left_out = self.rows.len().saturating_sub(MOST_ROWS);
        if left_out != 0 {
            self.rows.truncate(MOST_ROWS);
            let rows = u64::try_from(left_out).unwrap_or(u64::MAX);
            self.more = Some(More { rows, annex: annex.name().to_owned() });
        }
        self
    }
}

impl Section {
    pub(crate) fn new(id: &str, title: &str) -> Self {
        Self { id: id.to_owned(), title: title.to_owned(), text: Vec::new(), tables: Vec::new() }
    }

    pub(crate) fn say(mut self, text: impl Into<String>) -> Self {
        self.text.push(text.into());
        self
    }

    pub(crate) fn with(mut self, table: Table) -> Self {
        self.tables.push(table);
        self
    }
}

impl Report {
    /// The canonical JSON (RFC 8785) that is kept, and whose digest names this very report.
    ///
    /// # Errors
    /// When it cannot be written as JSON.
    pub fn canonical(&self) -> Result<String, ReportError> {
        canonical(self)
    }
}

/// Canonical JSON (RFC 8785).
pub(crate) fn canonical<T: Serialize>(value: &T) -> Result<String, ReportError> {
    serde_json_canonicalizer::to_string(value).map_err(|error| ReportError::Json(error.to_string()))
}
