//! Several indexers on one store: one works, the others wait, and one of them takes over where it ends or dies.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use alloy::primitives::B256;
use anyhow::{Context, Result};
use bursar_indexer::{Indexer, Phase, Turns, source::Source};
use bursar_test_stores::{Stores, on_both_stores};

use crate::{
    ledger::{Running, assert_same, config, dump, fresh, open},
    recorded::{Recorded, recorded},
    world::World,
};

on_both_stores!(
    one_works_and_the_next_takes_over,
    processes_divide_the_chains,
    a_lease_is_one_holders_until_it_is_over,
);

const LIFE: Duration = Duration::from_millis(400);

/// Waits until an indexer is about something.
async fn is_about(running: &mut Running, phase: Phase) -> Result<()> {
    let waiting = running.status.wait_for(|status| status.phase == phase);
    tokio::time::timeout(Duration::from_secs(30), waiting).await.context("it is about something else")??;
    Ok(())
}

async fn one_works_and_the_next_takes_over(stores: Stores) -> Result<()> {
    let (source, usual) = recorded().await?;
    let config = bursar_indexer::Config { lease: Some(LIFE), ..usual.clone() };
    let blocks = source.headers.len() as u64;
    let hash =
        |height: u64| source.headers.get(height as usize).map(|header| header.hash).unwrap_or_default();
    let start = async || -> Result<(Running, bursar_indexer::Store)> {
        let store = open(&stores, "ledger").await?;
        let source = Arc::clone(&source) as Arc<dyn Source>;
        Ok((Running::start(config.clone(), source, store.clone()), store))
    };
    source.ceiling.store(blocks / 3, Ordering::SeqCst);
    let (mut first, _) = start().await?;
    first.until(hash(blocks / 3)).await?;
    let (mut second, _) = start().await?;
    let (mut third, store) = start().await?;
    is_about(&mut second, Phase::Standby).await?;
    is_about(&mut third, Phase::Standby).await?;
    // Many lives of the lease later it is still the first one's, and the others have asked the chain for nothing.
    tokio::time::sleep(LIFE * 4).await;
    let waits = |running: &Running| running.status.borrow().phase == Phase::Standby;
    assert!(waits(&second) && waits(&third) && !waits(&first));
    assert_eq!((second.status.borrow().head, third.status.borrow().head), (None, None));

    // Dead: its lease runs out.
    source.ceiling.store(blocks * 2 / 3, Ordering::SeqCst);
    first.task.abort();
    let (next, other) = (second.until(hash(blocks * 2 / 3)), third.until(hash(blocks * 2 / 3)));
    let second_works =
        tokio::select! { status = next => { status?; true } status = other => { status?; false } };
    let (worker, mut waiter) = if second_works { (second, third) } else { (third, second) };
    assert!(waits(&waiter));

    // Stopped: the next one begins at once.
    source.ceiling.store(blocks, Ordering::SeqCst);
    worker.stop().await?;
    waiter.until(hash(blocks - 1)).await?;
    assert_same(&dump(&store).await?, &fresh(usual, source, &stores).await?);
    waiter.stop().await
}

async fn processes_divide_the_chains(stores: Stores) -> Result<()> {
    let world = World::new().await?;
    let source = Arc::new(Recorded::of(&world.source()).await?);
    let usual = config(world.anvil.chain_id(), world.factory);
    let config = bursar_indexer::Config { lease: Some(LIFE), ..usual };
    // Two processes that follow the same four chains, each into a store of its own.
    let (one, other) = (Turns::default(), Turns::default());
    let (mut first, mut second) = (Vec::new(), Vec::new());
    for chain in ["a", "b", "c", "d"] {
        for (turns, running) in [(&one, &mut first), (&other, &mut second)] {
            let source = Arc::clone(&source) as Arc<dyn Source>;
            let indexer = Indexer::new(config.clone(), source, open(&stores, chain).await?);
            running.push(Running::of(indexer.with_turns(turns)));
        }
    }
    let works = |running: &Running| running.status.borrow().phase == Phase::Following;
    let held = |all: &[Running]| all.iter().filter(|running| works(running)).count();
    let all_are_followed = async {
        while held(&first) + held(&second) < 4 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), all_are_followed).await.context("not all are followed")?;
    assert!(held(&first) > 0 && held(&second) > 0, "{} and {}", held(&first), held(&second));
    for (one, other) in first.iter().zip(&second) {
        assert!(works(one) != works(other), "each chain is followed once");
    }

    // One dies: the other has all of them.
    first.iter().for_each(|running| running.task.abort());
    for running in &mut second {
        is_about(running, Phase::Following).await?;
    }
    for running in second {
        running.stop().await?;
    }
    Ok(())
}

async fn a_lease_is_one_holders_until_it_is_over(stores: Stores) -> Result<()> {
    let store = open(&stores, "ledger").await?;
    let (one, other) = (B256::repeat_byte(1), B256::repeat_byte(2));
    let long = Duration::from_secs(600);
    assert!(store.take_lease(one, long).await?);
    assert!(!store.take_lease(other, long).await?);
    assert!(store.take_lease(one, Duration::ZERO).await?, "renewed, if only for now");
    assert!(store.take_lease(other, long).await?, "it was over");
    assert!(!store.take_lease(one, long).await?);
    store.give_back_lease(one).await?;
    assert!(!store.take_lease(one, long).await?, "it was not its to give");
    store.give_back_lease(other).await?;
    assert!(store.take_lease(one, long).await?);
    // Both at once: one of them.
    store.give_back_lease(one).await?;
    let (first, second) = tokio::join!(store.take_lease(one, long), store.take_lease(other, long));
    assert_eq!(u8::from(first?) + u8::from(second?), 1);
    Ok(())
}
