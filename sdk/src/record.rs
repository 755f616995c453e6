//! What every record of an agent has in common: canonical JSON (RFC 8785), a keccak-256 hash, and who signed it.

use alloy::{
    primitives::{Address, B256, Bytes, Signature, keccak256},
    sol_types::SolStruct as _,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    abi,
    payment::treasury_domain,
    stamp::{Curve as _, DefaultCurve},
};

/// The largest record taken, as canonical JSON, in bytes.
pub const MAX_BYTES: usize = 64 * 1024;

/// What a record is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordKind {
    /// Why an agent pays, or why it was refused.
    Decision,
    /// What came of a payment.
    Outcome,
}

/// A record that is not what it should be. Says nothing of what is in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// Not JSON, or not of its schema's shape.
    #[error("the record does not parse: {0}")]
    Malformed(String),
    /// Of a schema this crate does not know.
    #[error("expected schema {expected:?}, got {got:?}")]
    Schema {
        /// The one it should name.
        expected: &'static str,
        /// What it names, shortened.
        got: String,
    },
    /// Too large.
    #[error("expected a record of at most {MAX_BYTES} bytes, got {got}")]
    TooLarge {
        /// Its size in bytes.
        got: usize,
    },
    /// The bytes are not the canonical form of what they say.
    #[error("the record is not in canonical form (RFC 8785)")]
    NotCanonical,
    /// The content does not match the hash it came with.
    #[error("expected a record with hash {expected}, got one with hash {got}")]
    HashMismatch {
        /// The hash it came with.
        expected: B256,
        /// The hash of its content.
        got: B256,
    },
    /// The record contradicts itself.
    #[error("the record contradicts itself: {0}")]
    Inconsistent(String),
}

/// The canonical JSON of a record.
///
/// # Errors
/// When the record is larger than [`MAX_BYTES`].
pub(crate) fn canonical<T: Serialize>(record: &T) -> Result<String, RecordError> {
    let text = serde_json_canonicalizer::to_string(record).map_err(|error| malformed(&error))?;
    if text.len() > MAX_BYTES {
        return Err(RecordError::TooLarge { got: text.len() });
    }
    Ok(text)
}

/// Reads a record of that schema from its canonical bytes.
///
/// # Errors
/// When the bytes are too large, of another schema, not its shape, or not canonical.
pub(crate) fn from_canonical<T: Serialize + DeserializeOwned>(
    text: &str,
    schema: &'static str,
) -> Result<T, RecordError> {
    /// Read first: a record of another schema need not have this one's fields.
    #[derive(Deserialize)]
    struct Named {
        schema: String,
    }
    if text.len() > MAX_BYTES {
        return Err(RecordError::TooLarge { got: text.len() });
    }
    let named: Named = serde_json::from_str(text).map_err(|error| malformed(&error))?;
    if named.schema != schema {
        let got = named.schema.chars().take(80).collect();
        return Err(RecordError::Schema { expected: schema, got });
    }
    let record: T = serde_json::from_str(text).map_err(|error| malformed(&error))?;
    if canonical(&record)? != text {
        return Err(RecordError::NotCanonical);
    }
    Ok(record)
}

/// Holds the hash a record came with against its canonical bytes.
///
/// # Errors
/// When it is another.
pub(crate) fn check_hash(text: &str, expected: B256) -> Result<(), RecordError> {
    let got = keccak256(text);
    if got == expected { Ok(()) } else { Err(RecordError::HashMismatch { expected, got }) }
}

/// Where a record does not parse. What stands there is the agent's business and no error's.
pub(crate) fn malformed(error: &serde_json::Error) -> RecordError {
    let (line, column) = (error.line(), error.column());
    RecordError::Malformed(format!("{:?} error at line {line}, column {column}", error.classify()))
}

/// What an agent signs to hand a record in: EIP-712 under the treasury's domain.
pub fn seal_digest(kind: RecordKind, chain_id: u64, treasury: Address, hash: B256) -> B256 {
    let domain = treasury_domain(chain_id, treasury);
    match kind {
        RecordKind::Decision => abi::DecisionRecord { recordHash: hash }.eip712_signing_hash(&domain),
        RecordKind::Outcome => abi::OutcomeRecord { recordHash: hash }.eip712_signing_hash(&domain),
    }
}

/// Whose seal a record carries; `None` where it is nobody's. It counts where it is the agent's identity key or the
/// key of the session that the record names.
pub fn sealed_by(
    kind: RecordKind,
    chain_id: u64,
    treasury: Address,
    hash: B256,
    seal: &Bytes,
) -> Option<Address> {
    signer_of(seal_digest(kind, chain_id, treasury, hash), seal)
}

/// Whose 65 bytes these are over a digest; `None` where they are nobody's.
pub(crate) fn signer_of(digest: B256, seal: &Bytes) -> Option<Address> {
    let signature = Signature::from_raw(seal).ok().filter(|_| seal.len() == 65)?;
    // One record, one seal by one key: a high s is another form of one with a low s.
    if signature.normalize_s().is_some() {
        return None;
    }
    DefaultCurve::recover(&digest, &signature.as_bytes())
}
