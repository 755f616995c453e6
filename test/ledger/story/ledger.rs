//! Running an indexer in a test, and looking at what it wrote.

use std::{sync::Arc, time::Duration};

use alloy::primitives::{Address, B256, U256};
use anyhow::{Context, Result, ensure};
use bursar_indexer::{
    Config, Indexer, Phase, Status, Store,
    db::DbRow,
    run::reached,
    source::{Source, Sources},
};
use bursar_test_stores::Stores;
use sqlx::Row as _;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::dump::difference;
pub use crate::dump::{dump, rows};

/// Quick to try again, since tests need no patience.
pub fn config(chain_id: u64, factory: Address) -> Config {
    Config {
        finality: 8,
        poll: Duration::from_millis(10),
        first_delay: Duration::from_millis(1),
        max_delay: Duration::from_millis(4),
        ..Config::new(chain_id, factory, 0)
    }
}

/// An indexer at work.
pub struct Running {
    pub status: tokio::sync::watch::Receiver<Status>,
    pub cancel: CancellationToken,
    pub task: JoinHandle<Result<(), bursar_indexer::IndexerError>>,
}

impl Running {
    pub fn start(config: Config, source: impl Into<Sources>, store: Store) -> Self {
        Self::of(Indexer::new(config, source, store))
    }

    pub fn of(indexer: Indexer) -> Self {
        let cancel = CancellationToken::new();
        let status = indexer.subscribe();
        let token = cancel.clone();
        let task = tokio::spawn(async move { indexer.run(token).await });
        Self { status, cancel, task }
    }

    /// Waits until exactly that block is in the ledger.
    pub async fn until(&mut self, hash: B256) -> Result<Status> {
        let there = |status: &Status| status.indexed_hash == hash || status.phase == Phase::Stopped;
        let waiting = self.status.wait_for(there);
        let status = tokio::time::timeout(Duration::from_secs(60), waiting)
            .await
            .context("the indexer is stuck")??;
        ensure!(status.indexed_hash == hash, "the indexer stopped: {:?}", status.error);
        Ok(status.clone())
    }

    pub async fn stop(self) -> Result<()> {
        self.cancel.cancel();
        Ok(self.task.await??)
    }
}

/// Indexes up to the source's head, once, and stops.
pub async fn index(config: Config, source: Arc<dyn Source>, store: &Store) -> Result<Status> {
    let head = source.head().await?;
    let mut running = Running::start(config, source, store.clone());
    let status = running.until(head.hash).await?;
    ensure!(reached(&mut running.status, head.number).await.indexed == Some(head.number), "not at the head");
    running.stop().await?;
    Ok(status)
}

/// The store of that name.
pub async fn open(stores: &Stores, name: &str) -> Result<Store> {
    Ok(Store::connect(&stores.url(name).await?.parse()?).await?)
}

/// A fresh index of the same chain, as its tables read.
pub async fn fresh(config: Config, source: Arc<dyn Source>, stores: &Stores) -> Result<Vec<String>> {
    let store = Store::connect(&stores.another().await?.parse()?).await?;
    index(config, source, &store).await?;
    let dump = dump(&store).await?;
    store.close().await;
    Ok(dump)
}

pub async fn one(store: &Store, sql: &'static str) -> Result<DbRow> {
    rows(store, sql).await?.pop().with_context(|| format!("no row: {sql}"))
}

/// The number that a query comes to.
pub async fn count(store: &Store, sql: &'static str) -> Result<i64> {
    Ok(match one(store, sql).await? {
        DbRow::Sqlite(row) => row.try_get(0)?,
        DbRow::Postgres(row) => row.try_get(0)?,
    })
}

pub fn money(row: &DbRow, column: &'static str) -> Result<U256> {
    let text = row.text(column)?;
    ensure!(text.len() == 29, "{column} is not padded: {text}");
    Ok(U256::from_str_radix(&text, 10)?)
}

/// Shows where two dumps differ.
pub fn assert_same(left: &[String], right: &[String]) {
    if let Some(difference) = difference(left, right) {
        panic!("{difference}");
    }
}
