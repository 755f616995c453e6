//! The SQLite store: opened, claimed for a chain, applied to and unwound in transactions.

mod apply;
mod decision;
mod effects;
mod load;
mod read;
mod save;
mod unwind;

use std::{path::Path, time::Duration};

use alloy::primitives::{Address, AddressError};
use sqlx::{
    Row as _, SqlitePool,
    migrate::{MigrateError, Migrator},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

pub use apply::{ApplyError, Batch};
pub use decision::Inserted;
pub use read::{Checkpoint, Watch};

static MIGRATIONS: Migrator = sqlx::migrate!("./migrations/sqlite");

/// The ledger's database.
#[derive(Debug, Clone)]
pub struct Store {
    pool: SqlitePool,
}

/// What may be wrong with a store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database itself.
    #[error("the database failed")]
    Driver(#[from] sqlx::Error),
    /// The schema could not be brought up to date.
    #[error("the schema could not be brought up to date")]
    Migration(#[source] MigrateError),
    /// Written by a newer version of this program.
    #[error("expected a store of schema {known} at most, got schema {got}: a newer version has written it")]
    Newer {
        /// The newest schema this version knows.
        known: i64,
        /// The store's.
        got: i64,
    },
    /// The ledger of another chain.
    #[error("expected a store of chain {expected}, got one of chain {got}")]
    OtherChain {
        /// The chain that is followed.
        expected: u64,
        /// The chain it holds.
        got: String,
    },
    /// The ledger of another factory.
    #[error("expected a store of factory {expected}, got one of factory {got}")]
    OtherFactory {
        /// The factory that is followed.
        expected: Address,
        /// The factory it holds.
        got: String,
    },
    /// A value that nothing here writes.
    #[error("the store holds a {what} that does not read: {got:?}")]
    Corrupt {
        /// What it should be.
        what: &'static str,
        /// What it is.
        got: String,
    },
}

impl Store {
    /// Opens the database at `path`, creates it where there is none, and brings its schema up to date.
    ///
    /// # Errors
    /// When it cannot be opened, or a newer version has written it.
    pub async fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // A decision that was acknowledged must survive a power cut.
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(Duration::from_secs(10))
            .foreign_keys(true);
        let pool = SqlitePoolOptions::new().max_connections(8).connect_with(options).await?;
        let store = Self { pool };
        store.migrate().await?;
        Ok(store)
    }

    /// The connections, for reading.
    pub fn pool(&self) -> &SqlitePool {
        &self.pool
    }

    /// Closes every connection.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    /// Makes this the store of a chain and a factory, or checks that it is.
    ///
    /// # Errors
    /// When it is another's.
    pub async fn claim(&self, chain_id: u64, factory: Address) -> Result<(), StoreError> {
        let mut tx = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        for (key, value) in [("chain_id", chain_id.to_string()), ("factory", factory.to_string())] {
            sqlx::query("INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO NOTHING")
                .bind(key)
                .bind(value)
                .execute(&mut *tx)
                .await?;
        }
        tx.commit().await?;
        let (got_chain, got_factory) = self.claimed().await?.unwrap_or_default();
        if got_chain != chain_id.to_string() {
            return Err(StoreError::OtherChain { expected: chain_id, got: got_chain });
        }
        if got_factory != factory.to_string() {
            return Err(StoreError::OtherFactory { expected: factory, got: got_factory });
        }
        Ok(())
    }

    /// Whose store this is: chain id and factory; `None` where nobody has claimed it yet.
    ///
    /// # Errors
    /// When the database fails or holds what does not read.
    pub async fn owner(&self) -> Result<Option<(u64, Address)>, StoreError> {
        let Some((chain, factory)) = self.claimed().await? else { return Ok(None) };
        let chain_id =
            chain.parse().map_err(|_| StoreError::Corrupt { what: "chain id", got: chain.clone() })?;
        let parsed: Result<Address, AddressError> = Address::parse_checksummed(&factory, None);
        let factory = parsed.map_err(|_| StoreError::Corrupt { what: "factory", got: factory.clone() })?;
        Ok(Some((chain_id, factory)))
    }

    async fn claimed(&self) -> Result<Option<(String, String)>, StoreError> {
        let value = |key| sqlx::query_scalar::<_, String>("SELECT value FROM meta WHERE key = ?").bind(key);
        let chain: Option<String> = value("chain_id").fetch_optional(&self.pool).await?;
        let factory: Option<String> = value("factory").fetch_optional(&self.pool).await?;
        Ok(chain.zip(factory))
    }

    async fn migrate(&self) -> Result<(), StoreError> {
        match MIGRATIONS.run(&self.pool).await {
            Ok(()) => Ok(()),
            Err(MigrateError::VersionMissing(_)) => {
                let row =
                    sqlx::query("SELECT MAX(version) FROM _sqlx_migrations").fetch_one(&self.pool).await?;
                let known = MIGRATIONS.iter().map(|migration| migration.version).max().unwrap_or_default();
                Err(StoreError::Newer { known, got: row.try_get(0)? })
            }
            Err(error) => Err(StoreError::Migration(error)),
        }
    }
}
