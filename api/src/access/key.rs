//! API keys as their holders have them: `bursar_ID_SECRET`.

use std::{fmt, str::FromStr};

use alloy::primitives::B256;
use bursar_indexer::store::ApiKey;
use bursar_sdk::clock::Entropy;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::Refused;

/// What keys begin with, so that a search for leaked secrets finds them.
const PREFIX: &str = "bursar_";
/// Bytes of an id.
const ID: usize = 8;

/// A key with its secret. Shows itself to whoever asks for it by name, and to nobody else.
#[derive(Clone, PartialEq, Eq)]
pub struct Key {
    id: String,
    secret: B256,
}

/// What is no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected bursar_, 16 hex digits, _, and 64 hex digits, all in lower case")]
pub struct Malformed;

impl Key {
    /// A new key, with a secret of 256 random bits.
    pub fn new(entropy: &Entropy) -> Self {
        Self { id: hex::encode(&entropy.next()[..ID]), secret: entropy.next() }
    }

    /// Which one: no secret.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The key as its holder keeps it. To be shown once, and logged never.
    pub fn shown(&self) -> String {
        format!("{PREFIX}{}_{}", self.id, hex::encode(self.secret))
    }

    /// What is kept of the secret.
    ///
    /// One round of SHA-256 does: slow hashes make up for passwords that can be guessed, and nobody guesses 256 random
    /// bits. A slow one would cost every request its time instead.
    pub fn hash(&self) -> B256 {
        B256::new(Sha256::digest(self.secret).into())
    }

    /// Holds a key that came in against the one that is kept under its id. `now` is in unix seconds.
    ///
    /// Only who has the secret is told that a key was revoked or has run out. To everybody else a key that never was, one
    /// that was revoked, and one whose secret they do not know are the same, and take the same time.
    ///
    /// # Errors
    /// When there is none, it is another, or it is no longer taken.
    pub fn check(&self, kept: Option<ApiKey>, now: u64) -> Result<ApiKey, Refused> {
        let known = self.known(kept)?;
        fresh(&known, now)?;
        Ok(known)
    }

    /// The same for a key that may no longer be taken.
    ///
    /// # Errors
    /// When there is none, or it is another.
    pub(super) fn known(&self, kept: Option<ApiKey>) -> Result<ApiKey, Refused> {
        let expected = kept.as_ref().map_or(B256::ZERO, |kept| kept.hash);
        let same = self.hash().ct_eq(expected.as_slice());
        kept.filter(|_| bool::from(same)).ok_or(Refused::Unknown)
    }
}

/// Whether a key is still taken.
///
/// # Errors
/// When it is not.
pub(super) fn fresh(kept: &ApiKey, now: u64) -> Result<(), Refused> {
    match (kept.revoked_at, kept.expires_at) {
        (Some(_), _) => Err(Refused::Revoked),
        (None, Some(at)) if at <= now => Err(Refused::Expired { at, now }),
        (None, _) => Ok(()),
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").field("id", &self.id).finish_non_exhaustive()
    }
}

impl FromStr for Key {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let (id, secret) =
            text.strip_prefix(PREFIX).and_then(|rest| rest.split_once('_')).ok_or(Malformed)?;
        let digits = |text: &str| text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        if id.len() != 2 * ID || secret.len() != 64 || !digits(id) || !digits(secret) {
            return Err(Malformed);
        }
        Ok(Self { id: id.to_owned(), secret: secret.parse().map_err(|_| Malformed)? })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::sync::atomic::{AtomicU8, Ordering};

    use bursar_indexer::access::{Grant, Role};

    use super::*;

    fn key() -> Key {
        let next = AtomicU8::new(0xa1);
        Key::new(&Entropy::from_fn(move || B256::repeat_byte(next.fetch_add(1, Ordering::Relaxed))))
    }

    fn kept(of: &Key) -> ApiKey {
        ApiKey {
            id: of.id.clone(),
            name: "auditor".into(),
            hash: of.hash(),
            grant: Grant::new(Role::Auditor, None, None).unwrap(),
            created_at: 1,
            expires_at: None,
            revoked_at: None,
        }
    }

    #[test]
    fn a_key_reads_as_it_was_shown_and_in_no_other_way() {
        let key = key();
        let shown = key.shown();
        assert_eq!(shown, format!("bursar_{}_{}", "a1".repeat(8), "a2".repeat(32)));
        assert_eq!(shown.parse(), Ok(key));
        for bad in [
            "",
            "bursar_",
            &shown[1..],
            &shown[..shown.len() - 1],
            &format!("{shown}0"),
            &format!(" {shown}"),
            &shown.to_uppercase(),
            &shown.replace("bursar_a", "bursar_A"),
            &shown.replace('2', "é"),
            &shown.replace("_a2", "a2_"),
        ] {
            assert_eq!(bad.parse::<Key>(), Err(Malformed), "{bad}");
        }
    }

    #[test]
    fn a_key_does_not_show_itself() {
        let (key, secret) = (key(), "a2a2");
        assert!(key.shown().contains(secret), "it is what we look for");
        assert!(!format!("{key:?} {:?}", kept(&key)).contains(secret));
        assert_eq!(hex::encode(key.hash()), hex::encode(Sha256::digest([0xa2; 32])));
    }

    #[test]
    fn whoever_lacks_the_secret_learns_nothing_of_the_key() {
        let key = key();
        let forged = Key { secret: B256::repeat_byte(9), ..key.clone() };
        for (expires_at, revoked_at) in [(None, None), (Some(5), None), (None, Some(5))] {
            let kept = ApiKey { expires_at, revoked_at, ..kept(&key) };
            assert_eq!(forged.check(Some(kept), 9), Err(Refused::Unknown));
        }
        assert_eq!(key.check(None, 9), Err(Refused::Unknown));
        let nothing = ApiKey { hash: B256::ZERO, ..kept(&key) };
        assert_eq!(key.check(Some(nothing), 9), Err(Refused::Unknown));
    }

    #[test]
    fn a_key_is_taken_until_it_runs_out_or_is_revoked() {
        let key = key();
        let until = ApiKey { expires_at: Some(100), ..kept(&key) };
        assert_eq!(key.check(Some(until.clone()), 99), Ok(until.clone()));
        assert_eq!(key.check(Some(until.clone()), 100), Err(Refused::Expired { at: 100, now: 100 }));
        assert_eq!(key.check(Some(until.clone()), 101), Err(Refused::Expired { at: 100, now: 101 }));
        let revoked = ApiKey { revoked_at: Some(200), ..until };
        assert_eq!(key.check(Some(revoked), 1), Err(Refused::Revoked), "clocks differ; it is meant at once");
    }
}
