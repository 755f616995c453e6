//! Whose turn it is: an indexer that shares its store with others works while it holds the lease, and waits otherwise.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use alloy::primitives::B256;
use tokio::sync::Mutex;

use crate::store::Store;

/// Renewed so often within its life: two failures in a row lose nothing.
pub(super) const RENEWALS: u32 = 4;

/// The turns that one process has, of all the chains it follows: the more they are, the longer it leaves the next one to
/// processes that have fewer. So several of them divide the chains among themselves. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Turns {
    held: Arc<AtomicU32>,
    /// Asked for one after the other: of two at once neither would count for the other.
    asking: Arc<Mutex<()>>,
}

impl Turns {
    fn held(&self) -> u32 {
        self.held.load(Ordering::SeqCst)
    }
}

/// A turn that has come; it counts until this is dropped.
pub(super) struct Held(Arc<AtomicU32>);

impl Held {
    fn one_more(turns: &Turns) -> Self {
        turns.held.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(&turns.held))
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// One indexer's claim.
#[derive(Debug)]
pub(super) struct Turn<'a> {
    store: &'a Store,
    life: Duration,
    holder: B256,
    turns: &'a Turns,
}

impl<'a> Turn<'a> {
    pub(super) fn new(store: &'a Store, life: Duration, turns: &'a Turns) -> Self {
        Self { store, life, holder: B256::random(), turns }
    }

    /// Waits until it is this indexer's turn. `waits` is told each time that it is not.
    pub(super) async fn comes(&self, mut waits: impl FnMut()) -> Held {
        let mut began = tokio::time::Instant::now();
        loop {
            let held = self.turns.held();
            // No longer than a lease lives: whoever has many would else leave one that nobody wants for too long.
            tokio::time::sleep_until(began + self.pause() * held.min(RENEWALS)).await;
            let asking = self.turns.asking.lock().await;
            if self.turns.held() > held {
                // Another chain's turn has come meanwhile: there is longer to wait.
                continue;
            }
            match self.store.take_lease(self.holder, self.life).await {
                Ok(true) => return Held::one_more(self.turns),
                Ok(false) => waits(),
                Err(error) => tracing::warn!(%error, "asking whose turn it is"),
            }
            drop(asking);
            tokio::time::sleep(self.pause()).await;
            began = tokio::time::Instant::now();
        }
    }

    /// Keeps the lease until it is lost: somebody else has it, or the database was away for as long as it lives.
    pub(super) async fn is_over(&self) {
        let mut renewed = Instant::now();
        loop {
            tokio::time::sleep(self.pause()).await;
            let asked = Instant::now();
            match self.store.take_lease(self.holder, self.life).await {
                Ok(true) => renewed = asked,
                Ok(false) => return,
                Err(error) => {
                    tracing::warn!(%error, "renewing the lease");
                    if renewed.elapsed() >= self.life {
                        return;
                    }
                }
            }
        }
    }

    /// Lets the next one in.
    pub(super) async fn ends(&self) {
        if let Err(error) = self.store.give_back_lease(self.holder).await {
            tracing::warn!(%error, "giving the lease back");
        }
    }

    fn pause(&self) -> Duration {
        (self.life / RENEWALS).max(Duration::from_millis(5))
    }
}
