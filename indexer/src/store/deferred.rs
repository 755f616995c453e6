//! Indexes that a long backfill leaves for its end: to build one from all rows takes a fraction of what it takes to keep
//! it as they come.
//!
//! Which ones there are is what the database's catalogue says, so that a process that dies in between leaves nothing to
//! remember: whoever follows the chain next builds what is missing.

use super::{Store, StoreError};
use crate::db::Query;

/// What somebody else's payments are listed by. What the projection reads by is never without its index, nor is what
/// treasuries' own pages list; these rows are as many as x402 has, and are listed newest first by their key.
const SETTLEMENT: [(&str, &str); 4] = [
    ("settlement_by_payer", "(payer, block_number, log_index)"),
    ("settlement_by_payee", "(payee, block_number, log_index)"),
    ("settlement_by_time", "(timestamp, block_number)"),
    ("settlement_by_rail", "(rail, block_number, log_index) WHERE rail <> 'eip3009'"),
];

impl Store {
    /// Takes away the indexes that are built faster afterwards. For a ledger that has not begun, and has a long way to go.
    ///
    /// # Errors
    /// When the database fails. What is left then is completed by [`Self::complete_indexes`].
    pub async fn defer_indexes(&self) -> Result<(), StoreError> {
        for (name, _) in SETTLEMENT {
            Query::made(format!("DROP INDEX IF EXISTS {name}"), Vec::new()).execute(&self.db).await?;
        }
        Ok(())
    }

    /// Builds what was deferred, where it was; whoever reads goes on meanwhile.
    ///
    /// # Errors
    /// When the database fails. What is built by then stays.
    pub async fn complete_indexes(&self) -> Result<(), StoreError> {
        let index = |(name, of)| format!("CREATE INDEX IF NOT EXISTS {name} ON settlement {of}");
        Ok(self.db.build(SETTLEMENT.map(index).into()).await?)
    }
}
