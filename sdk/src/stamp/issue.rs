//! Issuing: a stamper issues a root at deployment, an agent delegates to a sub-agent, a subject shows a session.

use alloy::{
    primitives::{Address, B256, Bytes},
    signers::Signer,
};
use serde::{Deserialize, Serialize};

use super::{
    bundle::{Link, MAX_LINKS, StampBundle},
    domain::StampDomain,
    narrow,
    proof::SessionProof,
    refusal::{StampRefusal, StampRefused},
    scope::Scope,
    signature::StampSignature,
    token::Stamp,
    windows::Windows,
    wire::Malformed,
};
use crate::amount::Amount;

/// Why a stamp was not issued.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StampError {
    /// Every verifier would refuse it.
    #[error(transparent)]
    Refused(#[from] StampRefused),
    /// A list is too long or not in order.
    #[error("the stamp cannot be written: {0}")]
    Malformed(#[from] Malformed),
    /// The signer failed.
    #[error("signing failed: {0}")]
    Signing(#[from] alloy::signers::Error),
}

/// What a stamp is to say; hashes, parent and issuer follow from it. Units as in [`Stamp`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StampTerms {
    /// Who is identified.
    pub subject: Address,
    /// The agent's ERC-8004 reference ([`super::agent_ref`]), or zero.
    #[serde(default)]
    pub agent_ref: B256,
    /// What it may pay.
    #[serde(default)]
    pub scope: Scope,
    /// Most for one payment (inclusive).
    pub per_payment_max: Amount,
    /// Most for all payments together (inclusive).
    pub total_max: Amount,
    /// Most within calendar windows.
    #[serde(default)]
    pub windows: Windows,
    /// Valid from (inclusive).
    pub not_before: u64,
    /// Valid until (exclusive).
    pub not_after: u64,
    /// How many further delegations may follow; at most 3.
    #[serde(default)]
    pub depth_left: u8,
    /// The policy it is bound to, or zero.
    #[serde(default)]
    pub policy_hash: B256,
    /// Thumbprint of the subject's request key, or zero.
    #[serde(default)]
    pub httpsig_jkt: B256,
    /// Hash of the deployed workload, or zero.
    #[serde(default)]
    pub workload_hash: B256,
    /// The treasury's stamp epoch.
    #[serde(default)]
    pub epoch: u32,
}

impl StampTerms {
    fn stamp(&self, parent: B256, issuer: Address, salt: B256) -> Result<(Stamp, Scope), StampError> {
        let scope = self.scope.clone().normalized();
        let stamp = Stamp {
            parent,
            issuer,
            subject: self.subject,
            agent_ref: self.agent_ref,
            scope_hash: scope.hash()?,
            per_payment_max: self.per_payment_max,
            total_max: self.total_max,
            windows_hash: self.windows.hash()?,
            not_before: self.not_before,
            not_after: self.not_after,
            depth_left: self.depth_left,
            policy_hash: self.policy_hash,
            httpsig_jkt: self.httpsig_jkt,
            workload_hash: self.workload_hash,
            epoch: self.epoch,
            salt,
        };
        Ok((stamp, scope))
    }
}

/// A stamp that waits for its issuer's signature over [`Self::digest`]: a wallet's, a key's or a contract's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnsignedStamp {
    bundle: StampBundle,
    stamp: Stamp,
    scope: Scope,
    windows: Windows,
}

impl UnsignedStamp {
    /// A root stamp by `issuer`, who has to hold the treasury's stamper role for anyone to take it. `salt` must not
    /// repeat.
    ///
    /// # Errors
    /// When its lists cannot be written, its validity is empty, or the issuer is the subject.
    pub fn root(
        domain: StampDomain,
        terms: &StampTerms,
        issuer: Address,
        salt: B256,
    ) -> Result<Self, StampError> {
        if issuer == terms.subject {
            let expected = "an issuer who is not the subject";
            return Err(StampRefused::new(StampRefusal::IssuedAtCallTime, expected, issuer).into());
        }
        let (stamp, scope) = terms.stamp(B256::ZERO, issuer, salt)?;
        let bundle = StampBundle { domain, links: Vec::new(), session: None, request_key: None };
        Self { bundle, stamp, scope, windows: terms.windows.clone() }.checked()
    }

    /// A stamp that the subject of `parent`'s leaf delegates. `salt` must not repeat.
    ///
    /// # Errors
    /// When it is more than its parent in any field: no verifier would take it.
    pub fn child(parent: &StampBundle, terms: &StampTerms, salt: B256) -> Result<Self, StampError> {
        let Some(leaf) = parent.leaf() else {
            return Err(StampRefused::new(StampRefusal::Malformed, "a parent", "none").into());
        };
        if parent.links.len() >= MAX_LINKS {
            let expected = format_args!("at most {MAX_LINKS} links");
            return Err(
                StampRefused::new(StampRefusal::TooManyLinks, expected, parent.links.len() + 1).into()
            );
        }
        let (stamp, scope) = terms.stamp(parent.hash(), leaf.stamp.subject, salt)?;
        let bundle = StampBundle { session: None, request_key: None, ..parent.clone() };
        let unsigned = Self { bundle, stamp, scope, windows: terms.windows.clone() };
        narrow::check(leaf, &unsigned.link(StampSignature::Contract(Bytes::new())))?;
        unsigned.checked()
    }

    fn checked(self) -> Result<Self, StampError> {
        if self.stamp.not_before >= self.stamp.not_after {
            let expected = format_args!("an end after {}", self.stamp.not_before);
            return Err(StampRefused::new(StampRefusal::Expired, expected, self.stamp.not_after).into());
        }
        Ok(self)
    }

    /// The stamp.
    pub fn stamp(&self) -> &Stamp {
        &self.stamp
    }

    /// What the issuer signs; the stamp's hash.
    pub fn digest(&self) -> B256 {
        self.stamp.hash(&self.bundle.domain)
    }

    /// Signs with a key at hand.
    ///
    /// # Errors
    /// When the signer is not the issuer, or fails.
    pub async fn sign(self, signer: &(dyn Signer + Send + Sync)) -> Result<StampBundle, StampError> {
        let (expected, got) = (self.stamp.issuer, signer.address());
        if expected != got {
            let reason = if self.bundle.links.is_empty() {
                StampRefusal::RootForged
            } else {
                StampRefusal::IssuerNotParent
            };
            return Err(StampRefused::new(reason, expected, got).into());
        }
        let digest = self.digest();
        let signature = StampSignature::by_key(&signer.sign_hash(&digest).await?, &digest);
        Ok(self.signed(signature))
    }

    /// With a signature made elsewhere. Whether it is the issuer's, a verifier finds out.
    pub fn signed(self, signature: StampSignature) -> StampBundle {
        let link = self.link(signature);
        let mut bundle = self.bundle;
        bundle.links.push(link);
        bundle
    }

    fn link(&self, signature: StampSignature) -> Link {
        Link {
            stamp: self.stamp.clone(),
            scope: self.scope.clone(),
            windows: self.windows.clone(),
            signature,
        }
    }
}

impl StampBundle {
    /// The same stamp, shown in a session: the subject signs that it opened it with that key.
    ///
    /// `terms` is what payments of the session are signed under: `epoch << 16 | policy version`. Times in unix
    /// seconds, the end exclusive.
    ///
    /// # Errors
    /// When the signer is not the leaf's subject, or fails.
    pub async fn in_session(
        &self,
        session: B256,
        key: Address,
        terms: u64,
        (not_before, not_after): (u64, u64),
        signer: &(dyn Signer + Send + Sync),
    ) -> Result<Self, StampError> {
        let subject = self.leaf().map(|leaf| leaf.stamp.subject).unwrap_or_default();
        if signer.address() != subject {
            return Err(StampRefused::new(StampRefusal::OtherSubject, subject, signer.address()).into());
        }
        let mut proof = SessionProof {
            stamp_hash: self.hash(),
            session,
            key,
            terms,
            not_before,
            not_after,
            signature: StampSignature::Contract(Bytes::new()),
        };
        let digest = proof.digest(&self.domain);
        proof.signature = StampSignature::by_key(&signer.sign_hash(&digest).await?, &digest);
        Ok(Self { session: Some(proof), ..self.clone() })
    }

    /// The same stamp, with the key that signs the subject's requests.
    pub fn with_request_key(mut self, public_key: [u8; 32]) -> Self {
        self.request_key = Some(public_key);
        self
    }
}
