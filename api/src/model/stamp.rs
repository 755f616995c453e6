//! Stamps, as clients read them.

use bursar_indexer::query::stamps::Chain;
use bursar_sdk::stamp::{Link, Linked, Malformed, Scope, StampRefused, StampSignature};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::wire::{Addr, Hash, Hex, Units};

/// A stamp as it comes in.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StampSubmission {
    /// The stamp with those that it is delegated from, as it travels: base64url without padding, at most 16,384
    /// characters.
    pub stamp: String,
}

/// A stamp, with those that it is delegated from.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StampChain {
    /// The last link's hash, as sessions name it.
    pub hash: Hash,
    /// Whose stamps.
    pub treasury: Addr,
    /// When it was handed in, in unix seconds.
    pub received_at: u64,
    /// Root first; each link's hash is an EIP-712 digest under the treasury's domain, and the next one's `parent`.
    pub links: Vec<StampLink>,
    /// All of it as it travels: base64url without padding.
    pub bundle: String,
}

/// One stamp of a chain. Amounts in the asset's atomic units, times in unix seconds; a zero hash binds to nothing.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StampLink {
    /// Its hash: what its issuer signed.
    pub hash: Hash,
    /// Hash of the one it is delegated from; zero in a root.
    pub parent: Hash,
    /// Who signed it: a stamper of the treasury, else the parent's subject.
    pub issuer: Addr,
    /// Whose identity it is.
    pub subject: Addr,
    /// The agent's ERC-8004 reference.
    pub agent_ref: Hash,
    /// keccak-256 of `scopeBytes`.
    pub scope_hash: Hash,
    /// What may be paid, and for what.
    pub scope: StampScope,
    /// The same as it is hashed.
    pub scope_bytes: Hex,
    /// Most that one payment may move.
    pub per_payment_max: Units,
    /// Most that all of them may.
    pub total_max: Units,
    /// Hash of its windows.
    pub windows_hash: Hash,
    /// Most within each calendar window.
    pub windows: Vec<StampWindow>,
    /// Valid from (inclusive).
    pub not_before: u64,
    /// Valid until (exclusive).
    pub not_after: u64,
    /// How many further delegations may follow.
    pub depth_left: u8,
    /// Hash of the policy document that it was issued under.
    pub policy_hash: Hash,
    /// Thumbprint of the key that signs its subject's HTTP requests.
    pub httpsig_jkt: Hash,
    /// Hash of the deployed workload.
    pub workload_hash: Hash,
    /// The treasury's stamp epoch at issue.
    pub epoch: u32,
    /// Makes the hash unique.
    pub salt: Hash,
    /// Its issuer's signature: 65 bytes of an account; a contract's own (EIP-1271).
    pub signature: Hex,
    /// Whether a contract is said to have signed: only the chain can tell.
    pub by_contract: bool,
}

/// What may be paid, and for what; null allows any.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct StampScope {
    /// Tokens.
    pub assets: Option<Vec<Addr>>,
    /// Payees.
    pub payees: Option<Vec<Addr>>,
    /// Hosts whose resources may be paid for.
    pub hosts: Option<Vec<String>>,
}

/// A limit by calendar windows.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct StampWindow {
    /// In seconds.
    pub period: u32,
    /// Most within one of them.
    pub limit: Units,
}

impl StampChain {
    /// As it is kept.
    ///
    /// # Errors
    /// When what is kept does not hold together.
    pub(crate) fn read(row: &Chain) -> Result<Self, Unsound> {
        let Linked { bundle, hashes, .. } = Linked::read(&row.bundle)?;
        let links = bundle.links.iter().zip(hashes).map(|(link, hash)| StampLink::read(link, hash.into()));
        Ok(Self {
            hash: row.hash.into(),
            treasury: row.treasury.into(),
            received_at: row.received_at,
            links: links.collect::<Result<_, _>>()?,
            bundle: bundle.to_text()?,
        })
    }
}

/// Why what is kept of a stamp does not hold together.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unsound {
    /// Its links are no chain.
    #[error(transparent)]
    Refused(#[from] StampRefused),
    /// Something in it has no canonical form.
    #[error(transparent)]
    Malformed(#[from] Malformed),
}

impl StampLink {
    fn read(link: &Link, hash: Hash) -> Result<Self, Malformed> {
        let Link { stamp, scope, windows, signature } = link;
        let (signature, by_contract) = match signature {
            StampSignature::Key { signature, .. } => (signature.to_vec().into(), false),
            StampSignature::Contract(bytes) => (bytes.clone(), true),
        };
        Ok(Self {
            hash,
            parent: stamp.parent.into(),
            issuer: stamp.issuer.into(),
            subject: stamp.subject.into(),
            agent_ref: stamp.agent_ref.into(),
            scope_hash: stamp.scope_hash.into(),
            scope: scope.into(),
            scope_bytes: Hex(scope.canonical()?.into()),
            per_payment_max: stamp.per_payment_max.into(),
            total_max: stamp.total_max.into(),
            windows_hash: stamp.windows_hash.into(),
            windows: windows
                .0
                .iter()
                .map(|window| StampWindow { period: window.period, limit: window.limit.into() })
                .collect(),
            not_before: stamp.not_before,
            not_after: stamp.not_after,
            depth_left: stamp.depth_left,
            policy_hash: stamp.policy_hash.into(),
            httpsig_jkt: stamp.httpsig_jkt.into(),
            workload_hash: stamp.workload_hash.into(),
            epoch: stamp.epoch,
            salt: stamp.salt.into(),
            signature: Hex(signature),
            by_contract,
        })
    }
}

impl From<&Scope> for StampScope {
    fn from(scope: &Scope) -> Self {
        let spelled =
            |list: &Option<Vec<_>>| list.as_ref().map(|list| list.iter().copied().map(Addr).collect());
        Self { assets: spelled(&scope.assets), payees: spelled(&scope.payees), hosts: scope.hosts.clone() }
    }
}
