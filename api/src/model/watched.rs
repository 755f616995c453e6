//! The watch list, as clients read it.

use bursar_indexer::{ledger::WatchKind, query::watched};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::wire::Addr;

/// An address on the watch list.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Watched {
    /// `payer`, `token` or `facilitator`.
    pub kind: String,
    /// Which.
    pub address: Addr,
    /// What people call it.
    pub label: Option<String>,
    /// The first block that is looked at: what came before it, the ledger does not hold.
    pub from_block: u64,
}

/// As what an address is watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// It pays outside any envelope: its settlements are kept.
    Payer,
    /// A token that watched payers pay in.
    Token,
    /// It settles for others: a label, never a filter.
    Facilitator,
}

impl From<Kind> for WatchKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Payer => Self::Payer,
            Kind::Token => Self::Token,
            Kind::Facilitator => Self::Facilitator,
        }
    }
}

impl From<watched::Watched> for Watched {
    fn from(row: watched::Watched) -> Self {
        Self { kind: row.kind, address: row.address.into(), label: row.label, from_block: row.from_block }
    }
}
