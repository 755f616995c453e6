//! Erasing records, as clients ask for it and read what is left.

use bursar_indexer::query::erasures::{self, Note};
use bursar_sdk::{erasure::ErasureCategory, record::RecordKind};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    model::approval::ApprovalKind,
    wire::{Addr, Hash, Hex},
};

/// An owner's order to erase a record.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ErasureOrder {
    /// Who says so: an owner of the treasury.
    pub by: Addr,
    /// Why.
    pub category: Category,
    /// Over `RecordErasure(bytes32 recordHash,string category)` under the treasury's EIP-712 domain: 65 bytes r, s, v of an
    /// EOA, or what the contract's EIP-1271 is asked (at most 3,937 bytes).
    pub signature: Hex,
    /// What the owner is.
    pub kind: ApprovalKind,
}

/// Why a record is erased.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ErasureCategory)]
pub enum Category {
    /// Somebody whom it is about asked for it.
    SubjectRequest,
    /// It was kept as long as it had to be.
    RetentionOver,
    /// A court or an authority ordered it.
    LegalOrder,
    /// It holds what never should have been written down.
    Mistake,
}

impl From<Category> for ErasureCategory {
    fn from(category: Category) -> Self {
        match category {
            Category::SubjectRequest => Self::SubjectRequest,
            Category::RetentionOver => Self::RetentionOver,
            Category::LegalOrder => Self::LegalOrder,
            Category::Mistake => Self::Mistake,
        }
    }
}

impl From<ErasureCategory> for Category {
    fn from(category: ErasureCategory) -> Self {
        match category {
            ErasureCategory::SubjectRequest => Self::SubjectRequest,
            ErasureCategory::RetentionOver => Self::RetentionOver,
            ErasureCategory::LegalOrder => Self::LegalOrder,
            ErasureCategory::Mistake => Self::Mistake,
        }
    }
}

/// What is left of a record that was erased: that there was one, and who had it erased. Times in unix seconds.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Tombstone {
    /// The record's hash.
    pub hash: Hash,
    /// What it was.
    pub kind: ErasedKind,
    /// When it was erased.
    pub erased_at: u64,
    /// By whom: an owner of the treasury.
    pub erased_by: Addr,
    /// Why.
    pub category: Category,
    /// The signature that says so.
    pub signature: Hex,
}

/// What was erased.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ErasedKind {
    /// Why an agent paid, or did not; its outcomes went with it.
    Decision,
    /// What came of a payment.
    Outcome,
}

impl Tombstone {
    /// What is left of a record of that kind.
    pub fn new(note: Note, kind: RecordKind) -> Self {
        Self {
            hash: note.hash.into(),
            kind: match kind {
                RecordKind::Decision => ErasedKind::Decision,
                RecordKind::Outcome => ErasedKind::Outcome,
            },
            erased_at: note.erased_at,
            erased_by: note.erased_by.into(),
            category: note.category.into(),
            signature: Hex(note.signature),
        }
    }
}

impl From<erasures::Tombstone> for Tombstone {
    fn from(stone: erasures::Tombstone) -> Self {
        Self::new(stone.note, stone.place.kind())
    }
}
