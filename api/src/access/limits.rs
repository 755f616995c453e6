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
use serde::{Deserialize, Serialize};

use super::Who;
use crate::error::ApiError;

/// Keys and tokens that are remembered as known, and from how many on those that rest are forgotten.
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(4_096).unwrap();

/// So many at once, and so many, evenly, over a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    many: NonZeroU32,
    over: Duration,
    at_once: NonZeroU32,
}

impl Rate {
    /// So many over a time, and all of them at once; one at least.
    pub fn new(many: u32, over: Duration) -> Self {
        let many = NonZeroU32::new(many).unwrap_or(NonZeroU32::MIN);
        Self { many, over, at_once: many }
    }

    /// The same with so many at once; one at least.
    #[must_use]
    pub fn at_once(mut self, many: u32) -> Self {
        self.at_once = NonZeroU32::new(many).unwrap_or(NonZeroU32::MIN);
        self
    }

    fn quota(self) -> Quota {
        let each = (self.over / self.many.get()).max(Duration::from_nanos(1));
        Quota::with_period(each).map_or(Quota::per_second(self.many), |quota| quota.allow_burst(self.at_once))
    }
}

/// How much is answered: `[access.limits]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LimitSettings {
    /// What the holder of a key, or of tokens, may ask in a minute.
    pub per_minute: u32,
    /// What they may ask at once.
    pub at_once: u32,
    /// Keys and tokens not seen before that are looked at in a minute.
    pub new_per_minute: u32,
    /// Those that are at once.
    pub new_at_once: u32,
}

impl Default for LimitSettings {
    fn default() -> Self {
        Self { per_minute: 1_200, at_once: 1_200, new_per_minute: 600, new_at_once: 600 }
    }
}

/// A limit that is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("access.limits.{name}: expected 1 to {MOST}, got {got}")]
pub struct LimitError {
    name: &'static str,
    got: u32,
}

/// Most that a limit may let through.
const MOST: u32 = 1_000_000;

impl LimitSettings {
    /// What a holder may ask, and what is looked at that is new.
    ///
    /// # Errors
    /// When one of them is nothing, or no limit.
    pub fn rates(&self) -> Result<(Rate, Rate), LimitError> {
        for (name, got) in [
            ("per_minute", self.per_minute),
            ("at_once", self.at_once),
            ("new_per_minute", self.new_per_minute),
            ("new_at_once", self.new_at_once),
        ] {
            if !(1..=MOST).contains(&got) {
                return Err(LimitError { name, got });
            }
        }
        let rate = |many, at_once| Rate::new(many, Duration::from_secs(60)).at_once(at_once);
        Ok((rate(self.per_minute, self.at_once), rate(self.new_per_minute, self.new_at_once)))
    }
}

/// How much may be asked, in this process.
///
/// Who holds a key, or tokens, has their own measure. Guesses have one among them all, before the store is asked or a signature
/// is held against a key: by address would mean little behind a proxy. A key or token that was seen to be one is known by
/// its hash, and its holder waits for no guess of others.
#[derive(Debug)]
pub(crate) struct Limits {
    of_holders: RateLimiter<String, HashMapStateStore<String>, DefaultClock>,
    of_unknown: DefaultDirectRateLimiter,
    known: Mutex<LruCache<B256, ()>>,
    clock: DefaultClock,
}

impl Limits {
    pub(crate) fn new(of_key: Rate, of_unknown: Rate) -> Self {
        Self {
            of_holders: RateLimiter::hashmap(of_key.quota()),
            of_unknown: RateLimiter::direct(of_unknown.quota()),
            known: Mutex::new(LruCache::new(REMEMBERED)),
            clock: DefaultClock::default(),
        }
    }

    /// Whether it may be looked up whose the key or token with this hash is.
    ///
    /// # Errors
    /// When it is not known, and too many were not.
    pub(super) fn look_up(&self, hash: B256) -> Result<(), ApiError> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).get(&hash).is_some();
        if known {
            return Ok(());
        }
        self.guess()
    }

    /// Whether something may be looked up that nobody knows yet: a key, a token, or an issuer's answer.
    ///
    /// # Errors
    /// When too many were.
    pub(crate) fn guess(&self) -> Result<(), ApiError> {
        let message = "too many keys and tokens that are not known here yet were tried; try again";
        self.of_unknown.check().map_err(|until| self.refused("too_many_unknown", message, &until))
    }

    /// Remembers one that was somebody's.
    pub(super) fn is_known(&self, hash: B256) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).put(hash, ());
    }

    /// Whether somebody who was found to be that may ask now.
    ///
    /// # Errors
    /// When they have asked too much.
    pub(super) fn ask(&self, who: &Who) -> Result<(), ApiError> {
        if self.of_holders.len() >= REMEMBERED.get() {
            self.of_holders.retain_recent();
        }
        let message = "who has this key or token has asked too much at once; try again";
        self.of_holders
            .check_key(&who.to_string())
            .map_err(|until| self.refused("too_many_requests", message, &until))
    }

    fn refused(&self, code: &'static str, message: &str, until: &NotUntil<QuantaInstant>) -> ApiError {
        ApiError::too_many(code, message, until.wait_time_from(self.clock.now()))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn limits_are_something_and_not_everything() {
        let fine = LimitSettings::default();
        let (holder, new) = fine.rates().unwrap();
        assert_eq!(holder, Rate::new(1_200, Duration::from_secs(60)));
        assert_eq!(new, Rate::new(600, Duration::from_secs(60)));
        for of in [
            |got| LimitSettings { per_minute: got, ..Default::default() },
            |got| LimitSettings { at_once: got, ..Default::default() },
            |got| LimitSettings { new_per_minute: got, ..Default::default() },
            |got| LimitSettings { new_at_once: got, ..Default::default() },
        ] {
            assert!(of(1).rates().is_ok() && of(MOST).rates().is_ok());
            for got in [0, MOST + 1] {
                let error = of(got).rates().unwrap_err();
                assert_eq!(error.got, got, "{error}");
            }
        }
    }

    #[test]
    fn what_is_asked_at_once_is_not_what_is_asked_in_a_while() {
        let rate = Rate::new(1, Duration::from_secs(3_600)).at_once(2);
        let limits = Limits::new(rate, rate);
        let (ada, bob) = (Who::Subject("ada".into()), Who::Subject("bob".into()));
        assert!(limits.ask(&ada).is_ok() && limits.ask(&ada).is_ok());
        assert!(limits.ask(&ada).is_err());
        assert!(limits.ask(&bob).is_ok());
        // A key of that name is somebody else.
        assert!(limits.ask(&Who::Key("ada".into())).is_ok());
    }
}
