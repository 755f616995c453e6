//! Verifies stamps: offline, with bounded work, cheap checks before signatures.

mod session;

use std::{
    marker::PhantomData,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use alloy::primitives::{Address, B256};

use self::session::known_session;
use super::{
    bundle::{BundleView, Link, MAX_BUNDLE, MAX_LINKS},
    cache::{Cache, Key, next_key, root_key},
    chain::Prefix,
    curve::{Curve, DefaultCurve},
    domain::StampDomain,
    httpsig::SignedRequest,
    memory::Memory,
    refusal::{StampRefusal, StampRefused},
    shown::{OpeningShown, PaymentShown},
    state::StampState,
    token::Stamp,
    wire::Malformed,
};

/// A stamp that holds, and who showed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The leaf stamp: the agent that acts.
    pub stamp: Stamp,
    /// Its hash.
    pub hash: B256,
    /// The hashes of all stamps of the chain, root first.
    pub chain: Vec<B256>,
    /// The stamper who issued the root.
    pub root_issuer: Address,
    /// The session it was shown in, where it was shown with a payment.
    pub session: Option<B256>,
}

/// Verifies stamps against a [`StampState`], and remembers what it verified and what was shown.
///
/// Verification itself is pure: state and time are arguments, and nothing is read from a network. Work is bounded:
/// sizes and everything else that costs no signature are checked first, and there are at most seven signatures (four
/// links, session, payment, approval). Share one between tasks; a merchant of several processes needs the payments'
/// own nonces on chain to tell replays across them.
#[derive(Debug)]
pub struct Verifier<C = DefaultCurve> {
    pub(super) cache: Cache,
    memory: Mutex<Memory>,
    curve: PhantomData<C>,
}

impl Verifier {
    /// A verifier that keeps at most `cached` verified chains and as many sessions (0 keeps none), and remembers
    /// what was shown in `memory`.
    pub fn new(cached: usize, memory: Memory) -> Self {
        Self::with_curve(cached, memory)
    }
}

impl<C: Curve> Verifier<C> {
    /// The same, on a curve library of choice.
    pub fn with_curve(cached: usize, memory: Memory) -> Self {
        Self { cache: Cache::new(cached), memory: Mutex::new(memory), curve: PhantomData }
    }

    /// Whether a chain of stamps holds in `state` at `now`. Says nothing about who shows it.
    ///
    /// # Errors
    /// The first reason against it.
    pub fn verify_chain(
        &self,
        bundle: &[u8],
        state: &StampState,
        now: u64,
    ) -> Result<Verified, StampRefused> {
        let read = Bundle::read(bundle, state)?;
        let (prefix, _) = self.prefix(&read, state, now)?;
        Ok(verified(&prefix, None))
    }

    /// Whether a payment is by the stamp's subject, in the session shown with it, and within the stamp. A payment
    /// is taken once: shown again, it is refused.
    ///
    /// # Errors
    /// The first reason against it.
    pub fn verify_payment(
        &self,
        bundle: &[u8],
        shown: &PaymentShown,
        state: &StampState,
        now: u64,
    ) -> Result<Verified, StampRefused> {
        let read = Bundle::read(bundle, state)?;
        let (prefix, key) = self.prefix(&read, state, now)?;
        let session = match read.view.session {
            Some(bytes) => self.proven_session(&read, bytes, &prefix, &key, state, now)?,
            None => known_session(shown.purse, &prefix, state, now)?,
        };
        if self.memory().has_taken(&shown.nonce) {
            return Err(StampRefused::new(StampRefusal::NonceReplayed, "a nonce never shown", shown.nonce));
        }
        shown.check::<C>(&prefix.leaf, &session, state, now)?;
        // Only now: whoever could put nonces here without being good for them could keep others out.
        let mut memory = self.memory();
        memory.bind(session.key, session.session, session.until, now)?;
        memory.take(shown.nonce, shown.valid_before, now)?;
        Ok(verified(&prefix, Some(session.session)))
    }

    /// Whether an HTTP request is signed (RFC 9421, tag `web-bot-auth`) with the key that the stamp names. A request
    /// is taken once: shown again, it is refused.
    ///
    /// # Errors
    /// The first reason against it.
    pub fn verify_request(
        &self,
        bundle: &[u8],
        request: &SignedRequest<'_>,
        state: &StampState,
        now: u64,
    ) -> Result<Verified, StampRefused> {
        let read = Bundle::read(bundle, state)?;
        let (prefix, _) = self.prefix(&read, state, now)?;
        let since = self.memory().since();
        let (nonce, until) =
            request.check(&prefix.leaf.stamp, read.view.request_key.as_ref(), bundle, since, now)?;
        self.memory().take(nonce, until, now)?;
        Ok(verified(&prefix, None))
    }

    /// Whether a session may be opened under the stamp: by its subject, for no more and no longer than it allows.
    ///
    /// # Errors
    /// The first reason against it.
    pub fn verify_opening(
        &self,
        bundle: &[u8],
        opening: &OpeningShown,
        state: &StampState,
        now: u64,
    ) -> Result<Verified, StampRefused> {
        let read = Bundle::read(bundle, state)?;
        let (prefix, _) = self.prefix(&read, state, now)?;
        opening.check(&prefix.leaf, leaf_hash(&prefix))?;
        Ok(verified(&prefix, None))
    }

    /// How many chains and sessions are cached.
    pub fn cached(&self) -> (usize, usize) {
        self.cache.len()
    }

    /// The chain of a bundle, verified: from the longest part of it that was before.
    fn prefix(
        &self,
        read: &Bundle<'_>,
        state: &StampState,
        now: u64,
    ) -> Result<(Arc<Prefix>, Key), StampRefused> {
        let mut keys = [[0u8; 32]; MAX_LINKS];
        let (mut known, mut start) = (None, 0);
        if self.cache.is_on() {
            let mut key = root_key(read.view.chain_id, &read.view.treasury);
            for (slot, link) in keys.iter_mut().zip(read.view.links()) {
                key = next_key(&key, link);
                *slot = key;
            }
            for at in (0..read.view.count).rev() {
                if let Some(prefix) = self.cache.prefix(&keys[at]) {
                    (known, start) = (Some(prefix), at + 1);
                    break;
                }
            }
        }
        let last = keys[read.view.count - 1];
        if let Some(prefix) = known.as_ref().filter(|_| start == read.view.count) {
            prefix.check_now(state, now)?;
            return Ok((Arc::clone(prefix), last));
        }
        let mut links = Vec::with_capacity(MAX_LINKS);
        for (at, bytes) in read.view.links().enumerate().skip(start) {
            links.push(Link::from_bytes(bytes).map_err(|error| malformed(error).at(at))?);
        }
        let known = known.as_deref();
        let candidate = Prefix::extended(known, &links, &read.domain())?;
        candidate.check_now(state, now)?;
        let is_on = self.cache.is_on();
        let keep = |at: usize, part: Prefix| self.cache.keep_prefix(keys[at], Arc::new(part));
        let prefix = Arc::new(candidate.signed::<C>(&links, is_on.then_some(keep))?);
        if is_on {
            self.cache.keep_prefix(last, Arc::clone(&prefix));
        }
        // Again, for what contracts said about the links that are new.
        prefix.check_now(state, now)?;
        Ok((prefix, last))
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        // Nothing panics while it is held; if it did, what it holds would still be what was shown.
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A bundle of the treasury that is asked about.
pub(super) struct Bundle<'a> {
    pub(super) view: BundleView<'a>,
}

impl<'a> Bundle<'a> {
    fn read(bytes: &'a [u8], state: &StampState) -> Result<Self, StampRefused> {
        let view = view(bytes)?;
        if view.chain_id != state.chain_id {
            return Err(StampRefused::new(StampRefusal::OtherChain, state.chain_id, view.chain_id));
        }
        if view.treasury != state.treasury {
            return Err(StampRefused::new(StampRefusal::OtherTreasury, state.treasury, view.treasury));
        }
        Ok(Self { view })
    }

    /// Hashed only where something new has to be verified.
    pub(super) fn domain(&self) -> StampDomain {
        StampDomain::new(self.view.chain_id, self.view.treasury)
    }
}

/// A bundle taken apart, of no more bytes and links than it may have.
pub(super) fn view(bytes: &[u8]) -> Result<BundleView<'_>, StampRefused> {
    if bytes.len() > MAX_BUNDLE {
        let expected = format_args!("at most {MAX_BUNDLE} bytes");
        return Err(StampRefused::new(StampRefusal::TooLarge, expected, bytes.len()));
    }
    let view = BundleView::read(bytes).map_err(malformed)?;
    if view.count > MAX_LINKS {
        let expected = format_args!("at most {MAX_LINKS} links");
        return Err(StampRefused::new(StampRefusal::TooManyLinks, expected, view.count));
    }
    Ok(view)
}

pub(super) fn malformed(error: Malformed) -> StampRefused {
    StampRefused::new(StampRefusal::Malformed, error.expected, "something else")
}

pub(super) fn leaf_hash(prefix: &Prefix) -> B256 {
    prefix.hashes.last().copied().unwrap_or_default()
}

fn verified(prefix: &Prefix, session: Option<B256>) -> Verified {
    Verified {
        stamp: prefix.leaf.stamp.clone(),
        hash: leaf_hash(prefix),
        chain: prefix.hashes.clone(),
        root_issuer: prefix.root_issuer(),
        session,
    }
}
