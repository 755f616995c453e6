//! One step at a time: begin, catch up with what is final, take the next block, or go back.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use alloy::primitives::B256;
use tokio::sync::watch;

use super::{Config, IndexerError, Phase, Status, fetch, tail::Told, width::Width};
use crate::{
    db::DbError,
    ledger::WatchList,
    query::checkpoint::Settled,
    source::{BlockHeader, Blocks, Given, Givers, Nonsense, SourceError, Sources},
    store::{ApplyError, Batch, Checkpoint, Store, StoreError, Watch},
};

/// How often a reorg beyond finality has to show before it is believed: one wrong answer must not stop us.
const DEEP_STRIKES: u32 = 3;

/// How often in a row the ledger may not be where it was left: a database that was killed may have lost what it had not yet
/// written to its disk, or have kept what it could no longer say. More than that is somebody else at work.
const MOVED_STRIKES: u32 = 3;

/// Every so many blocks at the head, a file's write-ahead log is emptied while nobody waits for it: well before it is so long that
/// a commit has to, and seldom enough that a page that all of them change goes to its place once.
const EMPTY_WAL_EVERY: u64 = 16;

/// What a step came to.
pub(super) enum Step {
    /// The ledger has moved; there may be more.
    Advanced,
    /// The ledger is at the head.
    CaughtUp,
}

/// What kept a step from its end. The ledger is as it was.
pub(super) enum Trouble {
    /// May pass: wait and try again.
    Waits(Recoverable),
    /// Will not pass.
    Fatal(IndexerError),
}

/// What may pass.
#[derive(Debug, thiserror::Error)]
pub(super) enum Recoverable {
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error("the provider is behind: its head is {head}, the ledger is at {indexed}")]
    Behind { head: u64, indexed: u64 },
    #[error("the chain has not reached block {start}, where the ledger starts: its head is {head}")]
    TooEarly { head: u64, start: u64 },
    #[error(transparent)]
    Apply(ApplyError),
    #[error(transparent)]
    Store(StoreError),
}

impl Recoverable {
    /// For how long a provider says that it is not to be asked.
    pub(super) fn asks_for_a_pause(&self) -> Duration {
        if let Self::Source(error) = self {
            error.asks_for_a_pause().unwrap_or_default()
        } else {
            Duration::ZERO
        }
    }
}

impl From<SourceError> for Trouble {
    fn from(error: SourceError) -> Self {
        match error {
            SourceError::OtherChain { expected, got } => {
                Self::Fatal(IndexerError::WrongChain { expected, got })
            }
            error => Self::Waits(error.into()),
        }
    }
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        match error {
            // A busy or full disk may pass; what does not read will not.
            StoreError::Db(DbError::Driver(_)) => Self::Waits(Recoverable::Store(error)),
            error => Self::Fatal(error.into()),
        }
    }
}

impl From<ApplyError> for Trouble {
    fn from(error: ApplyError) -> Self {
        match error {
            ApplyError::Store(error) => error.into(),
            error @ (ApplyError::Gap(_) | ApplyError::Listed { .. }) => {
                Self::Waits(Recoverable::Apply(error))
            }
            error => Self::Fatal(IndexerError::Apply(error)),
        }
    }
}

pub(super) struct Follower<'a> {
    pub(super) config: &'a Config,
    pub(super) sources: Sources,
    pub(super) store: &'a Store,
    pub(super) status: &'a watch::Sender<Status>,
    /// Who hears the head meanwhile.
    pub(super) told: &'a Told,
    checked: bool,
    /// Whether all indexes are there.
    indexed: bool,
    pub(super) watch: Option<Watch>,
    /// Read together with [`Self::watch`].
    pub(super) list: Arc<WatchList>,
    pub(super) width: Width,
    /// The last block of what other indexers have fetched and no commit has confirmed.
    pub(super) unproven: Option<u64>,
    /// Up to here the chain is asked without the help of others: what they had fetched did not go in.
    pub(super) alone_to: u64,
    deep_strikes: u32,
    moved_strikes: u32,
    /// The last block that a quorum has confirmed.
    agreed: u64,
    /// When this step began, where traces want to know.
    began: Option<SystemTime>,
}

/// Refuses nodes of another chain, or one without the factory.
pub(super) async fn check(sources: &Sources, config: &Config) -> Result<(), Trouble> {
    let (chain_id, address) = (config.chain_id, config.factory);
    sources.expect(chain_id).await?;
    if !sources.has_code(address).await? {
        return Err(Trouble::Fatal(IndexerError::NoCode { address, chain_id }));
    }
    Ok(())
}

impl<'a> Follower<'a> {
    pub(super) fn new(
        config: &'a Config,
        sources: Sources,
        store: &'a Store,
        status: &'a watch::Sender<Status>,
        told: &'a Told,
    ) -> Self {
        let width = Width::new(config.max_range, config.max_logs);
        let (checked, indexed, watch, list) = (false, false, None, Arc::default());
        let (deep_strikes, moved_strikes, agreed) = (0, 0, 0);
        Self {
            config,
            sources,
            store,
            status,
            told,
            checked,
            indexed,
            watch,
            list,
            width,
            unproven: None,
            alone_to: 0,
            deep_strikes,
            moved_strikes,
            agreed,
            began: None,
        }
    }

    pub(super) async fn step(&mut self) -> Result<Step, Trouble> {
        if !self.checked {
            self.check().await?;
            self.checked = true;
        }
        self.began = self.config.traces.then(SystemTime::now);
        let at = self.store.checkpoint().await?;
        let told = self.sources.head_beyond(at.as_ref().map(|at| at.hash)).await?;
        let head = told.what;
        let Some(at) = at else { return self.begin(head).await };
        self.status.send_if_modified(|status| {
            let news = status.head != Some(head.number) || status.indexed.is_none();
            status.head = Some(head.number);
            status.indexed.get_or_insert(at.number);
            news
        });
        if head.hash == at.hash {
            self.complete_indexes().await?;
            self.told.caught_up();
            self.settled(&at, Phase::Following);
            return Ok(Step::CaughtUp);
        }
        if head.number <= at.number {
            return self.look_behind(told, at).await;
        }
        if self.config.tail_blocks > 0 && head.number - at.number > self.config.max_range {
            self.is_far_behind().await?;
        }
        let due = self.due(head).await?;
        if at.number < due {
            return self.backfill(head, due, at).await;
        }
        self.complete_indexes().await?;
        self.follow(told, due, at).await
    }

    /// Has the head heard meanwhile, whether the way there is final or not.
    async fn is_far_behind(&mut self) -> Result<(), StoreError> {
        if !self.told.is_far_behind() {
            let watch = Arc::new(self.watching().await?);
            self.told.far_behind(&watch, &self.list);
            self.watch = Some(Arc::unwrap_or_clone(watch));
        }
        Ok(())
    }

    /// Builds what a long backfill left for its end.
    async fn complete_indexes(&mut self) -> Result<(), Trouble> {
        if !self.indexed {
            self.store.complete_indexes().await?;
            self.indexed = true;
        }
        Ok(())
    }

    /// The last block that may count as final at this head.
    async fn due(&self, head: BlockHeader) -> Result<u64, Trouble> {
        Ok(match self.config.final_at {
            None => head.number.saturating_sub(self.config.finality),
            // A node that is ahead of the one that told of the head knows more than we ask for.
            Some(which) => self.sources.height(which).await?.min(head.number),
        })
    }

    /// Refuses what could only make the ledger wrong.
    async fn check(&self) -> Result<(), Trouble> {
        check(&self.sources, self.config).await?;
        self.store.claim(self.config.chain_id, self.config.factory).await?;
        // What an earlier indexer heard and did not live to see in the ledger: nobody follows it any more.
        Ok(self.store.unhear().await?)
    }

    async fn begin(&mut self, head: BlockHeader) -> Result<Step, Trouble> {
        let before = self.config.start_block.saturating_sub(1);
        if before > head.number {
            let (head, start) = (head.number, self.config.start_block);
            return Err(Trouble::Waits(Recoverable::TooEarly { head, start }));
        }
        let tip = self.sources.header(before).await?.what;
        if head.number - before > self.config.max_range {
            self.store.defer_indexes().await?;
            self.indexed = false;
        }
        self.list = Arc::new(self.store.watch_list().await?);
        self.apply(None, &[], tip, head.number, Settled::at(tip.number), Phase::Backfilling).await
    }

    /// The head is not after the ledger: a node that lags, or a chain that turned.
    async fn look_behind(&mut self, told: Given<BlockHeader>, at: Checkpoint) -> Result<Step, Trouble> {
        let head = told.what;
        let ours = self.store.block(head.number).await?;
        if head.number < at.final_number || ours.is_some_and(|ours| ours.hash == head.hash) {
            return Err(Trouble::Waits(Recoverable::Behind { head: head.number, indexed: at.number }));
        }
        self.go_back(head.number, at, &told.by).await
    }

    async fn follow(&mut self, told: Given<BlockHeader>, due: u64, at: Checkpoint) -> Result<Step, Trouble> {
        let (head, number) = (told.what, at.number.saturating_add(1));
        let told = if head.number == number { told } else { self.sources.header(number).await? };
        let next = told.what;
        if next.parent_hash != Some(at.hash) {
            return self.go_back(at.number, at, &told.by).await;
        }
        let mut watch = self.watching().await?;
        let blocks = Blocks::Hash(next.hash);
        let fetched = fetch(&self.sources, self.config, &self.list, &watch, blocks, Some(next));
        let (fetched, safe_number) = tokio::join!(fetched, self.safe_number(head, next));
        let (fetched, safe_number) = (fetched?, safe_number?);
        let settled = Settled { safe_number, final_number: self.final_number(due).await? };
        let step =
            self.apply(Some(at.hash), &fetched.facts, next, head.number, settled, Phase::Following).await?;
        if watch.add(&fetched.found) {
            self.told.learns(&watch, &self.list);
        }
        self.watch = Some(watch);
        if next.number.is_multiple_of(EMPTY_WAL_EVERY) {
            self.store.empty_wal().await;
        }
        Ok(step)
    }

    /// The last block that no reorg may take back: deep enough, and the same with a quorum where one is asked for.
    /// That one is asked a few times within the depth of finality, rather than for every block.
    async fn final_number(&mut self, due: u64) -> Result<u64, Trouble> {
        if !self.sources.has_quorum() {
            return Ok(due);
        }
        if due >= self.agreed.saturating_add((self.config.finality / 4).max(1))
            && let Some(ours) = self.store.block(due).await?
        {
            // Without that nothing is final meanwhile; the ledger goes on.
            match self.sources.header(due).await.map(|theirs| theirs.what) {
                Ok(theirs) if theirs.hash == ours.hash => self.agreed = due,
                Ok(BlockHeader { hash: theirs, .. }) => {
                    tracing::warn!(block = due, ours = %ours.hash, %theirs, "what should be final is not the ledger's");
                }
                Err(error) => tracing::warn!(%error, block = due, "no quorum for what should be final"),
            }
        }
        Ok(self.agreed)
    }

    /// Walks back to the last block that chain and ledger share, and unwinds to it. `by` say that the chain has turned.
    pub(super) async fn go_back(&mut self, from: u64, at: Checkpoint, by: &Givers) -> Result<Step, Trouble> {
        let mut number = from;
        let fork = loop {
            let ours = self.store.block(number).await?.map(|ours| ours.hash);
            let theirs = self.sources.header(number).await?.what.hash;
            if ours == Some(theirs) {
                break number;
            }
            if number <= at.final_number {
                return self.too_deep(number, at.final_number);
            }
            number -= 1;
        };
        if fork == at.number {
            return Err(self.sources.not_believed(Nonsense::FalseParent(fork), by).into());
        }
        let was_safe = fork < at.safe_number;
        if was_safe {
            let safe = at.safe_number;
            tracing::warn!(
                from = at.number,
                safe,
                to = fork,
                "the chain turned below what was safe: unwinding"
            );
        } else {
            tracing::warn!(from = at.number, to = fork, "the chain turned: unwinding");
        }
        // Whom to watch is read again: unwinding may have taken some away.
        self.watch = None;
        let now = self.store.unwind(fork).await?;
        self.status.send_modify(|status| {
            status.reorgs = status.reorgs.saturating_add(1);
            status.safe_reorgs = status.safe_reorgs.saturating_add(u64::from(was_safe));
        });
        self.settled(&now, Phase::Following);
        Ok(Step::Advanced)
    }

    fn too_deep(&mut self, to: u64, final_number: u64) -> Result<Step, Trouble> {
        self.deep_strikes = self.deep_strikes.saturating_add(1);
        let error = ApplyError::TooDeep { final_number, to };
        if self.deep_strikes >= DEEP_STRIKES {
            return Err(Trouble::Fatal(IndexerError::Apply(error)));
        }
        Err(Trouble::Waits(Recoverable::Apply(error)))
    }

    pub(super) async fn apply(
        &mut self,
        after: Option<B256>,
        blocks: &[crate::ledger::BlockFacts],
        tip: BlockHeader,
        head: u64,
        settled: Settled,
        phase: Phase,
    ) -> Result<Step, Trouble> {
        // Until this succeeds, whom to watch is what the ledger says.
        self.watch = None;
        let Config { write_from, partition_blocks, .. } = *self.config;
        // What is read long after it happened is no part of anybody's trace.
        let seen = self.began.filter(|_| phase == Phase::Following);
        let list = &self.list;
        let batch = Batch { after, list, blocks, tip, head, settled, write_from, partition_blocks, seen };
        let at = self.applied(self.store.apply(self.config.realm(), batch).await)?;
        self.settled(&at, phase);
        Ok(Step::Advanced)
    }

    /// What applying came to, where somebody else may be at work.
    pub(super) fn applied<T>(&mut self, outcome: Result<T, ApplyError>) -> Result<T, Trouble> {
        match outcome {
            Err(error @ ApplyError::Moved { .. }) if self.moved_strikes < MOVED_STRIKES => {
                self.moved_strikes += 1;
                Err(Trouble::Waits(Recoverable::Apply(error)))
            }
            outcome => {
                let outcome = outcome?;
                (self.deep_strikes, self.moved_strikes) = (0, 0);
                Ok(outcome)
            }
        }
    }

    pub(super) fn settled(&self, at: &Checkpoint, phase: Phase) {
        self.status.send_if_modified(|status| {
            let mut next = status.clone();
            next.phase = phase;
            next.indexed = Some(at.number);
            next.indexed_hash = at.hash;
            next.indexed_at = Some(at.timestamp);
            next.final_number = at.final_number.max(status.final_number);
            next.safe_number = at.safe_number.max(next.final_number);
            next.error = None;
            let news = next != *status;
            *status = next;
            news
        });
    }

    pub(super) async fn watching(&mut self) -> Result<Watch, StoreError> {
        match self.watch.take() {
            Some(watch) => Ok(watch),
            None => {
                self.list = Arc::new(self.store.watch_list().await?);
                let watch = self.store.watch().await?;
                self.told.learns(&watch, &self.list);
                Ok(watch)
            }
        }
    }
}
