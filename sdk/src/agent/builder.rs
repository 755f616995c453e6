//! Putting an agent together.

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};

use alloy::{primitives::Address, providers::DynProvider};
use tokio::sync::{Mutex as AsyncMutex, RwLock};

use super::{Agent, Inner, Renewal};
use crate::{
    approval::ApprovalSource,
    chain::ChainView,
    challenge::Means,
    clock::{Clock, Entropy},
    delivery::{Delivery, RecordSink, Sealer},
    error::AgentError,
    preflight::Checks,
    session::{LocalKeys, SessionKeys, SharedSigner},
    spool::Spool,
    stamp::StampBundle,
};

/// How long a human is waited for, unless told otherwise.
const PATIENCE: Duration = Duration::from_secs(15 * 60);

/// How long a paid API may take to answer, unless told otherwise: a settlement takes blocks.
const HTTP_TIMEOUT: Duration = Duration::from_secs(120);

/// An agent in the making; [`Self::connect`] reads the envelope and opens the spool.
#[must_use]
#[derive(Debug)]
pub struct AgentBuilder {
    provider: DynProvider,
    relay: Option<DynProvider>,
    treasury: Address,
    envelope: u32,
    identity: Identity,
    spool_dir: PathBuf,
    purse_index: u16,
    keys: Option<Arc<dyn SessionKeys>>,
    renewal: Renewal,
    checks: Checks,
    approvals: Option<Arc<dyn ApprovalSource>>,
    patience: Duration,
    sink: Option<Arc<dyn RecordSink>>,
    http: Option<reqwest::Client>,
    clock: Clock,
    entropy: Entropy,
    stamp: Option<StampBundle>,
}

struct Identity(SharedSigner);

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.address().fmt(f)
    }
}

impl AgentBuilder {
    pub(super) fn new(
        provider: DynProvider,
        treasury: Address,
        envelope: u32,
        identity: SharedSigner,
        spool_dir: PathBuf,
    ) -> Self {
        Self {
            provider,
            relay: None,
            treasury,
            envelope,
            identity: Identity(identity),
            spool_dir,
            purse_index: 0,
            keys: None,
            renewal: Renewal::Manual,
            checks: Checks::BeforeSigning,
            approvals: None,
            patience: PATIENCE,
            sink: None,
            http: None,
            clock: Clock::system(),
            entropy: Entropy::system(),
            stamp: None,
        }
    }

    /// Submits session requests through another node or wallet than it reads through.
    pub fn relay(mut self, relay: DynProvider) -> Self {
        self.relay = Some(relay);
        self
    }

    /// Which of the envelope's purses to pay from, counted from 0: one per replica of an agent.
    pub fn purse_index(mut self, index: u16) -> Self {
        self.purse_index = index;
        self
    }

    /// Where session keys come from; without it, they live in memory only.
    pub fn session_keys(mut self, keys: Arc<dyn SessionKeys>) -> Self {
        self.keys = Some(keys);
        self
    }

    /// What happens when a session ends in the middle of things.
    pub fn renewal(mut self, renewal: Renewal) -> Self {
        self.renewal = renewal;
        self
    }

    /// Where the rules are checked.
    pub fn checks(mut self, checks: Checks) -> Self {
        self.checks = checks;
        self
    }

    /// Who is asked for approvals; without one, payments that need approval are refused.
    pub fn approvals(mut self, source: Arc<dyn ApprovalSource>) -> Self {
        self.approvals = Some(source);
        self
    }

    /// How long a human is waited for; at most until the session ends. 15 minutes by default.
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Who takes the agent's records; without one, they stay in the spool.
    pub fn sink(mut self, sink: Arc<dyn RecordSink>) -> Self {
        self.sink = Some(sink);
        self
    }

    /// The HTTP client that requests are paid with.
    pub fn http(mut self, http: reqwest::Client) -> Self {
        self.http = Some(http);
        self
    }

    /// Where the time comes from.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Where salts, identifiers and local session keys come from.
    pub fn entropy(mut self, entropy: Entropy) -> Self {
        self.entropy = entropy;
        self
    }

    /// Who the agent is: sessions are opened under this stamp, and payments carry it.
    pub fn stamp(mut self, stamp: StampBundle) -> Self {
        self.stamp = Some(stamp);
        self
    }

    /// Reads the envelope, checks that the identity is its agent, and opens the spool.
    ///
    /// # Errors
    /// When the node fails, the envelope does not exist or is another agent's, or the spool cannot be opened.
    pub async fn connect(self) -> Result<Agent, AgentError> {
        let view = ChainView::connect(self.provider.clone(), self.treasury, self.envelope).await?;
        let (state, purse) = futures::try_join!(view.envelope_state(), view.purse(self.purse_index))?;
        let identity = self.identity.0;
        if state.agent != identity.address() {
            return Err(AgentError::Config {
                what: "identity",
                expected: format!("the envelope's agent {}", state.agent),
                got: identity.address().to_string(),
            });
        }
        let http = match self.http {
            Some(http) => http,
            None => reqwest::Client::builder().timeout(HTTP_TIMEOUT).build()?,
        };
        let name = format!("{}-{}-{}.jsonl", view.chain_id(), view.treasury(), purse);
        let path = self.spool_dir.join(name);
        let opened = tokio::task::spawn_blocking(move || Spool::open(&path)).await;
        let (spool, recovery) = opened.map_err(|error| AgentError::Config {
            what: "decision spool",
            expected: "a running task".into(),
            got: error.to_string(),
        })??;
        tracing::info!(purse = %purse, records = recovery.records, pending = recovery.pending, "agent ready");
        let spool = Arc::new(Mutex::new(spool));
        let sealer =
            Sealer { chain_id: view.chain_id(), treasury: view.treasury(), identity: Arc::clone(&identity) };
        let (of_sink, stamp) = (Arc::clone(&spool), self.stamp.clone());
        let delivery = self.sink.map(|sink| Delivery::start(of_sink, sink, sealer, stamp));
        let keys = self.keys.unwrap_or_else(|| Arc::new(LocalKeys(self.entropy.clone())));
        let inner = Inner {
            means: Means::of(&view),
            relay: self.relay.unwrap_or(self.provider),
            view,
            identity,
            keys,
            purse_index: self.purse_index,
            purse,
            session: RwLock::new(None),
            opening: AsyncMutex::new(()),
            renewal: self.renewal,
            spool,
            delivery,
            approvals: self.approvals,
            patience: self.patience,
            turns: Mutex::new(HashMap::new()),
            http,
            clock: self.clock,
            entropy: self.entropy,
            stamp: self.stamp,
            shown: Mutex::new(None),
        };
        Ok(Agent { inner: Arc::new(inner), checks: self.checks })
    }
}
