//! A treasury with one agent, a ledger that follows it, and a watcher that looks when told.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use alloy::{
    primitives::{Address, address},
    providers::{DynProvider, Provider as _},
    signers::local::PrivateKeySigner,
};
use anyhow::{Context as _, Result, ensure};
use async_trait::async_trait;
use bursar_indexer::{
    Config, Indexer, IndexerError, Status, Store,
    source::{RpcConfig, RpcSource, Source},
};
use bursar_review::{Keys, Watcher, WatcherConfig, provider};
use bursar_sdk::{
    Agent, AgentError, Amount, Purpose, SignedPayment,
    admin::TreasuryAdmin,
    challenge::Requirement,
    clock::Clock,
    decision::DecisionRecord,
    delivery::{RecordSink, SealedRecord},
    record::RecordKind,
    session::SessionTerms,
    testing::{DOLLAR, LocalChain, signer},
};
use bursar_test_stores::Stores;
use serde_json::json;
use tempfile::TempDir;
use tokio::{sync::watch, task::JoinHandle};
use tokio_util::sync::CancellationToken;

pub(crate) const PAYEE: Address = address!("0x00000000000000000000000000000000000FA4EE");
pub(crate) const OTHER: Address = address!("0x00000000000000000000000000000000000FA4EF");
/// In seconds.
const WEEK: u64 = 604_800;

pub(crate) fn dollars(dollars: u64) -> Amount {
    Amount::new(dollars * DOLLAR)
}

/// Hands records to the ledger, as the API does.
#[derive(Debug)]
struct Desk(Store);

#[async_trait]
impl RecordSink for Desk {
    async fn deliver(&self, sealed: &SealedRecord) -> Result<(), AgentError> {
        if sealed.kind == RecordKind::Decision {
            let record = DecisionRecord::verified(&sealed.canonical, sealed.hash)?;
            let stored = self.0.insert_decision(&record, sealed, record.created_at).await;
            stored.map_err(|error| AgentError::Rpc(error.to_string()))?;
        }
        Ok(())
    }
}

pub(crate) struct Stage {
    pub(crate) chain: LocalChain,
    pub(crate) store: Store,
    pub(crate) envelope: u32,
    identity: Arc<PrivateKeySigner>,
    ahead: Arc<AtomicU64>,
    status: watch::Receiver<Status>,
    cancel: CancellationToken,
    following: JoinHandle<Result<(), IndexerError>>,
    spool: TempDir,
    _stores: Stores,
}

impl Stage {
    /// An envelope of 1,000 dollars, 300 a week, beginning on a Monday.
    pub(crate) async fn set(stores: Stores) -> Result<Self> {
        let chain = LocalChain::start().await?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
        let monday = ((now - 345_600) / WEEK + 1) * WEEK + 345_600 + 7_200;
        chain.advance(monday - now).await?;
        let identity = signer(0xa9e27)?;
        let mut policy = chain.policy();
        policy.windows.remove(0);
        let (envelope, _) =
            chain.envelope(identity.address(), &policy, &[PAYEE, OTHER], dollars(1_000)).await?;
        let store = Store::connect(&stores.url("ledger").await?.parse()?).await?;
        let config = Config {
            poll: Duration::from_millis(20),
            first_delay: Duration::from_millis(5),
            max_delay: Duration::from_millis(20),
            ..Config::new(chain.chain_id, chain.factory, 0)
        };
        let source: Arc<dyn Source> = Arc::new(RpcSource::new(chain.url.parse()?, RpcConfig::default()));
        let indexer = Indexer::new(config, source, store.clone());
        let (status, cancel) = (indexer.subscribe(), CancellationToken::new());
        let following = tokio::spawn({
            let cancel = cancel.clone();
            async move { indexer.run(cancel).await }
        });
        let ahead = Arc::new(AtomicU64::new(monday - now));
        let spool = tempfile::tempdir()?;
        let stage = Self {
            chain,
            store,
            envelope,
            identity,
            ahead,
            status,
            cancel,
            following,
            spool,
            _stores: stores,
        };
        stage.follow().await?;
        Ok(stage)
    }

    /// Waits until the ledger is where the chain is.
    pub(crate) async fn follow(&self) -> Result<()> {
        let block = self.chain.provider.get_block_by_number(Default::default()).await?;
        let hash = block.context("a latest block")?.header.hash;
        let mut status = self.status.clone();
        let there = status.wait_for(|status| status.indexed_hash == hash);
        tokio::time::timeout(Duration::from_secs(60), there).await.context("the ledger is stuck")??;
        Ok(())
    }

    /// Ends the ledger's following: from here on it is behind.
    pub(crate) async fn stop_following(&mut self) -> Result<()> {
        self.cancel.cancel();
        Ok((&mut self.following).await??)
    }

    pub(crate) async fn agent(&self) -> Result<Agent> {
        let ahead = Arc::clone(&self.ahead);
        let clock = Clock::from_fn(move || {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
            now + ahead.load(Ordering::SeqCst)
        });
        let identity = Arc::clone(&self.identity);
        let (provider, treasury) = (self.chain.provider.clone(), self.chain.treasury);
        let agent = Agent::builder(provider, treasury, self.envelope, identity, self.spool.path())
            .clock(clock)
            .sink(Arc::new(Desk(self.store.clone())))
            .connect()
            .await?;
        Ok(agent)
    }

    pub(crate) fn requirement(&self, agent: &Agent, payee: Address, amount: Amount) -> Result<Requirement> {
        let challenge = json!({
            "scheme": "exact",
            "network": format!("eip155:{}", self.chain.chain_id),
            "amount": amount,
            "payTo": payee,
            "maxTimeoutSeconds": 300,
            "asset": self.chain.usdc,
            "extra": { "name": "USDC", "version": "2" },
        });
        Ok(agent.means().read(&serde_json::from_str(&challenge.to_string())?)?)
    }

    /// Signs a payment, with its record handed in; settles nothing.
    pub(crate) async fn sign(&self, agent: &Agent, why: &str, amount: Amount) -> Result<SignedPayment> {
        let requirement = self.requirement(agent, PAYEE, amount)?;
        let signed = agent.authorize(&requirement, Purpose::new(why, "for the test")).await?;
        let delivered = agent.flush().await?;
        ensure!(delivered.waiting == 0, "records wait: {delivered:?}");
        Ok(signed)
    }

    /// Pays, explains and follows.
    pub(crate) async fn pay(&self, agent: &Agent, why: &str, amount: Amount) -> Result<()> {
        let signed = self.sign(agent, why, amount).await?;
        self.chain.settle(&signed).await?;
        self.follow().await
    }

    pub(crate) async fn pass(&self, seconds: u64) -> Result<()> {
        self.chain.advance(seconds).await?;
        self.ahead.fetch_add(seconds, Ordering::SeqCst);
        self.follow().await
    }

    pub(crate) async fn open(&self, agent: &Agent) -> Result<(), AgentError> {
        agent.open_session(&SessionTerms::new(dollars(50))).await.map(drop)
    }

    fn hands(&self, person: &PrivateKeySigner) -> (Address, TreasuryAdmin) {
        let address = person.address();
        (address, TreasuryAdmin::new(self.chain.treasury, self.provider(), address))
    }

    /// With the keys of everybody who watches.
    fn provider(&self) -> DynProvider {
        let people = &self.chain.people;
        let url = self.chain.url.parse().unwrap();
        provider(url, [&people.reviewer, &people.guardian, &people.gas])
    }

    /// With the reviewer's key, and a guardian's where `guarded`.
    pub(crate) fn keys(&self, guarded: bool) -> Keys {
        let people = &self.chain.people;
        Keys {
            reviewer: self.hands(&people.reviewer),
            guardian: guarded.then(|| self.hands(&people.guardian)),
        }
    }

    pub(crate) fn watcher(&self, guarded: bool) -> Watcher {
        self.watcher_with(self.keys(guarded), WatcherConfig::default())
    }

    pub(crate) fn watcher_with(&self, keys: Keys, config: WatcherConfig) -> Watcher {
        Watcher::new(self.store.clone(), self.provider(), keys, config)
    }

    pub(crate) fn keys_of(&self, person: &PrivateKeySigner) -> Keys {
        Keys { reviewer: self.hands(person), guardian: None }
    }

    /// How many transactions an account has sent.
    pub(crate) async fn sent_by(&self, person: &PrivateKeySigner) -> Result<u64> {
        Ok(self.chain.provider.get_transaction_count(person.address()).await?)
    }
}
