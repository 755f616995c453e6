//! What may be wrong with a log, and where.

use std::fmt;

use alloy::primitives::{Address, B256};

/// Something that does not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The entry's number; `None` where it is about none, or about several.
    pub entry: Option<u64>,
    /// The record or request that it is about; `None` where that is not known.
    pub subject: Option<B256>,
    /// What is wrong.
    pub what: Trouble,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.entry, self.subject) {
            (Some(entry), Some(subject)) => write!(f, "entry {entry}, about {subject}: {}", self.what),
            (Some(entry), None) => write!(f, "entry {entry}: {}", self.what),
            (None, Some(subject)) => write!(f, "{subject}: {}", self.what),
            (None, None) => self.what.fmt(f),
        }
    }
}

/// What may be wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Trouble {
    /// Numbers without entries.
    #[error("entries {from} to {to} are missing")]
    Missing {
        /// The first.
        from: u64,
        /// The last.
        to: u64,
    },
    /// It does not read.
    #[error("the entry does not read: {0}")]
    Unreadable(String),
    /// It stands in the wrong log.
    #[error("the entry is of treasury {got}'s log")]
    OtherTreasury {
        /// Whose it is.
        got: Address,
    },
    /// A column that lists go by says something else.
    #[error("the {column} that it is listed by is not the entry's")]
    Beside {
        /// Which.
        column: &'static str,
    },
    /// The entry is not what was hashed into the tree.
    #[error("the entry was changed: the tree has a leaf of hash {expected}, it has {got}")]
    Leaf {
        /// In the tree.
        expected: B256,
        /// The entry's.
        got: B256,
    },
    /// The tree lacks a node.
    #[error("the tree lacks the node at position {position}")]
    NodeGone {
        /// Where.
        position: u64,
    },
    /// A node is not the hash of what is below it.
    #[error("the tree's node at position {position} was changed: expected {expected}, got {got}")]
    Node {
        /// Where.
        position: u64,
        /// What follows from the leaves below it.
        expected: B256,
        /// What is there.
        got: B256,
    },
    /// More nodes than the entries come to.
    #[error("expected {expected} nodes of the tree, got {got}: entries were taken away, or nodes put in")]
    Nodes {
        /// How many there should be.
        expected: u64,
        /// How many there are.
        got: u64,
    },
    /// The record is gone, and nobody had it erased.
    #[error("the {table} that it names is gone, and was not erased")]
    RecordGone {
        /// Where it should be.
        table: &'static str,
    },
    /// The record's words have another hash, or none that counts.
    #[error("the {table}'s words were changed: {error}")]
    Words {
        /// Where.
        table: &'static str,
        /// What is wrong with them.
        error: String,
    },
    /// What stands beside the record's words does not follow from them.
    #[error("the {table}'s row was changed in {columns:?}")]
    Row {
        /// Where.
        table: &'static str,
        /// In which columns.
        columns: Vec<&'static str>,
    },
    /// What was kept with it, or of it, is something else.
    #[error("the {what} is not what was logged")]
    Content {
        /// What.
        what: &'static str,
    },
    /// Something is kept that the log does not know.
    #[error("the {table} is not in the log: it was put in beside it, or its entry was taken away")]
    Unlogged {
        /// Where it is.
        table: &'static str,
    },
    /// The log is shorter than it was.
    #[error("expected at least the {expected} entries {seen}, got {got}: entries were taken away")]
    Truncated {
        /// How many there were.
        expected: u64,
        /// How many there are.
        got: u64,
        /// Where that was seen.
        seen: String,
    },
    /// The log had another root.
    #[error(
        "the first {size} entries had root {expected} {seen}, they have {got}: entries from {since} on were changed, or \
         that root is another log's"
    )]
    Root {
        /// Of how many entries.
        size: u64,
        /// The root that was seen.
        expected: B256,
        /// The root of what is there.
        got: B256,
        /// The size of the last root before it that fits.
        since: u64,
        /// Where it was seen.
        seen: String,
    },
}
