//! Reading the rows that blocks change.

use alloy::primitives::{Address, B256};
use async_trait::async_trait;

use super::{StoreError, tables};
use crate::{
    db::{Query, Tx},
    ledger::{Key, Row, Rows},
};

/// Rows as a transaction sees them.
pub(super) struct Loader<'a>(pub(super) &'a mut Tx);

#[async_trait]
impl Rows for Loader<'_> {
    type Error = StoreError;

    async fn load(&mut self, key: &Key) -> Result<Option<Row>, StoreError> {
        Ok(tables::read(key, &tables::find(key).rows(&mut *self.0).await?)?)
    }

    async fn is_used(&mut self, purse: Address, nonce: B256) -> Result<bool, StoreError> {
        let query = Query::new("SELECT purse FROM payment WHERE purse = $1 AND nonce = $2");
        Ok(query.bind(purse).bind(nonce).row(&mut *self.0).await?.is_some())
    }
}
