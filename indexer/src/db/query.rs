use futures::{StreamExt, TryStreamExt, stream, stream::BoxStream};
use sqlx::{
    AssertSqlSafe, PgConnection, PgPool, Postgres, Sqlite, SqliteConnection, SqlitePool,
    postgres::PgArguments, sqlite::SqliteArguments,
};

use super::{Cell, Db, DbError, DbRow, Tx, Value, value::arguments};

/// SQL that both databases understand, with `$1`, `$2` and so on for the values, which are bound.
#[derive(Debug, Clone)]
pub struct Query {
    pub(super) sql: std::borrow::Cow<'static, str>,
    pub(super) values: Vec<Value>,
}

/// Where a query runs.
#[derive(Debug)]
pub enum Link<'a> {
    #[doc(hidden)]
    SqlitePool(&'a SqlitePool),
    #[doc(hidden)]
    PgPool(&'a PgPool),
    #[doc(hidden)]
    Sqlite(&'a mut SqliteConnection),
    #[doc(hidden)]
    Pg(&'a mut PgConnection),
}

impl<'a> From<&'a Db> for Link<'a> {
    fn from(db: &'a Db) -> Self {
        match db {
            Db::Sqlite(pools) => Self::SqlitePool(&pools.pool),
            Db::Postgres(pools) => Self::PgPool(&pools.pool),
        }
    }
}

impl<'a> From<&'a mut Tx> for Link<'a> {
    fn from(tx: &'a mut Tx) -> Self {
        match tx {
            Tx::Sqlite(tx) => Self::Sqlite(tx),
            Tx::Postgres(tx) => Self::Pg(tx),
        }
    }
}

/// Binds the values and does something with the query and what it runs on.
macro_rules! run {
    ($query:expr, $on:expr, |$bound:ident, $it:ident| $do:expr) => {{
        let query = $query;
        #[cfg(feature = "testing")]
        super::trace::note(&query);
        let Query { sql, values } = query;
        // Literal text and names of columns only; whatever a caller brings is a value.
        let sql = AssertSqlSafe(sql);
        match $on {
            Link::SqlitePool($it) => {
                let $bound = sqlx::query_with::<Sqlite, _>(sql, arguments::<SqliteArguments>(values)?);
                $do
            }
            Link::Sqlite($it) => {
                let $bound = sqlx::query_with::<Sqlite, _>(sql, arguments::<SqliteArguments>(values)?);
                $do
            }
            Link::PgPool($it) => {
                let $bound = sqlx::query_with::<Postgres, _>(sql, arguments::<PgArguments>(values)?);
                $do
            }
            Link::Pg($it) => {
                let $bound = sqlx::query_with::<Postgres, _>(sql, arguments::<PgArguments>(values)?);
                $do
            }
        }
    }};
}

impl Query {
    /// A query without values yet.
    pub fn new(sql: &'static str) -> Self {
        Self { sql: sql.into(), values: Vec::new() }
    }

    /// Text that was put together here, with its values.
    pub(crate) fn made(sql: impl Into<std::borrow::Cow<'static, str>>, values: Vec<Value>) -> Self {
        Self { sql: sql.into(), values }
    }

    /// Binds the next value.
    #[must_use]
    pub fn bind(mut self, cell: impl Cell) -> Self {
        self.values.push(cell.value());
        self
    }

    /// Runs it, and gives how many rows it wrote.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn execute(self, on: impl Into<Link<'_>>) -> Result<u64, DbError> {
        #[cfg(feature = "testing")]
        super::fuse::burn().await;
        run!(self, on.into(), |query, it| Ok(query.execute(it).await?.rows_affected()))
    }

    /// Its rows, as they come.
    pub(crate) fn stream<'a>(self, on: impl Into<Link<'a>>) -> BoxStream<'a, Result<DbRow, DbError>> {
        self.started(on.into()).unwrap_or_else(|error| stream::once(async { Err(error) }).boxed())
    }

    fn started(self, on: Link<'_>) -> Result<BoxStream<'_, Result<DbRow, DbError>>, DbError> {
        run!(self, on, |query, it| Ok(query.fetch(it).map_ok(DbRow::from).map_err(DbError::from).boxed()))
    }

    /// Its rows.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn rows(self, on: impl Into<Link<'_>>) -> Result<Vec<DbRow>, DbError> {
        #[cfg(feature = "testing")]
        super::fuse::burn().await;
        self.stream(on).try_collect().await
    }

    /// Its first row.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn row(self, on: impl Into<Link<'_>>) -> Result<Option<DbRow>, DbError> {
        #[cfg(feature = "testing")]
        super::fuse::burn().await;
        run!(self, on.into(), |query, it| Ok(query.fetch_optional(it).await?.map(DbRow::from)))
    }
}
