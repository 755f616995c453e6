//! What one that stands by does: claims ranges that are offered, asks the chain for them, and leaves what came of them in the
//! database.

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use alloy::primitives::B256;
use tokio::{
    sync::Notify,
    task::{JoinError, JoinSet},
};

use super::{
    body::{self, BodyError},
    wire::Question,
};
use crate::{
    run::{
        Config, IndexerError,
        ask::Asking,
        follow::{Trouble, check},
        turn::RENEWALS,
    },
    source::{SourceError, Sources},
    store::{BlockRange, Store, StoreError, Watch},
};

/// How often it looks for ranges while there are none.
const LOOKS: Duration = Duration::from_millis(250);
/// How long what the store says of whom to watch is good for: whoever takes a range asks for those that are new itself.
const FRESH: Duration = Duration::from_secs(3);

/// One that stands by.
pub(in crate::run) struct Helper<'a> {
    config: &'a Config,
    sources: &'a Sources,
    store: &'a Store,
    life: Duration,
    holder: B256,
    /// Whether it has begun.
    is_at_it: AtomicBool,
}

/// What keeps it from helping. It may pass.
#[derive(Debug, thiserror::Error)]
enum Hindered {
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Body(#[from] BodyError),
    #[error("a range was given up: {0}")]
    GivenUp(#[from] JoinError),
}

/// Whom to ask for, as the store said.
struct Knows {
    asking: Asking,
    watch: Arc<Watch>,
    since: Instant,
}

type Hands = JoinSet<Result<(), Hindered>>;

impl<'a> Helper<'a> {
    /// One that has claimed nothing yet; its claims and its offer to help live so long.
    pub(in crate::run) fn new(
        config: &'a Config,
        sources: &'a Sources,
        store: &'a Store,
        life: Duration,
    ) -> Self {
        Self { config, sources, store, life, holder: B256::random(), is_at_it: AtomicBool::default() }
    }

    /// Helps from when it hears that it `stands_by`, until it is dropped. Where it cannot, it says so once.
    pub(in crate::run) async fn helps(&self, stands_by: &Notify) -> Infallible {
        stands_by.notified().await;
        if !self.store.divides_ranges() || !self.is_fit().await {
            return std::future::pending().await;
        }
        self.is_at_it.store(true, Ordering::Relaxed);
        let (mut hands, mut knows) = (Hands::new(), None);
        let mut pauses = self.config.pauses();
        let (mut rests_until, mut renewed) = (Instant::now(), None::<Instant>);
        loop {
            let mut outcome = Ok(());
            if renewed.is_none_or(|renewed| renewed.elapsed() >= self.life / RENEWALS) {
                renewed = Some(Instant::now());
                outcome = self.offer(rests_until <= Instant::now()).await;
            }
            if outcome.is_ok() && rests_until <= Instant::now() {
                outcome = self.claim(&mut hands, &mut knows).await;
            }
            let look = tokio::time::sleep(LOOKS.min(self.life / RENEWALS));
            let done = tokio::select! {
                Some(done) = hands.join_next() => Some(done),
                () = look => None,
            };
            if outcome.is_ok()
                && let Some(done) = done
            {
                outcome = done.unwrap_or_else(|error| Err(error.into()));
                if outcome.is_ok() {
                    pauses = self.config.pauses();
                }
            }
            if let Err(error) = outcome {
                let pause = pauses.next().unwrap_or(self.config.max_delay);
                tracing::warn!(%error, ?pause, "standing by, but not helping with the backfill");
                rests_until = Instant::now() + pause;
            }
        }
    }

    /// Gives back what it has claimed, so that nobody waits for it. After its life that is over anyway.
    pub(in crate::run) async fn leaves(self) {
        if !self.is_at_it.load(Ordering::Relaxed) {
            return;
        }
        let gives = async {
            self.store.give_back_ranges(self.holder).await?;
            self.store.give_back_lease(self.holder).await
        };
        if let Ok(Err(error)) = tokio::time::timeout(self.life, gives).await {
            tracing::warn!(%error, "giving back the ranges of a backfill");
        }
    }

    /// Whether what it fetched could be of use: its nodes serve the chain, and the store is of that chain and factory.
    async fn is_fit(&self) -> bool {
        let mut pauses = self.config.pauses();
        loop {
            match self.check().await {
                Ok(true) => return true,
                // Whoever follows the chain is about to claim the store for it.
                Ok(false) => {}
                Err(Trouble::Waits(error)) => {
                    tracing::warn!(%error, "standing by, but not helping with backfills yet");
                }
                // A node that is still catching up has no code there yet.
                Err(Trouble::Fatal(error @ IndexerError::NoCode { .. })) => {
                    tracing::warn!(%error, "standing by, but not helping with backfills yet");
                }
                Err(Trouble::Fatal(error)) => {
                    tracing::warn!(%error, "standing by, and never helping with backfills");
                    return false;
                }
            }
            tokio::time::sleep(pauses.next().unwrap_or(self.config.max_delay)).await;
        }
    }

    async fn check(&self) -> Result<bool, Trouble> {
        check(self.sources, self.config).await?;
        Ok(self.store.is_of(self.config.chain_id, self.config.factory).await?)
    }

    /// Says that it is there, unless it rests.
    async fn offer(&self, is_ready: bool) -> Result<(), Hindered> {
        if is_ready {
            self.store.offer_help(self.holder, self.life).await?;
        }
        Ok(())
    }

    /// Sets free hands to ranges that are offered. While there are none, this is one question to the database.
    async fn claim(&self, hands: &mut Hands, knows: &mut Option<Knows>) -> Result<(), Hindered> {
        let free = self.config.ahead.max(1).saturating_sub(hands.len());
        if free == 0 {
            return Ok(());
        }
        let Some(revision) = self.store.offered_revision().await? else { return Ok(()) };
        let is_good =
            |known: &Knows| known.since.elapsed() < FRESH && known.asking.list.revision() == revision;
        let known = match knows.take().filter(is_good) {
            Some(known) => knows.insert(known),
            None => knows.insert(self.read().await?),
        };
        let revision = known.asking.list.revision();
        let claimed = self.store.claim_ranges(self.holder, revision, free as u64, self.life).await?;
        for range in claimed {
            let hand = Hand { store: self.store.clone(), holder: self.holder, life: self.life, range };
            let (asking, watch) = (known.asking.clone(), Arc::clone(&known.watch));
            hands.spawn(async move { hand.fetch(&asking, &watch).await });
        }
        Ok(())
    }

    async fn read(&self) -> Result<Knows, StoreError> {
        let since = Instant::now();
        let list = Arc::new(self.store.watch_list().await?);
        let watch = Arc::new(self.store.watch().await?);
        let (sources, config) = (self.sources.clone(), Arc::new(self.config.clone()));
        Ok(Knows { asking: Asking { sources, config, list }, watch, since })
    }
}

/// What is at one range that was claimed.
struct Hand {
    store: Store,
    holder: B256,
    life: Duration,
    range: BlockRange,
}

impl Hand {
    /// Asks for it, and leaves what came of it, or gives it back.
    async fn fetch(&self, asking: &Asking, watch: &Watch) -> Result<(), Hindered> {
        let Self { store, holder, range, .. } = self;
        let answer = tokio::select! {
            answer = asking.range(watch, *range) => answer,
            never = self.keeps() => match never {},
        };
        let outcome = match answer {
            Ok(fetched) => body::write(Question::of(asking, *range), watch, &fetched).map_err(Hindered::from),
            Err(error) if error.is_too_much() => {
                tracing::debug!(%error, blocks = range.blocks(), "giving a range back that is too much");
                return Ok(store.give_up_range(*holder, *range).await?);
            }
            Err(error) => Err(error.into()),
        };
        match outcome {
            Ok(body) => {
                if !store.put_range(*holder, *range, body).await? {
                    let BlockRange { from, to } = *range;
                    tracing::debug!(from, to, "nobody wants a range any more that was claimed");
                }
                Ok(())
            }
            Err(error) => {
                store.give_back_range(*holder, *range).await?;
                Err(error)
            }
        }
    }

    /// Keeps the claim for as long as somebody is at it, and no longer: whatever becomes of this, it ends after its life.
    async fn keeps(&self) -> Infallible {
        loop {
            tokio::time::sleep(self.life / RENEWALS).await;
            if let Err(error) = self.store.renew_range(self.holder, self.range, self.life).await {
                tracing::warn!(%error, "keeping a range that was claimed");
            }
        }
    }
}
