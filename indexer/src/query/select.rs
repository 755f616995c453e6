use sqlx::{Encode, QueryBuilder, Sqlite, SqlitePool, Type, sqlite::SqliteRow};

use super::{AmountRange, QueryError, TimeRange, column};

/// A query that grows conditions. SQL is literal text; whatever a caller brings is bound.
pub(super) struct Select {
    builder: QueryBuilder<Sqlite>,
    conditions: usize,
}

impl Select {
    pub(super) fn new(sql: &'static str) -> Self {
        Self { builder: QueryBuilder::new(sql), conditions: 0 }
    }

    /// Adds a condition without a value.
    pub(super) fn condition(&mut self, sql: &'static str) -> &mut Self {
        self.builder.push(if self.conditions == 0 { " WHERE " } else { " AND " });
        self.builder.push(sql);
        self.conditions += 1;
        self
    }

    /// Binds the next value.
    pub(super) fn bind<T>(&mut self, value: T) -> &mut Self
    where
        T: for<'q> Encode<'q, Sqlite> + Type<Sqlite>,
    {
        self.builder.push_bind(value);
        self
    }

    /// Goes on with literal SQL.
    pub(super) fn push(&mut self, sql: &'static str) -> &mut Self {
        self.builder.push(sql);
        self
    }

    /// `column_and_operator value`, where there is a value.
    pub(super) fn filter<T>(&mut self, column_and_operator: &'static str, value: Option<T>) -> &mut Self
    where
        T: for<'q> Encode<'q, Sqlite> + Type<Sqlite>,
    {
        if let Some(value) = value {
            self.condition(column_and_operator).bind(value);
        }
        self
    }

    pub(super) fn times(&mut self, from: &'static str, until: &'static str, range: TimeRange) -> &mut Self {
        self.filter(from, range.from.map(column::signed)).filter(until, range.until.map(column::signed))
    }

    pub(super) fn amounts(&mut self, min: &'static str, max: &'static str, range: AmountRange) -> &mut Self {
        self.filter(min, range.min.map(column::padded)).filter(max, range.max.map(column::padded))
    }

    /// The last words: an order and a bound.
    pub(super) fn order_and_limit(&mut self, order: &'static str, limit: u32) -> &mut Self {
        self.push(order).push(" LIMIT ").bind(i64::from(limit))
    }

    pub(super) async fn rows<T>(
        &mut self,
        pool: &SqlitePool,
        read: impl Fn(&SqliteRow) -> Result<T, QueryError>,
    ) -> Result<Vec<T>, QueryError> {
        self.builder.build().fetch_all(pool).await?.iter().map(read).collect()
    }

    pub(super) async fn row<T>(
        &mut self,
        pool: &SqlitePool,
        read: impl Fn(&SqliteRow) -> Result<T, QueryError>,
    ) -> Result<Option<T>, QueryError> {
        self.builder.build().fetch_optional(pool).await?.as_ref().map(read).transpose()
    }

    /// How SQLite would go about it, one step per line. Values do not matter to it here: nothing is bound.
    #[cfg(test)]
    pub(super) async fn explain(&self, pool: &SqlitePool) -> Result<Vec<String>, QueryError> {
        use sqlx::{AssertSqlSafe, Row};
        let sql = format!("EXPLAIN QUERY PLAN {}", self.builder.sql().as_str());
        let rows = sqlx::query(AssertSqlSafe(sql)).fetch_all(pool).await?;
        rows.iter().map(|row| Ok(row.try_get("detail")?)).collect()
    }
}
