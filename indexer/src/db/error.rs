/// What may be wrong with a database. A missing row is no error: those come as `Ok(None)`.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// It did not do as asked.
    #[error("the database failed")]
    Driver(#[from] sqlx::Error),
    /// A row holds what should never have been written.
    #[error("column {column} holds {got:?}, expected {expected}")]
    Inconsistent {
        /// Where.
        column: &'static str,
        /// What the schema promises.
        expected: &'static str,
        /// What is there.
        got: String,
    },
    /// How rows stood is not kept up to the ledger's last block.
    #[error(
        "as of earlier blocks nothing is told: an indexer of an earlier version has written, or what treasuries said is \
         not all there; opening the store again fills it, if it can"
    )]
    NotKept,
    /// SQLite's log could not be emptied: somebody reads what is in it.
    #[error("the database's log is in use")]
    LogInUse,
    /// A table by the name of a partition that is to be made, and which is none.
    #[error(
        "expected no table {name} beside {table}: attach it where it was a part of it, or call it otherwise"
    )]
    Apart {
        /// The partition.
        name: String,
        /// The table that it would be a part of.
        table: &'static str,
    },
    /// A number that the schema has no room for.
    #[error("expected a number of at most 63 bits, got {got}")]
    TooLarge {
        /// The number.
        got: u64,
    },
}

/// SQLITE_BUSY and SQLITE_LOCKED in their primary codes; what PostgreSQL says of locks, of conflicts with others, of
/// too many connections, and while it starts or stops.
const BUSY: &[&str] = &["5", "6", "40001", "40P01", "53300", "55P03", "57P01", "57P02", "57P03"];

impl DbError {
    /// Whether the same query may succeed a moment later.
    pub fn is_busy(&self) -> bool {
        match self {
            Self::Driver(sqlx::Error::PoolTimedOut | sqlx::Error::Io(_)) | Self::LogInUse => true,
            Self::Driver(sqlx::Error::Database(error)) => {
                error.code().is_some_and(|code| BUSY.contains(&code.as_ref()))
            }
            _ => false,
        }
    }
}
