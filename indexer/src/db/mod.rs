//! The database under the store: SQLite in a file, or PostgreSQL for more than one machine. What is written to
//! either is the same SQL with the same values; where the two differ, [`Db`] and [`DbRow`] are the only ones to know.

mod bulk;
mod change;
mod columns;
mod error;
#[cfg(feature = "testing")]
pub mod fuse;
mod migrations;
mod partitions;
mod query;
mod row;
mod table;
#[cfg(feature = "testing")]
pub mod trace;
mod url;
mod value;

use std::time::Duration;

use backon::{ExponentialBuilder, Retryable as _};
use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Connection as _, Database, PgConnection, Pool, Postgres, Sqlite,
    Transaction,
    migrate::{MigrateError, Migrator},
    pool::PoolConnection,
    postgres::PgPoolOptions,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

pub(crate) use bulk::{one_of, room_for};
pub(crate) use change::Changes;
pub use error::DbError;
pub(crate) use partitions::Partitions;
pub use query::{Link, Query};
pub use row::DbRow;
pub(crate) use table::{Table, table};
pub use url::{StoreUrl, StoreUrlError};
pub use value::{Cell, Value};

use url::Place;

/// Starts a transaction that writes the ledger: one at a time, so that who reads the checkpoint in it may rely on it.
const BEGIN_SQLITE: &str = "BEGIN IMMEDIATE";
/// A writer that says nothing for a minute is gone, network and all: its lock must not stay.
const LOCK_POSTGRES: &str = "SET LOCAL idle_in_transaction_session_timeout = '60s'; \
                             LOCK TABLE checkpoint IN SHARE ROW EXCLUSIVE MODE";

/// How many statements a connection keeps ready: more than lists have filters.
const STATEMENTS: usize = 512;

/// How long a connection to a server is taken to be there after it has answered.
const TRUSTED: Duration = Duration::from_secs(1);

/// How long at first somebody else is left to bring SQLite's write-ahead log into the file; then twice as long each time.
const BESIDE: Duration = Duration::from_millis(20);

/// Connections to one database. Cheap to clone.
#[derive(Clone)]
pub enum Db {
    /// A file.
    Sqlite(Pools<Sqlite>),
    /// A server.
    Postgres(Pools<Postgres>),
}

/// Connections to one database, which takes one writer of the ledger at a time. Transactions all go through the same one: those
/// that wait for their turn keep none of the others, which the one whose turn it is may need, too; and in SQLite the pages
/// that one has read and written are there for the next, and in memory once.
#[derive(Debug)]
pub struct Pools<D: Database> {
    pool: Pool<D>,
    writer: Pool<D>,
}

impl<D: Database> Clone for Pools<D> {
    fn clone(&self) -> Self {
        Self { pool: self.pool.clone(), writer: self.writer.clone() }
    }
}

impl<D: Database> Pools<D> {
    async fn close(&self) {
        self.pool.close().await;
        self.writer.close().await;
    }
}

/// A transaction that writes the ledger; rolled back where it is dropped.
pub(crate) enum Tx {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

impl Db {
    /// Connects; a file that is not there is created.
    pub(crate) async fn connect(url: &StoreUrl) -> Result<Self, DbError> {
        match &url.0 {
            Place::File(path) => {
                let options = SqliteConnectOptions::new()
                    .filename(path)
                    .create_if_missing(true)
                    .journal_mode(SqliteJournalMode::Wal)
                    // A decision that was acknowledged must survive a power cut.
                    .synchronous(SqliteSynchronous::Full)
                    .busy_timeout(Duration::from_secs(10))
                    // 16 MiB: enough for the ends of all indexes that a backfill writes to.
                    .pragma("cache_size", "-16384")
                    // Pages, 64 MiB: one that many blocks change goes to its place in the file once.
                    .pragma("wal_autocheckpoint", "16384")
                    .statement_cache_capacity(STATEMENTS)
                    .foreign_keys(true);
                let writer =
                    SqlitePoolOptions::new().max_connections(1).connect_with(options.clone()).await?;
                // A file does not hang up: to ask it before each question is to wait for its thread once more.
                let pool = SqlitePoolOptions::new().max_connections(8).test_before_acquire(false);
                let pool = pool.connect_with(options).await?;
                Ok(Self::Sqlite(Pools { pool, writer }))
            }
            Place::Server { options, .. } => {
                let options = options.as_ref().clone().application_name("bursar");
                let writer = PgPoolOptions::new().max_connections(1).connect_lazy_with(options.clone());
                let pool = PgPoolOptions::new().max_connections(8).test_before_acquire(false);
                let pool = pool.before_acquire(|connection, of| Box::pin(answers(connection, of.idle_for)));
                let pool = pool.connect_with(options).await?;
                Ok(Self::Postgres(Pools { pool, writer }))
            }
        }
    }

    /// Brings the schema up to date. Several processes may ask PostgreSQL at the same time: one does it, others wait.
    pub(crate) async fn migrate(&self) -> Result<(), MigrateError> {
        match self {
            Self::Sqlite(pools) => self.migrations().run(&pools.writer).await,
            Self::Postgres(pools) => self.migrations().run(&pools.writer).await,
        }
    }

    /// Builds indexes of rows that may be many, in PostgreSQL all at the same time. SQLite sorts as much of them at a time as its
    /// pages may take, so it is given a connection that keeps few.
    pub(crate) async fn build(&self, indexes: Vec<String>) -> Result<(), DbError> {
        match self {
            Self::Sqlite(pools) => {
                let few = (*pools.pool.connect_options()).clone().pragma("cache_size", "-4096");
                let mut connection = few.connect().await?;
                for index in indexes {
                    sqlx::query(AssertSqlSafe(index)).execute(&mut connection).await?;
                }
                connection.close().await?;
            }
            Self::Postgres(pools) => {
                // Readers keep theirs. None is given up for another that failed: the server would go on with it.
                let build = |index| async move {
                    let mut connection = pools.pool.connect_options().connect().await?;
                    // They are built beside each other: what one hands to helpers of its own is written and read once more. No
                    // transaction: what was asked for is done, whoever is there to hear of it.
                    sqlx::query("SET max_parallel_maintenance_workers = 0").execute(&mut connection).await?;
                    sqlx::query(AssertSqlSafe(index)).execute(&mut connection).await?;
                    connection.close().await
                };
                let built = futures::future::join_all(indexes.into_iter().map(build)).await;
                built.into_iter().collect::<Result<(), sqlx::Error>>()?;
            }
        }
        Ok(())
    }

    /// The newest schema that this version knows.
    pub(crate) fn known_schema(&self) -> i64 {
        self.migrations().iter().map(|migration| migration.version).max().unwrap_or_default()
    }

    fn migrations(&self) -> &'static Migrator {
        match self {
            Self::Sqlite(_) => &migrations::SQLITE,
            Self::Postgres(_) => &migrations::POSTGRES,
        }
    }

    pub(crate) async fn begin(&self) -> Result<Tx, DbError> {
        Ok(match self {
            Self::Sqlite(pools) => Tx::Sqlite(pools.writer.begin_with(BEGIN_SQLITE).await?),
            Self::Postgres(pools) => {
                let connection = pools.writer.acquire().await?;
                let begun = tokio::spawn(begin_postgres(connection));
                Tx::Postgres(begun.await.map_err(|_| sqlx::Error::WorkerCrashed)??)
            }
        })
    }

    /// Where a statement writes that stands alone: in SQLite behind whoever has the file's one writer, in turn, since waiting at
    /// the file itself is no turn; in PostgreSQL beside them.
    pub(crate) fn alone(&self) -> Link<'_> {
        match self {
            Self::Sqlite(pools) => Link::SqlitePool(&pools.writer),
            Self::Postgres(pools) => Link::PgPool(&pools.pool),
        }
    }

    /// Frees the room of rows that were deleted, so that nothing of them is left in it. SQLite writes its file anew and
    /// empties its log; PostgreSQL frees the rows' room in these tables.
    pub(crate) async fn scrub(&self, tables: &[&'static str]) -> Result<(), DbError> {
        match self {
            Self::Sqlite(_) => {
                Query::new("VACUUM").execute(self).await?;
                // SQLite waits for who reads the log, and not for who is just bringing it into the file.
                let patience = ExponentialBuilder::default().with_min_delay(BESIDE).with_max_times(5);
                (|| self.truncate_wal()).retry(patience).when(DbError::is_busy).await
            }
            Self::Postgres(_) => {
                for table in tables {
                    Query::made(format!("VACUUM {table}"), Vec::new()).execute(self).await?;
                }
                Ok(())
            }
        }
    }

    async fn truncate_wal(&self) -> Result<(), DbError> {
        let log = Query::new("PRAGMA wal_checkpoint(TRUNCATE)").row(self).await?;
        match log.map(|row| row.number::<u64>("busy")).transpose()? {
            None | Some(0) => Ok(()),
            Some(_) => Err(DbError::LogInUse),
        }
    }

    /// Brings what SQLite's write-ahead log has into the file, as far as nobody reads what was there before, beside whoever writes. One
    /// that has grown too long is brought there by the commit that finds it so, and all wait for that.
    pub(crate) async fn empty_wal(&self) -> Result<(), DbError> {
        if let Self::Sqlite(_) = self {
            Query::new("PRAGMA wal_checkpoint(PASSIVE)").row(self).await?;
        }
        Ok(())
    }

    /// Closes every connection.
    pub(crate) async fn close(&self) {
        match self {
            Self::Sqlite(pools) => pools.close().await,
            Self::Postgres(pools) => pools.close().await,
        }
    }
}

/// Whether a connection still answers, where it has rested: one that answered just now is not asked before each question.
async fn answers(connection: &mut PgConnection, rested: Duration) -> Result<bool, sqlx::Error> {
    if rested > TRUSTED {
        connection.ping().await?;
    }
    Ok(true)
}

/// To be run in a task of its own, which ends what it began where nobody wants it any more: sqlx 0.9 puts a connection back into
/// its pool with the transaction open where it is given up while it begins (sqlx#4393), or where what begins it fails in part. So
/// the lock comes after, when the transaction is counted as begun.
async fn begin_postgres(
    connection: PoolConnection<Postgres>,
) -> Result<Transaction<'static, Postgres>, sqlx::Error> {
    let mut tx = Transaction::begin(connection, None).await?;
    sqlx::raw_sql(LOCK_POSTGRES).execute(&mut *tx).await?;
    Ok(tx)
}

impl std::fmt::Debug for Db {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Sqlite(_) => "Db::Sqlite",
            Self::Postgres(_) => "Db::Postgres",
        })
    }
}

impl Tx {
    /// Whether PostgreSQL waits however long nothing is said, from here on.
    pub(crate) async fn take_time(&mut self, takes: bool) -> Result<(), DbError> {
        if let Self::Postgres(tx) = self {
            let sql = if takes {
                "SET LOCAL idle_in_transaction_session_timeout = 0"
            } else {
                "SET LOCAL idle_in_transaction_session_timeout TO DEFAULT"
            };
            sqlx::query(sql).execute(&mut **tx).await?;
        }
        Ok(())
    }

    /// From here on, a commit does not wait for PostgreSQL's disk: a power cut may take it back as a whole. For what the
    /// chain tells again.
    pub(crate) async fn hurry(&mut self) -> Result<(), DbError> {
        if let Self::Postgres(tx) = self {
            sqlx::query("SET LOCAL synchronous_commit TO off").execute(&mut **tx).await?;
        }
        Ok(())
    }

    pub(crate) async fn commit(self) -> Result<(), DbError> {
        #[cfg(feature = "testing")]
        fuse::burn().await;
        match self {
            Self::Sqlite(tx) => tx.commit().await,
            Self::Postgres(tx) => tx.commit().await,
        }?;
        #[cfg(feature = "testing")]
        fuse::burn().await;
        Ok(())
    }
}
