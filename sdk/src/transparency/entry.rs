//! What a leaf says: which record, when, and hashes of what is kept of it.

use alloy::primitives::{Address, B256, Bytes, keccak256};
use serde::{Deserialize, Serialize};

use super::LogKind;
use crate::record::{self, RecordError};

/// The schema this crate writes and reads.
pub const SCHEMA: &str = "bursar.log-entry/1";

/// An entry of a log. Its canonical JSON (RFC 8785) is the leaf.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Entry {
    /// [`SCHEMA`].
    pub schema: String,
    /// What it tells of.
    pub kind: LogKind,
    /// Whose log.
    pub treasury: Address,
    /// The envelope's number in that treasury; left out where it was not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub envelope: Option<u32>,
    /// Which one: keccak-256 of the record, the digest of the payment that waits for a human, or the digest of the accesses.
    pub subject: B256,
    /// keccak-256 of what is kept beside the record's words and goes with them, or of all that is kept of a request or an
    /// answer; left out where it was gone before the log began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<B256>,
    /// keccak-256 of what the ledger took from the record, which stays when its words are erased; left out where it took
    /// nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fact: Option<B256>,
    /// When it came, in unix seconds.
    pub at: u64,
    /// The block that the ledger stood at when it was logged; 0 where it had not begun.
    pub height: u64,
}

/// The digest of the seal that a record carries (`None`: it came before seals were asked for), as the entry of a decision or
/// outcome has it in `content`.
///
/// # Errors
/// Never: a seal is short.
pub fn seal_content(seal: Option<&Bytes>) -> Result<B256, RecordError> {
    Entry::digest(&serde_json::json!({ "seal": seal }))
}

impl Entry {
    /// The leaf's bytes.
    ///
    /// # Errors
    /// When a number has no canonical form.
    pub fn canonical(&self) -> Result<String, RecordError> {
        record::canonical(self)
    }

    /// Reads an entry from a leaf's bytes.
    ///
    /// # Errors
    /// When they are of another schema, not an entry's shape, or not canonical.
    pub fn from_canonical(text: &str) -> Result<Self, RecordError> {
        record::from_canonical(text, SCHEMA)
    }

    /// keccak-256 of the canonical JSON of what is kept, as `content` and `fact` have it.
    ///
    /// # Errors
    /// When it is too large, or a number has no canonical form.
    pub fn digest(kept: &impl Serialize) -> Result<B256, RecordError> {
        record::canonical(kept).map(keccak256)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry() -> Entry {
        Entry {
            schema: SCHEMA.into(),
            kind: LogKind::Decision,
            treasury: Address::repeat_byte(1),
            envelope: Some(7),
            subject: B256::repeat_byte(2),
            content: Some(B256::repeat_byte(3)),
            fact: None,
            at: 1_750_000_000,
            height: 42,
        }
    }

    #[test]
    fn a_leaf_reads_as_it_was_written_and_no_other_way() -> Result<(), RecordError> {
        let text = entry().canonical()?;
        assert!(text.starts_with(r#"{"at":1750000000,"content":"0x0303"#), "{text}");
        assert_eq!(Entry::from_canonical(&text)?, entry());
        for (from, to) in [
            ("{\"at\"", "{ \"at\""),
            ("bursar.log-entry/1", "bursar.log-entry/2"),
            ("\"decision\"", "\"payment\""),
            ("\"envelope\":7,", "\"envelope\":7,\"more\":1,"),
            ("\"height\":42", "\"height\":-1"),
        ] {
            let broken = text.replacen(from, to, 1);
            assert_ne!(broken, text);
            assert!(Entry::from_canonical(&broken).is_err(), "{broken}");
        }
        Ok(())
    }
}
