//! Time and randomness, which come in at the edge.

use std::{
    fmt,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use alloy::primitives::B256;

/// Where unix seconds come from.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> u64 + Send + Sync>);

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Self::from_fn(|| SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs()))
    }

    /// Another clock.
    pub fn from_fn(now: impl Fn() -> u64 + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// Unix seconds.
    pub fn now(&self) -> u64 {
        (self.0)()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}

/// Where salts, identifiers and local session keys come from.
#[derive(Clone)]
pub struct Entropy(Arc<dyn Fn() -> B256 + Send + Sync>);

impl Entropy {
    /// The operating system's random numbers.
    pub fn system() -> Self {
        Self::from_fn(B256::random)
    }

    /// Another source. What it gives must not repeat: session keys come from it.
    pub fn from_fn(next: impl Fn() -> B256 + Send + Sync + 'static) -> Self {
        Self(Arc::new(next))
    }

    /// The next 32 bytes.
    pub fn next(&self) -> B256 {
        (self.0)()
    }
}

impl fmt::Debug for Entropy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Entropy")
    }
}
