//! When the chain turns, the ledger is what a fresh index of the chain that stands would be.

use std::sync::Arc;

use alloy::primitives::{Address, aliases::U24};
use anyhow::{Result, ensure};
use bursar_indexer::{IndexerError, source::Source, store::ApplyError};
use bursar_sdk::abi::Treasury;
use bursar_test_stores::{Stores, on_both_stores};

use crate::{
    agrees::{assert_agrees, live},
    ledger::{Running, assert_same, config, dump, fresh, index, open},
    recorded::recorded,
    world::{WEEK, World},
};

on_both_stores!(
    a_turned_chain_leaves_no_trace,
    unwinding_is_the_twin_of_applying,
    a_reorg_beyond_finality_stops_the_indexer_and_loses_nothing,
);

const PAYEE: Address = Address::repeat_byte(0x78);

async fn a_turned_chain_leaves_no_trace(stores: Stores) -> Result<()> {
    let mut world = World::new().await?;
    let mut agents = live(&mut world).await?;
    let store = open(&stores, "ledger").await?;
    let source: Arc<dyn Source> = Arc::new(world.source());
    let config = config(world.anvil.chain_id(), world.factory);
    let mut running = Running::start(config.clone(), Arc::clone(&source), store.clone());
    let trunk_head = source.head().await?;
    running.until(trunk_head.hash).await?;
    let trunk = dump(&store).await?;

    // One branch: payments, a policy, a freeze and a new envelope, all to be taken back.
    let snapshot = world.snapshot().await?;
    let first = &mut agents[0];
    let (sequence, version) = (first.sequence, first.policy_version);
    world.pay(first, PAYEE, 2, "taken back").await?;
    world.set_policy(first, World::policy(&[(3600, 55), (WEEK, 240)], 800)).await?;
    world.close(first).await?;
    world.agent(World::policy(&[], 0), 10).await?;
    world.call(world.guardian, Treasury::freezeOrganisationCall {}).await?;
    running.until(source.head().await?.hash).await?;
    ensure!(dump(&store).await? != trunk, "the branch changed nothing");

    // Another, shorter than what is indexed.
    world.revert(snapshot).await?;
    let snapshot = world.snapshot().await?;
    let first = &mut agents[0];
    (first.sequence, first.policy_version) = (sequence, version);
    world.mine(1).await?;
    world.pay(first, PAYEE, 1, "stands").await?;
    let status = running.until(source.head().await?.hash).await?;
    assert_eq!(status.reorgs, 1);
    assert_same(&dump(&store).await?, &fresh(config.clone(), Arc::clone(&source), &stores).await?);
    assert_agrees(&world, &store).await?;

    // And a third of the very same height.
    let height = world.head().await?;
    world.revert(snapshot).await?;
    world
        .call(world.reviewer, Treasury::setReviewCall { envelope: U24::from(1), reason: PAYEE.into_word() })
        .await?;
    while world.head().await? < height {
        world.mine(1).await?;
    }
    running.until(source.head().await?.hash).await?;
    assert_same(&dump(&store).await?, &fresh(config, Arc::clone(&source), &stores).await?);
    assert_agrees(&world, &store).await?;
    running.stop().await
}

async fn unwinding_is_the_twin_of_applying(stores: Stores) -> Result<()> {
    let (source, mut config) = recorded().await?;
    // Nothing is final, so that all of it can be taken back.
    config.finality = 1_000_000;
    let store = open(&stores, "ledger").await?;
    let mut dumps = Vec::new();
    for height in 0..source.headers.len() as u64 {
        source.ceiling.store(height, std::sync::atomic::Ordering::SeqCst);
        index(config.clone(), Arc::clone(&source) as Arc<dyn Source>, &store).await?;
        dumps.push(dump(&store).await?);
    }
    for (height, expected) in dumps.iter().enumerate().rev() {
        store.unwind(height as u64).await?;
        assert_same(&dump(&store).await?, expected);
    }
    Ok(())
}

async fn a_reorg_beyond_finality_stops_the_indexer_and_loses_nothing(stores: Stores) -> Result<()> {
    let mut world = World::new().await?;
    let snapshot = world.snapshot().await?;
    live(&mut world).await?;
    let store = open(&stores, "ledger").await?;
    let source: Arc<dyn Source> = Arc::new(world.source());
    let config = config(world.anvil.chain_id(), world.factory);
    let height = world.head().await?;
    index(config.clone(), Arc::clone(&source), &store).await?;
    let before = dump(&store).await?;

    world.revert(snapshot).await?;
    world.mine(height).await?;
    let running = Running::start(config, source, store.clone());
    let stopped = running.task.await?;
    let Err(IndexerError::Apply(ApplyError::TooDeep { final_number, to })) = stopped else {
        anyhow::bail!("expected a reorg that is too deep, got {stopped:?}");
    };
    assert!(to <= final_number);
    assert_same(&dump(&store).await?, &before);
    Ok(())
}
