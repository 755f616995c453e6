//! A provider that fails in every way we know: the ledger waits, and comes out right.

use std::{sync::Arc, time::Duration};

use alloy::{
    primitives::{B256, keccak256},
    sol_types::SolEvent,
};
use anyhow::{Result, ensure};
use bursar_indexer::{
    Store,
    source::{Nonsense, Patience, Source, SourceError, Sources},
};
use bursar_test_stores::{Stores, on_both_stores};

use crate::{
    agrees::live,
    ledger::{assert_same, config, dump, fresh, index, open},
    recorded::{Fault, Recorded, recorded},
    world::World,
};

on_both_stores!(
    recovers_from_every_fault,
    an_answer_that_leaves_out_what_others_need_is_asked_for_again,
    finds_the_range_that_a_provider_takes,
);

/// One question in eight, at no regular distance: a step takes many questions, and has to come through.
fn strikes(call: u64) -> bool {
    keccak256(call.to_be_bytes())[0] < 32
}

fn faults() -> Vec<Fault> {
    let said = || "as it says".to_owned();
    vec![
        Fault::Error(SourceError::RateLimited { said: said(), after: None }),
        Fault::Error(SourceError::TooManyResults(said().into())),
        Fault::Error(SourceError::RangeTooWide(said().into())),
        Fault::Error(SourceError::Timeout(said())),
        Fault::Error(SourceError::Unavailable(said())),
        Fault::Error(SourceError::NotFound(said())),
        Fault::Error(SourceError::Pruned(said())),
        Fault::Error(Nonsense::Unreadable.into()),
        Fault::Error(SourceError::Other(said())),
        Fault::Lags(3),
        Fault::Lags(40),
        Fault::FalseParent,
        Fault::Strays,
        Fault::OtherChain,
    ]
}

async fn recovers_from_every_fault(stores: Stores) -> Result<()> {
    let mut world = World::new().await?;
    live(&mut world).await?;
    let mut config = config(world.anvil.chain_id(), world.factory);
    (config.max_range, config.finality) = (16, 20);
    let mut source = Recorded::of(&world.source()).await?;
    source.max_range = 9;
    let source = Arc::new(source);
    let right = fresh(config.clone(), Arc::clone(&source) as Arc<dyn Source>, &stores).await?;
    let faults = faults();
    let head = source.headers.last().map(|header| header.hash);

    // Each fault alone, then all of them in turn.
    for (number, fault) in faults.clone().into_iter().enumerate() {
        let store = open(&stores, &format!("fault{number}")).await?;
        // A false parent shows where blocks are taken one by one.
        config.finality = if matches!(fault, Fault::FalseParent) { 1_000 } else { 20 };
        source.misbehave(move |call| strikes(call).then(|| fault.clone()));
        run_to(&source, &config, &store, head).await?;
        assert_same(&dump(&store).await?, &right);
    }
    let store = open(&stores, "all").await?;
    config.finality = 1_000;
    source.misbehave(move |call| strikes(call).then(|| faults[call as usize % faults.len()].clone()));
    run_to(&source, &config, &store, head).await?;
    assert_same(&dump(&store).await?, &right);
    Ok(())
}

async fn an_answer_that_leaves_out_what_others_need_is_asked_for_again(stores: Stores) -> Result<()> {
    let (source, mut config) = recorded().await?;
    config.max_range = 1;
    let right = fresh(config.clone(), Arc::clone(&source) as Arc<dyn Source>, &stores).await?;
    // The treasury's policy is set in the transaction that creates the envelope: without the first log of that
    // block, the others make no sense.
    let policy = bursar_sdk::abi::Treasury::PolicySet::SIGNATURE_HASH;
    let block =
        source.logs.iter().find(|log| log.topics.first() == Some(&policy)).map(|log| log.block_number);
    let block = block.unwrap_or_default();
    let store = open(&stores, "ledger").await?;
    let lied = std::sync::atomic::AtomicBool::new(false);
    let seen = Arc::downgrade(&source);
    source.misbehave(move |_| {
        let asked = seen.upgrade()?.last_asked();
        let first = asked == Some(block) && !lied.swap(true, std::sync::atomic::Ordering::SeqCst);
        first.then_some(Fault::Truncates)
    });
    let head = source.headers.last().map(|header| header.hash);
    let status = run_to(&source, &config, &store, head).await?;
    assert!(status.waits > 0, "the gap was not noticed");
    assert_same(&dump(&store).await?, &right);
    Ok(())
}

/// Runs until the ledger stands at `head`, whatever the source says its head is; what fails shows.
async fn run_to(
    source: &Arc<Recorded>,
    config: &bursar_indexer::Config,
    store: &Store,
    head: Option<B256>,
) -> Result<bursar_indexer::Status> {
    let patience = Patience { first_delay: Duration::from_millis(1), ..Patience::default() };
    let sources = Sources::new(vec![vec![Arc::clone(source) as Arc<dyn Source>]], patience, 1)?;
    let mut running = crate::ledger::Running::start(config.clone(), sources.clone(), store.clone());
    let status = running.until(head.unwrap_or_default()).await?;
    running.stop().await?;
    source.misbehave(|_| None);
    ensure!(status.waits > 0 || !sources.calls().failed.is_empty(), "nothing was noticed");
    Ok(status)
}

async fn finds_the_range_that_a_provider_takes(stores: Stores) -> Result<()> {
    let mut world = World::new().await?;
    live(&mut world).await?;
    let config = config(world.anvil.chain_id(), world.factory);
    let mut source = Recorded::of(&world.source()).await?;
    source.max_range = 3;
    let source = Arc::new(source);
    let store = open(&stores, "ledger").await?;
    let status = index(config.clone(), Arc::clone(&source) as Arc<dyn Source>, &store).await?;
    assert_eq!(status.waits, 0, "a range that is too wide is no reason to wait");
    assert_same(&dump(&store).await?, &fresh(config, Arc::new(world.source()), &stores).await?);
    Ok(())
}
