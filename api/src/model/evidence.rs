//! What one payment rests on, for whoever holds it against the chain themselves.

use bursar_sdk::transparency::LogKind;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    model::{log::SignedCheckpoint, payment::Payment, stamp::StampChain},
    wire::{Addr, Hash, Hex},
};

/// What the ledger says of a payment, with the records behind it as they are kept. Nothing in it is to be believed: each
/// part says where the chain has the same.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Evidence {
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// What is said of it.
    pub payment: Payment,
    /// The session it was paid in; null where the ledger has not got it.
    pub session: Option<SessionEvidence>,
    /// The stamp that the session was opened under, with those that it is delegated from; null where nobody has handed
    /// them in.
    pub stamps: Option<StampChain>,
    /// The policy in force; null where the ledger has not got it.
    pub policy: Option<PolicyEvidence>,
    /// The decision record; null where none is known, or it was erased.
    pub decision: Option<SealedText>,
    /// What came of it, oldest revision first.
    pub outcomes: Vec<SealedText>,
    /// The treasury's transparency log; null where it has no entry.
    pub log: Option<LogEvidence>,
}

/// A record as it is kept.
#[derive(Debug, Serialize, ToSchema)]
pub struct SealedText {
    /// Its canonical JSON (RFC 8785): the hash is keccak-256 of this text.
    pub canonical: String,
    /// The agent's signature under it; null where none is kept.
    pub seal: Option<Hex>,
}

/// A session, and where the chain tells of it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SessionEvidence {
    /// Counts the purse's sessions from 1.
    pub sequence: u32,
    /// The session key.
    pub key: Addr,
    /// Hash of the identity stamp it was opened with, or zero.
    pub stamp_hash: Hash,
    /// The transaction whose `SessionOpened` says so.
    pub opened_tx: Hash,
}

/// A policy, and where the chain tells of it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PolicyEvidence {
    /// Its document (RFC 8785), whose keccak-256 is the policy's hash; null where nobody has handed it in.
    pub text: Option<String>,
    /// The transaction whose `PolicySet` put it in force.
    pub set_tx: Hash,
}

/// What a treasury's log has about the payment.
#[derive(Debug, Serialize, ToSchema)]
pub struct LogEvidence {
    /// How many entries it has.
    pub size: u64,
    /// Their root.
    pub root: Hash,
    /// The same, signed; null where this service signs no checkpoints.
    pub checkpoint: Option<SignedCheckpoint>,
    /// The entries about the payment's records, in the order in which they came.
    pub entries: Vec<EntryEvidence>,
}

/// An entry, with its way to the root.
#[derive(Debug, Serialize, ToSchema)]
pub struct EntryEvidence {
    /// Its number, from 0.
    pub number: u64,
    /// What it tells of.
    #[schema(value_type = String, example = "decision")]
    pub kind: LogKind,
    /// The leaf's bytes: canonical JSON.
    pub leaf: String,
    /// The hashes beside the way from the leaf to the root, the leaf's first (RFC 6962, 2.1.1).
    pub path: Vec<Hash>,
    /// The first root above it that is known to be anchored; null where none is.
    pub anchor: Option<AnchorEvidence>,
}

/// A root on the chain, with an entry's way to it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AnchorEvidence {
    /// Of how many entries.
    pub size: u64,
    /// The transaction whose `Anchored` says so.
    pub tx_hash: Hash,
    /// The hashes beside the way from the leaf to that root.
    pub path: Vec<Hash>,
}
