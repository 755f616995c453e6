//! What a subject signs once per session: that it opened it, under its stamp.

use std::sync::LazyLock;

use alloy::{
    primitives::{Address, B256, keccak256},
    sol_types::SolStruct as _,
};

use super::{
    domain::StampDomain,
    signature::StampSignature,
    token::typed,
    wire::{Malformed, Reader},
};

static SESSION_TYPE: LazyLock<B256> =
    LazyLock::new(|| keccak256(typed::StampSession::eip712_encode_type().as_bytes()));

/// A session that a stamp's subject opened: what every payment of that session shows.
///
/// Signed once by the subject, so that a merchant who sees the session's second payment has nothing left to verify
/// but hashes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionProof {
    /// Hash of the leaf stamp.
    pub stamp_hash: B256,
    /// The session: `purse | sequence` ([`crate::payment::session_id`]).
    pub session: B256,
    /// The session key.
    pub key: Address,
    /// What payments of the session are signed under, as their nonces commit to it: `epoch << 16 | policy version`.
    pub terms: u64,
    /// Valid from, unix seconds (inclusive).
    pub not_before: u64,
    /// Valid until, unix seconds (exclusive).
    pub not_after: u64,
    /// The subject's signature.
    pub signature: StampSignature,
}

impl SessionProof {
    /// The EIP-712 digest that the subject signs.
    pub fn digest(&self, domain: &StampDomain) -> B256 {
        let mut words = [0u8; 7 * 32];
        words[..32].copy_from_slice(SESSION_TYPE.as_slice());
        words[32..64].copy_from_slice(self.stamp_hash.as_slice());
        words[64..96].copy_from_slice(self.session.as_slice());
        words[108..128].copy_from_slice(self.key.as_slice());
        words[152..160].copy_from_slice(&self.terms.to_be_bytes());
        words[184..192].copy_from_slice(&self.not_before.to_be_bytes());
        words[216..224].copy_from_slice(&self.not_after.to_be_bytes());
        domain.digest(&keccak256(words))
    }

    /// As a wallet shows and signs it.
    pub fn to_typed(&self) -> typed::StampSession {
        typed::StampSession {
            stampHash: self.stamp_hash,
            session: self.session,
            key: self.key,
            terms: self.terms,
            notBefore: self.not_before,
            notAfter: self.not_after,
        }
    }

    pub(crate) fn put(&self, out: &mut Vec<u8>) -> Result<(), Malformed> {
        out.extend_from_slice(self.stamp_hash.as_slice());
        out.extend_from_slice(self.session.as_slice());
        out.extend_from_slice(self.key.as_slice());
        for number in [self.terms, self.not_before, self.not_after] {
            out.extend_from_slice(&number.to_be_bytes());
        }
        self.signature.put(out)
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        let proof = Self {
            stamp_hash: reader.word("the session's stamp")?,
            session: reader.word("the session")?,
            key: reader.address("the session's key")?,
            terms: reader.u64("the session's terms")?,
            not_before: reader.u64("the session's start")?,
            not_after: reader.u64("the session's end")?,
            signature: StampSignature::read(&mut reader)?,
        };
        reader.end("nothing after the session")?;
        Ok(proof)
    }
}
