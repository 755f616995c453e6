use futures::{StreamExt, TryStreamExt, stream::BoxStream};

use super::{AmountRange, TimeRange};
use crate::db::{Cell, Db, DbError, DbRow, Query, Value, room_for};

/// A query that grows conditions. SQL is literal text; whatever a caller brings is bound.
#[derive(Debug, Clone)]
pub(super) struct Select {
    sql: String,
    values: Vec<Value>,
    conditions: usize,
    /// Where in the text SQLite is told not to choose an index by the column that follows.
    sifted: Vec<usize>,
}

/// The largest number that either database holds.
const MAX: u64 = i64::MAX.unsigned_abs();

impl Select {
    pub(super) fn new(sql: &str) -> Self {
        Self { sql: sql.to_owned(), values: Vec::new(), conditions: 0, sifted: Vec::new() }
    }

    /// A query whose text says `$1` for a value, as often as it likes.
    pub(super) fn given(sql: &str, cell: impl Cell) -> Self {
        let mut select = Self::new("");
        select.give(cell).sql.push_str(sql);
        select
    }

    /// The next value, which the text that follows says by its number.
    pub(super) fn give(&mut self, cell: impl Cell) -> &mut Self {
        let said = self.sql.len();
        self.bind(cell).sql.truncate(said);
        self
    }

    /// Adds a condition without a value.
    pub(super) fn condition(&mut self, sql: &'static str) -> &mut Self {
        self.sql.push_str(if self.conditions == 0 { " WHERE " } else { " AND " });
        self.sql.push_str(sql);
        self.conditions += 1;
        self
    }

    /// Binds the next value.
    pub(super) fn bind(&mut self, cell: impl Cell) -> &mut Self {
        // What is beyond the largest number is beyond every row, too.
        self.values.push(match cell.value() {
            Value::Number(Some(number)) => Value::Number(Some(number.min(MAX))),
            value => value,
        });
        self.sql.push_str(&format!("${}", self.values.len()));
        self
    }

    /// Goes on with literal SQL.
    pub(super) fn push(&mut self, sql: &'static str) -> &mut Self {
        self.sql.push_str(sql);
        self
    }

    /// Goes on with ` AND column_and_operator value`, where there is a value: a condition of what was written last, and
    /// none of the query's own.
    pub(super) fn and(&mut self, column_and_operator: &'static str, value: Option<impl Cell>) -> &mut Self {
        if let Some(value) = value {
            self.push(" AND ").push(column_and_operator).bind(value);
        }
        self
    }

    /// `column_and_operator value`, where there is a value.
    pub(super) fn filter(
        &mut self,
        column_and_operator: &'static str,
        value: Option<impl Cell>,
    ) -> &mut Self {
        if let Some(value) = value {
            self.condition(column_and_operator).bind(value);
        }
        self
    }

    /// The same for a column that would lead SQLite away from the list's own order. PostgreSQL knows how many rows a
    /// value has, and weighs that itself.
    pub(super) fn sift(&mut self, column_and_operator: &'static str, value: Option<impl Cell>) -> &mut Self {
        if let Some(value) = value {
            self.condition(column_and_operator);
            self.sifted.push(self.sql.len() - column_and_operator.len());
            self.bind(value);
        }
        self
    }

    /// `column IN (values)`, for what is asked of all rows of a page at once. There are as many places as in a list of
    /// keys (`room_for`), the last value in those left over.
    pub(super) fn among<T: Cell + Copy>(&mut self, column: &'static str, values: &[T]) -> &mut Self {
        self.condition(column);
        let all = values
            .iter()
            .chain(std::iter::repeat_n(values.last(), room_for(values.len()) - values.len()).flatten());
        for (value, before) in all.zip(std::iter::once(" IN (").chain(std::iter::repeat(", "))) {
            self.push(before).bind(*value);
        }
        self.push(")")
    }

    pub(super) fn times(&mut self, from: &'static str, until: &'static str, range: TimeRange) -> &mut Self {
        self.filter(from, range.from).filter(until, range.until)
    }

    /// Rows of a table within a time, by the blocks that they stand in: a column, and a table with `block_number` and
    /// `timestamp`.
    ///
    /// Time never runs backwards along the chain, so a span of time is a span of blocks: that keeps the list's
    /// order and its bounds in one index. No block from then on means no row.
    pub(super) fn blocks_of(&mut self, [column, table]: [&'static str; 2], time: TimeRange) -> &mut Self {
        let bounds = [
            (time.from, " >= ", "t.timestamp >= ", " ORDER BY t.timestamp, t.block_number LIMIT 1)"),
            (
                time.until,
                " <= ",
                "t.timestamp < ",
                " ORDER BY t.timestamp DESC, t.block_number DESC LIMIT 1)",
            ),
        ];
        for (at, held, told, nearest) in bounds {
            let Some(at) = at else { continue };
            self.condition(column)
                .push(held)
                .push("(SELECT t.block_number FROM ")
                .push(table)
                .push(" t WHERE ")
                .push(told)
                .bind(at)
                .push(nearest);
        }
        self
    }

    pub(super) fn amounts(&mut self, min: &'static str, max: &'static str, range: AmountRange) -> &mut Self {
        self.sift(min, range.min).sift(max, range.max)
    }

    /// What comes after a key in the list's order: `columns_and_operator (key)`.
    pub(super) fn after<const N: usize>(
        &mut self,
        columns_and_operator: &'static str,
        key: Option<[Value; N]>,
    ) -> &mut Self {
        let Some(key) = key else { return self };
        self.condition(columns_and_operator);
        for (value, before) in key.into_iter().zip(std::iter::once("(").chain(std::iter::repeat(", "))) {
            self.push(before).bind(value);
        }
        self.push(")")
    }

    /// The last words: an order and a bound.
    ///
    /// The bound is part of the text. PostgreSQL takes one that it does not know yet for a tenth of all rows, so that no
    /// plan made without it is any good, and plans again each time.
    pub(super) fn order_and_limit(&mut self, order: &'static str, limit: u32) -> &mut Self {
        self.push(order).sql.push_str(&format!(" LIMIT {limit}"));
        self
    }

    pub(super) async fn rows<T>(
        &self,
        db: &Db,
        read: impl Fn(&DbRow) -> Result<T, DbError>,
    ) -> Result<Vec<T>, DbError> {
        self.query(db).rows(db).await?.iter().map(read).collect()
    }

    pub(super) async fn row<T>(
        &self,
        db: &Db,
        read: impl Fn(&DbRow) -> Result<T, DbError>,
    ) -> Result<Option<T>, DbError> {
        self.query(db).row(db).await?.as_ref().map(read).transpose()
    }

    /// Row by row, for what is more than memory should hold.
    pub(super) fn stream<'a, T: 'a>(
        &self,
        db: &'a Db,
        read: impl Fn(&DbRow) -> Result<T, DbError> + Send + 'a,
    ) -> BoxStream<'a, Result<T, DbError>> {
        self.query(db).stream(db).map(move |row| read(&row?)).boxed()
    }

    /// Hands on row by row, for what is added up and not kept.
    pub(super) async fn each(
        &self,
        db: &Db,
        mut take: impl FnMut(&DbRow) -> Result<(), DbError>,
    ) -> Result<(), DbError> {
        let mut rows = self.query(db).stream(db);
        while let Some(row) = rows.try_next().await? {
            take(&row)?;
        }
        Ok(())
    }

    fn query(&self, db: &Db) -> Query {
        Query::made(self.sql(db), self.values.clone())
    }

    fn sql(&self, db: &Db) -> String {
        let mut sql = self.sql.clone();
        if matches!(db, Db::Sqlite(_)) {
            // From the end, so that the places before stay where they are.
            self.sifted.iter().rev().for_each(|at| sql.insert(*at, '+'));
        }
        sql
    }

    /// What PostgreSQL did, one step per line.
    #[cfg(test)]
    pub(super) async fn ran(&self, db: &Db) -> Result<Vec<String>, DbError> {
        let sql = format!("EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) {}", self.sql(db));
        Query::made(sql, self.values.clone())
            .rows(db)
            .await?
            .iter()
            .map(|row| row.text("QUERY PLAN"))
            .collect()
    }

    /// How SQLite would go about it, one step per line. Values do not matter to it here: nothing is bound.
    #[cfg(test)]
    pub(super) async fn explain(&self, db: &Db) -> Result<Vec<String>, DbError> {
        let sql = format!("EXPLAIN QUERY PLAN {}", self.sql(db));
        Query::made(sql, Vec::new()).rows(db).await?.iter().map(|row| row.text("detail")).collect()
    }
}
