use std::{
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use alloy::providers::DynProvider;
use bursar_indexer::{
    Status, Store, StoreError,
    db::Db,
    query::{
        Past,
        checkpoint::{self, Checkpoint, Settled},
    },
};
use prometheus_client::registry::Registry;
use tokio::sync::{Semaphore, watch};

use crate::{
    Config,
    access::{Accesses, Limits},
    error::ApiError,
    metrics::HttpMetrics,
    past::{self, At, Point},
    reports::Reports,
    stream::Followers,
    totals::Books,
    turns::Turns,
};

/// Tables that are written at a time.
const EXPORTS: usize = 4;

/// What every handler shares. Cheap to clone.
#[derive(Debug, Clone)]
pub struct AppState {
    /// The store, as decisions are written to it.
    pub store: Store,
    /// The store, as it is read.
    pub db: Db,
    /// What we were told.
    pub config: Arc<Config>,
    status: Option<watch::Receiver<Status>>,
    node: Option<DynProvider>,
    pub(crate) accesses: Arc<Accesses>,
    pub(crate) limits: Arc<Limits>,
    pub(crate) turns: Turns,
    pub(crate) followers: Arc<Followers>,
    pub(crate) books: Arc<Books>,
    pub(crate) metrics: HttpMetrics,
    /// Tables that may be written at a time.
    pub(crate) exports: Arc<Semaphore>,
    pub(crate) reports: Reports,
    clock: fn() -> u64,
}

impl AppState {
    /// Serves what is in `store`. `status` comes from an indexer in the same process; without one, readiness
    /// is told from the checkpoint alone.
    pub fn new(store: Store, config: Config, status: Option<watch::Receiver<Status>>) -> Self {
        Self {
            db: store.db().clone(),
            store,
            accesses: Arc::new(Accesses::new(config.accesses)),
            limits: Arc::new(Limits::new(config.key_rate, config.unknown_rate)),
            turns: Turns::new(config.at_once, config.waiting, config.patience),
            followers: Arc::new(Followers::new(config.streams)),
            books: Arc::default(),
            config: Arc::new(config),
            status,
            node: None,
            metrics: HttpMetrics::new(),
            exports: Arc::new(Semaphore::new(EXPORTS)),
            reports: Reports::default(),
            clock: wall_clock,
        }
    }

    /// The same with a node of the chain. It is asked what contracts have signed (EIP-1271), what would come of a transaction
    /// that is prepared, and what a payment is held against. Without one, approvals by contracts are not taken, what is
    /// prepared is not tried, and payments are checked by the reader's node alone.
    #[must_use]
    pub fn with_node(mut self, node: DynProvider) -> Self {
        self.node = Some(node);
        self
    }

    /// The same with another clock (unix seconds).
    #[must_use]
    pub fn with_clock(mut self, clock: fn() -> u64) -> Self {
        self.clock = clock;
        self
    }

    /// Has how requests are answered told with the others in `registry`.
    pub fn register(&self, registry: &mut Registry) {
        self.metrics.register(registry);
    }

    /// The node, where there is one.
    pub fn node(&self) -> Option<&DynProvider> {
        self.node.as_ref()
    }

    /// What the indexer says about itself, where it is in this process.
    pub fn indexer(&self) -> Option<Status> {
        self.status.as_ref().map(|status| status.borrow().clone())
    }

    /// The time by the wall, in unix seconds.
    pub fn now(&self) -> u64 {
        (self.clock)()
    }

    /// Keeps what was asked up to now: who runs the router without [`crate::serve`] has to.
    ///
    /// # Errors
    /// When the store fails: what is left waits on.
    pub async fn keep_accesses(&self) -> Result<(), StoreError> {
        self.accesses.keep(&self.store, self.clock).await
    }

    /// The time, as it is asked for.
    pub(crate) fn clock(&self) -> fn() -> u64 {
        self.clock
    }

    /// How far the ledger is, and what time it is for it.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn as_of(&self) -> Result<AsOf, ApiError> {
        let checkpoint = checkpoint::get(&self.db).await?;
        // A quiet chain's last block is old; a local chain may be ahead of the wall.
        let now = self.now().max(checkpoint.map_or(0, |checkpoint| checkpoint.timestamp));
        let head = self.indexer().and_then(|status| status.head);
        let head = head.max(checkpoint.map(|checkpoint| checkpoint.head));
        Ok(AsOf { checkpoint, head, now, at: None })
    }

    /// The same for a moment in the past, where one is asked for: what time it is there.
    ///
    /// # Errors
    /// When the store fails, or the ledger knows nothing of that moment.
    pub(crate) async fn as_of_at(&self, at: Option<At>) -> Result<AsOf, ApiError> {
        let as_of = self.as_of().await?;
        let Some(at) = at else { return Ok(as_of) };
        let point = past::find(&self.db, &as_of, at).await?;
        Ok(AsOf { now: point.time, at: Some(point), ..as_of })
    }
}

/// How far the ledger is, and what time it is for it.
#[derive(Debug, Clone, Copy)]
pub struct AsOf {
    /// The last block in the ledger; `None` before the first.
    pub checkpoint: Option<Checkpoint>,
    /// The chain's head as last seen.
    pub head: Option<u64>,
    /// Unix seconds.
    pub now: u64,
    /// The moment in the past that is asked for; `None`: now.
    pub at: Option<Point>,
}

impl AsOf {
    /// Blocks that the ledger is behind; `None` before the first.
    pub fn lag(&self) -> Option<u64> {
        self.checkpoint.map(|checkpoint| self.head.unwrap_or_default().saturating_sub(checkpoint.number))
    }

    /// The moment in the past, as queries take it.
    pub fn past(&self) -> Option<Past> {
        self.at.map(|at| at.past())
    }

    /// How far the chain is to be relied on, now; `None` before the first block.
    pub fn settled(&self) -> Option<Settled> {
        self.checkpoint.map(|checkpoint| checkpoint.settled())
    }
}

/// The one place where this crate reads the wall clock.
fn wall_clock() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_secs())
}
