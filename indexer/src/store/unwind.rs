//! Back: the twin of applying. What blocks added goes, what they changed is as it was before.

use super::{ApplyError, Checkpoint, Store, heard, ranges, tables};
use crate::{
    db::Query,
    ledger::{Key, Row},
    outbox,
};

impl Store {
    /// Takes every block after `to` back, all or nothing, and stands at `to` again.
    ///
    /// # Errors
    /// When the database fails, or a block to take back is final.
    pub async fn unwind(&self, to: u64) -> Result<Checkpoint, ApplyError> {
        let now = self.checkpoint().await?;
        let final_number = now.map_or(0, |now| now.final_number);
        let (Some(now), Some(target)) = (now, self.block(to).await?) else {
            return Err(ApplyError::TooDeep { final_number, to });
        };
        if to < final_number {
            return Err(ApplyError::TooDeep { final_number, to });
        }
        let mut tx = self.db.begin().await?;
        let keeps_then = self.keeps_then(&mut tx).await?;
        let journal = "SELECT row_key, before FROM journal WHERE block_number > $1 \
                       ORDER BY block_number DESC, seq DESC";
        for row in Query::new(journal).bind(to).rows(&mut tx).await? {
            let key: Key = row.json("row_key", "a row's key")?;
            let before: Option<Row> = row.maybe_json("before", "a row")?;
            tables::put(&key, before.as_ref())?.write(&mut tx).await?;
        }
        for table in tables::added().chain([&tables::JOURNAL, &tables::BLOCK]) {
            table.delete_after(to).execute(&mut tx).await?;
        }
        ranges::clear(&mut tx).await?;
        let at = Checkpoint {
            number: target.number,
            hash: target.hash,
            timestamp: target.timestamp,
            head: now.head,
            final_number,
            safe_number: now.safe_number.min(to),
        };
        // What came late of blocks that the ledger had is in nobody's sight, and must not come into it.
        heard::taken_over(&mut tx, now.number).await?;
        outbox::retract_after(&mut tx, to, now.timestamp).await?;
        tables::CHECKPOINT.put(tables::checkpoint(&at, keeps_then)).execute(&mut tx).await?;
        tx.commit().await?;
        Ok(at)
    }
}
