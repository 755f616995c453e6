//! Stopped at any point and started again, the ledger is what an undisturbed index would be.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use anyhow::Result;
use bursar_indexer::source::Source;
use bursar_test_stores::{Stores, on_both_stores};

use crate::{
    ledger::{Running, assert_same, dump, fresh, index, open},
    recorded::{Fault, recorded},
};

on_both_stores!(stopped_after_every_block, killed_in_the_middle_of_every_question,);

async fn stopped_after_every_block(stores: Stores) -> Result<()> {
    let (source, config) = recorded().await?;
    for height in 0..source.headers.len() as u64 {
        source.ceiling.store(height, Ordering::SeqCst);
        // Opened anew each time, as a restarted process does.
        let store = open(&stores, "ledger").await?;
        index(config.clone(), Arc::clone(&source) as Arc<dyn Source>, &store).await?;
        store.close().await;
    }
    let store = open(&stores, "ledger").await?;
    assert_same(&dump(&store).await?, &fresh(config, source, &stores).await?);
    Ok(())
}

async fn killed_in_the_middle_of_every_question(stores: Stores) -> Result<()> {
    let (source, mut config) = recorded().await?;
    // Small ranges and a short tail, so that both ways of reading are cut everywhere.
    (config.max_range, config.finality) = (7, 20);
    // What is there is committed at once: each run begins where the last one died.
    config.linger = Duration::ZERO;
    let mut cut = 0;
    loop {
        let store = open(&stores, "ledger").await?;
        source.calls.store(0, Ordering::SeqCst);
        // Each run gets a few questions further before it dies in the middle of one.
        source.misbehave(move |call| (call == 3 + cut).then_some(Fault::Hangs));
        let mut running =
            Running::start(config.clone(), Arc::clone(&source) as Arc<dyn Source>, store.clone());
        let head = source.headers.last().map(|header| header.hash).unwrap_or_default();
        let finished = tokio::select! {
            () = source.hanging.notified() => false,
            status = running.until(head) => status.is_ok(),
        };
        running.task.abort();
        let _ = running.task.await;
        store.close().await;
        cut += 1;
        if finished {
            break;
        }
        assert!(cut < 2_000, "no progress");
    }
    assert!(cut > 20, "only {cut} runs were cut");
    source.misbehave(|_| None);
    let store = open(&stores, "ledger").await?;
    assert_same(&dump(&store).await?, &fresh(config, source, &stores).await?);
    Ok(())
}
