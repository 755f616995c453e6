//! Near the head the chain turns and nodes lag; what is final waits for a quorum.

use std::sync::Arc;

use anyhow::Result;
use bursar_indexer::{Config, Store, source::Landmark};
use bursar_replay::{Fault, Params, Provider, mix};
use bursar_test_stores::{Stores, on_both_stores};

use crate::node::{Node, Running, assert_right, chain, config, node, sources};

on_both_stores!(
    the_chain_turns_under_a_provider_that_lags,
    nothing_is_final_that_a_quorum_has_not_confirmed,
    what_is_final_is_what_the_node_says,
);

async fn the_chain_turns_under_a_provider_that_lags(stores: Stores) -> Result<()> {
    let params = Params::small();
    let node = node(params.clone(), Provider::default()).await?;
    let store = Store::connect(&stores.url("ledger").await?.parse()?).await?;
    let sources = sources(&[&node], 1)?;
    let mut running = Running::start(config(&params), &sources, &store);
    running.at_head(&node.replay).await?;
    node.replay.misbehave(|request| match mix(request.number) % 12 {
        0 => Some(Fault::Lags(2)),
        1 => Some(Fault::OtherChain),
        2 => Some(Fault::Unavailable),
        _ => None,
    });
    for round in 0..12 {
        node.replay.change(|chain| if round % 3 == 0 { chain.mine(2) } else { chain.turn(1 + round) });
        running.at_head(&node.replay).await?;
        assert_right(&store, &node.replay).await?;
    }
    assert!(running.status.borrow().reorgs >= 6);
    running.stop().await
}

async fn nothing_is_final_that_a_quorum_has_not_confirmed(stores: Stores) -> Result<()> {
    let params = Params::small();
    let chain = chain(params.clone());
    let (one, other) =
        (Node::on(&chain, Provider::default()).await?, Node::on(&chain, Provider::default()).await?);
    let store = Store::connect(&stores.url("ledger").await?.parse()?).await?;
    let sources = sources(&[&one, &other], 2)?;
    let mut running = Running::start(config(&params), &sources, &store);
    let status = running.at_head(&one.replay).await?;
    let final_number = status.final_number;
    assert_eq!(final_number, params.blocks - 16);
    // The second knows the head, but not what is at a height far below it.
    other.replay.misbehave({
        let chain = Arc::clone(&chain);
        move |request| {
            let number = request.params.get(0).and_then(|at| at.as_str()?.strip_prefix("0x"));
            let number = u64::from_str_radix(number?, 16).ok()?;
            let head = chain.read().unwrap().head();
            (request.method == "eth_getBlockByNumber" && number + 8 < head).then_some(Fault::Lags(200))
        }
    });
    for _ in 0..24 {
        one.replay.change(|chain| chain.mine(1));
        running.at_head(&one.replay).await?;
    }
    assert_eq!(running.status.borrow().final_number, final_number);
    assert!(sources.calls().failed.get("no_quorum").is_some_and(|count| *count > 0), "{:?}", sources.calls());
    other.replay.misbehave(|_| None);
    one.replay.change(|chain| chain.mine(1));
    let status = running.at_head(&one.replay).await?;
    assert_eq!(status.final_number, one.replay.chain().head() - 16);
    assert_right(&store, &one.replay).await?;
    running.stop().await
}

/// The provider calls final what is 40 deep, and safe what is 20 deep.
async fn what_is_final_is_what_the_node_says(stores: Stores) -> Result<()> {
    let params = Params::small();
    for (which, deep) in [(Landmark::Finalized, 40), (Landmark::Safe, 20)] {
        let node = node(params.clone(), Provider { finality: 40, ..Provider::default() }).await?;
        let store = Store::connect(&stores.another().await?.parse()?).await?;
        let sources = sources(&[&node], 1)?;
        // A depth of three would stop at the turns below.
        let config = Config { finality: 3, final_at: Some(which), ..config(&params) };
        let mut running = Running::start(config, &sources, &store);
        let status = running.at_head(&node.replay).await?;
        assert_eq!(status.final_number, params.blocks - deep);
        node.replay.change(|chain| chain.turn(deep - 1));
        let status = running.at_head(&node.replay).await?;
        assert_eq!(status.reorgs, 1);
        // A node that is behind takes nothing back that it called final.
        node.replay.change(|chain| chain.mine(5));
        let status = running.at_head(&node.replay).await?;
        let head = node.replay.chain().head();
        assert_eq!(status.final_number, head - deep);
        node.replay.misbehave(|request| mix(request.number).is_multiple_of(3).then_some(Fault::Lags(9)));
        for _ in 0..6 {
            node.replay.change(|chain| chain.mine(1));
            let status = running.at_head(&node.replay).await?;
            assert!(status.final_number >= head - deep, "{} after {}", status.final_number, head - deep);
        }
        node.replay.misbehave(|_| None);
        assert_right(&store, &node.replay).await?;
        // Deeper than that it said nothing would be.
        node.replay.change(|chain| chain.turn(deep + 20));
        let stopped = running.fails().await?;
        assert!(stopped.to_string().contains("expected no reorg below block"), "{stopped}");
    }
    Ok(())
}

/// A commit that finds the write-ahead log too long empties it, and who waits for the block waits for that. So it never comes to it.
#[tokio::test]
async fn at_the_head_a_files_write_ahead_log_is_emptied_before_a_commit_has_to() -> Result<()> {
    let params = Params::small();
    let node = node(params.clone(), Provider::default()).await?;
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("ledger.sqlite");
    let store = Store::connect(&format!("sqlite:{}", file.display()).parse()?).await?;
    let mut running = Running::start(config(&params), &sources(&[&node], 1)?, &store);
    running.at_head(&node.replay).await?;
    let before = std::fs::metadata(&file)?.len();
    for _ in 0..20 {
        node.replay.change(|chain| chain.mine(1));
        running.at_head(&node.replay).await?;
    }
    running.stop().await?;
    let after = std::fs::metadata(&file)?.len();
    assert!(
        after > before,
        "what is committed is in the log alone: {before} bytes in the file, then {after}"
    );
    Ok(())
}
