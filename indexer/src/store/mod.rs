//! The store: opened, claimed for a chain, applied to and unwound in transactions.

mod accesses;
mod alerts;
mod answer;
mod api_keys;
mod apply;
mod audit;
mod begin_log;
mod decision;
mod deferred;
mod erase;
mod forget;
mod heard;
mod held;
mod intake;
mod known;
mod lease;
mod lent;
mod load;
mod outcome;
mod partitions;
mod pending;
mod publisher;
mod ranges;
mod read;
mod refused;
mod tables;
#[cfg(feature = "testing")]
pub mod testing;
mod then;
mod traces;
mod unwind;
mod watched;
mod webhooks;

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use alloy::primitives::{Address, AddressError};
use sqlx::migrate::MigrateError;

use crate::db::{Cell as _, Db, DbError, Query, StoreUrl, Tx, table};
pub use crate::query::{blocks::KeptBlock, checkpoint::Checkpoint};
pub use api_keys::ApiKey;
pub(crate) use apply::Applying;
#[cfg(test)]
pub(crate) use apply::PRUNE_BLOCKS;
pub use apply::{ApplyError, Batch};
pub use audit::{Audit, Finding, Mark, Trouble};
pub use decision::Inserted;
pub use erase::{Erased, Order};
pub use outcome::OutcomeError;
pub use partitions::PARTITION_BLOCKS;
pub use publisher::PUBLISHER;
pub(crate) use ranges::{BlockRange, Taken};
pub use read::Watch;
pub(crate) use tables::read_alert;
pub use webhooks::{Begin, Missed, Secret, Webhook, WebhookError, Wish};

use known::Memory;

/// The ledger's database. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Store {
    db: Db,
    known: Arc<Memory>,
    room: Arc<partitions::Memory>,
    /// Rows that were written of blocks, since this process began.
    rows: Arc<AtomicU64>,
    /// Logs that were set aside, since this process began.
    aside: Arc<AtomicU64>,
    given_up: then::GivenUp,
}

/// What may be wrong with a store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database itself.
    #[error(transparent)]
    Db(#[from] DbError),
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
    /// Rows that were written of blocks, since this process began.
    pub fn rows_written(&self) -> u64 {
        self.rows.load(Ordering::Relaxed)
    }

    /// Logs of blocks that were set aside, since this process began: those of blocks that a reorg took back among them.
    pub fn logs_set_aside(&self) -> u64 {
        self.aside.load(Ordering::Relaxed)
    }

    /// Connects to the database at `url`, creates it where it is a file that is not there, and brings its schema up to
    /// date.
    ///
    /// # Errors
    /// When it cannot be reached, or a newer version has written it.
    pub async fn connect(url: &StoreUrl) -> Result<Self, StoreError> {
        let (known, room, rows, aside, given_up) = Default::default();
        let store = Self { db: Db::connect(url).await?, known, room, rows, aside, given_up };
        store.migrate().await?;
        store.begin_logs().await?;
        store.fill_then().await?;
        Ok(store)
    }

    /// The database, for reading.
    pub fn db(&self) -> &Db {
        &self.db
    }

    /// Empties a file's write-ahead log into it; what goes wrong is told, and left to a commit.
    pub(crate) async fn empty_wal(&self) {
        if let Err(error) = self.db.empty_wal().await {
            tracing::warn!(%error, "emptying the write-ahead log");
        }
    }

    /// Closes every connection.
    pub async fn close(&self) {
        self.db.close().await;
    }

    /// Makes this the store of a chain and a factory, or checks that it is.
    ///
    /// # Errors
    /// When it is another's.
    pub async fn claim(&self, chain_id: u64, factory: Address) -> Result<(), StoreError> {
        for (key, value) in [("chain_id", chain_id.to_string()), ("factory", factory.to_string())] {
            META.insert_new(meta(key, value)).execute(&self.db).await?;
        }
        self.is_of(chain_id, factory).await?;
        Ok(())
    }

    /// Whether this is the store of that chain and factory already; `false` where nobody has claimed it yet.
    ///
    /// # Errors
    /// When it is another's.
    pub(crate) async fn is_of(&self, chain_id: u64, factory: Address) -> Result<bool, StoreError> {
        let Some((got_chain, got_factory)) = self.claimed().await? else { return Ok(false) };
        if got_chain != chain_id.to_string() {
            return Err(StoreError::OtherChain { expected: chain_id, got: got_chain });
        }
        if got_factory != factory.to_string() {
            return Err(StoreError::OtherFactory { expected: factory, got: got_factory });
        }
        Ok(true)
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
        let (chain, factory) = (self.meta("chain_id").await?, self.meta("factory").await?);
        Ok(chain.zip(factory))
    }

    async fn meta(&self, key: &'static str) -> Result<Option<String>, StoreError> {
        let row = META.find(vec![key.value()]).row(&self.db).await?;
        Ok(row.map(|row| row.text("value")).transpose()?)
    }

    /// The chain whose store this is, in a transaction; `None` where nobody has claimed it yet.
    async fn chain_id(&self, tx: &mut Tx) -> Result<Option<u64>, StoreError> {
        let Some(row) = META.find(vec!["chain_id".value()]).row(tx).await? else { return Ok(None) };
        let text = row.text("value")?;
        text.parse().map(Some).map_err(|_| StoreError::Corrupt { what: "chain id", got: text })
    }

    async fn migrate(&self) -> Result<(), StoreError> {
        match self.db.migrate().await {
            Ok(()) => Ok(()),
            Err(MigrateError::VersionMissing(_)) => {
                let newest = Query::new("SELECT MAX(version) AS version FROM _sqlx_migrations");
                let row = newest.row(&self.db).await?;
                let got = row.map(|row| row.number("version")).transpose()?.unwrap_or_default();
                Err(StoreError::Newer { known: self.db.known_schema(), got })
            }
            Err(error) => Err(StoreError::Migration(error)),
        }
    }
}

table! {
    META, fn meta(key: &str, value: String) {
        key { key: key }
        value: value,
    }
}
