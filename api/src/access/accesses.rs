//! What was asked, on its way into the store: every access has its room before it is answered.

use std::time::Duration;

use axum::http::StatusCode;
use bursar_indexer::{Store, StoreError, query::accesses::Access};
use tokio::sync::{
    Mutex, Notify,
    mpsc::{Receiver, Sender, channel, error::TryRecvError},
};
use tokio_util::sync::CancellationToken;

use super::note::Room;
use crate::error::ApiError;

/// Most accesses that are kept in one transaction, and so named by one entry of a log.
const TOGETHER: usize = 512;

/// Accesses that are not kept yet. There is room for so many, and nothing is answered without it: what cannot be kept
/// fills it up, and then nobody is told anything.
#[derive(Debug)]
pub(crate) struct Accesses {
    sender: Sender<Access>,
    waiting: Mutex<Waiting>,
    /// That half of the room is taken.
    full: Notify,
}

#[derive(Debug)]
struct Waiting {
    receiver: Receiver<Access>,
    /// What is kept next. Stays the same until it is, so that trying again is the same again.
    next: Vec<Access>,
}

impl Accesses {
    /// With room for so many, one at least.
    pub(crate) fn new(room: usize) -> Self {
        let (sender, receiver) = channel(room.max(1));
        let waiting = Mutex::new(Waiting { receiver, next: Vec::new() });
        Self { sender, waiting, full: Notify::new() }
    }

    /// Room for one.
    ///
    /// # Errors
    /// When there is none: what was asked before is not kept yet.
    pub(super) fn room(&self) -> Result<Room, ApiError> {
        if self.sender.capacity() <= self.sender.max_capacity() / 2 {
            self.full.notify_one();
        }
        self.sender.clone().try_reserve_owned().map_err(|_| {
            tracing::error!("there is no room for the record of an access: nothing is answered");
            let message = "what is asked is recorded, and there is no room for that now; try again";
            ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "accesses_waiting", message)
        })
    }

    /// Keeps what waits; the time is in unix seconds.
    ///
    /// # Errors
    /// When the store fails: what is left waits on.
    pub(crate) async fn keep(&self, store: &Store, now: impl Fn() -> u64) -> Result<(), StoreError> {
        let mut waiting = self.waiting.lock().await;
        let Waiting { receiver, next } = &mut *waiting;
        loop {
            while next.is_empty() || next.len() < TOGETHER && !receiver.is_empty() {
                match receiver.try_recv() {
                    Ok(access) => next.push(access),
                    Err(TryRecvError::Empty | TryRecvError::Disconnected) => break,
                }
            }
            if next.is_empty() {
                return Ok(());
            }
            store.keep_accesses(next, now()).await?;
            next.clear();
        }
    }

    /// Keeps what waits again and again, until `stop`, and then once more.
    ///
    /// # Errors
    /// When the store fails that last time.
    pub(crate) async fn keep_on(
        &self,
        store: &Store,
        now: fn() -> u64,
        every: Duration,
        stop: CancellationToken,
    ) -> Result<(), Unkept> {
        let wait = || async {
            tokio::select! {
                () = tokio::time::sleep(every) => {}
                () = self.full.notified() => {}
            }
        };
        while stop.run_until_cancelled(wait()).await.is_some() {
            if let Err(error) = self.keep(store, now).await {
                tracing::warn!(error = ?error, "accesses are not kept yet");
            }
        }
        let kept = self.keep(store, now).await;
        let waiting = self.waiting.lock().await;
        let many = waiting.next.len() + waiting.receiver.len();
        kept.map_err(|source| Unkept { many, source })
    }
}

/// Accesses that could not be kept, and are lost.
#[derive(Debug, thiserror::Error)]
#[error("{many} accesses were not kept, and are in no log")]
pub struct Unkept {
    /// How many.
    pub many: usize,
    /// Why.
    pub source: StoreError,
}
