use std::{
    fmt,
    num::{NonZeroU32, NonZeroUsize},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use alloy::primitives::B256;
use governor::Quota;
use lru::LruCache;
use serde::{Deserialize, Serialize};

use super::{Peer, Who, buckets::Buckets};
use crate::error::ApiError;

/// Keys and tokens that are remembered as known; as many holders, and places that strangers come from.
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(4_096).unwrap();
/// Guesses from everywhere together are as many as from so many places: whoever has a network of their own has more of those.
const PLACES: NonZeroU32 = NonZeroU32::new(32).unwrap();
/// What is tried with somebody's credentials that are not taken is told so often in an hour: enough to be seen, too little to fill
/// what tells of them.
const TOLD: u32 = 12;
const HOUR: Duration = Duration::from_secs(3_600);

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

    /// So many times that.
    #[must_use]
    fn times(self, many: NonZeroU32) -> Self {
        let (over, at_once) = (self.over, self.at_once.saturating_mul(many));
        Self { many: self.many.saturating_mul(many), over, at_once }
    }

    pub(super) fn quota(self) -> Quota {
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
    /// Keys not seen before that are looked at in a minute from one address; as many tokens, and sign-ins.
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

/// What may be somebody's, and is not known to be: each has its own measure, so that a flood of one holds no other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Tried {
    /// An API key.
    Key,
    /// A token of the issuer's.
    Token,
    /// An answer of the issuer's to somebody who was to sign in.
    SignIn,
}

impl fmt::Display for Tried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Key => "keys",
            Self::Token => "tokens",
            Self::SignIn => "sign-ins",
        })
    }
}

/// How much may be asked, in this process.
///
/// Who holds a key, or tokens, has their own measure, which only what is taken of them spends: whoever has got hold of one that has
/// run out, or was revoked, guesses. Guesses are measured by what they are and where they come from, before the store is asked or a
/// signature is held against a key. A key or token that was taken is known by its hash, and its holder waits for no guess of
/// others.
#[derive(Debug)]
pub(crate) struct Limits {
    of_holders: Buckets<Who>,
    of_unknown: Buckets<(Tried, Peer)>,
    of_all_unknown: Buckets<Tried>,
    of_told: Buckets<Who>,
    known: Mutex<LruCache<B256, ()>>,
}

impl Limits {
    pub(crate) fn new(of_key: Rate, of_unknown: Rate) -> Self {
        Self {
            of_holders: Buckets::new(of_key, REMEMBERED),
            of_unknown: Buckets::new(of_unknown, REMEMBERED),
            of_all_unknown: Buckets::new(of_unknown.times(PLACES), REMEMBERED),
            of_told: Buckets::new(Rate::new(TOLD, HOUR), REMEMBERED),
            known: Mutex::new(LruCache::new(REMEMBERED)),
        }
    }

    /// Whether it may be looked up whose the key or token with this hash is.
    ///
    /// # Errors
    /// When it is not known, and too many from there were not.
    pub(super) fn look_up(&self, hash: B256, tried: Tried, from: Peer) -> Result<(), ApiError> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).get(&hash).is_some();
        if known { Ok(()) } else { self.guess(tried, from) }
    }

    /// Whether something may be looked up that nobody knows yet.
    ///
    /// # Errors
    /// When too much was, from there or from everywhere.
    pub(crate) fn guess(&self, tried: Tried, from: Peer) -> Result<(), ApiError> {
        let taken = self.of_unknown.take((tried, from)).and_then(|()| self.of_all_unknown.take(tried));
        taken.map_err(|wait| {
            let message = format!("too many {tried} that are not known here were tried; try again");
            ApiError::too_many("too_many_unknown", message, wait)
        })
    }

    /// Remembers one that was taken.
    pub(super) fn remember(&self, hash: B256) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).put(hash, ());
    }

    /// Forgets one that is not taken, or no longer.
    pub(super) fn forget(&self, hash: B256) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).pop(&hash);
    }

    /// Whether somebody who was let in may ask now.
    ///
    /// # Errors
    /// When they have asked too much.
    pub(crate) fn ask(&self, who: &Who) -> Result<(), ApiError> {
        let message = "who has this key or token has asked too much at once; try again";
        self.of_holders
            .take(who.clone())
            .map_err(|wait| ApiError::too_many("too_many_requests", message, wait))
    }

    /// Whether it is told once more that a credential of somebody's was tried that is not taken.
    pub(super) fn tell(&self, who: &Who) -> bool {
        self.of_told.take(who.clone()).is_ok()
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

    #[test]
    fn whoever_comes_from_everywhere_has_a_measure_too() {
        let rate = Rate::new(1, Duration::from_secs(3_600));
        let limits = Limits::new(rate, rate);
        let from = |network: u32| {
            let address = std::net::SocketAddr::from((std::net::Ipv4Addr::from_bits(network), 1));
            let mut extensions = axum::http::Extensions::new();
            extensions.insert(axum::extract::ConnectInfo(address));
            Peer::of(&extensions)
        };
        for network in 1..=PLACES.get() {
            assert!(limits.guess(Tried::Key, from(network)).is_ok(), "{network}");
            assert!(limits.guess(Tried::Key, from(network)).is_err(), "{network} again");
        }
        assert!(limits.guess(Tried::Key, from(PLACES.get() + 1)).is_err());
        // Of another kind there are none yet.
        assert!(limits.guess(Tried::Token, from(PLACES.get() + 1)).is_ok());
    }
}
