//! Nodes that share a chain, an indexer over them, and the comparison with the oracle.

use std::{
    sync::{Arc, RwLock},
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use bursar_indexer::{
    Config, Indexer, IndexerError, Phase, Status, Store,
    db::{DbRow, Query},
    source::{Calls, Patience, RpcConfig, RpcSource, Source, Sources},
};
use bursar_replay::{Chain, FACTORY, Params, Provider, Replay, Served, Settlement, serve};
use bursar_test_stores::Stores;
use tokio_util::sync::CancellationToken;

pub struct Node {
    pub replay: Arc<Replay>,
    pub served: Served,
}

impl Node {
    pub async fn on(chain: &Arc<RwLock<Chain>>, provider: Provider) -> Result<Self> {
        let replay = Arc::new(Replay::new(Arc::clone(chain), provider));
        Ok(Self { served: serve(Arc::clone(&replay), 0).await?, replay })
    }
}

pub fn chain(params: Params) -> Arc<RwLock<Chain>> {
    Arc::new(RwLock::new(Chain::new(params)))
}

/// A node of its own.
pub async fn node(params: Params, provider: Provider) -> Result<Node> {
    Node::on(&chain(params), provider).await
}

/// A client of a node.
pub fn client(node: &Node) -> Result<Arc<dyn Source>> {
    let config = RpcConfig { timeout: Duration::from_secs(5) };
    Ok(Arc::new(RpcSource::new(node.served.url().parse()?, config)))
}

pub fn sources(nodes: &[&Node], quorum: usize) -> Result<Sources> {
    let clients = nodes.iter().map(|node| Ok(vec![client(node)?])).collect::<Result<_>>()?;
    over(clients, quorum)
}

/// Sources that know nothing yet of these clients, which are listed node by node.
pub fn over(clients: Vec<Vec<Arc<dyn Source>>>, quorum: usize) -> Result<Sources> {
    let patience =
        Patience { retries: 3, first_delay: Duration::from_millis(1), max_delay: Duration::from_millis(4) };
    Ok(Sources::new(clients, patience, quorum)?)
}

pub fn config(params: &Params) -> Config {
    Config {
        finality: 16,
        poll: Duration::from_millis(5),
        first_delay: Duration::from_millis(1),
        max_delay: Duration::from_millis(4),
        ..Config::new(params.chain_id, FACTORY, 0)
    }
}

/// An indexer at work.
pub struct Running {
    pub status: tokio::sync::watch::Receiver<Status>,
    cancel: CancellationToken,
    task: tokio::task::JoinHandle<Result<(), IndexerError>>,
}

impl Running {
    pub fn start(config: Config, sources: &Sources, store: &Store) -> Self {
        let indexer = Indexer::new(config, sources.clone(), store.clone());
        let (cancel, status) = (CancellationToken::new(), indexer.subscribe());
        let token = cancel.clone();
        Self { status, cancel, task: tokio::spawn(async move { indexer.run(token).await }) }
    }

    /// Waits until the ledger stands at the chain's head.
    pub async fn at_head(&mut self, replay: &Replay) -> Result<Status> {
        let head = replay.chain().head();
        let hash = replay.chain().hash(head).unwrap_or_default();
        let there = |status: &Status| status.indexed_hash == hash || status.phase == Phase::Stopped;
        let waiting = tokio::time::timeout(Duration::from_secs(90), self.status.wait_for(there)).await;
        let status = waiting.context("the indexer is stuck")??.clone();
        ensure!(status.indexed_hash == hash, "the indexer stopped: {:?}", status.error);
        Ok(status)
    }

    /// Ends as a process does that is killed: nothing is given back.
    pub fn die(self) {
        self.task.abort();
    }

    pub async fn stop(self) -> Result<()> {
        self.cancel.cancel();
        Ok(self.task.await??)
    }

    /// What it stops for by itself.
    pub async fn fails(self) -> Result<IndexerError> {
        self.task.await?.err().context("it did not fail")
    }
}

/// What an indexer over these nodes came to: the ledger is right, or this fails.
pub struct Came {
    pub status: Status,
    pub calls: Calls,
}

pub async fn index(config: Config, nodes: &[&Node], quorum: usize, stores: &Stores) -> Result<Came> {
    let first = nodes.first().context("a node")?;
    index_by(config, &sources(nodes, quorum)?, &first.replay, stores).await
}

/// The same, however these nodes are asked.
pub async fn index_by(config: Config, sources: &Sources, replay: &Replay, stores: &Stores) -> Result<Came> {
    let store = Store::connect(&stores.another().await?.parse()?).await?;
    let mut running = Running::start(config, sources, &store);
    let status = running.at_head(replay).await?;
    running.stop().await?;
    assert_right(&store, replay).await?;
    store.close().await;
    Ok(Came { status, calls: sources.calls() })
}

/// Every payment of the chain is in the ledger as it happened, and nothing else is.
pub async fn assert_right(store: &Store, replay: &Replay) -> Result<()> {
    let expected = payments(&replay.chain());
    let sql = "SELECT block_number, block_hash, timestamp, tx_hash, log_index, facilitator, purse, payee, amount, \
               nonce, decision_hash FROM payment ORDER BY block_number, log_index";
    let rows = Query::new(sql).rows(store.db()).await?;
    let got = rows.iter().map(row).collect::<Result<Vec<_>>>()?;
    for (got, expected) in got.iter().zip(&expected) {
        ensure!(got == expected, "expected {expected}, got {got}");
    }
    ensure!(got.len() == expected.len(), "expected {} payments, got {}", expected.len(), got.len());
    let aside = Query::new("SELECT COUNT(*) AS number FROM undecoded").row(store.db()).await?;
    ensure!(aside.context("a count")?.number::<u64>("number")? == 0, "logs were kept aside");
    Ok(())
}

fn payments(chain: &Chain) -> Vec<String> {
    let settled = (0..=chain.head()).flat_map(|number| chain.settlements(number));
    settled.filter(|one| one.decision.is_some()).map(|one| line(&one)).collect()
}

pub fn line(one: &Settlement) -> String {
    format!(
        "{}.{} at {} in {} of {}: {} from {} to {} by {}, nonce {}, for {:?}",
        one.block,
        one.log_index,
        one.timestamp,
        one.tx_hash,
        one.block_hash,
        one.amount,
        one.payer,
        one.payee,
        one.sender,
        one.nonce,
        one.decision,
    )
}

fn row(row: &DbRow) -> Result<String> {
    Ok(line(&Settlement {
        block: row.number("block_number")?,
        block_hash: row.hash("block_hash")?,
        timestamp: row.number("timestamp")?,
        tx_hash: row.hash("tx_hash")?,
        log_index: row.number("log_index")?,
        sender: row.address("facilitator")?,
        payer: row.address("purse")?,
        payee: row.address("payee")?,
        amount: row.text("amount")?.parse()?,
        nonce: row.maybe_hash("nonce")?.unwrap_or_default(),
        decision: row.maybe_hash("decision_hash")?,
    }))
}
