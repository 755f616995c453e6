//! What a treasury says, as the `event` table keeps it, read back.

use alloy::primitives::{Address, B256};
use bursar_indexer::query::history;
use bursar_sdk::amount::Amount;
use serde::Deserialize;

use crate::{ReportError, annex::Annex};

/// An event by its kind, with the arguments that a report needs.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "kind", content = "args", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub(crate) enum Said {
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
pub(crate) struct Opened {
    pub(crate) purse: Address,
    pub(crate) sequence: u32,
    pub(crate) key: Address,
    pub(crate) budget: Amount,
    pub(crate) expiry: u64,
    pub(crate) policy_version: u16,
    pub(crate) scope: Scope,
    pub(crate) stamp_hash: B256,
}

/// What a session narrows; zero narrows nothing.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Scope {
    pub(crate) payment_cap: Amount,
    pub(crate) approval_threshold: Amount,
    pub(crate) payee_list: u16,
}

/// A policy as the chain has it.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Rules {
    pub(crate) payment_cap: Amount,
    pub(crate) approval_threshold: Amount,
    pub(crate) session_limit: Amount,
    pub(crate) max_session_seconds: u32,
    pub(crate) payee_list: u16,
    pub(crate) lifetime_limit: Amount,
    pub(crate) policy_hash: B256,
    pub(crate) windows: Vec<WindowLimit>,
}

/// A calendar-aligned limit.
#[derive(Debug, Clone, Copy, Deserialize, serde::Serialize)]
pub(crate) struct WindowLimit {
    pub(crate) period: u32,
    pub(crate) limit: Amount,
}

impl Said {
    pub(crate) fn read(event: &history::Event) -> Result<Self, ReportError> {
        let wrong = |error: serde_json::Error| {
            let place = format!("block {}, log {}", event.position.block, event.position.log);
            ReportError::row(Annex::Events, format!("{place}: {} does not read: {error}", event.kind))
        };
        let args: serde_json::Value = serde_json::from_str(&event.args).map_err(wrong)?;
        serde_json::from_value(serde_json::json!({ "kind": event.kind, "args": args })).map_err(wrong)
    }
}
