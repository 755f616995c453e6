use std::{
    num::{NonZeroU32, NonZeroUsize},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use alloy::primitives::B256;
use governor::{
    DefaultDirectRateLimiter, NotUntil, Quota, RateLimiter,
    clock::{Clock as _, DefaultClock, QuantaInstant},
    state::keyed::HashMapStateStore,
};
use lru::LruCache;

use super::key::Key;
use crate::error::ApiError;

/// Keys that are remembered as known, and from how many on those that rest are forgotten.
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(4_096).unwrap();

/// So many at once, and as many again, evenly, over a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    many: NonZeroU32,
    over: Duration,
}

impl Rate {
    /// So many over a time; one at least.
    pub fn new(many: u32, over: Duration) -> Self {
        Self { many: NonZeroU32::new(many).unwrap_or(NonZeroU32::MIN), over }
    }

    fn quota(self) -> Quota {
        let each = (self.over / self.many.get()).max(Duration::from_nanos(1));
        Quota::with_period(each).map_or(Quota::per_second(self.many), |quota| quota.allow_burst(self.many))
    }
}

/// How much may be asked, in this process.
///
/// A key has its own measure. Guesses have one among them all, before the store is asked: by address would mean little
/// behind a proxy. A key that was seen to be one is known by its hash, and its holder waits for no guess of others.
#[derive(Debug)]
pub(crate) struct Limits {
    of_keys: RateLimiter<String, HashMapStateStore<String>, DefaultClock>,
    of_unknown: DefaultDirectRateLimiter,
    known: Mutex<LruCache<B256, ()>>,
    clock: DefaultClock,
}

impl Limits {
    pub(crate) fn new(of_key: Rate, of_unknown: Rate) -> Self {
        Self {
            of_keys: RateLimiter::hashmap(of_key.quota()),
            of_unknown: RateLimiter::direct(of_unknown.quota()),
            known: Mutex::new(LruCache::new(REMEMBERED)),
            clock: DefaultClock::default(),
        }
    }

    /// Whether the store may be asked for a key.
    ///
    /// # Errors
    /// When it is not known, and too many were not.
    pub(super) fn look_up(&self, key: &Key) -> Result<(), ApiError> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).get(&key.hash()).is_some();
        if known {
            return Ok(());
        }
        let message = "too many keys that are not known here yet were tried; try again";
        self.of_unknown.check().map_err(|until| self.refused("too_many_unknown", message, &until))
    }

    /// Remembers a key that the store has.
    pub(super) fn is_known(&self, key: &Key) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).put(key.hash(), ());
    }

    /// Whether the holder of the key with this id, which the store has, may ask now.
    ///
    /// # Errors
    /// When they have asked too much.
    pub(super) fn ask(&self, id: &str) -> Result<(), ApiError> {
        if self.of_keys.len() >= REMEMBERED.get() {
            self.of_keys.retain_recent();
        }
        let message = "this key has asked too much at once; try again";
        self.of_keys
            .check_key(&id.to_owned())
            .map_err(|until| self.refused("too_many_requests", message, &until))
    }

    fn refused(&self, code: &'static str, message: &str, until: &NotUntil<QuantaInstant>) -> ApiError {
        ApiError::too_many(code, message, until.wait_time_from(self.clock.now()))
    }
}
