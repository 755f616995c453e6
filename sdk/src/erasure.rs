//! Erasing a record: its words go, and what proves that there was one stays.
//!
//! The treasury decides, by the signature of an owner. Without its salt, a record's hash on chain means nothing.

use std::{fmt, str::FromStr};

use alloy::{
    primitives::{Address, B256},
    sol_types::SolStruct as _,
};
use serde::{Deserialize, Serialize};

use crate::{abi, payment::treasury_domain};

/// Why a record is erased. A code and no words: those would have to be erased, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErasureCategory {
    /// Somebody whom it is about asked for it.
    SubjectRequest,
    /// It was kept as long as it had to be.
    RetentionOver,
    /// A court or an authority ordered it.
    LegalOrder,
    /// It holds what never should have been written down.
    Mistake,
}

/// No category.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected one of subject_request, retention_over, legal_order, mistake; got {0:?}")]
pub struct UnknownCategory(String);

impl ErasureCategory {
    /// Every category.
    pub const ALL: [Self; 4] = [Self::SubjectRequest, Self::RetentionOver, Self::LegalOrder, Self::Mistake];

    /// As it is signed and kept.
    pub fn code(self) -> &'static str {
        match self {
            Self::SubjectRequest => "subject_request",
            Self::RetentionOver => "retention_over",
            Self::LegalOrder => "legal_order",
            Self::Mistake => "mistake",
        }
    }
}

impl FromStr for ErasureCategory {
    type Err = UnknownCategory;

    fn from_str(text: &str) -> Result<Self, UnknownCategory> {
        let known = Self::ALL.into_iter().find(|category| category.code() == text);
        known.ok_or_else(|| UnknownCategory(text.chars().take(80).collect()))
    }
}

impl fmt::Display for ErasureCategory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// What an owner signs to have a record erased: EIP-712 under the treasury's domain. A decision goes with its outcomes.
pub fn erasure_digest(chain_id: u64, treasury: Address, record: B256, category: ErasureCategory) -> B256 {
    abi::RecordErasure { recordHash: record, category: category.code().to_owned() }
        .eip712_signing_hash(&treasury_domain(chain_id, treasury))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_erasures_share_a_digest() {
        let (one, other) = (Address::repeat_byte(1), Address::repeat_byte(2));
        let (this, that) = (B256::repeat_byte(3), B256::repeat_byte(4));
        let category = ErasureCategory::Mistake;
        let mut digests = std::collections::BTreeSet::new();
        for (chain, treasury, hash) in [(1, one, this), (2, one, this), (1, other, this), (1, one, that)] {
            assert!(digests.insert(erasure_digest(chain, treasury, hash, category)));
        }
        for category in [ErasureCategory::SubjectRequest, ErasureCategory::RetentionOver] {
            assert!(digests.insert(erasure_digest(1, one, this, category)));
        }
        assert!(digests.insert(crate::record::seal_digest(
            crate::record::RecordKind::Decision,
            1,
            one,
            this
        )));
    }

    #[test]
    fn categories_read_as_they_are_written() {
        for category in ErasureCategory::ALL {
            assert_eq!(category.code().parse(), Ok(category));
        }
        assert!("other".parse::<ErasureCategory>().is_err());
    }
}
