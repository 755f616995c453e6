//! Indexes that a long backfill leaves for its end: gone while it reads, and there, all of them, once it follows the head,
//! wherever it was killed in between.

use std::sync::{Arc, atomic::Ordering};

use anyhow::Result;
use bursar_indexer::{Config, Store, db::Db, source::Source};
use bursar_test_stores::{Stores, on_both_stores};

use crate::{
    ledger::{Running, index, open, rows},
    recorded::{Fault, Recorded, recorded},
};

on_both_stores!(a_long_backfill_builds_them_at_its_end, a_short_one_leaves_them_alone,);

/// The indexes of settlements, as the database describes them.
async fn indexes(store: &Store) -> Result<Vec<String>> {
    let catalogue = match store.db() {
        Db::Sqlite(_) => {
            "SELECT sql AS made FROM sqlite_master \
             WHERE type = 'index' AND tbl_name = 'settlement' AND sql IS NOT NULL ORDER BY name"
        }
        Db::Postgres(_) => {
            "SELECT indexdef AS made FROM pg_indexes \
             WHERE schemaname = current_schema() AND tablename = 'settlement' ORDER BY indexname"
        }
    };
    let found = rows(store, catalogue).await?;
    Ok(found.iter().map(|row| row.text("made")).collect::<Result<_, _>>()?)
}

/// Follows the chain until it waits for the answer to that question, and dies there.
async fn dies_at(call: u64, config: &Config, source: &Arc<Recorded>, stores: &Stores) -> Result<Vec<String>> {
    let store = open(stores, "ledger").await?;
    source.calls.store(0, Ordering::SeqCst);
    source.misbehave(move |asked| (asked == call).then_some(Fault::Hangs));
    let running = Running::start(config.clone(), Arc::clone(source) as Arc<dyn Source>, store.clone());
    source.hanging.notified().await;
    running.task.abort();
    let _ = running.task.await;
    source.misbehave(|_| None);
    let found = indexes(&store).await?;
    store.close().await;
    Ok(found)
}

async fn a_long_backfill_builds_them_at_its_end(stores: Stores) -> Result<()> {
    let (source, mut config) = recorded().await?;
    (config.max_range, config.finality) = (7, 20);
    let store = open(&stores, "ledger").await?;
    let all = indexes(&store).await?;
    assert!(all.len() >= 4, "{all:?}");
    store.close().await;

    let left = dies_at(12, &config, &source, &stores).await?;
    assert!(left.len() + 4 == all.len(), "{left:?}");
    // The next one knows nothing of the first, and finds them missing.
    let store = open(&stores, "ledger").await?;
    index(config, source, &store).await?;
    assert_eq!(indexes(&store).await?, all);
    Ok(())
}

async fn a_short_one_leaves_them_alone(stores: Stores) -> Result<()> {
    let (source, config) = recorded().await?;
    let store = open(&stores, "ledger").await?;
    let all = indexes(&store).await?;
    store.close().await;
    assert_eq!(dies_at(6, &config, &source, &stores).await?, all);
    let store = open(&stores, "ledger").await?;
    assert!(store.checkpoint().await?.is_some(), "it died before it began");
    Ok(())
}
