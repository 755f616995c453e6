//! Several endpoints: one that fails is passed over, one that lies is outvoted.

use std::{
    collections::HashSet,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::Result;
use bursar_indexer::{
    IndexerError, Store,
    source::{Nonsense, Patience, QuorumError, SourceError, Sources},
};
use bursar_replay::{Fault, Params, Provider, mix};
use bursar_test_stores::{Stores, on_both_stores};

use crate::node::{Node, Running, assert_right, chain, client, config, index, node, over, sources};

on_both_stores!(
    the_next_endpoint_answers_where_one_does_not,
    an_endpoint_that_lies_is_outvoted,
    nothing_goes_in_that_endpoints_do_not_agree_on,
    an_endpoint_of_another_chain_is_refused,
    two_ways_to_one_node_are_one_voice,
    a_quorum_waits_for_a_node_that_fails_now_and_then,
);

async fn the_next_endpoint_answers_where_one_does_not(stores: Stores) -> Result<()> {
    let params = Params::small();
    let chain = chain(params.clone());
    for (fault, provider, code) in [
        (Some(Fault::Unavailable), Provider::default(), "unavailable"),
        (Some(Fault::CutShort), Provider::default(), "unreadable"),
        (None, Provider { keeps: 50, ..Provider::default() }, "pruned"),
    ] {
        let broken = Node::on(&chain, provider).await?;
        // It answers at first: the one that is preferred.
        broken.replay.misbehave(move |request| fault.filter(|_| request.number > 2));
        let sound = Node::on(&chain, Provider::default()).await?;
        let came = index(config(&params), &[&broken, &sound], 1, &stores).await?;
        assert_eq!(came.status.waits, 0, "there is another one");
        assert!(came.calls.failed.contains_key(code), "{:?}", came.calls.failed);
        let asked = |node: &Node| node.replay.calls().values().sum::<u64>();
        assert!(asked(&broken) < asked(&sound), "the broken one is asked over and over");
    }
    Ok(())
}

/// Whoever asks apart: what fails there does not move anybody to the end here, and counts all the same.
#[tokio::test]
async fn what_fails_apart_is_held_against_nobody() -> Result<()> {
    let chain = chain(Params::small());
    let (first, second) =
        (Node::on(&chain, Provider::default()).await?, Node::on(&chain, Provider::default()).await?);
    let sources = sources(&[&first, &second], 1)?;
    first.replay.misbehave(|_| Some(Fault::Unavailable));
    sources.apart().head().await?;
    assert_eq!(sources.calls().failed.get("unavailable"), Some(&1));
    assert_eq!(sources.calls().again, 1, "the other one was asked instead");
    first.replay.misbehave(|_| None);
    second.replay.forget_calls();
    sources.head().await?;
    assert!(second.replay.calls().is_empty(), "{:?}", second.replay.calls());
    assert_eq!(sources.calls().again, 1, "nothing failed");
    // Where none answers, each is asked once more in every round.
    second.replay.misbehave(|_| Some(Fault::Unavailable));
    first.replay.misbehave(|_| Some(Fault::Unavailable));
    assert!(sources.head().await.is_err());
    assert_eq!(sources.calls().again, 1 + 7, "two nodes, four rounds");
    Ok(())
}

/// For as long as it asks for, but no longer than the longest pause.
#[tokio::test]
async fn an_endpoint_that_asks_for_a_pause_is_left_alone() -> Result<()> {
    let node = node(Params::small(), Provider::default()).await?;
    node.replay.misbehave(|request| (request.number == 0).then_some(Fault::RateLimitedFor(60)));
    let (first_delay, max_delay) = (Duration::from_millis(1), Duration::from_millis(300));
    let sources =
        Sources::new(vec![vec![client(&node)?]], Patience { retries: 1, first_delay, max_delay }, 1)?;
    let began = Instant::now();
    sources.head().await?;
    assert!(began.elapsed() >= max_delay, "{:?}", began.elapsed());
    assert_eq!(sources.calls().failed.get("rate_limited"), Some(&1));
    Ok(())
}

async fn a_quorum_waits_for_a_node_that_fails_now_and_then(stores: Stores) -> Result<()> {
    let params = Params::small();
    let chain = chain(params.clone());
    for fault in [Fault::Unavailable, Fault::RateLimited] {
        let (one, other) =
            (Node::on(&chain, Provider::default()).await?, Node::on(&chain, Provider::default()).await?);
        for node in [&one, &other] {
            let seen = Mutex::new(HashSet::new());
            node.replay.misbehave(move |request| {
                // Once for each question: what is asked again is answered in the end.
                let is_new = seen.lock().unwrap().insert(format!("{} {}", request.method, request.params));
                let fails = request.method != "eth_chainId" && mix(request.number).is_multiple_of(4);
                (is_new && fails).then_some(fault)
            });
        }
        let came = index(config(&params), &[&one, &other], 2, &stores).await?;
        assert_eq!(came.status.waits, 0, "{fault:?}: {:?}", came.status.error);
        assert!(came.calls.again > 0, "{fault:?}: {:?}", came.calls);
    }
    Ok(())
}

/// Who has answered is not asked again, and has one voice however often the other is asked.
#[tokio::test]
async fn no_quorum_comes_of_asking_one_node_again() -> Result<()> {
    let chain = chain(Params::small());
    let (one, other) =
        (Node::on(&chain, Provider::default()).await?, Node::on(&chain, Provider::default()).await?);
    other.replay.misbehave(|_| Some(Fault::RateLimitedFor(60)));
    let sources = sources(&[&one, &other], 2)?;
    let asked = |node: &Node| node.replay.calls().get("eth_getBlockByNumber").copied().unwrap_or_default();
    let error = sources.header(9).await.err();
    let after = Some(Duration::from_secs(60));
    assert_eq!(error, Some(SourceError::NoQuorum { wanted: 2, got: 1, after }));
    assert_eq!((asked(&one), asked(&other)), (1, 4), "as often as patience admits");
    assert_eq!(error.and_then(|error| error.asks_for_a_pause()), after);
    // Those that contradict each other have both answered.
    other.replay.misbehave(|_| Some(Fault::FalseTime));
    let error = sources.header(9).await.err();
    assert_eq!(error, Some(Nonsense::Disagree(2).into()));
    assert_eq!((asked(&one), asked(&other)), (2, 5), "nobody is asked again for that");
    // Nor is there a head while nobody tells one; then there is.
    for node in [&one, &other] {
        node.replay.misbehave({
            let first = AtomicBool::new(true);
            move |_| first.swap(false, Ordering::Relaxed).then_some(Fault::Unavailable)
        });
    }
    assert_eq!(sources.head_beyond(None).await?.what.number, one.replay.chain().head());
    Ok(())
}

async fn an_endpoint_that_lies_is_outvoted(stores: Stores) -> Result<()> {
    let params = Params::small();
    let chain = chain(params.clone());
    for fault in [Fault::LeavesOut, Fault::Contradicts, Fault::Stops(3), Fault::LeavesOutTransfers] {
        let liar = Node::on(&chain, Provider { max_range: 50, ..Provider::default() }).await?;
        liar.replay.misbehave(move |request| (request.method == "eth_getLogs").then_some(fault));
        let (one, other) =
            (Node::on(&chain, Provider::default()).await?, Node::on(&chain, Provider::default()).await?);
        let came = index(config(&params), &[&liar, &one, &other], 2, &stores).await?;
        let counted = came.calls.failed.get("disagree").copied().unwrap_or_default();
        assert!(counted > 0, "{fault:?}: {:?}", came.calls.failed);
        assert_eq!(came.calls.again, 0, "{fault:?}: who is held against others is not asked again");
    }
    Ok(())
}

async fn nothing_goes_in_that_endpoints_do_not_agree_on(stores: Stores) -> Result<()> {
    let params = Params::small();
    let chain = chain(params.clone());
    let (one, other) =
        (Node::on(&chain, Provider::default()).await?, Node::on(&chain, Provider::default()).await?);
    other.replay.misbehave(|request| (request.method == "eth_getLogs").then_some(Fault::Contradicts));
    let store = Store::connect(&stores.url("ledger").await?.parse()?).await?;
    let sources = sources(&[&one, &other], 2)?;
    let mut running = Running::start(config(&params), &sources, &store);
    running.status.wait_for(|status| status.waits >= 3).await?;
    let said = running.status.borrow().error.clone().unwrap_or_default();
    assert!(said.contains("2 different answers"), "{said}");
    let at = store.checkpoint().await?.map(|at| at.number);
    assert!(at.is_some_and(|at| at < params.blocks / 2), "{at:?}");
    // As soon as they agree, it goes on.
    other.replay.misbehave(|request| {
        (request.method != "eth_getLogs" && mix(request.number).is_multiple_of(9)).then_some(Fault::Lags(1))
    });
    running.at_head(&one.replay).await?;
    assert_right(&store, &one.replay).await?;
    running.stop().await
}

async fn an_endpoint_of_another_chain_is_refused(stores: Stores) -> Result<()> {
    let params = Params::small();
    let right = node(params.clone(), Provider::default()).await?;
    let wrong = node(Params { chain_id: 10, ..params.clone() }, Provider::default()).await?;
    let store = Store::connect(&stores.url("ledger").await?.parse()?).await?;
    for nodes in [vec![&wrong], vec![&right, &wrong]] {
        let running = Running::start(config(&params), &sources(&nodes, 1)?, &store);
        let error = running.fails().await?;
        assert!(matches!(error, IndexerError::WrongChain { expected: 8453, got: 10 }), "{error}");
    }
    // One that is down at first is asked before it is believed.
    wrong.replay.misbehave(|request| (request.number < 1).then_some(Fault::Unavailable));
    right.replay.misbehave(|request| (request.number > 3).then_some(Fault::Unavailable));
    let running = Running::start(config(&params), &sources(&[&right, &wrong], 1)?, &store);
    let error = running.fails().await?;
    assert!(matches!(error, IndexerError::WrongChain { expected: 8453, got: 10 }), "{error}");
    assert_eq!(store.checkpoint().await?.map(|at| at.number).unwrap_or_default(), 0);
    Ok(())
}

async fn two_ways_to_one_node_are_one_voice(stores: Stores) -> Result<()> {
    let params = Params::small();
    let chain = chain(params.clone());
    let (liar, dead) =
        (Node::on(&chain, Provider::default()).await?, Node::on(&chain, Provider::default()).await?);
    let (one, other) =
        (Node::on(&chain, Provider::default()).await?, Node::on(&chain, Provider::default()).await?);
    liar.replay.misbehave(|request| (request.method == "eth_getLogs").then_some(Fault::Contradicts));
    dead.replay.misbehave(|_| Some(Fault::Unavailable));
    let twice = vec![client(&liar)?, client(&liar)?];
    let refused = over(vec![twice.clone()], 2).err();
    let refused = refused.as_ref().and_then(|error| error.downcast_ref::<QuorumError>());
    assert_eq!(refused, Some(&QuorumError { nodes: 1, got: 2 }));
    // The honest one that is asked first is reached the other way.
    let sources =
        over(vec![twice, vec![client(&dead)?, client(&one)?], vec![client(&other)?, client(&dead)?]], 2)?;
    let store = Store::connect(&stores.url("ledger").await?.parse()?).await?;
    let mut running = Running::start(config(&params), &sources, &store);
    let status = running.at_head(&one.replay).await?;
    assert_eq!(status.waits, 0, "{:?}", status.error);
    assert_right(&store, &one.replay).await?;
    running.stop().await
}
