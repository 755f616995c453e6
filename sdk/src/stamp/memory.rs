//! What was shown before, remembered for as long as it could be shown again.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap},
    hash::Hash,
};

use alloy::primitives::{Address, B256};

use super::refusal::{StampRefusal, StampRefused};

/// How long anything that is shown may stay valid, in seconds: what has to be remembered is bounded by it.
pub const MAX_VALIDITY: u64 = 86_400;

/// Payments, requests, approvals and session keys that were shown, each until it expires and not a second less.
///
/// Bounded: when it is full of what is still valid, nothing new is taken ([`StampRefusal::MemoryFull`]) rather than
/// anything forgotten. A clock that jumps ahead and back makes it refuse ([`StampRefusal::BeforeMemory`]) what it
/// may have forgotten.
#[derive(Debug)]
pub struct Memory {
    since: u64,
    shown: Expiring<B256, ()>,
    keys: Expiring<Address, B256>,
}

impl Memory {
    /// An empty memory that begins at `now` and holds at most `capacity` of each kind.
    pub fn new(now: u64, capacity: usize) -> Self {
        Self { since: now, shown: Expiring::new(capacity), keys: Expiring::new(capacity) }
    }

    /// How much is remembered: payments, requests and approvals, then session keys.
    pub fn len(&self) -> (usize, usize) {
        (self.shown.entries.len(), self.keys.entries.len())
    }

    /// Whether nothing is remembered.
    pub fn is_empty(&self) -> bool {
        self.len() == (0, 0)
    }

    /// Since when this memory knows what was shown, unix seconds.
    pub fn since(&self) -> u64 {
        self.since
    }

    /// Takes what is valid until `until`, once.
    pub(crate) fn take(&mut self, nonce: B256, until: u64, now: u64) -> Result<(), StampRefused> {
        match self.shown.put(nonce, (), until, now)? {
            None => Ok(()),
            Some(()) => Err(StampRefused::new(StampRefusal::NonceReplayed, "a nonce never shown", nonce)),
        }
    }

    /// Whether it was taken before.
    pub(crate) fn has_taken(&self, nonce: &B256) -> bool {
        self.shown.entries.contains_key(nonce)
    }

    /// Remembers the session that a key belongs to.
    pub(crate) fn bind(
        &mut self,
        key: Address,
        session: B256,
        until: u64,
        now: u64,
    ) -> Result<(), StampRefused> {
        match self.keys.put(key, session, until, now)? {
            Some(other) if other != session => {
                let expected = format_args!("session {other} of key {key}");
                Err(StampRefused::new(StampRefusal::SessionKeyReused, expected, session))
            }
            Some(_) => {
                self.keys.extend(&key, until);
                Ok(())
            }
            None => Ok(()),
        }
    }
}

/// A bounded map that drops what has expired, and nothing else.
#[derive(Debug)]
struct Expiring<K, V> {
    capacity: usize,
    /// With each value, until when it is kept; an expiry in the heap may be an earlier one.
    entries: HashMap<K, (V, u64)>,
    expiries: BinaryHeap<Reverse<(u64, K)>>,
    /// Whatever was valid no longer than this may have been forgotten.
    forgotten: u64,
}

impl<K: Hash + Eq + Ord + Copy, V: Copy> Expiring<K, V> {
    fn new(capacity: usize) -> Self {
        Self { capacity, entries: HashMap::new(), expiries: BinaryHeap::new(), forgotten: 0 }
    }

    /// What was there; else puts it there.
    fn put(&mut self, key: K, value: V, until: u64, now: u64) -> Result<Option<V>, StampRefused> {
        if let Some((before, _)) = self.entries.get(&key) {
            return Ok(Some(*before));
        }
        if until <= self.forgotten {
            let expected = format_args!("validity beyond {}", self.forgotten);
            return Err(StampRefused::new(StampRefusal::BeforeMemory, expected, until));
        }
        while let Some(Reverse((expiry, key))) = self.expiries.peek().copied() {
            if expiry > now {
                break;
            }
            self.expiries.pop();
            match self.entries.get(&key) {
                Some((_, until)) if *until > now => self.expiries.push(Reverse((*until, key))),
                _ => {
                    self.entries.remove(&key);
                    self.forgotten = self.forgotten.max(expiry);
                }
            }
        }
        if self.entries.len() >= self.capacity {
            let expected = format_args!("at most {} remembered", self.capacity);
            return Err(StampRefused::new(StampRefusal::MemoryFull, expected, "one more"));
        }
        self.entries.insert(key, (value, until));
        self.expiries.push(Reverse((until, key)));
        Ok(None)
    }

    /// Keeps what is there until `until` at least.
    fn extend(&mut self, key: &K, until: u64) {
        if let Some((_, kept)) = self.entries.get_mut(key) {
            *kept = until.max(*kept);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nonce(n: u64) -> B256 {
        B256::left_padding_from(&n.to_be_bytes())
    }

    fn reason(result: Result<(), StampRefused>) -> Option<StampRefusal> {
        result.err().map(|refused| refused.reason)
    }

    #[test]
    fn remembers_to_the_last_second_of_validity() {
        let mut memory = Memory::new(0, 10);
        assert_eq!(reason(memory.take(nonce(1), 100, 0)), None);
        for now in [1, 50, 99] {
            assert_eq!(reason(memory.take(nonce(1), 100, now)), Some(StampRefusal::NonceReplayed));
            assert_eq!(reason(memory.take(nonce(1000 + now), 200, now)), None);
        }
        assert_eq!(reason(memory.take(nonce(2), 200, 100)), None);
        assert!(!memory.has_taken(&nonce(1)), "kept beyond its validity");
    }

    #[test]
    fn a_flood_fills_it_and_pushes_nothing_out() {
        let mut memory = Memory::new(0, 10_050);
        for n in 0..10_050 {
            assert_eq!(reason(memory.take(nonce(n), 100, 0)), None);
        }
        for n in 0..10_050 {
            assert_eq!(reason(memory.take(nonce(20_000 + n), 100, 1)), Some(StampRefusal::MemoryFull));
            assert_eq!(reason(memory.take(nonce(n), 100, 1)), Some(StampRefusal::NonceReplayed));
        }
        assert_eq!(memory.len(), (10_050, 0));
    }

    #[test]
    fn a_clock_that_jumps_ahead_and_back_opens_nothing() {
        let mut memory = Memory::new(0, 10);
        assert_eq!(reason(memory.take(nonce(1), 100, 0)), None);
        assert_eq!(reason(memory.take(nonce(2), 9_000, 8_000)), None);
        assert_eq!(reason(memory.take(nonce(1), 100, 0)), Some(StampRefusal::BeforeMemory));
        assert_eq!(reason(memory.take(nonce(2), 9_000, 0)), Some(StampRefusal::NonceReplayed));
    }

    #[test]
    fn a_key_belongs_to_one_session() {
        let mut memory = Memory::new(0, 10);
        let key = Address::repeat_byte(1);
        assert_eq!(reason(memory.bind(key, nonce(1), 100, 0)), None);
        assert_eq!(reason(memory.bind(key, nonce(1), 200, 1)), None);
        let other = Address::repeat_byte(2);
        for now in [2, 100, 199] {
            assert_eq!(reason(memory.bind(key, nonce(2), 300, now)), Some(StampRefusal::SessionKeyReused));
            assert_eq!(reason(memory.bind(other, nonce(3), 1000, now)), None);
        }
    }
}
