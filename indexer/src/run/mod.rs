//! Following a chain: backfill to what is final, then block by block, back where the chain turns.

mod ask;
mod assemble;
mod backfill;
mod config;
mod error;
mod fetch;
mod follow;
mod metrics;
mod plan;
mod rhythm;
mod safe;
mod share;
mod status;
mod tail;
mod turn;
mod width;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bursar_sdk::clock::Clock;
use futures::{FutureExt as _, future::BoxFuture};
use tokio::sync::{Notify, watch};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

pub use config::Config;
pub use error::IndexerError;
pub use fetch::{Fetched, fetch};
pub use metrics::Metrics;
pub use status::{Phase, Status, reached};
pub use turn::Turns;

use crate::{
    source::{Calls, Sources},
    store::Store,
};
use follow::{Follower, Step, Trouble};
use rhythm::Rhythm;
use share::Helper;
use tail::{Tail, Tally, Told};
use turn::Turn;

/// Follows one chain into one store.
pub struct Indexer {
    config: Config,
    sources: Sources,
    store: Store,
    status: watch::Sender<Status>,
    wake: Arc<Notify>,
    turns: Turns,
    heard: Tally,
}

impl std::fmt::Debug for Indexer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Indexer").field("config", &self.config).finish_non_exhaustive()
    }
}

impl Indexer {
    /// An indexer that has not started yet.
    pub fn new(config: Config, sources: impl Into<Sources>, store: Store) -> Self {
        Self {
            config,
            sources: sources.into(),
            store,
            status: watch::Sender::new(Status::default()),
            wake: Arc::new(Notify::new()),
            turns: Turns::default(),
            heard: Tally::default(),
        }
    }

    /// The same in a process that follows other chains, too; all of them share `turns`.
    #[must_use]
    pub fn with_turns(mut self, turns: &Turns) -> Self {
        self.turns = turns.clone();
        self
    }

    /// How it is doing, as it changes.
    pub fn subscribe(&self) -> watch::Receiver<Status> {
        self.status.subscribe()
    }

    /// Notify this to have the chain looked at now rather than at the next poll.
    pub fn waker(&self) -> Arc<Notify> {
        Arc::clone(&self.wake)
    }

    /// What it says of itself, for Prometheus. `clock` tells how many seconds it is behind.
    pub fn metrics(&self, clock: Clock) -> Metrics {
        let (status, sources, store) = (self.status.subscribe(), self.sources.clone(), self.store.clone());
        Metrics { status, sources, store, clock, heard: self.heard.clone() }
    }

    /// How often the chain's endpoints were asked so far, and how often they failed.
    pub fn calls(&self) -> Calls {
        self.sources.calls()
    }

    /// Follows the chain until `cancel`. Stopping loses nothing: each transaction holds its own checkpoint.
    ///
    /// A provider that is down, slow, behind or wrong is said so, waited for, and asked again. Where there is a lease
    /// ([`Config::lease`]), it is waited for first, and again where it is lost.
    ///
    /// # Errors
    /// When going on could only make the ledger wrong: another chain or factory, a factory without code, a
    /// store that is another's or broken, a reorg beyond finality.
    pub fn run(&self, cancel: CancellationToken) -> BoxFuture<'_, Result<(), IndexerError>> {
        // As its type ends here, all of it is compiled with this crate, and not once more with each binary that runs it.
        async move {
            let outcome = match self.config.lease {
                None => self.work(&cancel).await,
                Some(life) => self.take_turns(life, &cancel).await,
            };
            self.status.send_modify(|status| status.stopped(outcome.as_ref().err()));
            outcome
        }
        .boxed()
    }

    async fn take_turns(&self, life: Duration, cancel: &CancellationToken) -> Result<(), IndexerError> {
        let turn = Turn::new(&self.store, life, &self.turns);
        loop {
            let (helper, stands_by) =
                (Helper::new(&self.config, &self.sources, &self.store, life), Notify::new());
            let waits = || {
                stands_by.notify_one();
                self.status.send_if_modified(|status| {
                    std::mem::replace(&mut status.phase, Phase::Standby) != Phase::Standby
                });
            };
            let held = tokio::select! {
                biased;
                () = cancel.cancelled() => None,
                held = turn.comes(waits) => Some(held),
                never = helper.helps(&stands_by) => match never {},
            };
            helper.leaves().await;
            let Some(_held) = held else { return Ok(()) };
            tokio::select! {
                outcome = self.work(cancel) => {
                    turn.ends().await;
                    return outcome;
                }
                // What is under way is dropped with its transaction: the next one has begun already.
                () = turn.is_over() => tracing::warn!("another indexer follows the chain: waiting"),
            }
        }
    }

    async fn work(&self, cancel: &CancellationToken) -> Result<(), IndexerError> {
        let told = Told::default();
        // It ends with this: what it has under way is a statement that stands alone.
        let tail = AbortOnDropHandle::new(tokio::spawn(self.tail(&told).run()));
        let outcome = self.follow(&told, cancel).await;
        if let Err(error) = &outcome {
            tail.abort();
            // Either it has ended by itself or it was told to: there is no more to know of it.
            drop(tail.await);
            self.unhear(error).await;
        }
        outcome
    }

    /// Nobody follows any more what was heard, by this indexer or by one before it.
    async fn unhear(&self, error: &IndexerError) {
        // Another's store is none of ours.
        if !error.is_of_another()
            && let Err(error) = self.store.unhear().await
        {
            tracing::warn!(%error, "letting go of what was heard");
        }
    }

    async fn follow(&self, told: &Told, cancel: &CancellationToken) -> Result<(), IndexerError> {
        let mut follower = Follower::new(&self.config, self.sources.clone(), &self.store, &self.status, told);
        let (mut pauses, mut rhythm) = (self.config.pauses(), Rhythm::default());
        loop {
            let step = tokio::select! {
                biased;
                () = cancel.cancelled() => return Ok(()),
                step = follower.step() => step,
            };
            let (pause, hears) = match step {
                Ok(Step::Advanced) => {
                    pauses = self.config.pauses();
                    rhythm.seen();
                    continue;
                }
                Ok(Step::CaughtUp) => {
                    pauses = self.config.pauses();
                    (rhythm.pause(self.config.poll, self.config.max_delay), true)
                }
                Err(Trouble::Fatal(error)) => return Err(error),
                Err(Trouble::Waits(error)) => {
                    let pause = pauses.next().unwrap_or(self.config.max_delay);
                    let pause = pause.max(error.asks_for_a_pause().min(self.config.max_delay));
                    tracing::warn!(%error, ?pause, "waiting for the chain");
                    self.status.send_modify(|status| status.trouble(&error));
                    (pause, false)
                }
            };
            tokio::select! {
                () = cancel.cancelled() => return Ok(()),
                () = self.wake.notified() => {}
                () = self.sources.news(), if hears => rhythm.told(Instant::now()),
                () = tokio::time::sleep(pause) => rhythm.missed(),
            }
        }
    }

    fn tail(&self, told: &Told) -> Tail {
        Tail {
            config: self.config.clone(),
            // What it asks for in vain is no reason to ask others first for the ledger.
            sources: self.sources.apart(),
            store: self.store.clone(),
            status: self.status.subscribe(),
            told: told.subscribe(),
            tally: self.heard.clone(),
        }
    }
}
