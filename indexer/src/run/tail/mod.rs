//! What happens at the head while the ledger is far behind it: heard beside a backfill, and kept in a table of its own until the
//! ledger gets there ([`crate::query::heard`]).
//!
//! A tail never stops or slows the ledger. It writes statement by statement, says what goes wrong and tries again; what is a
//! reason to stop, the follower says.

mod kept;
mod listen;
mod told;

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use tokio::sync::watch;

pub(super) use told::Told;

use super::{Config, Status};
use crate::{source::Sources, store::Store};
use listen::{Listener, Step};
use told::Whom;

/// How much was heard, since this indexer began.
#[derive(Debug, Clone, Default)]
pub(super) struct Tally(Arc<(AtomicU64, AtomicU64)>);

impl Tally {
    fn block(&self, payments: usize) {
        self.0.0.fetch_add(1, Ordering::Relaxed);
        self.0.1.fetch_add(u64::try_from(payments).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    pub(super) fn blocks(&self) -> u64 {
        self.0.0.load(Ordering::Relaxed)
    }

    pub(super) fn payments(&self) -> u64 {
        self.0.1.load(Ordering::Relaxed)
    }
}

/// Hears the head whenever the follower says that it is far behind.
pub(super) struct Tail {
    pub(super) config: Config,
    pub(super) sources: Sources,
    pub(super) store: Store,
    pub(super) status: watch::Receiver<Status>,
    pub(super) told: watch::Receiver<Option<Whom>>,
    pub(super) tally: Tally,
}

impl Tail {
    /// Works until nobody tells it anything any more.
    pub(super) async fn run(mut self) {
        while self.told.wait_for(Option::is_some).await.is_ok() {
            let top = self.listen().await;
            self.hand_over(top).await;
        }
    }

    /// Listens until the ledger is at the head; gives the last block that was heard.
    async fn listen(&mut self) -> Option<u64> {
        let Self { config, sources, store, status, told, tally } = self;
        let mut listener = Listener::new(config, sources, store, status, tally);
        let mut pauses = config.pauses();
        loop {
            let Some(whom) = told.borrow_and_update().clone() else { break };
            let pause = match listener.step(&whom).await {
                Ok(Step::Heard) => {
                    pauses = config.pauses();
                    continue;
                }
                Ok(Step::AtHead) => {
                    pauses = config.pauses();
                    config.poll
                }
                Err(error) => {
                    let pause = pauses.next().unwrap_or(config.max_delay);
                    tracing::warn!(%error, ?pause, "the head is not heard");
                    pause
                }
            };
            // Whom else to listen for is no reason to ask sooner: a ledger that catches up says so all the time.
            tokio::select! {
                stops = told.wait_for(Option::is_none) => if stops.is_err() { break },
                () = tokio::time::sleep(pause) => {}
            }
        }
        listener.top()
    }

    /// Waits until the ledger has come to the last block that was heard, and leaves nothing behind. Until then its own
    /// transactions take over block by block, so that nothing is gone before it is in the ledger.
    async fn hand_over(&mut self, top: Option<u64>) {
        let Some(top) = top else { return };
        let arrived = |status: &Status| status.indexed.is_some_and(|indexed| indexed >= top);
        tokio::select! {
            arrived = self.status.wait_for(arrived) => drop(arrived),
            // Far behind again: it begins anew.
            again = self.told.wait_for(Option::is_some) => {
                drop(again);
                return;
            }
        }
        if let Err(error) = self.store.unhear().await {
            tracing::warn!(%error, "letting go of what was heard");
        }
    }
}
