//! What the indexer itself reads: how far it is, and whom it watches.

use alloy::primitives::map::AddressSet;

use super::{Store, StoreError, known};
use crate::{
    db::Query,
    query::{
        blocks::{self, KeptBlock},
        checkpoint::{self, Checkpoint},
    },
};

/// Whom the indexer watches.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Watch {
    /// Treasuries of the factory.
    pub treasuries: AddressSet,
    /// Tokens that their envelopes may hold.
    pub assets: AddressSet,
    /// Purses that pay.
    pub purses: AddressSet,
}

impl Watch {
    /// Adds others; whether any of them was new.
    pub fn add(&mut self, other: &Self) -> bool {
        let before = self.len();
        self.treasuries.extend(&other.treasuries);
        self.assets.extend(&other.assets);
        self.purses.extend(&other.purses);
        self.len() > before
    }

    /// Those that the other does not have.
    #[must_use]
    pub fn without(&self, other: &Self) -> Self {
        Self {
            treasuries: &self.treasuries - &other.treasuries,
            assets: &self.assets - &other.assets,
            purses: &self.purses - &other.purses,
        }
    }

    /// Whether it is nobody.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn len(&self) -> usize {
        self.treasuries.len() + self.assets.len() + self.purses.len()
    }
}

impl Store {
    /// How far the ledger has come; `None` where it has not begun.
    ///
    /// # Errors
    /// When the database fails or holds what does not read.
    pub async fn checkpoint(&self) -> Result<Option<Checkpoint>, StoreError> {
        Ok(checkpoint::get(&self.db).await?)
    }

    /// The block at that height as the ledger has it; `None` where it keeps none.
    ///
    /// # Errors
    /// When the database fails or holds what does not read.
    pub async fn block(&self, number: u64) -> Result<Option<KeptBlock>, StoreError> {
        Ok(blocks::get(&self.db, number).await?)
    }

    /// Whom to watch, as the ledger has it.
    ///
    /// # Errors
    /// When the database fails or holds what does not read.
    pub async fn watch(&self) -> Result<Watch, StoreError> {
        Ok(Watch {
            treasuries: self.addresses("SELECT address FROM treasury").await?,
            assets: self.addresses("SELECT DISTINCT address FROM asset").await?,
            purses: known::purses(&self.db).await?,
        })
    }

    async fn addresses(&self, sql: &'static str) -> Result<AddressSet, StoreError> {
        let rows = Query::new(sql).rows(&self.db).await?;
        Ok(rows.iter().map(|row| row.address("address")).collect::<Result<_, _>>()?)
    }
}
