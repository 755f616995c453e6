//! The stamp itself: what an issuer signs, and the hash that names it.

use std::sync::LazyLock;

use alloy::{
    primitives::{Address, B256, keccak256},
    sol_types::SolStruct as _,
};
use serde::{Deserialize, Serialize};

use super::{
    domain::StampDomain,
    wire::{Malformed, Reader, put_amount},
};
use crate::amount::Amount;

/// What wallets are asked to sign.
pub mod typed {
    #![allow(missing_docs)]
    use alloy::sol;

    sol! {
        /// A stamp, as its issuer signs it under the treasury's domain.
        #[derive(Debug)]
        struct Stamp {
            bytes32 parent;
            address issuer;
            address subject;
            bytes32 agentRef;
            bytes32 scopeHash;
            uint96 perPaymentMax;
            uint96 totalMax;
            bytes32 windowsHash;
            uint64 notBefore;
            uint64 notAfter;
            uint8 depthLeft;
            bytes32 policyHash;
            bytes32 httpsigJkt;
            bytes32 workloadHash;
            uint32 epoch;
            bytes32 salt;
        }

        /// A session that a stamp's subject opened, as the subject signs it under the treasury's domain.
        #[derive(Debug)]
        struct StampSession {
            bytes32 stampHash;
            bytes32 session;
            address key;
            uint64 terms;
            uint64 notBefore;
            uint64 notAfter;
        }
    }
}

static STAMP_TYPE: LazyLock<B256> =
    LazyLock::new(|| keccak256(typed::Stamp::eip712_encode_type().as_bytes()));

/// A signed identity token's content: who may act for whom, within what, until when.
///
/// Amounts are in the asset's atomic units, times in unix seconds. A zero hash means "not bound".
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Stamp {
    /// Hash of the stamp that this one is delegated from; zero in a root stamp.
    pub parent: B256,
    /// Who signs: a stamper of the treasury (root), else the parent's subject.
    pub issuer: Address,
    /// Who is identified: the agent's identity key.
    pub subject: Address,
    /// The agent's ERC-8004 reference ([`agent_ref`]), or zero.
    pub agent_ref: B256,
    /// keccak-256 of the [`super::Scope`]'s canonical bytes.
    pub scope_hash: B256,
    /// Most that one payment may move (inclusive).
    pub per_payment_max: Amount,
    /// Most that all payments under this stamp may move together (inclusive).
    pub total_max: Amount,
    /// keccak-256 of the [`super::Windows`]' canonical bytes.
    pub windows_hash: B256,
    /// Valid from (inclusive).
    pub not_before: u64,
    /// Valid until (exclusive).
    pub not_after: u64,
    /// How many further delegations may follow.
    pub depth_left: u8,
    /// Hash of the policy document it was issued under, or zero.
    pub policy_hash: B256,
    /// Thumbprint (RFC 7638, SHA-256) of the Ed25519 key that signs the agent's HTTP requests, or zero.
    pub httpsig_jkt: B256,
    /// Hash of the deployed workload (image digest, attestation), or zero.
    pub workload_hash: B256,
    /// The treasury's stamp epoch at issue; raising it ends every stamp of an older one.
    pub epoch: u32,
    /// Makes the hash unguessable and unique.
    pub salt: B256,
}

impl Stamp {
    /// The stamp's hash: the EIP-712 digest that its issuer signs. It names the stamp in children, sessions and
    /// revocations, and is another one on every chain and treasury.
    pub fn hash(&self, domain: &StampDomain) -> B256 {
        let mut words = [0u8; 17 * 32];
        let mut at = 0;
        let mut put = |bytes: &[u8]| {
            words[at + 32 - bytes.len()..at + 32].copy_from_slice(bytes);
            at += 32;
        };
        put(STAMP_TYPE.as_slice());
        put(self.parent.as_slice());
        put(self.issuer.as_slice());
        put(self.subject.as_slice());
        put(self.agent_ref.as_slice());
        put(self.scope_hash.as_slice());
        put(&self.per_payment_max.to_u96().to_be_bytes::<12>());
        put(&self.total_max.to_u96().to_be_bytes::<12>());
        put(self.windows_hash.as_slice());
        put(&self.not_before.to_be_bytes());
        put(&self.not_after.to_be_bytes());
        put(&[self.depth_left]);
        put(self.policy_hash.as_slice());
        put(self.httpsig_jkt.as_slice());
        put(self.workload_hash.as_slice());
        put(&self.epoch.to_be_bytes());
        put(self.salt.as_slice());
        domain.digest(&keccak256(words))
    }

    /// As a wallet shows and signs it.
    pub fn to_typed(&self) -> typed::Stamp {
        typed::Stamp {
            parent: self.parent,
            issuer: self.issuer,
            subject: self.subject,
            agentRef: self.agent_ref,
            scopeHash: self.scope_hash,
            perPaymentMax: self.per_payment_max.to_u96(),
            totalMax: self.total_max.to_u96(),
            windowsHash: self.windows_hash,
            notBefore: self.not_before,
            notAfter: self.not_after,
            depthLeft: self.depth_left,
            policyHash: self.policy_hash,
            httpsigJkt: self.httpsig_jkt,
            workloadHash: self.workload_hash,
            epoch: self.epoch,
            salt: self.salt,
        }
    }

    pub(crate) fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.parent.as_slice());
        out.extend_from_slice(self.issuer.as_slice());
        out.extend_from_slice(self.subject.as_slice());
        out.extend_from_slice(self.agent_ref.as_slice());
        out.extend_from_slice(self.scope_hash.as_slice());
        put_amount(out, self.per_payment_max);
        put_amount(out, self.total_max);
        out.extend_from_slice(self.windows_hash.as_slice());
        out.extend_from_slice(&self.not_before.to_be_bytes());
        out.extend_from_slice(&self.not_after.to_be_bytes());
        out.push(self.depth_left);
        out.extend_from_slice(self.policy_hash.as_slice());
        out.extend_from_slice(self.httpsig_jkt.as_slice());
        out.extend_from_slice(self.workload_hash.as_slice());
        out.extend_from_slice(&self.epoch.to_be_bytes());
        out.extend_from_slice(self.salt.as_slice());
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            parent: reader.word("parent")?,
            issuer: reader.address("issuer")?,
            subject: reader.address("subject")?,
            agent_ref: reader.word("agentRef")?,
            scope_hash: reader.word("scopeHash")?,
            per_payment_max: reader.amount("perPaymentMax")?,
            total_max: reader.amount("totalMax")?,
            windows_hash: reader.word("windowsHash")?,
            not_before: reader.u64("notBefore")?,
            not_after: reader.u64("notAfter")?,
            depth_left: reader.u8("depthLeft")?,
            policy_hash: reader.word("policyHash")?,
            httpsig_jkt: reader.word("httpsigJkt")?,
            workload_hash: reader.word("workloadHash")?,
            epoch: reader.u32("epoch")?,
            salt: reader.word("salt")?,
        })
    }
}

/// The reference of an agent in an ERC-8004 identity registry: keccak-256 of `eip155:<chain>:<registry>:<id>`,
/// the registry's address in lower case.
pub fn agent_ref(chain_id: u64, registry: Address, agent_id: alloy::primitives::U256) -> B256 {
    keccak256(format!("eip155:{chain_id}:{registry:#x}:{agent_id}"))
}

#[cfg(test)]
mod tests {
    use alloy::primitives::U256;

    use super::*;
    use crate::payment::treasury_domain;

    fn stamp() -> Stamp {
        let word = B256::repeat_byte;
        Stamp {
            parent: word(1),
            issuer: Address::repeat_byte(2),
            subject: Address::repeat_byte(3),
            agent_ref: word(4),
            scope_hash: word(5),
            per_payment_max: Amount::new(6),
            total_max: Amount::new(7),
            windows_hash: word(8),
            not_before: 9,
            not_after: 10,
            depth_left: 11,
            policy_hash: word(12),
            httpsig_jkt: word(13),
            workload_hash: word(14),
            epoch: 15,
            salt: word(16),
        }
    }

    #[test]
    fn hashes_as_wallets_hash_typed_data() {
        let domain = StampDomain::new(8453, Address::repeat_byte(0x77));
        let expected =
            stamp().to_typed().eip712_signing_hash(&treasury_domain(8453, Address::repeat_byte(0x77)));
        assert_eq!(stamp().hash(&domain), expected);
        assert_ne!(stamp().hash(&domain), stamp().hash(&StampDomain::new(1, domain.treasury)));
        assert_ne!(stamp().hash(&domain), stamp().hash(&StampDomain::new(8453, Address::ZERO)));
    }

    #[test]
    fn the_type_is_the_published_one() {
        assert_eq!(
            typed::Stamp::eip712_encode_type(),
            "Stamp(bytes32 parent,address issuer,address subject,bytes32 agentRef,bytes32 scopeHash,\
             uint96 perPaymentMax,uint96 totalMax,bytes32 windowsHash,uint64 notBefore,uint64 notAfter,\
             uint8 depthLeft,bytes32 policyHash,bytes32 httpsigJkt,bytes32 workloadHash,uint32 epoch,bytes32 salt)"
        );
    }

    #[test]
    fn travels_unchanged() {
        let mut bytes = Vec::new();
        stamp().put(&mut bytes);
        assert_eq!(bytes.len(), 341);
        assert_eq!(Stamp::read(&mut Reader::new(&bytes)), Ok(stamp()));
        assert!(Stamp::read(&mut Reader::new(&bytes[1..])).is_err());
    }

    #[test]
    fn agents_are_named_as_the_registry_names_them() {
        let registry = Address::repeat_byte(0xab);
        let expected = keccak256("eip155:8453:0xabababababababababababababababababababab:22");
        assert_eq!(agent_ref(8453, registry, U256::from(22)), expected);
    }
}
