//! Reading the rows that blocks change.

use alloy::primitives::{Address, B256};
use async_trait::async_trait;

use super::{StoreError, tables};
use crate::{
    db::{Query, Tx},
    ledger::{Key, Record, Row, Rows, Settlement, standing},
};

/// Rows as a transaction sees them.
pub(super) struct Loader<'a>(pub(super) &'a mut Tx);

#[async_trait]
impl Rows for Loader<'_> {
    type Error = StoreError;

    async fn load(&mut self, key: &Key) -> Result<Option<Row>, StoreError> {
        Ok(tables::read(key, &tables::find(key).rows(&mut *self.0).await?)?)
    }

    async fn settlement(&mut self, purse: Address, nonce: B256) -> Result<Option<Settlement>, StoreError> {
        let query = Query::new(
            "SELECT treasury, envelope, agent, payee, timestamp, standing, approver FROM payment \
             WHERE purse = $1 AND nonce = $2",
        );
        let Some(row) = query.bind(purse).bind(nonce).row(&mut *self.0).await? else { return Ok(None) };
        let code = row.text("standing")?;
        Ok(Some(Settlement {
            treasury: row.address("treasury")?,
            envelope: row.number("envelope")?,
            agent: row.address("agent")?,
            payee: row.address("payee")?,
            at: row.number("timestamp")?,
            standing: standing::of(&code).ok_or(StoreError::Corrupt { what: "standing", got: code })?,
            approved: row.maybe_address("approver")?.is_some(),
        }))
    }

    async fn records(&mut self, purse: Address, nonce: B256, below: u64) -> Result<Vec<Record>, StoreError> {
        let query = Query::new(
            "SELECT * FROM intake WHERE purse = $1 AND nonce = $2 AND block_number < $3 \
             ORDER BY block_number, seq",
        );
        let rows = query.bind(purse).bind(nonce).bind(below).rows(&mut *self.0).await?;
        rows.iter().map(|row| Ok(tables::read_intake(row)?.record)).collect()
    }
}
