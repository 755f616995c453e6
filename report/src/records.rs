//! Records of agents as a report keeps them: a line of JSON for each decision, with what came of it.

use alloy::primitives::{Bytes, keccak256};
use bursar_indexer::query::history::Kept;
use serde::{Deserialize, Serialize};

use crate::{ReportError, document::canonical};

/// A decision, and its outcomes, oldest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Story {
    pub(crate) decision: Kept,
    pub(crate) outcomes: Vec<Kept>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Line {
    decision: Sealed,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    outcomes: Vec<Sealed>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Sealed {
    /// The canonical JSON, as text: what is hashed.
    record: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    seal: Option<Bytes>,
    received_at: u64,
}

impl Story {
    pub(crate) fn line(self) -> Result<String, ReportError> {
        let outcomes = self.outcomes.into_iter().map(Sealed::from).collect();
        canonical(&Line { decision: self.decision.into(), outcomes })
    }

    pub(crate) fn read(line: &str) -> Result<Self, ReportError> {
        let line: Line = serde_json::from_str(line).map_err(|error| ReportError::Json(error.to_string()))?;
        let outcomes = line.outcomes.into_iter().map(Kept::from).collect();
        Ok(Self { decision: line.decision.into(), outcomes })
    }
}

impl From<Kept> for Sealed {
    fn from(kept: Kept) -> Self {
        Self { record: kept.canonical, seal: kept.seal, received_at: kept.received_at }
    }
}

impl From<Sealed> for Kept {
    fn from(sealed: Sealed) -> Self {
        Self {
            hash: keccak256(&sealed.record),
            canonical: sealed.record,
            seal: sealed.seal,
            received_at: sealed.received_at,
        }
    }
}
