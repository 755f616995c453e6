//! From cells to the types we speak in.

use alloy::primitives::{Address, B256, Bytes, FixedBytes, U256};
use bursar_sdk::amount::Amount;
use serde::de::DeserializeOwned;
use sqlx::{Decode, Postgres, Row, Sqlite, Type, postgres::PgRow, sqlite::SqliteRow};

use super::DbError;

/// A row of either database. Its readers fail where there is no such column, or where it holds what should never have
/// been written; `maybe_` is for cells that may be missing.
#[derive(Debug)]
pub enum DbRow {
    /// From a file.
    Sqlite(SqliteRow),
    /// From a server.
    Postgres(PgRow),
}

/// Longest echo of what a cell holds, in characters.
const MAX_ECHO: usize = 90;

fn inconsistent(column: &'static str, expected: &'static str, got: impl std::fmt::Display) -> DbError {
    DbError::Inconsistent { column, expected, got: got.to_string().chars().take(MAX_ECHO).collect() }
}

fn present<T>(cell: Option<T>, column: &'static str, expected: &'static str) -> Result<T, DbError> {
    cell.ok_or_else(|| inconsistent(column, expected, "NULL"))
}

#[allow(missing_docs, clippy::missing_errors_doc)]
impl DbRow {
    fn cell<T>(&self, column: &'static str) -> Result<T, DbError>
    where
        T: for<'r> Decode<'r, Sqlite> + Type<Sqlite> + for<'r> Decode<'r, Postgres> + Type<Postgres>,
    {
        Ok(match self {
            Self::Sqlite(row) => row.try_get(column)?,
            Self::Postgres(row) => row.try_get(column)?,
        })
    }

    fn fixed<const N: usize>(
        &self,
        column: &'static str,
        expected: &'static str,
    ) -> Result<Option<FixedBytes<N>>, DbError> {
        let Some(bytes) = self.cell::<Option<Vec<u8>>>(column)? else { return Ok(None) };
        let fixed = FixedBytes::try_from(bytes.as_slice());
        fixed.map(Some).map_err(|_| inconsistent(column, expected, hex::encode(&bytes)))
    }

    pub fn maybe_address(&self, column: &'static str) -> Result<Option<Address>, DbError> {
        Ok(self.fixed(column, "20 bytes")?.map(Address))
    }

    pub fn address(&self, column: &'static str) -> Result<Address, DbError> {
        present(self.maybe_address(column)?, column, "20 bytes")
    }

    pub fn maybe_hash(&self, column: &'static str) -> Result<Option<B256>, DbError> {
        self.fixed(column, "32 bytes")
    }

    pub fn hash(&self, column: &'static str) -> Result<B256, DbError> {
        present(self.maybe_hash(column)?, column, "32 bytes")
    }

    pub fn maybe_bytes(&self, column: &'static str) -> Result<Option<Bytes>, DbError> {
        Ok(self.cell::<Option<Vec<u8>>>(column)?.map(Bytes::from))
    }

    pub fn bytes(&self, column: &'static str) -> Result<Bytes, DbError> {
        Ok(self.cell::<Vec<u8>>(column)?.into())
    }

    /// Money summed up, which may pass an amount's 96 bits.
    pub fn maybe_total(&self, column: &'static str) -> Result<Option<U256>, DbError> {
        let Some(text) = self.maybe_text(column)? else { return Ok(None) };
        let total = U256::from_str_radix(&text, 10);
        total.map(Some).map_err(|_| inconsistent(column, "a number in digits", text))
    }

    pub fn total(&self, column: &'static str) -> Result<U256, DbError> {
        present(self.maybe_total(column)?, column, "a number in digits")
    }

    pub fn maybe_amount(&self, column: &'static str) -> Result<Option<Amount>, DbError> {
        let Some(total) = self.maybe_total(column)? else { return Ok(None) };
        Amount::try_from(total).map(Some).map_err(|_| inconsistent(column, "an amount of 96 bits", total))
    }

    pub fn amount(&self, column: &'static str) -> Result<Amount, DbError> {
        present(self.maybe_amount(column)?, column, "an amount in atomic units")
    }

    /// A sum of amounts, in atomic units; the most there can be where they come to more, which only a token does that lies.
    pub fn sum(&self, column: &'static str) -> Result<Amount, DbError> {
        Ok(Amount::try_from(self.total(column)?).unwrap_or(Amount::MAX))
    }

    /// Whole numbers: both databases keep them with a sign, we count from zero.
    pub fn maybe_number<T: TryFrom<i64>>(&self, column: &'static str) -> Result<Option<T>, DbError> {
        let Some(number) = self.cell::<Option<i64>>(column)? else { return Ok(None) };
        T::try_from(number).map(Some).map_err(|_| inconsistent(column, "a number in range", number))
    }

    pub fn number<T: TryFrom<i64>>(&self, column: &'static str) -> Result<T, DbError> {
        present(self.maybe_number(column)?, column, "a number")
    }

    pub fn flag(&self, column: &'static str) -> Result<bool, DbError> {
        self.cell(column)
    }

    pub fn maybe_text(&self, column: &'static str) -> Result<Option<String>, DbError> {
        self.cell(column)
    }

    pub fn text(&self, column: &'static str) -> Result<String, DbError> {
        self.cell(column)
    }

    pub fn maybe_json<T: DeserializeOwned>(
        &self,
        column: &'static str,
        expected: &'static str,
    ) -> Result<Option<T>, DbError> {
        let Some(text) = self.maybe_text(column)? else { return Ok(None) };
        serde_json::from_str(&text).map(Some).map_err(|error| inconsistent(column, expected, error))
    }

    pub fn json<T: DeserializeOwned>(
        &self,
        column: &'static str,
        expected: &'static str,
    ) -> Result<T, DbError> {
        present(self.maybe_json(column, expected)?, column, expected)
    }
}

impl From<SqliteRow> for DbRow {
    fn from(row: SqliteRow) -> Self {
        Self::Sqlite(row)
    }
}

impl From<PgRow> for DbRow {
    fn from(row: PgRow) -> Self {
        Self::Postgres(row)
    }
}
