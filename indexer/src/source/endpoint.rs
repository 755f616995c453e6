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
    /// Until when it wants to be left alone, by its own word.
    asked_until: Option<Instant>,
    /// Until when good answers are no excuse: whoever says what is not true may say it of one thing only.
    suspect_until: Option<Instant>,
}

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
        self.health().rests_until.filter(|until| *until > now)
    }

    pub(super) fn did_well(&self) {
        let (mut health, now) = (self.health(), Instant::now());
        if health.suspect_until.is_none_or(|until| until <= now) {
            // This answer may have been under way when it asked for that.
            let asked_until = health.asked_until.filter(|until| *until > now);
            *health = Health { rests_until: asked_until, asked_until, ..Health::default() };
        }
    }

    /// Others are asked first for a while; for longer each time, and for no less than it asks for, up to what is longest.
    pub(super) fn failed(&self, pause: Option<Duration>) {
        self.rests(pause);
    }

    /// What it said was not true: the same, and for as long again what it answers is no reason to forget it.
    pub(super) fn lied(&self) {
        let rest = self.rests(None);
        let (mut health, until) = (self.health(), Instant::now() + rest * 2);
        health.suspect_until = health.suspect_until.max(Some(until));
    }

    fn rests(&self, pause: Option<Duration>) -> Duration {
        let (mut health, now) = (self.health(), Instant::now());
        let asked = pause.map(|pause| now + pause.min(REST * 2u32.pow(MOST_STRIKES)));
        let until = match health.rests_until.filter(|until| *until > now) {
            // Questions that were under way at the same time failed for the same reason.
            Some(until) => until,
            None => {
                let rest = REST * 2u32.pow(health.strikes);
                health.strikes = (health.strikes + 1).min(MOST_STRIKES);
                now + rest
            }
        };
        health.asked_until = health.asked_until.max(asked);
        let until = Some(until).max(asked).unwrap_or(until);
        health.rests_until = Some(until);
        until - now
    }

    fn health(&self) -> std::sync::MutexGuard<'_, Health> {
        self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{RpcConfig, RpcSource};

    fn endpoint() -> Endpoint {
        let url = "http://localhost".parse().expect("an address");
        Endpoint::new(Arc::new(RpcSource::new(url, RpcConfig::default())), 0, 0)
    }

    #[tokio::test(start_paused = true)]
    async fn what_fails_at_the_same_time_is_one_failure() {
        let endpoint = endpoint();
        (0..7).for_each(|_| endpoint.failed(None));
        tokio::time::advance(Duration::from_millis(1_001)).await;
        assert!(endpoint.rests_until(Instant::now()).is_none());
        (0..7).for_each(|_| endpoint.failed(None));
        tokio::time::advance(Duration::from_millis(1_001)).await;
        assert!(endpoint.rests_until(Instant::now()).is_some(), "the second time");
    }

    #[tokio::test(start_paused = true)]
    async fn who_asks_to_be_left_alone_is_whatever_it_answers_meanwhile() {
        let endpoint = endpoint();
        endpoint.failed(None);
        endpoint.failed(Some(Duration::from_secs(5)));
        endpoint.did_well();
        tokio::time::advance(Duration::from_millis(4_999)).await;
        assert!(endpoint.rests_until(Instant::now()).is_some());
        tokio::time::advance(Duration::from_millis(2)).await;
        assert!(endpoint.rests_until(Instant::now()).is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn who_lies_rests_for_longer_each_time_whatever_else_it_answers() {
        let endpoint = endpoint();
        for rest in [1, 2, 4, 8, 16, 32, 64, 64] {
            endpoint.lied();
            // It is asked all the same, where nobody else is there.
            endpoint.did_well();
            tokio::time::advance(Duration::from_millis(rest * 1_000 - 1)).await;
            assert!(endpoint.rests_until(Instant::now()).is_some(), "{rest} s");
            tokio::time::advance(Duration::from_millis(2)).await;
            assert!(endpoint.rests_until(Instant::now()).is_none(), "{rest} s");
            endpoint.did_well();
        }
        // Once it was asked first for as long as it has rested, that is over.
        tokio::time::advance(Duration::from_secs(64)).await;
        endpoint.did_well();
        endpoint.failed(None);
        endpoint.did_well();
        assert_eq!(endpoint.rests_until(Instant::now()), None, "what may pass has passed");
        endpoint.lied();
        let rests = endpoint.rests_until(Instant::now()).map(|until| until - Instant::now());
        assert_eq!(rests, Some(REST), "as the first time");
    }

    #[tokio::test(start_paused = true)]
    async fn rests_for_as_long_as_it_asks_for_but_not_for_ever() {
        let endpoint = endpoint();
        let now = Instant::now();
        let rests = |pause: Option<u64>| {
            endpoint.failed(pause.map(Duration::from_secs));
            endpoint.rests_until(now).map(|until| (until - now).as_secs())
        };
        assert_eq!(rests(None), Some(1));
        assert_eq!(rests(Some(30)), Some(30));
        assert_eq!(rests(Some(1)), Some(30), "no less than it has asked for");
        assert_eq!(rests(Some(86_400)), Some(64));
    }
}
