//! secp256k1 signatures, by whichever library is at hand.

use std::fmt;

use alloy::primitives::{Address, B256, keccak256};
use alloy::signers::k256::ecdsa::{
    RecoveryId, Signature, VerifyingKey, signature::hazmat::PrehashVerifier as _,
};

/// Checks secp256k1 signatures. Implementations take `signature` as `r ‖ s ‖ v`, `v` 27 or 28, `s` low.
pub trait Curve: fmt::Debug + Send + Sync {
    /// The library's name, for reports.
    const NAME: &'static str;

    /// The address whose key signed `digest`, if any did.
    fn recover(digest: &B256, signature: &[u8; 65]) -> Option<Address>;

    /// Whether the key `x ‖ y` signed `digest`; faster than [`Self::recover`], since the point is given.
    fn verify(digest: &B256, signature: &[u8; 65], public_key: &[u8; 64]) -> bool;
}

/// Pure Rust; builds wherever Rust does.
#[derive(Debug, Clone, Copy, Default)]
pub struct K256;

impl Curve for K256 {
    const NAME: &'static str = "k256";

    fn recover(digest: &B256, signature: &[u8; 65]) -> Option<Address> {
        let id = RecoveryId::from_byte(signature[64].checked_sub(27)?)?;
        let signature = Signature::from_slice(&signature[..64]).ok()?;
        let key = VerifyingKey::recover_from_prehash(digest.as_slice(), &signature, id).ok()?;
        Some(address_of_point(key.to_encoded_point(false).as_bytes()))
    }

    fn verify(digest: &B256, signature: &[u8; 65], public_key: &[u8; 64]) -> bool {
        let Ok(signature) = Signature::from_slice(&signature[..64]) else { return false };
        let Ok(key) = VerifyingKey::from_sec1_bytes(&sec1(public_key)) else { return false };
        key.verify_prehash(digest.as_slice(), &signature).is_ok()
    }
}

/// Bitcoin's C library; several times faster than [`K256`], and needs a C compiler to build.
#[cfg(feature = "libsecp256k1")]
#[derive(Debug, Clone, Copy, Default)]
pub struct Libsecp256k1;

#[cfg(feature = "libsecp256k1")]
impl Curve for Libsecp256k1 {
    const NAME: &'static str = "libsecp256k1";

    fn recover(digest: &B256, signature: &[u8; 65]) -> Option<Address> {
        use secp256k1::{
            Message,
            ecdsa::{RecoverableSignature, RecoveryId},
        };
        let id = RecoveryId::try_from(i32::from(signature[64].checked_sub(27)?)).ok()?;
        let signature = RecoverableSignature::from_compact(&signature[..64], id).ok()?;
        let key = signature.recover_ecdsa(Message::from_digest(digest.0)).ok()?;
        Some(address_of_point(&key.serialize_uncompressed()))
    }

    fn verify(digest: &B256, signature: &[u8; 65], public_key: &[u8; 64]) -> bool {
        use secp256k1::{Message, PublicKey, ecdsa};
        let Ok(signature) = ecdsa::Signature::from_compact(&signature[..64]) else { return false };
        let Ok(key) = PublicKey::from_byte_array_uncompressed(sec1(public_key)) else { return false };
        ecdsa::verify(&signature, Message::from_digest(digest.0), &key).is_ok()
    }
}

/// The faster of what this build has.
#[cfg(feature = "libsecp256k1")]
pub type DefaultCurve = Libsecp256k1;
/// The faster of what this build has.
#[cfg(not(feature = "libsecp256k1"))]
pub type DefaultCurve = K256;

/// The address of a public key `x ‖ y`.
pub(crate) fn address_of(public_key: &[u8; 64]) -> Address {
    Address::from_slice(&keccak256(public_key)[12..])
}

fn address_of_point(sec1: &[u8]) -> Address {
    // The first byte only says that both coordinates follow.
    Address::from_slice(&keccak256(&sec1[1..])[12..])
}

fn sec1(public_key: &[u8; 64]) -> [u8; 65] {
    let mut point = [4u8; 65];
    point[1..].copy_from_slice(public_key);
    point
}
