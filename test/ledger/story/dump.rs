//! All that a ledger holds, as lines that compare.

use anyhow::Result;
use bursar_indexer::{
    Store,
    db::{DbRow, Query},
};
use sqlx::{Column, ColumnIndex, Database, Decode, Row, Type, TypeInfo};

const TABLES: &[(&str, &str)] = &[
    ("event", "SELECT * FROM event ORDER BY block_number, log_index"),
    ("payment", "SELECT * FROM payment ORDER BY block_number, log_index"),
    ("settlement", "SELECT * FROM settlement ORDER BY block_number, log_index"),
    ("policy", "SELECT * FROM policy ORDER BY treasury, envelope, version"),
    ("stop", "SELECT * FROM stop ORDER BY block_number, log_index"),
    ("undecoded", "SELECT * FROM undecoded ORDER BY block_number, log_index"),
    ("treasury", "SELECT * FROM treasury ORDER BY address"),
    ("role", "SELECT * FROM role ORDER BY treasury, account, role"),
    ("asset", "SELECT * FROM asset ORDER BY treasury, address"),
    ("envelope", "SELECT * FROM envelope ORDER BY treasury, number"),
    ("limit_use", "SELECT * FROM limit_use ORDER BY treasury, envelope, idx"),
    ("envelope_group", "SELECT * FROM envelope_group ORDER BY treasury, number"),
    ("group_limit_use", "SELECT * FROM group_limit_use ORDER BY treasury, group_number, idx"),
    ("stamp_revocation", "SELECT * FROM stamp_revocation ORDER BY block_number, log_index"),
    ("anchor", "SELECT * FROM anchor ORDER BY block_number, log_index"),
    ("purse", "SELECT * FROM purse ORDER BY address"),
    ("payee", "SELECT * FROM payee ORDER BY treasury, list, payee"),
    ("session", "SELECT * FROM session ORDER BY purse, sequence"),
    ("score", "SELECT * FROM score ORDER BY treasury, envelope"),
    ("score_history", "SELECT * FROM score_history ORDER BY treasury, envelope, block_number"),
    ("payee_record", "SELECT * FROM payee_record ORDER BY treasury, envelope, payee"),
    ("insider", "SELECT * FROM insider ORDER BY treasury, account"),
    ("alert", "SELECT * FROM alert ORDER BY raised_at, id"),
    ("alert_topic", "SELECT * FROM alert_topic ORDER BY topic"),
    ("treasury_then", "SELECT * FROM treasury_then ORDER BY treasury, block_number"),
    ("group_then", "SELECT * FROM group_then ORDER BY treasury, number, block_number"),
    ("envelope_then", "SELECT * FROM envelope_then ORDER BY treasury, number, block_number"),
    ("agent_then", "SELECT * FROM agent_then ORDER BY treasury, number, block_number"),
    ("limits_then", "SELECT * FROM limits_then ORDER BY treasury, number, block_number"),
    ("payee_then", "SELECT * FROM payee_then ORDER BY treasury, list, payee, block_number"),
    ("session_then", "SELECT * FROM session_then ORDER BY purse, sequence, block_number"),
    ("checkpoint", "SELECT number, hash, timestamp FROM checkpoint"),
    ("block", "SELECT * FROM block WHERE number IN (SELECT block_number FROM event) ORDER BY number"),
];

/// Every row that tells about the chain, as text.
pub async fn dump(store: &Store) -> Result<Vec<String>> {
    let mut lines = Vec::new();
    for (table, sql) in TABLES {
        for row in rows(store, sql).await? {
            lines.push(format!("{table}: {}", cells(&row)?));
        }
    }
    Ok(lines)
}

/// A row by the names of its columns: each kind of store has them in its own order.
fn cells(row: &DbRow) -> Result<String> {
    let mut cells = match row {
        DbRow::Sqlite(row) => read_cells(row, |row, at| Ok(row.try_get::<Option<i64>, _>(at)?))?,
        DbRow::Postgres(row) => read_cells(row, |row, at| match row.column(at).type_info().name() {
            "BOOL" => Ok(row.try_get::<Option<bool>, _>(at)?.map(i64::from)),
            _ => Ok(row.try_get(at)?),
        })?,
    };
    cells.sort();
    Ok(cells.join(" | "))
}

fn read_cells<'r, R: Row>(
    row: &'r R,
    number: impl Fn(&'r R, usize) -> Result<Option<i64>>,
) -> Result<Vec<String>>
where
    usize: ColumnIndex<R>,
    Option<Vec<u8>>: Decode<'r, R::Database> + Type<R::Database>,
    Option<String>: Decode<'r, R::Database> + Type<R::Database>,
{
    let cell = |column: &<R::Database as Database>::Column| -> Result<String> {
        let at = column.ordinal();
        let cell = match column.type_info().name() {
            "BLOB" | "BYTEA" => row.try_get::<Option<Vec<u8>>, _>(at)?.map(alloy::hex::encode),
            "TEXT" => row.try_get::<Option<String>, _>(at)?,
            _ => number(row, at)?.map(|number| number.to_string()),
        };
        Ok(format!("{}: {}", column.name(), cell.unwrap_or_else(|| "-".into())))
    };
    row.columns().iter().map(cell).collect()
}

pub async fn rows(store: &Store, sql: &'static str) -> Result<Vec<DbRow>> {
    Ok(Query::new(sql).rows(store.db()).await?)
}

/// Where two dumps differ, rather than all of both; `None` where they do not.
pub fn difference(left: &[String], right: &[String]) -> Option<String> {
    let only = |of: &[String], other: &[String]| {
        of.iter().filter(|line| !other.contains(line)).cloned().collect::<Vec<_>>().join("\n")
    };
    (left != right).then(|| format!("only left:\n{}\nonly right:\n{}", only(left, right), only(right, left)))
}
