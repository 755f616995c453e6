//! Processes that are killed: the indexer and PostgreSQL, in the middle of the backfill and at the chain's head. What comes
//! back goes on where it stood, and in the end its ledger is what the chain says.
#![allow(clippy::unwrap_used, unreachable_pub, missing_docs)]

#[path = "../../../test/ledger/story/by_hand.rs"]
#[allow(dead_code)]
mod by_hand;
mod far;
#[path = "../../../test/ledger/replay/node.rs"]
#[allow(dead_code)]
mod node;
#[path = "../../../test/ledger/replay/outside.rs"]
mod outside;
mod running;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use bursar_indexer::Store;
use bursar_replay::{Fault, Params, Provider, mix};
use bursar_test_stores::{Cluster, Stores};

use node::{Node, assert_right};
use running::{FINALITY, Running};

/// A chain that takes a while to read.
async fn long_chain() -> Result<Node> {
    let params = Params { blocks: 3_000, settlements: 9_000, ..Params::small() };
    node::node(params, Provider { max_range: 60, ..Provider::default() }).await
}

/// How long the node takes for a range of logs, in milliseconds.
fn paced(node: &Node, millis: u64) -> Arc<AtomicU64> {
    let pace = Arc::new(AtomicU64::new(millis));
    let takes = Arc::clone(&pace);
    node.replay.misbehave(move |request| {
        let is_range = request.method == "eth_getLogs" && !request.by_hash;
        is_range.then(|| Fault::Slow(takes.load(Ordering::SeqCst)))
    });
    pace
}

async fn pause(millis: u64) {
    tokio::time::sleep(Duration::from_millis(millis)).await;
}

/// The chain goes on, and now and then turns, not below what may be final to anybody.
fn move_on(node: &Node, round: u64) {
    node.replay.change(|chain| match round % 3 {
        0 => chain.turn(1 + mix(round) % (FINALITY - 1)),
        _ => chain.mine(1 + mix(round) % 4),
    });
}

/// Kills the indexer eight times while it catches up, and eight times at the head, while the chain moves.
async fn indexer_dies(stores: Stores) -> Result<()> {
    let node = long_chain().await?;
    let folder = tempfile::tempdir()?;
    let store = stores.url("ledger").await?;
    let mut stood = Vec::new();
    for round in 0..8 {
        let running = Running::start(folder.path(), &node, &store, 0)?;
        pause(30 + mix(round) % 300).await;
        stood.extend(running.indexed().await);
        running.kill()?;
    }
    ensure!(stood.is_sorted(), "what was committed is there after a death: {stood:?}");
    let head = node.replay.chain().head();
    ensure!(stood.first() < Some(&head), "it was at the head before it was killed: {stood:?}");
    for round in 0..8 {
        let mut running = Running::start(folder.path(), &node, &store, 0)?;
        running.at_head(&node).await?;
        for step in 0..4 {
            move_on(&node, round * 4 + step);
            pause(mix(round * 7 + step) % 40).await;
        }
        running.kill()?;
        move_on(&node, round + 100);
    }
    let mut last = Running::start(folder.path(), &node, &store, 0)?;
    last.at_head(&node).await?;
    last.kill()?;
    assert_right(&Store::connect(&store.parse()?).await?, &node.replay).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_indexer_that_is_killed_again_and_again_comes_to_the_same_ledger_on_sqlite() -> Result<()> {
    indexer_dies(Stores::sqlite()?).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_indexer_that_is_killed_again_and_again_comes_to_the_same_ledger_on_postgres() -> Result<()> {
    indexer_dies(Stores::postgres()?).await
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_processes_on_one_database_the_second_goes_on_where_the_first_was_killed() -> Result<()> {
    let node = long_chain().await?;
    let (one, other) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let stores = Stores::postgres()?;
    let store = stores.url("ledger").await?;
    let first = Running::start(one.path(), &node, &store, 2)?;
    pause(300).await;
    let mut second = Running::start(other.path(), &node, &store, 2)?;
    pause(300).await;
    first.kill()?;
    second.at_head(&node).await?;
    move_on(&node, 0);
    second.at_head(&node).await?;
    second.kill()?;
    assert_right(&Store::connect(&store.parse()?).await?, &node.replay).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_killed_under_the_indexer_comes_back_to_the_same_ledger() -> Result<()> {
    let node = long_chain().await?;
    let folder = tempfile::tempdir()?;
    // Durable, as PostgreSQL is where nobody has changed it.
    let cluster = Cluster::start("-c max_connections=60")?;
    let store = cluster.url().to_string();
    // Fifty ranges, four at a time: it commits several times on its way, however fast it is.
    let pace = paced(&node, 600);
    let last = node.replay.chain().head() - FINALITY;
    let mut running = Running::start(folder.path(), &node, &store, 0)?;
    let mut stood = 0;
    for round in 0..4 {
        running.passes(stood).await?;
        pause(mix(round) % 200).await;
        let at = running.indexed().await.context("where it stands")?;
        ensure!(stood < at && at < last, "death {round}: expected it between {stood} and {last}, got {at}");
        cluster.kill()?;
        pause(mix(round) % 100).await;
        cluster.revive()?;
        stood = at;
    }
    pace.store(0, Ordering::SeqCst);
    running.at_head(&node).await?;
    for round in 0..4 {
        move_on(&node, round);
        pause(mix(round) % 60).await;
        cluster.kill()?;
        move_on(&node, round + 1);
        cluster.revive()?;
    }
    running.at_head(&node).await.context("the same process, all the while")?;
    running.kill()?;
    assert_right(&Store::connect(&store.parse()?).await?, &node.replay).await?;
    cluster.stop()
}
