//! What the indexer itself reads: how far it is, and whom it watches.

use std::collections::HashSet;

use alloy::primitives::{Address, B256, U256};
use bursar_sdk::amount::Amount;
use sqlx::{Row as _, sqlite::SqliteRow};

use super::{Store, StoreError};
use crate::source::BlockHeader;

/// How far the ledger has followed the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checkpoint {
    /// The last block that is in the ledger.
    pub number: u64,
    /// Its identity.
    pub hash: B256,
    /// Unix seconds.
    pub timestamp: u64,
    /// The chain's head when that block was applied.
    pub head: u64,
    /// The last block that no reorg may take back.
    pub final_number: u64,
}

/// Whom the indexer watches.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Watch {
    /// Treasuries of the factory.
    pub treasuries: HashSet<Address>,
    /// Tokens that their envelopes may hold.
    pub assets: HashSet<Address>,
    /// Purses that pay.
    pub purses: HashSet<Address>,
}

impl Store {
    /// How far the ledger has come; `None` where it has not begun.
    ///
    /// # Errors
    /// When the database fails or holds what does not read.
    pub async fn checkpoint(&self) -> Result<Option<Checkpoint>, StoreError> {
        let row =
            sqlx::query("SELECT number, hash, timestamp, head, final_number FROM checkpoint WHERE id = 1")
                .fetch_optional(&self.pool)
                .await?;
        row.map(|row| {
            Ok(Checkpoint {
                number: whole(&row, "number")?,
                hash: b256(&row, "hash")?,
                timestamp: whole(&row, "timestamp")?,
                head: whole(&row, "head")?,
                final_number: whole(&row, "final_number")?,
            })
        })
        .transpose()
    }

    /// The block at that height as the ledger has it; `None` where it keeps none.
    ///
    /// # Errors
    /// When the database fails or holds what does not read.
    pub async fn block(&self, number: u64) -> Result<Option<BlockHeader>, StoreError> {
        let row = sqlx::query("SELECT number, hash, parent_hash, timestamp FROM block WHERE number = ?")
            .bind(integer(number)?)
            .fetch_optional(&self.pool)
            .await?;
        row.map(|row| {
            Ok(BlockHeader {
                number: whole(&row, "number")?,
                hash: b256(&row, "hash")?,
                parent_hash: b256(&row, "parent_hash")?,
                timestamp: whole(&row, "timestamp")?,
            })
        })
        .transpose()
    }

    /// Whom to watch, as the ledger has it.
    ///
    /// # Errors
    /// When the database fails or holds what does not read.
    pub async fn watch(&self) -> Result<Watch, StoreError> {
        Ok(Watch {
            treasuries: self.addresses("SELECT address FROM treasury").await?,
            assets: self.addresses("SELECT DISTINCT address FROM asset").await?,
            purses: self.addresses("SELECT address FROM purse").await?,
        })
    }

    async fn addresses(&self, sql: &'static str) -> Result<HashSet<Address>, StoreError> {
        let rows = sqlx::query(sql).fetch_all(&self.pool).await?;
        rows.iter().map(|row| address(row, "address")).collect()
    }
}

/// As SQLite keeps whole numbers.
pub(super) fn integer(value: u64) -> Result<i64, StoreError> {
    i64::try_from(value)
        .map_err(|_| StoreError::Corrupt { what: "number of at most 63 bits", got: value.to_string() })
}

/// As the schema keeps amounts: zero-padded to 29 digits.
pub(crate) fn padded(amount: U256) -> String {
    format!("{:0>29}", amount.to_string())
}

pub(super) fn whole<T: TryFrom<i64>>(row: &SqliteRow, column: &'static str) -> Result<T, StoreError> {
    let value: i64 = row.try_get(column)?;
    T::try_from(value).map_err(|_| StoreError::Corrupt { what: column, got: value.to_string() })
}

pub(super) fn flag(row: &SqliteRow, column: &'static str) -> Result<bool, StoreError> {
    Ok(whole::<i64>(row, column)? != 0)
}

pub(super) fn address(row: &SqliteRow, column: &'static str) -> Result<Address, StoreError> {
    let bytes: &[u8] = row.try_get(column)?;
    Address::try_from(bytes).map_err(|_| StoreError::Corrupt { what: column, got: hex::encode(bytes) })
}

pub(super) fn b256(row: &SqliteRow, column: &'static str) -> Result<B256, StoreError> {
    let bytes: &[u8] = row.try_get(column)?;
    B256::try_from(bytes).map_err(|_| StoreError::Corrupt { what: column, got: hex::encode(bytes) })
}

pub(super) fn total(row: &SqliteRow, column: &'static str) -> Result<U256, StoreError> {
    Ok(optional_total(row, column)?.unwrap_or_default())
}

pub(super) fn optional_total(row: &SqliteRow, column: &'static str) -> Result<Option<U256>, StoreError> {
    let text: Option<&str> = row.try_get(column)?;
    let read = |text: &str| {
        U256::from_str_radix(text, 10)
            .map_err(|_| StoreError::Corrupt { what: column, got: text.chars().take(90).collect() })
    };
    text.map(read).transpose()
}

pub(super) fn amount(row: &SqliteRow, column: &'static str) -> Result<Amount, StoreError> {
    let total = total(row, column)?;
    Amount::try_from(total).map_err(|error| StoreError::Corrupt { what: column, got: error.got })
}
