//! Public keys that are in their own name: `did:key` and `did:jwk`.

use alloy::signers::k256;
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use k256::ecdsa::signature::Verifier as _;
use serde::Deserialize;

/// Multicodec prefixes of public keys, as unsigned varints.
const ED25519: [u8; 2] = [0xed, 0x01];
const SECP256K1: [u8; 2] = [0xe7, 0x01];
const P256: [u8; 2] = [0x80, 0x24];

/// A key of one of the curves that are read.
#[derive(Debug)]
pub(super) enum PublicKey {
    Ed25519(ed25519_dalek::VerifyingKey),
    Secp256k1(k256::ecdsa::VerifyingKey),
    P256(p256::ecdsa::VerifyingKey),
}

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    crv: String,
    x: String,
    #[serde(default)]
    y: String,
}

impl PublicKey {
    /// The key that is in an identifier (without a fragment); `None` where it is not in it.
    pub(super) fn of_did(did: &str) -> Option<Self> {
        match did.split(':').collect::<Vec<_>>()[..] {
            ["did", "key", name] => Self::of_did_key(name),
            ["did", "jwk", name] => Self::of_did_jwk(name),
            _ => None,
        }
    }

    fn of_did_key(name: &str) -> Option<Self> {
        // `z` is base58 in Bitcoin's alphabet.
        let bytes = bs58::decode(name.strip_prefix('z')?).into_vec().ok()?;
        let (codec, key) = bytes.split_first_chunk::<2>()?;
        match *codec {
            ED25519 => Self::ed25519(key),
            SECP256K1 => Self::secp256k1(key),
            P256 => Self::p256(key),
            _ => None,
        }
    }

    fn of_did_jwk(name: &str) -> Option<Self> {
        let jwk: Jwk = serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(name).ok()?).ok()?;
        let (x, y) =
            (BASE64_URL_SAFE_NO_PAD.decode(&jwk.x).ok()?, BASE64_URL_SAFE_NO_PAD.decode(&jwk.y).ok()?);
        let point = || Some([&[4][..], &x, &y].concat()).filter(|point| point.len() == 65);
        match (jwk.kty.as_str(), jwk.crv.as_str()) {
            ("OKP", "Ed25519") => Self::ed25519(&x),
            ("EC", "secp256k1") => Self::secp256k1(&point()?),
            ("EC", "P-256") => Self::p256(&point()?),
            _ => None,
        }
    }

    fn ed25519(bytes: &[u8]) -> Option<Self> {
        let key = ed25519_dalek::VerifyingKey::from_bytes(bytes.try_into().ok()?).ok()?;
        Some(Self::Ed25519(key))
    }

    fn secp256k1(bytes: &[u8]) -> Option<Self> {
        k256::ecdsa::VerifyingKey::from_sec1_bytes(bytes).ok().map(Self::Secp256k1)
    }

    fn p256(bytes: &[u8]) -> Option<Self> {
        p256::ecdsa::VerifyingKey::from_sec1_bytes(bytes).ok().map(Self::P256)
    }

    /// What a JWS by this key names as its algorithm.
    pub(super) fn algorithm(&self) -> &'static str {
        match self {
            Self::Ed25519(_) => "EdDSA",
            Self::Secp256k1(_) => "ES256K",
            Self::P256(_) => "ES256",
        }
    }

    pub(super) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Ed25519(key) => ed25519_dalek::Signature::from_slice(signature)
                .is_ok_and(|signature| key.verify_strict(message, &signature).is_ok()),
            Self::Secp256k1(key) => k256::ecdsa::Signature::from_slice(signature)
                // JWS signers need not make s low, and k256 takes low ones only.
                .map(|signature| signature.normalize_s().unwrap_or(signature))
                .is_ok_and(|signature| key.verify(message, &signature).is_ok()),
            Self::P256(key) => p256::ecdsa::Signature::from_slice(signature)
                .is_ok_and(|signature| key.verify(message, &signature).is_ok()),
        }
    }
}
