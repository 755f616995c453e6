//! What the tests share: an agent on a local chain, and a paid API that settles on it.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used)]

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

use alloy::{
    primitives::{Address, B256, U256, address, keccak256},
    signers::local::PrivateKeySigner,
};
use anyhow::Result;
use bursar_sdk::{
    Agent, AgentBuilder, Amount,
    challenge::Requirement,
    clock::{Clock, Entropy},
    policy::PolicyDocument,
    session::SessionTerms,
    testing::{DOLLAR, LocalChain, signer},
};
use serde_json::{Value, json};
use tempfile::TempDir;
use x402_types::proto::OriginalJson;

pub const PAYEE: Address = address!("0x00000000000000000000000000000000000FA4EE");
pub const UNLISTED: Address = address!("0x0000000000000000000000000000000000BADBAD");

pub fn dollars(dollars: u64) -> Amount {
    Amount::new(dollars * DOLLAR)
}

/// A clock that runs with the chain when a test moves it on.
#[derive(Debug, Clone, Default)]
pub struct TestClock(Arc<AtomicU64>);

impl TestClock {
    pub fn clock(&self) -> Clock {
        let ahead = Arc::clone(&self.0);
        Clock::from_fn(move || {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
            now + ahead.load(Ordering::SeqCst)
        })
    }

    pub async fn advance(&self, chain: &LocalChain, seconds: u64) -> Result<()> {
        chain.advance(seconds).await?;
        self.0.fetch_add(seconds, Ordering::SeqCst);
        Ok(())
    }
}

/// Randomness that repeats from run to run, never within one.
pub fn entropy(seed: u64) -> Entropy {
    let next = AtomicU64::new(0);
    Entropy::from_fn(move || keccak256(format!("{seed}/{}", next.fetch_add(1, Ordering::SeqCst))))
}

/// A chain, a treasury, and one envelope of 1,000 dollars with the default policy.
pub struct Stage {
    pub chain: LocalChain,
    pub identity: Arc<PrivateKeySigner>,
    pub envelope: u32,
    pub purse: Address,
    pub clock: TestClock,
    pub spool: TempDir,
}

impl Stage {
    pub async fn set() -> Result<Self> {
        Self::set_with(|_| {}).await
    }

    pub async fn set_with(change: impl FnOnce(&mut PolicyDocument)) -> Result<Self> {
        let chain = LocalChain::start().await?;
        let identity = signer(0xa9e27)?;
        let mut policy = chain.policy();
        change(&mut policy);
        let (envelope, purse) = chain.envelope(identity.address(), &policy, &[PAYEE], dollars(1000)).await?;
        let spool = tempfile::tempdir()?;
        Ok(Self { chain, identity, envelope, purse, clock: TestClock::default(), spool })
    }

    pub fn builder(&self, seed: u64) -> AgentBuilder {
        let provider = self.chain.provider.clone();
        let identity = Arc::clone(&self.identity);
        Agent::builder(provider, self.chain.treasury, self.envelope, identity, self.spool.path())
            .clock(self.clock.clock())
            .entropy(entropy(seed))
    }

    /// An agent with an open session of 50 dollars.
    pub async fn agent(&self) -> Result<Agent> {
        let agent = self.builder(1).connect().await?;
        agent.open_session(&SessionTerms::new(dollars(50))).await?;
        Ok(agent)
    }

    /// A challenge as a server writes it.
    pub fn challenge(&self, payee: Address, amount: Amount) -> Value {
        json!({
            "scheme": "exact",
            "network": format!("eip155:{}", self.chain.chain_id),
            "amount": amount,
            "payTo": payee,
            "maxTimeoutSeconds": 300,
            "asset": self.chain.usdc,
            "extra": { "name": "USDC", "version": "2" },
        })
    }

    pub fn requirement(&self, agent: &Agent, payee: Address, amount: Amount) -> Result<Requirement> {
        Ok(agent.rail().read(&verbatim(&self.challenge(payee, amount))?)?)
    }
}

pub fn verbatim(value: &Value) -> Result<OriginalJson> {
    Ok(serde_json::from_str(&value.to_string())?)
}
