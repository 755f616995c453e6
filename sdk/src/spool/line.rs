//! The lines of a spool.

use alloy::primitives::B256;
use serde::{Deserialize, Serialize};

use crate::{record::malformed, telemetry::TraceParent};

/// What is about to be signed under a decision, so that a retry signs the same and nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Intent {
    /// The caller's idempotency key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Valid after, unix seconds (exclusive).
    pub valid_after: u64,
    /// Valid before, unix seconds (exclusive).
    pub valid_before: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Line {
    /// Where the chain of records stood when the file was rewritten.
    Head { seq: u64, hash: B256 },
    /// A decision, on disk before anything is signed under it.
    Decided {
        hash: B256,
        record: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        intent: Option<Intent>,
        /// The span of the payment, while the record waits: no part of it.
        #[serde(default, skip_serializing_if = "Option::is_none", with = "traceparent")]
        trace: Option<TraceParent>,
    },
    /// A keyed payment was signed; it may leave from here on.
    Signed { hash: B256, key: String, payload: String },
    /// What came of a payment.
    Outcome { hash: B256, record: String },
    /// The API has the record.
    Delivered { hash: B256 },
}

impl Line {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        serde_json::from_str(text).map_err(|error| malformed(&error).to_string())
    }

    pub(super) fn render(&self) -> String {
        // Strings, numbers and hashes only: this cannot fail.
        let mut text = serde_json::to_string(self).unwrap_or_default();
        text.push('\n');
        text
    }
}

/// As text; what is none, is none: a record goes out whatever stands beside it.
mod traceparent {
    use serde::{Deserialize as _, Deserializer, Serializer};

    use crate::telemetry::TraceParent;

    pub(super) fn serialize<S: Serializer>(trace: &Option<TraceParent>, to: S) -> Result<S::Ok, S::Error> {
        match trace {
            Some(trace) => to.collect_str(trace),
            None => to.serialize_none(),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<TraceParent>, D::Error> {
        Ok(String::deserialize(from)?.parse().ok())
    }
}
