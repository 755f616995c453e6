/// Why a query gave no answer. A missing row is no error: those come as `Ok(None)`.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// The database did not do as asked.
    #[error("the database failed")]
    Driver(#[from] sqlx::Error),
    /// A row holds what should never have been written.
    #[error("column {column} holds {got}, expected {expected}")]
    Inconsistent {
        /// Where.
        column: &'static str,
        /// What the schema promises.
        expected: &'static str,
        /// What is there.
        got: String,
    },
}

impl QueryError {
    /// Whether the same query may succeed a moment later.
    pub fn is_busy(&self) -> bool {
        match self {
            Self::Driver(sqlx::Error::PoolTimedOut) => true,
            // SQLITE_BUSY and SQLITE_LOCKED, in their primary codes.
            Self::Driver(sqlx::Error::Database(error)) => {
                matches!(error.code().as_deref(), Some("5" | "6"))
            }
            _ => false,
        }
    }
}
