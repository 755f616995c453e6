//! Ed25519 keys of agents, named by their thumbprint (RFC 7638 over the JWK of RFC 8037).

use std::fmt;

use alloy::primitives::B256;
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use sha2::{Digest as _, Sha256};

use crate::stamp::refusal::{StampRefusal, StampRefused};

/// The key that signs an agent's HTTP requests.
pub struct RequestKey(SigningKey);

impl RequestKey {
    /// The key of 32 secret bytes.
    pub fn from_secret(secret: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(secret))
    }

    /// Its public half: what a bundle carries.
    pub fn public(&self) -> [u8; 32] {
        self.0.verifying_key().to_bytes()
    }

    /// What a stamp names it by: `httpsigJkt`.
    pub fn thumbprint(&self) -> B256 {
        thumbprint(&self.public())
    }

    pub(super) fn keyid(&self) -> String {
        keyid(&self.thumbprint())
    }

    pub(super) fn sign(&self, base: &[u8]) -> [u8; 64] {
        self.0.sign(base).to_bytes()
    }
}

impl fmt::Debug for RequestKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RequestKey").field(&self.thumbprint()).finish()
    }
}

/// The JWK thumbprint of an Ed25519 public key.
pub fn thumbprint(public_key: &[u8; 32]) -> B256 {
    let x = BASE64_URL_SAFE_NO_PAD.encode(public_key);
    let jwk = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#);
    B256::from_slice(&Sha256::digest(jwk))
}

/// As `keyid` writes it.
pub(super) fn keyid(thumbprint: &B256) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(thumbprint)
}

pub(super) fn verify(public_key: &[u8; 32], base: &[u8], signature: &[u8]) -> Result<(), StampRefused> {
    let forged =
        || StampRefused::new(StampRefusal::RequestForged, "a signature by the stamp's request key", "not");
    let key = VerifyingKey::from_bytes(public_key).map_err(|_| forged())?;
    let signature = Signature::from_slice(signature).map_err(|_| forged())?;
    // Strict: no keys of small order, no second encodings.
    key.verify_strict(base, &signature).map_err(|_| forged())
}
