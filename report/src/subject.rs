//! What a report is about. The same subject over the same ledger gives the same bytes.

use std::collections::BTreeMap;

use alloy::primitives::{Address, B256};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{ReportError, document::canonical};

/// Names are made in it, so that they are no random numbers (UUIDv5).
const NAMESPACE: Uuid = Uuid::from_u128(0x6275_7273_6172_5265_b06f_7274_2f31_0001);

/// What a report is about, and as of when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Subject {
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// The organisation's contract.
    pub treasury: Address,
    /// The last block that is reported (inclusive).
    pub height: u64,
    /// Whether no reorg may take it back any more.
    pub is_final: bool,
    /// The last block up to there that tells something of the treasury.
    pub block_number: u64,
    /// That block's hash.
    pub block_hash: B256,
    /// That block's time, in unix seconds: as of when the report is.
    pub block_time: u64,
    /// Records received after this are not in it, in unix seconds.
    pub records_until: u64,
    /// How many entries of the transparency log are in it: those that had come by then, and those below a root that was
    /// anchored.
    pub log_size: u64,
    /// What tokens are called. From configuration; nothing proves it.
    pub assets: Vec<AssetName>,
    /// How each framework applies to this organisation, as it says itself; what it does not say is voluntary.
    pub applicability: BTreeMap<String, Applicability>,
}

/// What people call a token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AssetName {
    /// The token.
    pub address: Address,
    /// Its symbol.
    pub symbol: String,
    /// How many atomic units make one: ten to the power of this.
    pub decimals: u8,
}

/// How a framework applies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Applicability {
    /// Whether it has to be met.
    pub applies: Applies,
    /// Why, in the organisation's own words.
    pub because: String,
}

/// Whether a framework has to be met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Applies {
    /// By law or contract.
    Mandatory,
    /// By choice.
    Voluntary,
    /// It does not.
    NotApplicable,
}

impl Applies {
    /// As a report says it.
    pub fn words(self) -> &'static str {
        match self {
            Self::Mandatory => "mandatory",
            Self::Voluntary => "voluntary",
            Self::NotApplicable => "not applicable",
        }
    }
}

impl Subject {
    /// The report's name.
    ///
    /// # Errors
    /// When the subject cannot be written as JSON.
    pub fn id(&self) -> Result<Uuid, ReportError> {
        Ok(name(&canonical(self)?))
    }

    /// What people call a token, where it is told.
    pub fn asset(&self, address: Address) -> Option<&AssetName> {
        self.assets.iter().find(|asset| asset.address == address)
    }
}

/// A name for what is described so.
pub(crate) fn name(text: &str) -> Uuid {
    Uuid::new_v5(&NAMESPACE, text.as_bytes())
}
