//! Two honest nodes and a liar that is asked first, of whom two have to agree: whatever the liar says, the ledger is right.

use anyhow::Result;
use bursar_indexer::{Config, Status, Store, source::Landmark};
use bursar_replay::{Fault, Params, Provider, Request};
use bursar_test_stores::{Stores, on_both_stores};

use crate::node::{Node, Running, assert_right, chain, config, index, sources};

on_both_stores!(
    no_node_decides_alone_when_a_block_was,
    no_node_decides_alone_which_block_comes_before,
    no_node_decides_alone_who_sent_what,
    no_node_decides_alone_what_is_final,
    no_node_takes_back_what_others_have,
    nodes_agree_of_which_one_tells_no_time,
    a_time_that_one_node_tells_is_asked_for,
);

/// How deep a block is that nodes call final.
const FINAL: u64 = 24;

/// Follows a chain to its head, through blocks one by one and a reorg almost as deep as what is final allows.
async fn follow(config: Config, lies: impl Lies, stores: &Stores) -> Result<Status> {
    let params = Params::small();
    let chain = chain(params);
    let provider = || Provider { finality: FINAL, ..Provider::default() };
    let nodes = [
        &Node::on(&chain, provider()).await?,
        &Node::on(&chain, provider()).await?,
        &Node::on(&chain, provider()).await?,
    ];
    let [liar, honest, _] = nodes;
    liar.replay.misbehave(lies);
    let store = Store::connect(&stores.another().await?.parse()?).await?;
    let sources = sources(&nodes, 2)?;
    let mut running = Running::start(config.clone(), &sources, &store);
    running.at_head(&honest.replay).await?;
    assert_right(&store, &honest.replay).await?;
    for _ in 0..4 {
        honest.replay.change(|chain| chain.mine(1));
        running.at_head(&honest.replay).await?;
    }
    let deep = if config.final_at.is_some() { FINAL } else { config.finality };
    honest.replay.change(|chain| chain.turn(deep - 4));
    running.at_head(&honest.replay).await?;
    honest.replay.change(|chain| chain.mine(deep));
    let status = running.at_head(&honest.replay).await?;
    assert_eq!(status.reorgs, 1);
    let head = honest.replay.chain().head();
    assert!(status.final_number <= head - deep, "{} of {head} is final", status.final_number);
    assert_right(&store, &honest.replay).await?;
    running.stop().await?;
    store.close().await;
    Ok(status)
}

trait Lies: Fn(Request<'_>) -> Option<Fault> + Send + Sync + 'static {}

impl<T: Fn(Request<'_>) -> Option<Fault> + Send + Sync + 'static> Lies for T {}

async fn no_node_decides_alone_when_a_block_was(stores: Stores) -> Result<()> {
    follow(config(&Params::small()), |_: Request<'_>| Some(Fault::FalseTime), &stores).await?;
    Ok(())
}

async fn no_node_decides_alone_which_block_comes_before(stores: Stores) -> Result<()> {
    follow(config(&Params::small()), |_: Request<'_>| Some(Fault::FalseParent), &stores).await?;
    Ok(())
}

async fn no_node_decides_alone_who_sent_what(stores: Stores) -> Result<()> {
    for fault in [Fault::FalseInput, Fault::FalseSender] {
        follow(config(&Params::small()), move |_: Request<'_>| Some(fault), &stores).await?;
    }
    Ok(())
}

async fn no_node_decides_alone_what_is_final(stores: Stores) -> Result<()> {
    let by_depth = config(&Params::small());
    let by_word = Config { final_at: Some(Landmark::Finalized), ..by_depth.clone() };
    for (config, fault) in [(by_depth, Fault::FalseHead(12)), (by_word, Fault::FalseFinal)] {
        let status = follow(config, move |_: Request<'_>| Some(fault), &stores).await?;
        assert!(status.final_number > 0, "{fault:?}");
    }
    Ok(())
}

/// The liar has a chain of its own, which is longer, holds together and branches off below what is final.
async fn no_node_takes_back_what_others_have(stores: Stores) -> Result<()> {
    let params = Params::small();
    let (ours, theirs) = (chain(params.clone()), chain(params.clone()));
    let liar = Node::on(&theirs, Provider::default()).await?;
    let (one, other) =
        (Node::on(&ours, Provider::default()).await?, Node::on(&ours, Provider::default()).await?);
    let store = Store::connect(&stores.url("ledger").await?.parse()?).await?;
    let sources = sources(&[&liar, &one, &other], 2)?;
    let mut running = Running::start(config(&params), &sources, &store);
    running.at_head(&one.replay).await?;
    for longer in [3, 0] {
        liar.replay.change(|chain| chain.turn(60));
        liar.replay.change(|chain| chain.mine(longer));
        for _ in 0..4 {
            one.replay.change(|chain| chain.mine(1));
            running.at_head(&one.replay).await?;
        }
    }
    assert_eq!(running.status.borrow().reorgs, 0);
    assert_right(&store, &one.replay).await?;
    running.stop().await
}

async fn nodes_agree_of_which_one_tells_no_time(stores: Stores) -> Result<()> {
    let params = Params::small();
    let chain = chain(params.clone());
    let told = Node::on(&chain, Provider::default()).await?;
    let untold = Node::on(&chain, Provider { timestamps: false, ..Provider::default() }).await?;
    for nodes in [[&told, &untold], [&untold, &told]] {
        let came = index(config(&params), &nodes, 2, &stores).await?;
        assert_eq!(came.calls.failed.get("disagree"), None, "{:?}", came.calls.failed);
    }
    Ok(())
}

/// A false time that fits what tells none is no quorum's.
async fn a_time_that_one_node_tells_is_asked_for(stores: Stores) -> Result<()> {
    let params = Params::small();
    let chain = chain(params.clone());
    let liar = Node::on(&chain, Provider::default()).await?;
    // Its blocks are told right: what it says of a range stands.
    liar.replay.misbehave(|request| (request.method == "eth_getLogs").then_some(Fault::FalseLogTime));
    let untold = Node::on(&chain, Provider { timestamps: false, ..Provider::default() }).await?;
    let told = Node::on(&chain, Provider::default()).await?;
    index(config(&params), &[&liar, &untold, &told], 2, &stores).await?;
    index(config(&params), &[&untold, &liar], 2, &stores).await?;
    Ok(())
}
