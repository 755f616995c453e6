//! The books over all envelopes, added up once a block: there are as many rows to read as envelopes, and everybody asks.

use std::{collections::BTreeMap, sync::Arc};

use alloy::primitives::{Address, B256};
use bursar_indexer::{
    db::{Db, DbError},
    query::{
        checkpoint,
        ledger::{self, Total},
    },
};
use tokio::sync::Mutex;

/// Totals by token.
type Totals = Arc<BTreeMap<Address, Total>>;

/// What was added up last, and at which block.
#[derive(Debug, Default)]
pub(crate) struct Books(Mutex<Option<(B256, Totals)>>);

impl Books {
    /// The totals as they stand.
    pub(crate) async fn totals(&self, db: &Db) -> Result<Totals, DbError> {
        // Held meanwhile: of many who ask at once, one adds up.
        let mut last = self.0.lock().await;
        let before = checkpoint::get(db).await?.map(|at| at.hash);
        if let Some((at, totals)) = &*last
            && before == Some(*at)
        {
            return Ok(Arc::clone(totals));
        }
        let totals = Arc::new(ledger::totals(db, None, None).await?);
        // Envelopes change with the checkpoint, in one transaction: these are of one block where that has not moved.
        let after = checkpoint::get(db).await?.map(|at| at.hash);
        *last = after.filter(|_| before == after).map(|at| (at, Arc::clone(&totals)));
        Ok(totals)
    }
}
