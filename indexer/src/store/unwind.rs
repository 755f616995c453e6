//! Back: the twin of applying. What blocks added goes, what they changed is as it was before.

use sqlx::Row as _;

use super::{
    ApplyError, Checkpoint, Store, StoreError, apply::set_checkpoint, effects::DELETE_AFTER, read::integer,
    save::save,
};
use crate::ledger::{Key, Row};

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
        let mut tx = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let rows = sqlx::query(
            "SELECT row_key, before FROM journal WHERE block_number > ? ORDER BY block_number DESC, seq DESC",
        )
        .bind(integer(to)?)
        .fetch_all(&mut *tx)
        .await?;
        for row in rows {
            let key: Key = read(row.try_get("row_key")?)?;
            let before: Option<&str> = row.try_get("before")?;
            let before: Option<Row> = before.map(read).transpose()?;
            save(&mut tx, &key, before.as_ref()).await?;
        }
        for delete in DELETE_AFTER {
            sqlx::query(*delete).bind(integer(to)?).execute(&mut *tx).await?;
        }
        let at = Checkpoint {
            number: target.number,
            hash: target.hash,
            timestamp: target.timestamp,
            head: now.head,
            final_number,
        };
        set_checkpoint(&mut tx, &at).await?;
        tx.commit().await?;
        Ok(at)
    }
}

fn read<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text)
        .map_err(|error| StoreError::Corrupt { what: "journal row", got: format!("{error}: {text}") })
}
