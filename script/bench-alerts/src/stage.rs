//! A treasury with envelopes to misuse, the ledger that follows it, and the API over that.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use alloy::{
    primitives::Address,
    providers::{DynProvider, Provider as _, ext::AnvilApi as _},
    signers::local::PrivateKeySigner,
};
use anyhow::{Context as _, Result};
use bursar_api::{AppState, Config as ApiConfig};
use bursar_indexer::{
    Config, Indexer, Store, StoreUrl,
    ledger::WatchKind,
    source::{RpcConfig, RpcSource, Source},
};
use bursar_sdk::{
    Agent, Amount,
    challenge::Requirement,
    clock::Clock,
    deploy,
    policy::PolicyDocument,
    session::SessionTerms,
    testing::{DOLLAR, LocalChain, signer},
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;

/// Envelopes that a round misuses, each for another kind of violation.
const ENVELOPES: usize = 7;
/// How long an alert may take before the bench gives up on it.
const PATIENCE: Duration = Duration::from_secs(60);
/// Between two questions of the bench itself.
const GLANCE: Duration = Duration::from_millis(5);

pub(crate) struct Envelope {
    pub(crate) number: u32,
    pub(crate) agent: Agent,
}

/// When blocks came, and the chain's time.
#[derive(Debug, Default)]
struct Blocks {
    arrived: Mutex<BTreeMap<u64, Instant>>,
    time: AtomicU64,
}

impl Blocks {
    fn arrival(&self, block: u64) -> Option<Instant> {
        self.arrived.lock().unwrap_or_else(PoisonError::into_inner).get(&block).copied()
    }
}

pub(crate) struct Stage {
    pub(crate) chain: LocalChain,
    pub(crate) payer: Arc<PrivateKeySigner>,
    envelopes: Vec<Vec<Envelope>>,
    blocks: Arc<Blocks>,
    http: reqwest::Client,
    api: String,
    cancel: CancellationToken,
    tasks: Vec<JoinHandle<Result<()>>>,
    _dir: TempDir,
}

impl Stage {
    /// Everything that `rounds` rounds misuse.
    pub(crate) async fn set(rounds: u32) -> Result<Self> {
        let chain = LocalChain::start().await?;
        chain.provider.client().set_poll_interval(GLANCE);
        let dir = tempfile::tempdir()?;
        let store = Store::connect(&StoreUrl::file(dir.path().join("ledger.sqlite"))?).await?;
        let payer = signer(0xba4d)?;
        let funds = Amount::new(1_000 * DOLLAR);
        deploy::mint_test_usdc(&chain.provider, chain.usdc, payer.address(), funds).await?;
        store.put_watched(WatchKind::Payer, &[payer.address()], None).await?;
        store.put_watched(WatchKind::Token, &[chain.usdc], None).await?;

        let (cancel, blocks) = (CancellationToken::new(), Arc::new(Blocks::default()));
        let source: Arc<dyn Source> = Arc::new(RpcSource::new(chain.url.parse()?, RpcConfig::default()));
        let indexer = Indexer::new(Config::new(chain.chain_id, chain.factory, 0), source, store.clone());
        let state = AppState::new(store, ApiConfig::new(chain.chain_id, "bench"), Some(indexer.subscribe()));
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let api = format!("http://{}", listener.local_addr()?);
        let (following, serving, looking) = (cancel.clone(), cancel.clone(), cancel.clone());
        let (provider, seen) = (chain.provider.clone(), Arc::clone(&blocks));
        let tasks = vec![
            tokio::spawn(async move { Ok(indexer.run(following).await?) }),
            tokio::spawn(async move { Ok(bursar_api::serve(listener, state, serving).await?) }),
            tokio::spawn(look(provider, seen, looking)),
        ];
        let http = reqwest::Client::new();
        let mut stage =
            Self { chain, payer, envelopes: Vec::new(), blocks, http, api, cancel, tasks, _dir: dir };
        for round in 0..rounds {
            let mut all = Vec::new();
            for kind in 0..ENVELOPES {
                all.push(stage.fill(u64::from(round) * 16 + kind as u64 + 0x5000, stage._dir.path()).await?);
            }
            stage.envelopes.push(all);
        }
        Ok(stage)
    }

    /// From here on, blocks come at that pace and no other.
    pub(crate) async fn pace(&self, millis: u64) -> Result<()> {
        self.chain.provider.anvil_set_auto_mine(false).await?;
        Ok(self.chain.provider.anvil_set_interval_mining(millis.div_ceil(1_000)).await?)
    }

    /// 300 dollars a week, to anybody, without approvals.
    pub(crate) fn policy(&self) -> PolicyDocument {
        let mut policy = self.chain.policy();
        policy.windows.remove(0);
        policy.payee_list = 0;
        policy.approval_threshold = policy.payment_cap;
        policy
    }

    async fn fill(&self, seed: u64, dir: &std::path::Path) -> Result<Envelope> {
        let identity = signer(seed)?;
        let escrow = Amount::new(100 * DOLLAR);
        let (number, _) = self.chain.envelope(identity.address(), &self.policy(), &[], escrow).await?;
        let blocks = Arc::clone(&self.blocks);
        let clock = Clock::from_fn(move || {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
            now.max(blocks.time.load(Ordering::SeqCst))
        });
        let spool = dir.join(seed.to_string());
        let agent = Agent::builder(self.chain.provider.clone(), self.chain.treasury, number, identity, spool)
            .clock(clock)
            .connect()
            .await?;
        agent.open_session(&SessionTerms::new(Amount::new(50 * DOLLAR))).await?;
        Ok(Envelope { number, agent })
    }

    pub(crate) fn envelope(&self, round: u32, kind: usize) -> Result<&Envelope> {
        let round = usize::try_from(round)?;
        self.envelopes.get(round).and_then(|all| all.get(kind)).context("an envelope of that round")
    }

    pub(crate) fn payee(&self, n: u32) -> Address {
        Address::left_padding_from(&(0xfa4_0000 + n).to_be_bytes())
    }

    pub(crate) fn requirement(&self, of: &Envelope, payee: Address, amount: Amount) -> Result<Requirement> {
        let challenge = json!({
            "scheme": "exact",
            "network": format!("eip155:{}", self.chain.chain_id),
            "amount": amount,
            "payTo": payee,
            "maxTimeoutSeconds": 300,
            "asset": self.chain.usdc,
            "extra": { "name": "USDC", "version": "2" },
        });
        Ok(of.agent.means().read(&serde_json::from_str(&challenge.to_string())?)?)
    }

    /// How often a kind was told so far.
    pub(crate) async fn told(&self, kind: &str) -> Result<u64> {
        let url = format!("{}/v1/alerts?kind={kind}&limit=200", self.api);
        let page: Value = self.http.get(url).send().await?.error_for_status()?.json().await?;
        let items = page["items"].as_array().context("a page")?;
        Ok(items.iter().filter_map(|alert| alert["count"].as_u64()).sum())
    }

    /// When it was told once more.
    pub(crate) async fn until_told(&self, kind: &str, before: u64) -> Result<Instant> {
        let asking = async {
            loop {
                if self.told(kind).await? > before {
                    return anyhow::Ok(Instant::now());
                }
                tokio::time::sleep(GLANCE).await;
            }
        };
        tokio::time::timeout(PATIENCE, asking).await.with_context(|| format!("nobody told of {kind}"))?
    }

    /// When the node had a block; waits for it.
    pub(crate) async fn arrival(&self, block: u64) -> Result<Instant> {
        let waiting = async {
            loop {
                if let Some(at) = self.blocks.arrival(block) {
                    return at;
                }
                tokio::time::sleep(GLANCE).await;
            }
        };
        tokio::time::timeout(PATIENCE, waiting).await.with_context(|| format!("block {block} never came"))
    }

    /// Ends what runs.
    pub(crate) async fn end(self) -> Result<()> {
        self.cancel.cancel();
        for task in self.tasks {
            task.await??;
        }
        Ok(())
    }
}

/// Notes when blocks come.
async fn look(provider: DynProvider, blocks: Arc<Blocks>, cancel: CancellationToken) -> Result<()> {
    let mut next = 0;
    while !cancel.is_cancelled() {
        let head = provider.get_block_number().await?;
        let now = Instant::now();
        if head >= next {
            let header = provider.get_block_by_number(head.into()).await?.context("the latest block")?.header;
            blocks.time.fetch_max(header.timestamp, Ordering::SeqCst);
            let mut arrived = blocks.arrived.lock().unwrap_or_else(PoisonError::into_inner);
            arrived.extend((next..=head).map(|block| (block, now)));
            next = head + 1;
        }
        tokio::time::sleep(GLANCE).await;
    }
    Ok(())
}
