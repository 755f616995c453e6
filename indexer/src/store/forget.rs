//! Beginning again: the ledger without what the chain told it.

use super::{Store, StoreError, heard, ranges, tables, watched};
use crate::outbox;

impl Store {
    /// Forgets everything that came from the chain, so that an indexer reads it again from its start. What came from
    /// elsewhere stays: records, at the heights where they were taken in, approval requests, and the watch list, which then covers
    /// the whole chain.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn forget_chain(&self) -> Result<(), StoreError> {
        let mut tx = self.db.begin().await?;
        outbox::keep(&mut tx).await?;
        let read_again = [&tables::JOURNAL, &tables::BLOCK, &tables::CHECKPOINT];
        for table in tables::CHANGED.into_iter().chain(tables::added()).chain(read_again) {
            table.clear().execute(&mut tx).await?;
        }
        ranges::clear(&mut tx).await?;
        heard::HEARD.clear().execute(&mut tx).await?;
        watched::look_from_the_start(&mut tx).await?;
        tx.commit().await?;
        self.known.forget();
        Ok(())
    }
}
