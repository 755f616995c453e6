//! A sign-in that is under way at the issuer. All of it is in a cookie of the browser that began it, and nothing is kept here.

use alloy::primitives::B256;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use bursar_sdk::clock::Entropy;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::NotSignedIn;

/// Seconds that somebody may take at the issuer.
pub(crate) const LASTS: u64 = 600;
/// Longest path that is gone on to, in bytes: what is longer fits into no cookie.
const MAX_NEXT: usize = 2_000;

/// A sign-in. What the issuer is sent is derived from its secret, when it began and where it goes on: whoever changes one of them
/// is answered for another sign-in. No Debug: who has it finishes it.
pub(crate) struct Flow {
    secret: B256,
    at: u64,
    next: String,
}

impl Flow {
    /// One that begins at `at` (unix seconds) and goes on to a path of this service; to the overview, where that is too long.
    pub(crate) fn new(entropy: &Entropy, at: u64, next: String) -> Self {
        let next = if next.len() > MAX_NEXT { "/".into() } else { next };
        Self { secret: entropy.next(), at, next }
    }

    /// As the browser keeps it.
    pub(crate) fn kept(&self) -> String {
        format!("{}.{}.{}", hex::encode(self.secret), self.at, URL_SAFE_NO_PAD.encode(&self.next))
    }

    /// Reads what a browser has kept; `now` is in unix seconds.
    ///
    /// # Errors
    /// When that is no sign-in, or it began too long ago.
    pub(crate) fn read(text: &str, now: u64) -> Result<Self, NotSignedIn> {
        let read = || {
            let [secret, at, next] = text.split('.').collect::<Vec<_>>()[..] else { return None };
            let secret = B256::new(hex::decode(secret).ok()?.try_into().ok()?);
            let next = String::from_utf8(URL_SAFE_NO_PAD.decode(next).ok()?).ok()?;
            Some(Self { secret, at: at.parse().ok()?, next })
        };
        let flow = read().ok_or(NotSignedIn::NotBegun)?;
        // Ahead, too: clocks are set back.
        if now.abs_diff(flow.at) < LASTS { Ok(flow) } else { Err(NotSignedIn::Late) }
    }

    /// Where it goes on, as the browser has it.
    pub(crate) fn next(&self) -> &str {
        &self.next
    }

    /// What the issuer gives back with its answer.
    pub(super) fn state(&self) -> String {
        self.derived("state")
    }

    /// Whether an answer is to this sign-in.
    pub(super) fn is_answered_by(&self, state: &str) -> bool {
        self.state().as_bytes().ct_eq(state.as_bytes()).into()
    }

    /// What the issuer puts into the token.
    pub(crate) fn nonce(&self) -> String {
        self.derived("nonce")
    }

    /// What shows that who brings the code asked for it (RFC 7636).
    pub(super) fn verifier(&self) -> String {
        self.derived("verifier")
    }

    fn derived(&self, what: &str) -> String {
        let hash = Sha256::new().chain_update(self.secret).chain_update(what);
        let hash = hash.chain_update(self.at.to_be_bytes()).chain_update(&self.next);
        URL_SAFE_NO_PAD.encode(hash.finalize())
    }
}

/// What the issuer is told of a verifier (RFC 7636, `S256`).
pub(super) fn challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(verifier))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const NOW: u64 = 1_000_000;

    fn flow(next: &str) -> Flow {
        Flow::new(&Entropy::from_fn(|| B256::repeat_byte(7)), NOW, next.into())
    }

    #[test]
    fn a_sign_in_reads_as_it_was_kept_and_for_ten_minutes() {
        let begun = flow("/audit?q=é.;\"");
        let kept = begun.kept();
        assert!(kept.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte)), "{kept}");
        for now in [NOW, NOW + 599, NOW - 599] {
            let read = Flow::read(&kept, now).ok().unwrap();
            assert_eq!((read.next(), read.state()), (begun.next(), begun.state()));
            assert!(begun.is_answered_by(&read.state()));
        }
        for now in [NOW + 600, NOW - 600, 0, u64::MAX] {
            assert_eq!(Flow::read(&kept, now).err(), Some(NotSignedIn::Late), "{now}");
        }
        for bad in
            ["", "..", "a.b.c", &kept[2..], &format!("{kept}."), &kept.replace(".1", ".x"), &kept[..66]]
        {
            assert_eq!(Flow::read(bad, NOW).err(), Some(NotSignedIn::NotBegun), "{bad}");
        }
    }

    #[test]
    fn what_is_changed_is_another_sign_in() {
        let (one, kept) = (flow("/approvals"), flow("/approvals").kept());
        let changed = |from: &str, to: &str| Flow::read(&kept.replacen(from, to, 1), NOW).ok().unwrap();
        let next = URL_SAFE_NO_PAD.encode("/approvals");
        for other in [
            changed("07", "08"),
            changed(".1000000.", ".1000001."),
            changed(&next, &URL_SAFE_NO_PAD.encode("/audit")),
        ] {
            assert!(!one.is_answered_by(&other.state()));
            assert!(one.nonce() != other.nonce() && one.verifier() != other.verifier());
        }
        assert!(!one.is_answered_by("") && !one.is_answered_by(&one.nonce()));
        assert!(one.state() != one.nonce() && one.nonce() != one.verifier() && one.verifier() != one.state());
    }

    #[test]
    fn a_path_that_fits_into_no_cookie_is_the_overview() {
        let path = |length| "/".repeat(length);
        assert_eq!(flow(&path(2_000)).next(), path(2_000));
        assert_eq!(flow(&path(2_001)).next(), "/");
        assert!(flow(&path(2_000)).kept().len() < 3_000);
    }

    #[test]
    fn a_challenge_is_as_the_standard_has_it() {
        // RFC 7636, appendix B.
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        assert_eq!(challenge(verifier), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
        let own = flow("/").verifier();
        assert!((43..=128).contains(&own.len()), "{own}");
    }
}
