//! HTTP requests signed with the key that a stamp names: RFC 9421, tag `web-bot-auth`, Ed25519.
//!
//! A narrow profile: components without parameters, one signature with the tag, the parts below always covered.

mod base;
mod key;

use alloy::primitives::{B256, keccak256};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use http::HeaderMap;
use sha2::{Digest as _, Sha256};

use self::base::{Input, base_of};
pub use self::key::{RequestKey, thumbprint};
use super::{
    bundle::MAX_BUNDLE,
    bundle::bytes_of_text,
    carrier::HEADER,
    memory::MAX_VALIDITY,
    refusal::{StampRefusal, StampRefused},
    shown::check_validity,
    token::Stamp,
};

/// The tag of requests by agents.
pub const TAG: &str = "web-bot-auth";
/// How far the signer's clock may be ahead, in seconds.
pub const CLOCK_SKEW: u64 = 60;

/// An HTTP request as it arrived, or as it will leave.
#[derive(Debug, Clone, Copy)]
pub struct SignedRequest<'a> {
    /// The method, in capitals.
    pub method: &'a str,
    /// Host, and port where it is not the scheme's own; in lower case.
    pub authority: &'a str,
    /// The path, from its first slash.
    pub path: &'a str,
    /// What follows the path's question mark.
    pub query: Option<&'a str>,
    /// The headers.
    pub headers: &'a HeaderMap,
    /// The body.
    pub body: &'a [u8],
}

/// What a signed request carries beside the stamp.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignatureHeaders {
    /// `Signature-Input`.
    pub input: String,
    /// `Signature`.
    pub signature: String,
}

/// Parameters of a request signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignatureTimes {
    /// When it is made, unix seconds.
    pub created: u64,
    /// Valid until, unix seconds (exclusive); at most a day after.
    pub expires: u64,
    /// Never used before with the key.
    pub nonce: B256,
}

/// The `Content-Digest` header (RFC 9530) of a body: a request with one has to carry it.
pub fn content_digest(body: &[u8]) -> String {
    format!("sha-256=:{}:", BASE64_STANDARD.encode(Sha256::digest(body)))
}

impl SignedRequest<'_> {
    /// The parts that a signature has to cover.
    fn required(&self) -> Vec<&'static str> {
        let mut names = vec!["@method", "@authority", "@path", HEADER];
        if self.query.is_some() {
            names.push("@query");
        }
        if !self.body.is_empty() {
            names.push("content-digest");
        }
        names
    }

    /// Signs the request. The stamp's header has to be in it, and with a body [`content_digest`].
    ///
    /// # Errors
    /// [`StampRefusal::RequestUncovered`] where one of them is not.
    pub fn sign(&self, key: &RequestKey, times: SignatureTimes) -> Result<SignatureHeaders, StampRefused> {
        let components = self.required();
        let quoted: Vec<String> = components.iter().map(|name| format!("{name:?}")).collect();
        let SignatureTimes { created, expires, nonce } = times;
        let keyid = key.keyid();
        let nonce = BASE64_STANDARD.encode(nonce);
        let params = format!(
            r#"({});created={created};expires={expires};keyid="{keyid}";alg="ed25519";nonce="{nonce}";tag="{TAG}""#,
            quoted.join(" ")
        );
        let base = base_of(self, &components, &params)?;
        let signature = BASE64_STANDARD.encode(key.sign(base.as_bytes()));
        Ok(SignatureHeaders { input: format!("sig1={params}"), signature: format!("sig1=:{signature}:") })
    }

    /// Whether the request is signed with the stamp's key and carries `bundle`; gives what to remember of it, and
    /// until when.
    pub(crate) fn check(
        &self,
        stamp: &Stamp,
        public_key: Option<&[u8; 32]>,
        bundle: &[u8],
        since: u64,
        now: u64,
    ) -> Result<(B256, u64), StampRefused> {
        let input = Input::read(self.headers)?;
        let Some(public_key) = public_key.filter(|_| !stamp.httpsig_jkt.is_zero()) else {
            let expected = "a request key that the stamp names";
            return Err(StampRefused::new(StampRefusal::RequestKeyMismatch, expected, "none"));
        };
        let thumbprint = thumbprint(public_key);
        if thumbprint != stamp.httpsig_jkt {
            return Err(StampRefused::new(StampRefusal::RequestKeyMismatch, stamp.httpsig_jkt, thumbprint));
        }
        if input.keyid != key::keyid(&thumbprint) {
            let expected = format_args!("keyid {}", key::keyid(&thumbprint));
            return Err(StampRefused::new(StampRefusal::RequestKeyMismatch, expected, "another"));
        }
        self.check_times(&input, since, now)?;
        for name in self.required() {
            if !input.components.iter().any(|covered| covered == name) {
                return Err(StampRefused::new(
                    StampRefusal::RequestUncovered,
                    format_args!("{name} covered"),
                    "not",
                ));
            }
        }
        self.check_carried(bundle)?;
        let components: Vec<&str> = input.components.iter().map(String::as_str).collect();
        let base = base_of(self, &components, &input.params)?;
        key::verify(public_key, base.as_bytes(), &input.signature)?;
        let mut preimage = thumbprint.to_vec();
        preimage.extend_from_slice(input.nonce.as_bytes());
        Ok((keccak256(preimage), input.expires))
    }

    fn check_times(&self, input: &Input, since: u64, now: u64) -> Result<(), StampRefused> {
        if input.created > now.saturating_add(CLOCK_SKEW) {
            let expected = format_args!("created at most {CLOCK_SKEW} s ahead of {now}");
            return Err(StampRefused::new(StampRefusal::ProofNotYetValid, expected, input.created));
        }
        check_validity(input.expires, now)?;
        // A verifier that was started after the request was made does not know whether it was shown before.
        if input.created < since {
            let expected = format_args!("created from {since}");
            return Err(StampRefused::new(StampRefusal::BeforeMemory, expected, input.created));
        }
        if input.expires.saturating_sub(input.created) > MAX_VALIDITY {
            let expected = format_args!("validity of at most {MAX_VALIDITY} s");
            return Err(StampRefused::new(
                StampRefusal::ProofTooLong,
                expected,
                input.expires - input.created,
            ));
        }
        Ok(())
    }

    /// Whether the request carries this very stamp, and the body it says it does.
    fn check_carried(&self, bundle: &[u8]) -> Result<(), StampRefused> {
        let uncovered =
            |what: &str| StampRefused::new(StampRefusal::RequestUncovered, what, "another, or none");
        let carried = self.headers.get(HEADER).and_then(|value| value.to_str().ok());
        let carried = carried.and_then(|text| bytes_of_text(text, MAX_BUNDLE).ok());
        if carried.as_deref() != Some(bundle) {
            return Err(uncovered("the stamp in the request's own header"));
        }
        if !self.body.is_empty() {
            let digest = self.headers.get("content-digest").and_then(|value| value.to_str().ok());
            if digest != Some(content_digest(self.body).as_str()) {
                return Err(uncovered("the SHA-256 of the body in Content-Digest"));
            }
        }
        Ok(())
    }
}
