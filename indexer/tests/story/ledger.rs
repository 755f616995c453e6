//! Running an indexer in a test, and looking at what it wrote.

use std::{path::Path, sync::Arc, time::Duration};

use alloy::primitives::{Address, B256, U256};
use anyhow::{Context, Result, ensure};
use bursar_indexer::{Config, Indexer, Phase, Status, Store, run::reached, source::Source};
use sqlx::{Row, TypeInfo, ValueRef, sqlite::SqliteRow};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

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
    pub fn start(config: Config, source: Arc<dyn Source>, store: Store) -> Self {
        let indexer = Indexer::new(config, source, store);
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

/// A fresh index of the same chain, as its tables read.
pub async fn fresh(config: Config, source: Arc<dyn Source>, dir: &Path) -> Result<Vec<String>> {
    let store = Store::open(dir.join("fresh.sqlite")).await?;
    index(config, source, &store).await?;
    let dump = dump(&store).await?;
    store.close().await;
    std::fs::remove_file(dir.join("fresh.sqlite"))?;
    Ok(dump)
}

const TABLES: &[(&str, &str)] = &[
    ("event", "SELECT * FROM event ORDER BY block_number, log_index"),
    ("payment", "SELECT * FROM payment ORDER BY block_number, log_index"),
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
    ("checkpoint", "SELECT number, hash, timestamp FROM checkpoint"),
    ("block", "SELECT * FROM block WHERE number IN (SELECT block_number FROM event) ORDER BY number"),
];

/// Every row that tells about the chain, as text.
pub async fn dump(store: &Store) -> Result<Vec<String>> {
    let mut lines = Vec::new();
    for (table, sql) in TABLES {
        for row in sqlx::query(*sql).fetch_all(store.pool()).await? {
            lines.push(format!("{table}: {}", cells(&row)?));
        }
    }
    Ok(lines)
}

fn cells(row: &SqliteRow) -> Result<String> {
    let mut cells = Vec::new();
    for index in 0..row.len() {
        let raw = row.try_get_raw(index)?;
        let kind = raw.type_info().name().to_owned();
        cells.push(match (raw.is_null(), kind.as_str()) {
            (true, _) => "-".to_owned(),
            (_, "BLOB") => alloy::hex::encode(row.try_get::<Vec<u8>, _>(index)?),
            (_, "TEXT") => row.try_get(index)?,
            _ => row.try_get::<i64, _>(index)?.to_string(),
        });
    }
    Ok(cells.join(" | "))
}

pub async fn count(store: &Store, sql: &'static str) -> Result<i64> {
    Ok(sqlx::query_scalar(sql).fetch_one(store.pool()).await?)
}

pub fn money(row: &SqliteRow, column: &str) -> Result<U256> {
    let text: String = row.try_get(column)?;
    ensure!(text.len() == 29, "{column} is not padded: {text}");
    Ok(U256::from_str_radix(&text, 10)?)
}

/// Shows where two dumps differ, rather than all of both.
pub fn assert_same(left: &[String], right: &[String]) {
    let only = |of: &[String], other: &[String]| {
        of.iter().filter(|line| !other.contains(line)).cloned().collect::<Vec<_>>().join("\n")
    };
    assert!(left == right, "only left:\n{}\nonly right:\n{}", only(left, right), only(right, left));
}
