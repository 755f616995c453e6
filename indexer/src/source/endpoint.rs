//! One endpoint among several: whether it is the chain's, and how it has been doing.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{sync::OnceCell, time::Instant};

use super::{Source, SourceError};

/// After its first failure; doubles with each one more.
const REST: Duration = Duration::from_secs(1);
/// Most doublings: a minute.
const MOST_STRIKES: u32 = 6;

#[derive(Debug, Clone, Copy, Default)]
struct Health {
    strikes: u32,
    rests_until: Option<Instant>,
}

pub(super) struct Endpoint {
    pub(super) source: Arc<dyn Source>,
    /// Which node this is a way to: all ways to one have one voice.
    pub(super) voter: usize,
    serves: Arc<OnceCell<u64>>,
    health: Mutex<Health>,
}

impl Endpoint {
    pub(super) fn new(source: Arc<dyn Source>, voter: usize) -> Self {
        Self { source, voter, serves: Arc::default(), health: Mutex::default() }
    }

    /// The same, which has done nothing wrong yet.
    pub(super) fn apart(&self) -> Self {
        let (source, serves) = (Arc::clone(&self.source), Arc::clone(&self.serves));
        Self { source, voter: self.voter, serves, health: Mutex::default() }
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
        self.health().rests_until.filter(|until| *until > now)
    }

    pub(super) fn did_well(&self) {
        *self.health() = Health::default();
    }

    /// Others are asked first for a while; for longer each time, and for no less than it asks for, up to what is longest.
    pub(super) fn failed(&self, pause: Option<Duration>) {
        let mut health = self.health();
        let asked = pause.unwrap_or_default().min(REST * 2u32.pow(MOST_STRIKES));
        health.rests_until = Some(Instant::now() + asked.max(REST * 2u32.pow(health.strikes)));
        health.strikes = (health.strikes + 1).min(MOST_STRIKES);
    }

    fn health(&self) -> std::sync::MutexGuard<'_, Health> {
        self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{RpcConfig, RpcSource};

    #[tokio::test(start_paused = true)]
    async fn rests_for_as_long_as_it_asks_for_but_not_for_ever() {
        let url = "http://localhost".parse().expect("an address");
        let endpoint = Endpoint::new(Arc::new(RpcSource::new(url, RpcConfig::default())), 0);
        let now = Instant::now();
        let rests = |pause: Option<u64>| {
            endpoint.failed(pause.map(Duration::from_secs));
            endpoint.rests_until(now).map(|until| (until - now).as_secs())
        };
        assert_eq!(rests(None), Some(1));
        assert_eq!(rests(Some(30)), Some(30));
        assert_eq!(rests(Some(1)), Some(4), "no less than what it has earned");
        assert_eq!(rests(Some(86_400)), Some(64));
    }
}
