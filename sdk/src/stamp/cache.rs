//! What was verified before: chains and sessions by their very bytes, so that only new bytes cost a signature.

use std::{
    fmt,
    num::NonZeroUsize,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use alloy::primitives::Address;
use lru::LruCache;
use sha2::{Digest as _, Sha256};

use super::{chain::Prefix, proof::SessionProof, signature::ContractQuestion};

/// SHA-256 over chain, treasury and everything up to a link or a session, signatures included.
///
/// Signatures of accounts stay true for ever, so neither time nor state is in the key: both are looked at on every
/// hit, and a revocation needs no invalidation to count. What a contract said does not stay true: it is kept as the
/// question, and asked anew.
pub(crate) type Key = [u8; 32];

pub(crate) fn root_key(chain_id: u64, treasury: &Address) -> Key {
    Sha256::new().chain_update(chain_id.to_be_bytes()).chain_update(treasury).finalize().into()
}

pub(crate) fn next_key(before: &Key, bytes: &[u8]) -> Key {
    Sha256::new().chain_update(before).chain_update(bytes).finalize().into()
}

/// A session proof with what a contract has to be asked about it.
#[derive(Debug)]
pub(crate) struct VerifiedSession {
    pub(crate) proof: SessionProof,
    pub(crate) question: Option<ContractQuestion>,
}

/// A bounded cache; the least recently used goes first.
pub(crate) struct Cache {
    prefixes: Option<Mutex<LruCache<Key, Arc<Prefix>>>>,
    sessions: Option<Mutex<LruCache<Key, Arc<VerifiedSession>>>>,
}

impl Cache {
    /// At most `capacity` chains and as many sessions; 0 keeps nothing.
    pub(crate) fn new(capacity: usize) -> Self {
        let capacity = NonZeroUsize::new(capacity);
        Self {
            prefixes: capacity.map(|capacity| Mutex::new(LruCache::new(capacity))),
            sessions: capacity.map(|capacity| Mutex::new(LruCache::new(capacity))),
        }
    }

    pub(crate) fn prefix(&self, key: &Key) -> Option<Arc<Prefix>> {
        get(self.prefixes.as_ref(), key)
    }

    pub(crate) fn session(&self, key: &Key) -> Option<Arc<VerifiedSession>> {
        get(self.sessions.as_ref(), key)
    }

    pub(crate) fn keep_prefix(&self, key: Key, prefix: Arc<Prefix>) {
        if let Some(cache) = &self.prefixes {
            lock(cache).put(key, prefix);
        }
    }

    pub(crate) fn keep_session(&self, key: Key, session: Arc<VerifiedSession>) {
        if let Some(cache) = &self.sessions {
            lock(cache).put(key, session);
        }
    }

    pub(crate) fn is_on(&self) -> bool {
        self.prefixes.is_some()
    }

    /// How many chains and sessions it holds.
    pub(crate) fn len(&self) -> (usize, usize) {
        (
            self.prefixes.as_ref().map_or(0, |cache| lock(cache).len()),
            self.sessions.as_ref().map_or(0, |cache| lock(cache).len()),
        )
    }
}

fn get<T>(cache: Option<&Mutex<LruCache<Key, Arc<T>>>>, key: &Key) -> Option<Arc<T>> {
    lock(cache?).get(key).map(Arc::clone)
}

fn lock<T>(cache: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic while it was held leaves a cache with an entry more or less, both sound.
    cache.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache").field("len", &self.len()).finish()
    }
}
