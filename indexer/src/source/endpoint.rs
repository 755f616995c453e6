//! One endpoint among several: whether it is the chain's, and how it has been doing.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use tokio::sync::OnceCell;

use super::{Source, SourceError, health::Health};

pub(super) struct Endpoint {
    pub(super) source: Arc<dyn Source>,
    /// Which node this is a way to: all ways to one have one voice.
    pub(super) voter: usize,
    /// Its place among all.
    pub(super) place: usize,
    serves: Arc<OnceCell<u64>>,
    health: Mutex<Health>,
}

impl Endpoint {
    pub(super) fn new(source: Arc<dyn Source>, voter: usize, place: usize) -> Self {
        Self { source, voter, place, serves: Arc::default(), health: Mutex::default() }
    }

    /// The same, which has done nothing wrong yet.
    pub(super) fn apart(&self) -> Self {
        let (source, serves) = (Arc::clone(&self.source), Arc::clone(&self.serves));
        Self { source, serves, health: Mutex::default(), ..*self }
    }

    /// Asks it once which chain it serves, before anything it says is believed.
    pub(super) async fn serves(&self, expected: u64) -> Result<(), SourceError> {
        match *self.serves.get_or_try_init(|| self.source.chain_id()).await? {
            got if got != expected => Err(SourceError::OtherChain { expected, got }),
            _ => Ok(()),
        }
    }

    /// When it may be asked again without a better choice; `None`: now.
    pub(super) fn rests_until(&self, now: Instant) -> Option<Instant> {
        self.health().rests_until(now)
    }

    /// See [`Health::did_well`].
    pub(super) fn did_well(&self) {
        self.health().did_well(Instant::now());
    }

    /// See [`Health::failed`].
    pub(super) fn failed(&self, pause: Option<Duration>) {
        self.health().failed(Instant::now(), pause);
    }

    /// See [`Health::lied`].
    pub(super) fn lied(&self) {
        self.health().lied(Instant::now());
    }

    fn health(&self) -> std::sync::MutexGuard<'_, Health> {
        self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
