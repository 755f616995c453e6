//! A treasury's transparency log, as clients read it.

use bursar_indexer::query::log;
use bursar_sdk::transparency::{self, LogKind};
use serde::Serialize;
use utoipa::ToSchema;

use crate::wire::{Addr, Hash};

/// A treasury's log as it stands. Its tree is the one of RFC 6962, with SHA-256.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Log {
    /// Whose.
    pub treasury: Addr,
    /// How many entries it has.
    pub size: u64,
    /// Their root.
    pub root: Hash,
    /// The same, signed; null where this service signs no checkpoints.
    pub checkpoint: Option<SignedCheckpoint>,
    /// The root that was last anchored on chain, by anybody who may; null where none was.
    pub anchor: Option<Anchor>,
}

/// A root that the log's keeper signed.
#[derive(Debug, Serialize, ToSchema)]
pub struct SignedCheckpoint {
    /// A signed note (C2SP tlog-checkpoint): the log's name, its size and its root in base64, and an Ed25519 signature.
    pub note: String,
    /// What it is verified with: name, key id and key in base64, with `+` between them. Keep it from another time or place
    /// than the note.
    pub verifier: String,
}

/// A root on the chain.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Anchor {
    /// Of how many entries, as a decimal string: whoever anchors may say any 64 bits.
    pub size: String,
    /// Their root.
    pub root: Hash,
    /// Who anchored it.
    pub by: Addr,
    /// The block.
    pub block: u64,
    /// When, in unix seconds.
    pub timestamp: u64,
    /// The transaction.
    pub tx_hash: Hash,
}

/// An entry of the log.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LogEntry {
    /// Its number, from 0.
    pub number: u64,
    /// What it tells of.
    #[schema(value_type = String, example = "decision")]
    pub kind: LogKind,
    /// Of which envelope, where that was known.
    pub envelope: Option<u32>,
    /// Which one: keccak-256 of the record, or the digest of the payment that waits for a human.
    pub subject: Hash,
    /// When it came, in unix seconds.
    pub at: u64,
    /// The block that the ledger stood at then.
    pub height: u64,
    /// The leaf's bytes: canonical JSON.
    pub leaf: String,
    /// The leaf's hash: SHA-256 of a zero byte and those bytes.
    pub leaf_hash: Hash,
}

/// That an entry is in the log.
#[derive(Debug, Serialize, ToSchema)]
pub struct InclusionProof {
    /// The entry.
    pub entry: LogEntry,
    /// How many entries the log has that it is proven of.
    pub size: u64,
    /// The root of those.
    pub root: Hash,
    /// The hashes beside the way from the leaf to the root, the leaf's first (RFC 6962, 2.1.1).
    pub path: Vec<Hash>,
}

/// That a log with more entries begins with those of an earlier one.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConsistencyProof {
    /// How many entries it had.
    pub from: u64,
    /// Their root.
    pub from_root: Hash,
    /// How many it has.
    pub size: u64,
    /// Their root.
    pub root: Hash,
    /// RFC 6962, 2.1.2; nothing where it had no entry, or has no other.
    pub path: Vec<Hash>,
}

impl From<transparency::SignedCheckpoint> for SignedCheckpoint {
    fn from(signed: transparency::SignedCheckpoint) -> Self {
        let transparency::SignedCheckpoint { note, verifier } = signed;
        Self { note, verifier }
    }
}

impl From<log::Anchor> for Anchor {
    fn from(row: log::Anchor) -> Self {
        Self {
            size: row.size.to_string(),
            root: row.root.into(),
            by: row.by.into(),
            block: row.position.block,
            timestamp: row.timestamp,
            tx_hash: row.tx_hash.into(),
        }
    }
}

impl From<log::Leaf> for LogEntry {
    fn from(leaf: log::Leaf) -> Self {
        let leaf_hash = leaf.hash().into();
        let log::Leaf { number, entry, bytes } = leaf;
        let transparency::Entry { kind, envelope, subject, at, height, .. } = entry;
        Self { number, kind, envelope, subject: subject.into(), at, height, leaf: bytes, leaf_hash }
    }
}
