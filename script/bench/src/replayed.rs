//! The chain that is indexed, and what an index of it has to come to.

use std::{
    sync::{Arc, RwLock, RwLockReadGuard},
    time::Instant,
};

use alloy::primitives::{Address, B256};
use anyhow::Result;
use bursar_replay::{Chain, Params, Provider, Replay, Served, Tally, serve};

/// A node of the chain, at work in this process.
#[derive(Debug)]
pub struct Replayed {
    chain: Arc<RwLock<Chain>>,
    replay: Arc<Replay>,
    served: Served,
}

/// A block that was added.
#[derive(Debug, Clone, Copy)]
pub struct Mined {
    /// Its number.
    pub block: u64,
    /// How many settlements purses have paid.
    pub governed: u64,
    /// How many others have paid.
    pub others: u64,
    /// When the node had it, and had told nobody yet.
    pub at: Instant,
}

impl Replayed {
    /// Makes the chain and answers for it.
    ///
    /// # Errors
    /// When there is no port to be had.
    pub async fn new(params: Params) -> Result<Self> {
        Self::by(Arc::new(RwLock::new(Chain::new(params))), Provider::default()).await
    }

    /// Another node of the same chain, each answer of which takes so many milliseconds, as over a network.
    ///
    /// # Errors
    /// When there is no port to be had.
    pub async fn delayed(&self, latency: u64) -> Result<Self> {
        Self::by(Arc::clone(&self.chain), Provider { latency, ..Provider::default() }).await
    }

    async fn by(chain: Arc<RwLock<Chain>>, provider: Provider) -> Result<Self> {
        let replay = Arc::new(Replay::new(Arc::clone(&chain), provider));
        Ok(Self { served: serve(Arc::clone(&replay), 0).await?, replay, chain })
    }

    /// Adds a block to the chain, and gives what is in it.
    pub fn mine(&self) -> Mined {
        let mut at = Instant::now();
        self.replay.change(|chain| {
            chain.mine(1);
            at = Instant::now();
        });
        let chain = self.chain();
        let all = chain.settlements(chain.head());
        let governed = all.iter().filter(|one| one.decision.is_some()).count() as u64;
        Mined { block: chain.head(), governed, others: all.len() as u64 - governed, at }
    }

    /// Where the node tells of its blocks by itself.
    pub fn socket(&self) -> String {
        self.served.socket()
    }

    /// Where the node is.
    pub fn url(&self) -> String {
        self.served.url()
    }

    /// The chain itself.
    pub fn chain(&self) -> RwLockReadGuard<'_, Chain> {
        self.replay.chain()
    }

    /// The number and the hash of its last block.
    pub fn head(&self) -> (u64, B256) {
        let chain = self.chain();
        (chain.head(), chain.hash(chain.head()).unwrap_or_default())
    }

    /// Everybody who pays outside any envelope.
    pub fn payers(&self) -> Vec<Address> {
        self.chain().payers()
    }

    /// All settlements up to a block.
    pub fn truth(&self, to: u64) -> Tally {
        self.chain().truth(to).all()
    }

    /// Counts questions from nothing again.
    pub fn forget_calls(&self) {
        self.replay.forget_calls();
    }

    /// How many questions were asked since.
    pub fn calls(&self) -> u64 {
        let calls = self.replay.calls();
        calls.iter().filter(|(method, _)| method.as_str() != "refused").map(|(_, count)| count).sum()
    }
}
