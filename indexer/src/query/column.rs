//! From columns to the types we speak in, and back.

use alloy::primitives::{Address, B256, Bytes};
use bursar_sdk::amount::Amount;
use serde::de::DeserializeOwned;
use sqlx::{Row, sqlite::SqliteRow};

use super::QueryError;

fn inconsistent(column: &'static str, expected: &'static str, got: impl Into<String>) -> QueryError {
    QueryError::Inconsistent { column, expected, got: got.into() }
}

pub(super) fn maybe_address(row: &SqliteRow, column: &'static str) -> Result<Option<Address>, QueryError> {
    let Some(bytes) = row.try_get::<Option<Vec<u8>>, _>(column)? else { return Ok(None) };
    match Address::try_from(bytes.as_slice()) {
        Ok(address) => Ok(Some(address)),
        Err(_) => Err(inconsistent(column, "20 bytes", format!("{} bytes", bytes.len()))),
    }
}

pub(super) fn address(row: &SqliteRow, column: &'static str) -> Result<Address, QueryError> {
    maybe_address(row, column)?.ok_or_else(|| inconsistent(column, "20 bytes", "NULL"))
}

pub(super) fn maybe_hash(row: &SqliteRow, column: &'static str) -> Result<Option<B256>, QueryError> {
    let Some(bytes) = row.try_get::<Option<Vec<u8>>, _>(column)? else { return Ok(None) };
    match B256::try_from(bytes.as_slice()) {
        Ok(hash) => Ok(Some(hash)),
        Err(_) => Err(inconsistent(column, "32 bytes", format!("{} bytes", bytes.len()))),
    }
}

pub(super) fn hash(row: &SqliteRow, column: &'static str) -> Result<B256, QueryError> {
    maybe_hash(row, column)?.ok_or_else(|| inconsistent(column, "32 bytes", "NULL"))
}

pub(super) fn maybe_amount(row: &SqliteRow, column: &'static str) -> Result<Option<Amount>, QueryError> {
    let Some(text) = row.try_get::<Option<String>, _>(column)? else { return Ok(None) };
    text.parse().map(Some).map_err(|_| inconsistent(column, "an amount in atomic units", text))
}

pub(super) fn amount(row: &SqliteRow, column: &'static str) -> Result<Amount, QueryError> {
    maybe_amount(row, column)?.ok_or_else(|| inconsistent(column, "an amount in atomic units", "NULL"))
}

/// Whole numbers: SQLite keeps them signed, we count from zero.
pub(super) fn maybe_number<T: TryFrom<i64>>(
    row: &SqliteRow,
    column: &'static str,
) -> Result<Option<T>, QueryError> {
    let Some(number) = row.try_get::<Option<i64>, _>(column)? else { return Ok(None) };
    T::try_from(number).map(Some).map_err(|_| inconsistent(column, "a number in range", number.to_string()))
}

pub(super) fn number<T: TryFrom<i64>>(row: &SqliteRow, column: &'static str) -> Result<T, QueryError> {
    maybe_number(row, column)?.ok_or_else(|| inconsistent(column, "a number", "NULL"))
}

pub(super) fn text(row: &SqliteRow, column: &'static str) -> Result<String, QueryError> {
    Ok(row.try_get(column)?)
}

pub(super) fn maybe_text(row: &SqliteRow, column: &'static str) -> Result<Option<String>, QueryError> {
    Ok(row.try_get(column)?)
}

pub(super) fn bytes(row: &SqliteRow, column: &'static str) -> Result<Bytes, QueryError> {
    Ok(row.try_get::<Vec<u8>, _>(column)?.into())
}

pub(super) fn flag(row: &SqliteRow, column: &'static str) -> Result<bool, QueryError> {
    Ok(row.try_get::<i64, _>(column)? != 0)
}

pub(super) fn json<T: DeserializeOwned>(
    row: &SqliteRow,
    column: &'static str,
    expected: &'static str,
) -> Result<T, QueryError> {
    let text: String = row.try_get(column)?;
    serde_json::from_str(&text).map_err(|error| inconsistent(column, expected, error.to_string()))
}

pub(super) fn maybe_json<T: DeserializeOwned>(
    row: &SqliteRow,
    column: &'static str,
    expected: &'static str,
) -> Result<Option<T>, QueryError> {
    if row.try_get::<Option<&str>, _>(column)?.is_none() {
        return Ok(None);
    }
    json(row, column, expected).map(Some)
}

/// As amounts are kept: padded, so that text compares as numbers do.
pub(super) fn padded(amount: Amount) -> String {
    format!("{:0>29}", amount.to_string())
}

/// As times and numbers are kept. What is beyond the signed range is beyond every row, too.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
