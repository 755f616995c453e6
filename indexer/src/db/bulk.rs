//! Many rows of one table at once.

use std::collections::HashMap;

use sqlx::{AssertSqlSafe, PgConnection};

use super::{
    Cell as _, Db, DbError, DbRow, Query, Table, Tx, Value,
    columns::columns,
    table::{Verb, places, unnumbered},
    value::signed,
};

/// From so many rows on, PostgreSQL takes them as a stream, which it neither parses nor plans row by row.
const STREAM_FROM: usize = 64;

/// About how many bytes a row takes in such a stream.
const ROW: usize = 320;

/// Most keys in one question to SQLite.
const KEYS: usize = 256;

/// How many rows one statement writes to SQLite: of few kinds, so that few statements are kept ready, and not one by one what
/// is left of many, as each of them is a way to its thread and back.
const PARTS: [usize; 3] = [Table::TOGETHER, 8, 2];

/// Most rows that SQLite is given at once by themselves.
const AT_ONCE: usize = 1_024;

/// What a binary stream of rows begins and ends with, as PostgreSQL's COPY has it.
const BEGIN: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
const END: [u8; 2] = (-1_i16).to_be_bytes();

/// How many places a list has for so many values: as many as the next power of four, so that databases keep few
/// statements ready.
pub(crate) fn room_for(many: usize) -> usize {
    let mut places = 1;
    while places < many {
        places *= 4;
    }
    places
}

impl Table {
    /// Adds rows that are not there yet.
    pub(crate) async fn insert_all(&'static self, tx: &mut Tx, rows: Vec<Vec<Value>>) -> Result<(), DbError> {
        match tx {
            Tx::Postgres(tx) if rows.len() >= STREAM_FROM => self.stream(tx, rows).await,
            Tx::Postgres(tx) if rows.len() > 1 => self.write_columns(tx, Verb::InsertColumns, rows).await,
            tx => self.write_all(tx, Verb::Insert, Verb::InsertTogether, rows).await,
        }
    }

    /// Adds rows, or writes each over the one with its key. No two of them have the same key.
    pub(crate) async fn put_all(&'static self, tx: &mut Tx, rows: Vec<Vec<Value>>) -> Result<(), DbError> {
        match tx {
            Tx::Postgres(tx) if rows.len() > 1 => self.write_columns(tx, Verb::PutColumns, rows).await,
            tx => self.write_all(tx, Verb::Put, Verb::PutTogether, rows).await,
        }
    }

    /// The same by itself rather than within a transaction: readers see all of them or none, up to [`AT_ONCE`] of them.
    pub(crate) async fn put_at_once(&'static self, db: &Db, rows: Vec<Vec<Value>>) -> Result<(), DbError> {
        match db {
            Db::Postgres(pools) => {
                let put = sqlx::query_with(self.text(Verb::PutColumns), columns(rows)?);
                put.execute(&pools.pool).await?;
            }
            Db::Sqlite(_) => {
                for some in rows.chunks(AT_ONCE) {
                    let places = room_for(some.len());
                    let sql = self.together(Verb::PutTogether, places);
                    Query::made(sql, filled(some, places)).execute(db.alone()).await?;
                }
            }
        }
        Ok(())
    }

    /// Reads what has one of those keys in the columns `by`, and gives it by key.
    pub(crate) async fn find_all(
        &'static self,
        by: &'static [&'static str],
        tx: &mut Tx,
        keys: &[Vec<Value>],
    ) -> Result<HashMap<Vec<Value>, Vec<DbRow>>, DbError> {
        let Some(like) = keys.first() else { return Ok(HashMap::new()) };
        let mut rows = Vec::new();
        match tx {
            Tx::Postgres(tx) => rows = self.among_columns(by, tx, keys).await?,
            tx => {
                for some in keys.chunks(KEYS) {
                    rows.extend(self.among_unnumbered(by, some).rows(&mut *tx).await?);
                }
            }
        }
        let mut found: HashMap<Vec<Value>, Vec<DbRow>> = HashMap::new();
        for row in rows {
            let key = by.iter().zip(like).map(|(column, like)| cell(&row, column, like));
            found.entry(key.collect::<Result<_, _>>()?).or_default().push(row);
        }
        Ok(found)
    }

    async fn among_columns(
        &self,
        by: &[&str],
        on: &mut PgConnection,
        keys: &[Vec<Value>],
    ) -> Result<Vec<DbRow>, DbError> {
        let (sought, arrays) = (by.join(", "), places(by.len()));
        let sql =
            format!("SELECT * FROM {} WHERE ({sought}) IN (SELECT * FROM unnest({arrays}))", self.name());
        let rows = sqlx::query_with(AssertSqlSafe(sql), columns(keys.to_vec())?).fetch_all(on).await?;
        Ok(rows.into_iter().map(DbRow::from).collect())
    }

    /// The same in SQLite, which binds places without numbers faster.
    fn among_unnumbered(&self, by: &[&str], keys: &[Vec<Value>]) -> Query {
        let (places, values) = padded(keys);
        let all = unnumbered(places, by.len());
        let sql = format!("SELECT * FROM {} WHERE ({}) IN (VALUES {all})", self.name(), by.join(", "));
        Query::made(sql, values)
    }

    /// What has one of those keys in the columns `by`.
    pub(crate) fn among(&self, by: &[&str], keys: &[Vec<Value>]) -> Query {
        let (condition, values) = one_of(by, keys);
        Query::made(format!("SELECT * FROM {} WHERE {condition}", self.name()), values)
    }

    /// The columns in which a row is not what would be written there.
    pub(crate) fn differing(&self, row: &DbRow, expected: &[Value]) -> Vec<&'static str> {
        let columns = self.columns().iter().zip(expected);
        // What does not even read is not what was written.
        let differs = columns.filter(|(column, like)| cell(row, column, like).ok().as_ref() != Some(*like));
        differs.map(|(column, _)| *column).collect()
    }

    async fn write_all(
        &'static self,
        tx: &mut Tx,
        each: Verb,
        together: Verb,
        rows: Vec<Vec<Value>>,
    ) -> Result<(), DbError> {
        let mut rows = rows.as_slice();
        for many in PARTS {
            while let Some((some, rest)) = rows.split_at_checked(many) {
                Query::made(self.together(together, many), some.concat()).execute(&mut *tx).await?;
                rows = rest;
            }
        }
        for row in rows {
            self.query(each, row.clone()).execute(&mut *tx).await?;
        }
        Ok(())
    }

    async fn write_columns(
        &'static self,
        on: &mut PgConnection,
        verb: Verb,
        rows: Vec<Vec<Value>>,
    ) -> Result<(), DbError> {
        sqlx::query_with(self.text(verb), columns(rows)?).execute(on).await?;
        Ok(())
    }

    async fn stream(&'static self, on: &mut PgConnection, rows: Vec<Vec<Value>>) -> Result<(), DbError> {
        // PostgreSQL has no table as wide as that.
        let width = i16::try_from(self.width()).unwrap_or(i16::MAX);
        let mut bytes = Vec::with_capacity(rows.len().saturating_mul(ROW));
        bytes.extend(BEGIN);
        for row in rows {
            bytes.extend(width.to_be_bytes());
            row.iter().try_for_each(|value| write(&mut bytes, value))?;
        }
        bytes.extend(END);
        let mut copy = on.copy_in_raw(self.text(Verb::Stream)).await?;
        copy.send(bytes).await?;
        copy.finish().await?;
        Ok(())
    }
}

/// As many places as a list of keys has room for, and what is in them.
fn padded(keys: &[Vec<Value>]) -> (usize, Vec<Value>) {
    let places = room_for(keys.len());
    (places, filled(keys, places))
}

/// Rows in so many places, the last one in those left over.
pub(super) fn filled(rows: &[Vec<Value>], places: usize) -> Vec<Value> {
    let rest = std::iter::repeat_n(rows.last(), places.saturating_sub(rows.len())).flatten();
    rows.iter().chain(rest).flatten().cloned().collect()
}

/// That the columns `by` have one of those keys: at least one, and few enough that a database binds them.
pub(crate) fn one_of(by: &[&str], keys: &[Vec<Value>]) -> (String, Vec<Value>) {
    let (places, values) = padded(keys);
    let width = by.len();
    let place = |row: usize| {
        let cells: Vec<String> = (1..=width).map(|cell| format!("${}", row * width + cell)).collect();
        format!("({})", cells.join(", "))
    };
    let all = (0..places).map(place).collect::<Vec<_>>().join(", ");
    (format!("({}) IN (VALUES {all})", by.join(", ")), values)
}

/// What a row has in a column, of the same kind as another value.
fn cell(row: &DbRow, column: &'static str, like: &Value) -> Result<Value, DbError> {
    Ok(match like {
        Value::Number(_) => row.maybe_number::<u64>(column)?.value(),
        Value::Flag(_) => row.flag(column)?.value(),
        Value::Text(_) => row.maybe_text(column)?.value(),
        Value::Bytes(_) => row.maybe_bytes(column)?.value(),
    })
}

/// One cell: its length and its bytes, numbers with the greatest byte first; -1 where there is none.
fn write(bytes: &mut Vec<u8>, value: &Value) -> Result<(), DbError> {
    let mut cell = |cell: &[u8]| {
        let length = i32::try_from(cell.len()).map_err(|_| DbError::TooLarge { got: cell.len() as u64 })?;
        bytes.extend(length.to_be_bytes());
        bytes.extend_from_slice(cell);
        Ok(())
    };
    match value {
        Value::Number(Some(number)) => cell(&signed(*number)?.to_be_bytes()),
        Value::Flag(Some(flag)) => cell(&[u8::from(*flag)]),
        Value::Text(Some(text)) => cell(text.as_bytes()),
        Value::Bytes(Some(some)) => cell(some),
        Value::Number(None) | Value::Flag(None) | Value::Text(None) | Value::Bytes(None) => {
            bytes.extend((-1_i32).to_be_bytes());
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::table;

    table! {
        PAID, fn paid(purse: u64, nonce: u64) { key { purse: purse, nonce: nonce } }
    }

    #[test]
    fn a_list_of_keys_has_as_many_places_as_the_next_power_of_four() {
        let made = format!(
            "{:?}",
            PAID.among_unnumbered(&["purse", "nonce"], &[paid(1, 2), paid(3, 4), paid(5, 6)])
        );
        let sql = "SELECT * FROM paid WHERE (purse, nonce) IN (VALUES (?, ?), (?, ?), (?, ?), (?, ?))";
        assert!(made.contains(sql), "{made}");
        assert_eq!(made.matches("Number(Some(6))").count(), 2, "{made}");
        let five: Vec<_> = (0u64..5).map(|nonce| vec![nonce.value()]).collect();
        assert!(format!("{:?}", PAID.among_unnumbered(&["nonce"], &five)).matches("(?)").count() == 16);
        let made = format!("{:?}", PAID.among_unnumbered(&["nonce"], &[vec![7u64.value()]]));
        assert!(made.contains("WHERE (nonce) IN (VALUES (?))"), "{made}");
    }

    #[test]
    fn cells_are_as_long_as_they_say() {
        let row = [7u64.value(), true.value(), "ab".value(), None::<u64>.value()];
        let mut bytes = Vec::new();
        row.iter().for_each(|value| assert!(write(&mut bytes, value).is_ok()));
        let expected: &[&[u8]] = &[
            &[0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 7],
            &[0, 0, 0, 1, 1],
            &[0, 0, 0, 2, b'a', b'b'],
            &[0xff, 0xff, 0xff, 0xff],
        ];
        assert_eq!(bytes, expected.concat());
        assert!(matches!(write(&mut bytes, &u64::MAX.value()), Err(DbError::TooLarge { got: u64::MAX })));
    }
}
