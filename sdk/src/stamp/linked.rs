//! Whether the links of a bundle hold together, as far as they tell by themselves.

use alloy::primitives::B256;

use super::{
    bundle::{Link, MAX_LINKS, StampBundle},
    chain::Prefix,
    curve::DefaultCurve,
    domain::StampDomain,
    refusal::StampRefused,
    verifier::{malformed, view},
};

/// A bundle whose links hold together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Linked {
    /// The bundle.
    pub bundle: StampBundle,
    /// The hashes of its stamps, root first.
    pub hashes: Vec<B256>,
    /// Which links a contract is said to have signed (EIP-1271), counted from 0 at the root: only the chain can tell.
    pub by_contracts: Vec<usize>,
}

impl Linked {
    /// Reads a bundle of which each link is delegated from the one before, by its subject, no wider than that, and
    /// signed by its issuer. Whether that issuer may issue, whether a link was revoked and whether it is valid now is
    /// for a [`super::Verifier`] to say, who knows the treasury.
    ///
    /// # Errors
    /// The first reason against it.
    pub fn read(bytes: &[u8]) -> Result<Self, StampRefused> {
        let view = view(bytes)?;
        let mut links = Vec::with_capacity(MAX_LINKS);
        for (at, link) in view.links().enumerate() {
            links.push(Link::from_bytes(link).map_err(|error| malformed(error).at(at))?);
        }
        let domain = StampDomain::new(view.chain_id, view.treasury);
        let prefix = Prefix::extended(None, &links, &domain)?;
        let prefix = prefix.signed::<DefaultCurve>(&links, None::<fn(usize, Prefix)>)?;
        let bundle = StampBundle::decode(bytes).map_err(malformed)?;
        Ok(Self { bundle, by_contracts: prefix.by_contracts(), hashes: prefix.hashes })
    }
}
