//! What the one whose turn it is does: offers ranges, and takes what others have fetched of them.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use alloy::primitives::B256;
use tokio::{sync::oneshot, time::Instant};
use tokio_util::task::AbortOnDropHandle;

use super::{
    body::{self, BodyError},
    wire::Question,
};
use crate::{
    run::{
        ask::{Ahead, Answer, Asking},
        fetch::Fetched,
        turn::RENEWALS,
    },
    source::SourceError,
    store::{BlockRange, Store, StoreError, Taken, Watch},
};

/// How often it looks whether anybody stands by, at least.
const LOOKS: Duration = Duration::from_secs(1);
/// How soon a range is looked at again that somebody is at; doubles.
const FIRST_LOOK: Duration = Duration::from_millis(5);
/// And how late at most.
const LAST_LOOK: Duration = Duration::from_millis(80);
/// So many lives of a claim are waited for: whoever is at a range for longer has a node that does not answer.
const LIVES: u32 = 6;

/// Why what others have fetched of a range is not used.
#[derive(Debug, thiserror::Error)]
enum NotUsed {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Body(#[from] BodyError),
    /// Our node could not be asked whether it is of its chain.
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error("expected what block {number} ({expected}) holds, got what is of {got}")]
    OtherChain { number: u64, expected: B256, got: B256 },
}

/// One backfill that is shared with whoever stands by.
pub(in crate::run) struct Lead {
    sharing: Sharing,
    shared: usize,
    /// Whether anybody stands by who would help.
    helped: Arc<AtomicBool>,
    /// Whether one of them has kept this waiting.
    slow: Arc<AtomicBool>,
    _looking: AbortOnDropHandle<()>,
}

#[derive(Clone)]
struct Sharing {
    store: Store,
    asking: Asking,
    life: Duration,
    slow: Arc<AtomicBool>,
}

impl Lead {
    /// Begins to share what comes after block `after` and up to `last`. Gives what others have fetched of it already, or are at;
    /// `None` where there is nobody to share with: another kind of store, or no lease.
    pub(in crate::run) async fn begin(
        store: &Store,
        asking: &Asking,
        after: u64,
        last: u64,
    ) -> Option<(Self, Vec<BlockRange>)> {
        let life = asking.config.lease.filter(|_| store.divides_ranges())?;
        let revision = asking.list.revision();
        let kept = store.keep_ranges(after, last, revision).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "reading what other indexers have fetched");
            Vec::new()
        });
        let is_helped = async |store: &Store| {
            store.is_helped().await.unwrap_or_else(|error| {
                tracing::warn!(%error, "asking who stands by");
                false
            })
        };
        let helped = Arc::new(AtomicBool::new(is_helped(store).await));
        let looking = {
            let (store, helped) = (store.clone(), Arc::clone(&helped));
            tokio::spawn(async move {
                loop {
                    tokio::time::sleep(LOOKS.min(life / RENEWALS)).await;
                    helped.store(is_helped(&store).await, Ordering::Relaxed);
                }
            })
        };
        let slow = Arc::new(AtomicBool::default());
        let sharing = Sharing { store: store.clone(), asking: asking.clone(), life, slow: Arc::clone(&slow) };
        let shared = asking.config.shared;
        Some((Self { sharing, shared, helped, slow, _looking: AbortOnDropHandle::new(looking) }, kept))
    }

    /// How many ranges may be offered beyond those that are asked for here: none while nobody is there to fetch them, nor after
    /// somebody was who keeps what they claim and does not fetch it.
    pub(in crate::run) fn room(&self) -> usize {
        let helped = self.helped.load(Ordering::Relaxed) && !self.slow.load(Ordering::Relaxed);
        if helped { self.shared } else { 0 }
    }

    /// Offers a range; when its turn comes, what somebody has fetched of it is taken, or else the chain is asked here.
    pub(in crate::run) fn offer(&self, range: BlockRange) -> Ahead {
        self.ahead(range, true)
    }

    /// The same for a range that is offered already.
    pub(in crate::run) fn await_kept(&self, range: BlockRange) -> Ahead {
        self.ahead(range, false)
    }

    fn ahead(&self, range: BlockRange, is_new: bool) -> Ahead {
        let (turn, comes) = oneshot::channel();
        let sharing = self.sharing.clone();
        let answer = async move {
            if is_new {
                sharing.offer(range).await;
            }
            match comes.await {
                Ok(watch) => sharing.answer(range, watch).await,
                // The backfill is over, and this is about to be aborted: what others have fetched stays.
                Err(_) => std::future::pending().await,
            }
        };
        Ahead::shared(range, turn, answer)
    }

    /// Forgets what is left of it.
    pub(in crate::run) async fn end(self) {
        if let Err(error) = self.sharing.store.clear_ranges().await {
            tracing::warn!(%error, "clearing the ranges of a backfill that is over");
        }
    }
}

impl Sharing {
    async fn offer(&self, range: BlockRange) {
        if let Err(error) = self.store.offer_range(range, self.asking.list.revision()).await {
            tracing::warn!(%error, from = range.from, to = range.to, "offering a range");
        }
    }

    async fn answer(&self, range: BlockRange, watch: Arc<Watch>) -> Answer {
        match self.take(range).await {
            Ok(Some((whom, fetched))) => {
                return Answer { whom: Arc::new(whom), fetched: Ok(fetched), is_helped: true };
            }
            Ok(None) => {}
            Err(error) => {
                let BlockRange { from, to } = range;
                tracing::warn!(%error, from, to, "not using what another indexer has fetched");
            }
        }
        self.asking.answer(range, watch).await
    }

    /// What somebody has fetched of a range, and for whom; waits for it while somebody is at it, for so long. `None` where nobody
    /// is.
    async fn take(&self, range: BlockRange) -> Result<Option<(Watch, Fetched)>, NotUsed> {
        let list = &self.asking.list;
        let mut pause = FIRST_LOOK;
        let until = Instant::now() + self.life * LIVES;
        loop {
            match self.store.take_range(range, list.revision()).await? {
                Taken::Body(bytes) => {
                    let (whom, fetched) = body::read(&bytes, Question::of(&self.asking, range), list)?;
                    self.look_at(&fetched).await?;
                    return Ok(Some((whom, fetched)));
                }
                Taken::Open | Taken::Gone => return Ok(None),
                Taken::Held(_) if Instant::now() >= until => {
                    self.slow.store(true, Ordering::Relaxed);
                    self.store.withdraw_range(range).await?;
                    let BlockRange { from, to } = range;
                    tracing::warn!(from, to, "another indexer does not come to an end with a range");
                    return Ok(None);
                }
                Taken::Held(rest) => {
                    tokio::time::sleep(pause.min(rest.max(FIRST_LOOK))).await;
                    pause = (pause * 2).min(LAST_LOOK);
                }
            }
        }
    }

    /// Whether it is of the chain that our node serves, as far as its last blocks tell: the same look that a node's answer gets.
    async fn look_at(&self, fetched: &Fetched) -> Result<(), NotUsed> {
        let sample = fetched.facts.last().map(|block| block.header);
        let sample = sample.filter(|sample| fetched.tip.is_none_or(|tip| tip.number != sample.number));
        let looks = fetched.tip.into_iter().chain(sample).map(async |told| {
            let ours = self.asking.sources.header(told.number).await?.what;
            if ours.hash == told.hash {
                return Ok(());
            }
            let (number, expected, got) = (told.number, ours.hash, told.hash);
            Err(NotUsed::OtherChain { number, expected, got })
        });
        futures::future::try_join_all(looks).await?;
        Ok(())
    }
}
