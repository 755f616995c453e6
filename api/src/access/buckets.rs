use std::{
    hash::Hash,
    num::NonZeroUsize,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use governor::{
    DefaultDirectRateLimiter, RateLimiter,
    clock::{Clock as _, DefaultClock},
};
use lru::LruCache;

use super::Rate;

/// One measure for each of many. The first of them that rest are forgotten where there are more than so many, and have their whole
/// measure again: room does not grow with who comes.
#[derive(Debug)]
pub(super) struct Buckets<K: Hash + Eq> {
    rate: Rate,
    clock: DefaultClock,
    kept: Mutex<LruCache<K, DefaultDirectRateLimiter>>,
}

impl<K: Hash + Eq> Buckets<K> {
    pub(super) fn new(rate: Rate, most: NonZeroUsize) -> Self {
        Self { rate, clock: DefaultClock::default(), kept: Mutex::new(LruCache::new(most)) }
    }

    /// Takes one from its measure.
    ///
    /// # Errors
    /// When there is none left: how long until there is.
    pub(super) fn take(&self, of: K) -> Result<(), Duration> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let whole = || RateLimiter::direct_with_clock(self.rate.quota(), self.clock.clone());
        let taken = kept.get_or_insert(of, whole).check();
        taken.map_err(|until| until.wait_time_from(self.clock.now()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_its_measure_and_who_rests_longest_is_forgotten() {
        let two = NonZeroUsize::MIN.saturating_add(1);
        let hour = Duration::from_secs(3_600);
        let buckets = Buckets::new(Rate::new(2, hour), two);
        assert!(buckets.take('a').is_ok() && buckets.take('a').is_ok());
        let wait = buckets.take('a').err();
        // Half an hour gives one back.
        assert!(wait.is_some_and(|wait| wait <= hour / 2 && wait > hour / 3), "{wait:?}");
        assert!(buckets.take('b').is_ok());
        assert!(buckets.take('a').is_err(), "there is room for two");
        assert!(buckets.take('c').is_ok());
        assert!(buckets.take('a').is_err(), "b has rested longer");
        assert!(buckets.take('b').is_ok() && buckets.take('b').is_ok() && buckets.take('b').is_err());
    }
}
