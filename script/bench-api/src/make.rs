//! A ledger to ask.

use std::{path::Path, time::Instant};

use anyhow::{Context as _, Result};
use bursar_bench::{Foreseen, Replayed, follow, foresee};
use bursar_indexer::{Store, ledger::WatchKind};
use bursar_replay::TOKEN;
use bursar_test_stores::Cluster;
use tempfile::TempDir;

use crate::{Kind, grow};

/// Only reading is measured: what is written need not survive, and is written fast.
const POSTGRES: &str = "-c fsync=off -c synchronous_commit=off -c full_page_writes=off -c wal_level=minimal \
                        -c max_wal_senders=0 -c max_wal_size=1GB -c shared_buffers=1GB \
                        -c maintenance_work_mem=512MB";

/// Where a ledger is; it goes away with this, unless it is somebody's.
#[derive(Debug)]
pub(crate) enum Place {
    File(TempDir),
    Server(Cluster),
    Kept(String),
}

/// A ledger that was made.
#[derive(Debug)]
pub(crate) struct Made {
    pub(crate) name: &'static str,
    pub(crate) url: String,
    pub(crate) store: Store,
    pub(crate) payments: u64,
    /// How many of them were indexed, and what agents said of them; nobody knows it of a ledger that was there.
    pub(crate) indexed: Option<u64>,
    pub(crate) records: Option<Foreseen>,
}

impl Place {
    pub(crate) fn new(kind: Kind, work: &Path) -> Result<Self> {
        Ok(match kind {
            Kind::Sqlite => {
                std::fs::create_dir_all(work).with_context(|| format!("creating {}", work.display()))?;
                Self::File(tempfile::tempdir_in(work.canonicalize()?)?)
            }
            Kind::Postgres => Self::Server(Cluster::start(POSTGRES)?),
        })
    }

    fn url(&self) -> Result<String> {
        Ok(match self {
            Self::File(directory) => {
                directory.path().join("ledger.sqlite").to_str().context("a path that is text")?.to_owned()
            }
            Self::Server(cluster) => cluster.url().to_string(),
            Self::Kept(url) => url.clone(),
        })
    }

    /// Takes it away.
    pub(crate) fn gone(self) -> Result<()> {
        match self {
            Self::File(directory) => Ok(directory.close()?),
            Self::Server(cluster) => cluster.stop(),
            Self::Kept(_) => Ok(()),
        }
    }
}

/// Makes a ledger of about so many payments.
pub(crate) async fn make(
    replayed: &Replayed,
    bursar: &Path,
    place: &Place,
    explained_pct: u64,
    payments: u64,
) -> Result<Made> {
    let url = place.url()?;
    let name = if grow::is_postgres(&url) { "postgres" } else { "sqlite" };
    let began = Instant::now();
    let store = Store::connect(&url.parse()?).await?;
    if store.checkpoint().await?.is_some() {
        let payments = grow::count(&url).await?;
        return Ok(Made { name, url, store, payments, indexed: None, records: None });
    }
    store.put_watched(WatchKind::Token, &[TOKEN], None).await?;
    store.put_watched(WatchKind::Payer, &replayed.payers(), None).await?;
    eprintln!("{name}: sealing what agents say of {explained_pct} % of the payments");
    let records = foresee(replayed, &store, explained_pct).await?;
    eprintln!("{name}: indexing ({} s)", began.elapsed().as_secs());
    follow(replayed, bursar, &store, &url).await?;
    store.close().await;
    eprintln!("{name}: copying payments ({} s)", began.elapsed().as_secs());
    let grown = grow::grow(&url, payments).await?;
    eprintln!("{name}: {} payments ({} s)", grown.payments, began.elapsed().as_secs());
    let store = Store::connect(&url.parse()?).await?;
    Ok(Made {
        name,
        url,
        store,
        payments: grown.payments,
        indexed: Some(grown.indexed),
        records: Some(records),
    })
}
