//! The nodes that an indexer asks: one that fails now and then, or several of which one lies.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use anyhow::{Context as _, Result};
use bursar_indexer::source::{Source, Sources};
use bursar_replay::{Fault, Params, Provider, Replay, Request, mix};
use tokio::sync::Notify;

use crate::node::{Node, chain, client, over};

/// Nodes of one chain.
pub struct Nodes {
    /// Where there are several, the first one lies.
    nodes: Vec<Node>,
    /// One client each for all lives, which keeps nothing of what it was told: to make one reads the machine's certificates.
    asks: Vec<Arc<dyn Source>>,
    quorum: usize,
}

/// How nodes behave in one life.
#[derive(Debug, Clone, Copy)]
pub struct Manners {
    /// What is drawn for each request is drawn from this.
    pub draw: u64,
    /// Of 100 requests, how many fail.
    pub faults: u64,
    /// The request at which the indexer dies.
    pub dead_at: Option<u64>,
}

/// What came of it.
#[derive(Default)]
pub struct Behaved {
    asked: AtomicU64,
    failed: AtomicU64,
    lied: AtomicU64,
    dead: Notify,
}

impl Behaved {
    /// Waits until the request is there at which the indexer dies.
    pub async fn died(&self) {
        self.dead.notified().await;
    }

    /// How many requests failed, and to how many the answer was a lie.
    pub fn struck(&self) -> (u64, u64) {
        (self.failed.load(Ordering::SeqCst), self.lied.load(Ordering::SeqCst))
    }
}

impl Nodes {
    /// As many honest ones as have to agree, and where that is more than one a liar that is asked first.
    ///
    /// # Errors
    /// Where one cannot be served.
    pub async fn of(params: &Params, provider: &Provider, quorum: usize) -> Result<Self> {
        let chain = chain(params.clone());
        let mut nodes = Vec::new();
        for _ in 0..quorum + usize::from(quorum > 1) {
            nodes.push(Node::on(&chain, provider.clone()).await?);
        }
        let asks = nodes.iter().map(client).collect::<Result<_>>()?;
        Ok(Self { nodes, asks, quorum })
    }

    /// The chain, by whichever of them.
    ///
    /// # Errors
    /// Where there is none.
    pub fn replay(&self) -> Result<&Replay> {
        Ok(&self.nodes.first().context("a node")?.replay)
    }

    /// What an indexer that has just begun knows of them: nothing.
    ///
    /// # Errors
    /// Where so many cannot agree.
    pub fn sources(&self) -> Result<Sources> {
        over(self.asks.iter().map(|ask| vec![Arc::clone(ask)]).collect(), self.quorum)
    }

    /// Has them behave so from now on.
    pub fn behave(&self, manners: Manners) -> Arc<Behaved> {
        let behaved = Arc::new(Behaved::default());
        for (place, node) in self.nodes.iter().enumerate() {
            let (behaved, lies) = (Arc::clone(&behaved), self.quorum > 1 && place == 0);
            node.replay.misbehave(move |request| manners.of(&request, lies, &behaved));
        }
        behaved
    }
}

impl Manners {
    fn of(&self, request: &Request<'_>, lies: bool, behaved: &Behaved) -> Option<Fault> {
        let number = behaved.asked.fetch_add(1, Ordering::SeqCst);
        if self.dead_at == Some(number) {
            behaved.dead.notify_one();
            return Some(Fault::Unavailable);
        }
        let roll = mix(self.draw ^ number);
        if lies && roll.is_multiple_of(2) {
            behaved.lied.fetch_add(1, Ordering::SeqCst);
            return Some(lie(roll >> 8));
        }
        if roll % 100 >= self.faults {
            return None;
        }
        behaved.failed.fetch_add(1, Ordering::SeqCst);
        Some(fault(roll >> 8, request.by_hash))
    }
}

/// How an honest node fails.
fn fault(roll: u64, by_hash: bool) -> Fault {
    match roll % 6 {
        0 => Fault::Unavailable,
        1 => Fault::RateLimited,
        2 => Fault::CutShort,
        3 => Fault::OtherChain,
        4 => Fault::Strays,
        // A node that is behind shows a chain that has turned.
        _ if by_hash => Fault::Unavailable,
        _ => Fault::Lags(1 + (roll >> 8) % 4),
    }
}

/// What a node says that is not so, and that no look at the answer alone shows.
fn lie(roll: u64) -> Fault {
    match roll % 11 {
        0 => Fault::Stops(1),
        1 => Fault::LeavesOut,
        2 => Fault::LeavesOutTransfers,
        3 => Fault::Contradicts,
        4 => Fault::FalseTime,
        5 => Fault::FalseLogTime,
        6 => Fault::FalseParent,
        7 => Fault::FalseSender,
        8 => Fault::FalseInput,
        9 => Fault::FalseHead(1 + (roll >> 8) % 3),
        _ => Fault::FalseFinal,
    }
}
