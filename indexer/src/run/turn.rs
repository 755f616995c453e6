//! Whose turn it is: an indexer that shares its store with others works while it holds the lease, and waits otherwise.

use std::time::{Duration, Instant};

use alloy::primitives::B256;

use crate::store::Store;

/// Renewed so often within its life: two failures in a row lose nothing.
const RENEWALS: u32 = 4;

/// One indexer's claim.
#[derive(Debug)]
pub(super) struct Turn<'a> {
    store: &'a Store,
    life: Duration,
    holder: B256,
}

impl<'a> Turn<'a> {
    pub(super) fn new(store: &'a Store, life: Duration) -> Self {
        Self { store, life, holder: B256::random() }
    }

    /// Waits until it is this indexer's turn. `waits` is told each time that it is not.
    pub(super) async fn comes(&self, mut waits: impl FnMut()) {
        loop {
            match self.store.take_lease(self.holder, self.life).await {
                Ok(true) => return,
                Ok(false) => waits(),
                Err(error) => tracing::warn!(%error, "asking whose turn it is"),
            }
            tokio::time::sleep(self.pause()).await;
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
