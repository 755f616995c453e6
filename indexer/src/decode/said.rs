//! What a treasury says, as the `event` table keeps it, read back: the twin of `args`.

use alloy::primitives::{Address, B256};
use bursar_sdk::amount::Amount;
use serde::Deserialize;

/// An event by its kind, with the arguments that say what stands after it.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "kind", content = "args", rename_all = "snake_case", rename_all_fields = "camelCase")]
#[allow(missing_docs)] // As the contract's events have them.
pub enum Said {
    TreasuryCreated { owner: Address },
    RoleGranted { account: Address, role: u8, by: Address },
    RoleRevoked { account: Address, role: u8, by: Address },
    DelaySet { delay: u32, by: Address },
    SeparationOfDutiesSet { on: bool, by: Address },
    Announced { id: B256, by: Address },
    AnnouncementCancelled { id: B256, by: Address },
    AnnouncementUsed { id: B256, by: Address },
    AssetAdded { asset: Address },
    EnvelopeCreated { agent: Address, asset: Address },
    AgentSet { agent: Address, by: Address },
    PolicySet { version: u16, policy: Rules, by: Address },
    PurseCreated { purse: Address },
    PayeeListed { list: u16, payee: Address },
    PayeeUnlisted { list: u16, payee: Address },
    ToppedUp { amount: Amount },
    Withdrawn { amount: Amount },
    Recovered {},
    SessionOpened(Opened),
    SessionClosed { purse: Address, sequence: u32, returned: Amount, unspent: Amount },
    PurseSwept { purse: Address, amount: Amount },
    OrganisationFrozen { by: Address },
    OrganisationUnfrozen { by: Address },
    GroupFrozen { group: u32, by: Address },
    GroupUnfrozen { group: u32, by: Address },
    EnvelopeFrozen { by: Address },
    EnvelopeUnfrozen { by: Address },
    SessionFrozen { purse: Address, sequence: u32, by: Address },
    ReviewSet { by: Address, reason: B256 },
    ReviewCleared { by: Address, reason: B256 },
    ScoreLifeSet { life: u32, by: Address },
    ScoreReported { score: u16, by: Address },
    Permit2Set { on: bool, by: Address },
    GroupCreated { group: u32, parent: u32, asset: Address, by: Address },
    GroupLimitsSet { group: u32, windows: Vec<WindowLimit>, lifetime_limit: Amount, by: Address },
    GroupSet { group: u32, by: Address },
    StampRevoked { stamp_hash: B256, by: Address },
    StampEpochSet { epoch: u32, by: Address },
    Anchored { root: B256, size: String, by: Address },
    Donation { to: Address, value: Amount },
    StrayTransfer {},
}

/// A session as it was opened.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct Opened {
    pub purse: Address,
    pub sequence: u32,
    pub key: Address,
    pub budget: Amount,
    pub expiry: u64,
    pub policy_version: u16,
    pub scope: Scope,
    pub stamp_hash: B256,
}

/// What a session narrows; zero narrows nothing.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct Scope {
    pub payment_cap: Amount,
    pub approval_threshold: Amount,
    pub payee_list: u16,
}

/// A policy as the chain has it.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct Rules {
    pub payment_cap: Amount,
    pub approval_threshold: Amount,
    pub session_limit: Amount,
    pub max_session_seconds: u32,
    pub payee_list: u16,
    pub lifetime_limit: Amount,
    pub policy_hash: B256,
    pub windows: Vec<WindowLimit>,
}

/// A calendar-aligned limit.
#[derive(Debug, Clone, Copy, Deserialize, serde::Serialize)]
#[allow(missing_docs)]
pub struct WindowLimit {
    pub period: u32,
    pub limit: Amount,
}

impl Said {
    /// Reads an event by its kind and its arguments.
    ///
    /// # Errors
    /// When there is no such kind, or the arguments are not its own.
    pub fn read(kind: &str, args: &str) -> Result<Self, serde_json::Error> {
        let args: serde_json::Value = serde_json::from_str(args)?;
        serde_json::from_value(serde_json::json!({ "kind": kind, "args": args }))
    }
}
