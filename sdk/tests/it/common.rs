//! What the tests share: an agent on a local chain, and a paid API that settles on it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

use alloy::{
    primitives::{Address, B256, address, keccak256},
    signers::local::PrivateKeySigner,
};
use anyhow::Result;
use bursar_sdk::{
    Agent, AgentBuilder, Amount,
    challenge::Requirement,
    clock::{Clock, Entropy},
    decision::{DecisionRecord, Resource, Verdict},
    payment::session_id,
    policy::PolicyDocument,
    session::SessionTerms,
    testing::{DOLLAR, LocalChain, signer},
};
use serde_json::{Value, json};
use tempfile::TempDir;
use x402_types::proto::OriginalJson;

pub(crate) const PAYEE: Address = address!("0x00000000000000000000000000000000000FA4EE");
pub(crate) const UNLISTED: Address = address!("0x0000000000000000000000000000000000BADBAD");

pub(crate) fn dollars(dollars: u64) -> Amount {
    Amount::new(dollars * DOLLAR)
}

/// A clock that runs with the chain when a test moves it on.
#[derive(Debug, Clone, Default)]
pub(crate) struct TestClock(Arc<AtomicU64>);

impl TestClock {
    pub(crate) fn clock(&self) -> Clock {
        let ahead = Arc::clone(&self.0);
        Clock::from_fn(move || {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
            now + ahead.load(Ordering::SeqCst)
        })
    }

    pub(crate) async fn advance(&self, chain: &LocalChain, seconds: u64) -> Result<()> {
        chain.advance(seconds).await?;
        self.0.fetch_add(seconds, Ordering::SeqCst);
        Ok(())
    }
}

/// Randomness that repeats from run to run, never within one.
pub(crate) fn entropy(seed: u64) -> Entropy {
    let next = AtomicU64::new(0);
    Entropy::from_fn(move || keccak256(format!("{seed}/{}", next.fetch_add(1, Ordering::SeqCst))))
}

/// A chain, a treasury, and one envelope of 1,000 dollars with the default policy.
pub(crate) struct Stage {
    pub(crate) chain: LocalChain,
    pub(crate) identity: Arc<PrivateKeySigner>,
    pub(crate) envelope: u32,
    pub(crate) purse: Address,
    pub(crate) clock: TestClock,
    pub(crate) spool: TempDir,
}

impl Stage {
    pub(crate) async fn set() -> Result<Self> {
        Self::set_with(|_| {}).await
    }

    pub(crate) async fn set_with(change: impl FnOnce(&mut PolicyDocument)) -> Result<Self> {
        let chain = LocalChain::start().await?;
        let identity = signer(0xa9e27)?;
        let mut policy = chain.policy();
        change(&mut policy);
        let (envelope, purse) = chain.envelope(identity.address(), &policy, &[PAYEE], dollars(1000)).await?;
        let spool = tempfile::tempdir()?;
        Ok(Self { chain, identity, envelope, purse, clock: TestClock::default(), spool })
    }

    pub(crate) fn builder(&self, seed: u64) -> AgentBuilder {
        let provider = self.chain.provider.clone();
        let identity = Arc::clone(&self.identity);
        Agent::builder(provider, self.chain.treasury, self.envelope, identity, self.spool.path())
            .clock(self.clock.clock())
            .entropy(entropy(seed))
    }

    /// An agent with an open session of 50 dollars.
    pub(crate) async fn agent(&self) -> Result<Agent> {
        let agent = self.builder(1).connect().await?;
        agent.open_session(&SessionTerms::new(dollars(50))).await?;
        Ok(agent)
    }

    /// A challenge as a server writes it.
    pub(crate) fn challenge(&self, payee: Address, amount: Amount) -> Value {
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

    pub(crate) fn requirement(&self, agent: &Agent, payee: Address, amount: Amount) -> Result<Requirement> {
        Ok(agent.means().read(&verbatim(&self.challenge(payee, amount))?)?)
    }
}

pub(crate) fn verbatim(value: &Value) -> Result<OriginalJson> {
    Ok(serde_json::from_str(&value.to_string())?)
}

/// A decision record that stands on no chain: number `seq` of its purse's.
pub(crate) fn decision(seq: u64, prev_hash: B256, rationale: &str) -> DecisionRecord {
    DecisionRecord {
        schema: bursar_sdk::decision::SCHEMA.into(),
        id: format!("record {seq}"),
        seq,
        prev_hash,
        chain_id: 31337,
        treasury: Address::repeat_byte(1),
        envelope: 1,
        agent: Address::repeat_byte(2),
        agent_ref: B256::ZERO,
        stamp_hash: B256::ZERO,
        purse: Address::repeat_byte(3),
        session: session_id(Address::repeat_byte(3), 1),
        policy_version: 1,
        epoch: 0,
        policy_hash: B256::repeat_byte(4),
        trigger: "test".into(),
        resource: Resource { url: "https://x".into(), method: "GET".into(), body_hash: B256::ZERO },
        requirement_hash: B256::repeat_byte(5),
        offer: None,
        payee: Address::repeat_byte(6),
        asset: Address::repeat_byte(7),
        amount: Amount::new(1),
        alternatives: Vec::new(),
        rules: Vec::new(),
        rationale: rationale.into(),
        model: None,
        verdict: Verdict::Approved,
        reason_codes: Vec::new(),
        created_at: 1,
        salt: B256::with_last_byte(seq as u8),
    }
}
