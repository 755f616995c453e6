//! Processes that are killed: the indexer and PostgreSQL, in the middle of the backfill and at the chain's head. What comes
//! back goes on where it stood, and in the end its ledger is what the chain says.
#![allow(clippy::unwrap_used, unreachable_pub, missing_docs)]

#[path = "../../indexer/tests/replay/node.rs"]
#[allow(dead_code)]
mod node;

use std::{
    fs::File,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use bursar_indexer::Store;
use bursar_replay::{FACTORY, Params, Provider, mix};
use bursar_test_stores::{Cluster, Stores};

use node::{Node, assert_right};

const FINALITY: u64 = 16;

/// `bursar serve` over a store; killed when dropped.
struct Running {
    process: Child,
    api: String,
    log: PathBuf,
}

impl Running {
    fn start(folder: &Path, node: &Node, store: &str, lease_seconds: u32) -> Result<Self> {
        let log = folder.join("log");
        let mut process = Command::new(env!("CARGO_BIN_EXE_bursar"))
            .arg("serve")
            .current_dir(folder)
            .env_clear()
            .envs([("NO_COLOR", "1"), ("BURSAR_CHAIN_ID", "8453"), ("BURSAR_LISTEN", "127.0.0.1:0")])
            .env("BURSAR_RPC_URL", node.served.url())
            .env("BURSAR_FACTORY", FACTORY.to_string())
            .env("BURSAR_FINALITY_DEPTH", FINALITY.to_string())
            .env("BURSAR_LEASE_SECONDS", lease_seconds.to_string())
            .env("BURSAR_STORE", store)
            .stdout(Stdio::null())
            .stderr(File::create(&log)?)
            .spawn()?;
        let api = loop {
            let said = BufReader::new(File::open(&log)?).lines().map_while(Result::ok);
            let mut ready = said.filter(|line| line.contains("overview at"));
            if let Some((_, at)) = ready.next().as_deref().and_then(|line| line.split_once("address=")) {
                break format!("http://{}", at.trim());
            }
            if let Some(status) = process.try_wait()? {
                anyhow::bail!("it ended with {status}: {}", std::fs::read_to_string(&log)?);
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        Ok(Self { process, api, log })
    }

    /// The block that the ledger stands at, and the one before which nothing is taken back.
    async fn indexed(&self) -> Option<u64> {
        let answer = reqwest::get(format!("{}/v1/status", self.api)).await.ok()?;
        answer.json::<serde_json::Value>().await.ok()?["indexed"].as_u64()
    }

    async fn at_head(&mut self, node: &Node) -> Result<()> {
        let began = Instant::now();
        while self.indexed().await != Some(node.replay.chain().head()) {
            if let Some(status) = self.process.try_wait()? {
                anyhow::bail!("it ended by itself, {status}: {}", std::fs::read_to_string(&self.log)?);
            }
            ensure!(began.elapsed() < Duration::from_secs(120), "it is stuck at {:?}", self.indexed().await);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    /// As `kill -9` does.
    fn kill(mut self) -> Result<()> {
        self.process.kill()?;
        self.process.wait()?;
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A chain that takes a while to read.
async fn long_chain() -> Result<Node> {
    let params = Params { blocks: 3_000, settlements: 9_000, ..Params::small() };
    node::node(params, Provider { max_range: 60, ..Provider::default() }).await
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
    let mut running = Running::start(folder.path(), &node, &store, 0)?;
    for round in 0..4 {
        pause(50 + mix(round) % 400).await;
        cluster.kill()?;
        pause(mix(round) % 100).await;
        cluster.revive()?;
    }
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
