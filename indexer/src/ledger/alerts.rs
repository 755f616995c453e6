//! Alerts: what somebody should look at, as the ledger tells it.

use std::sync::Arc;

use alloy::primitives::{Address, B256, U256, keccak256};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::codes::codes;

codes! {
    /// What happened.
    AlertKind {
        /// Rules were loosened, are announced to be, or changed under an open session.
        PolicyDrift = "policy_drift",
        /// A payment settled, and no decision record is known that it commits to.
        UnexplainedPayment = "unexplained_payment",
        /// Somebody sent money straight to a purse: the agent may spend it, and no limit counts it.
        Donation = "donation",
        /// Many payees were paid for the first time within an hour.
        PayeeBurst = "payee_burst",
        /// Spending is on its way to more than one and a half times the limit.
        OffTrajectory = "off_trajectory",
        /// A watched account paid outside any envelope.
        UngovernedPayer = "ungoverned_payer",
        /// No reviewer has reported a score lately: no session opens.
        ScoreSilent = "score_silent",
        /// The score asks for a human before the next session.
        Review = "review",
        /// A guardian stopped it.
        Frozen = "frozen",
    }
}

codes! {
    /// How urgent it is.
    Severity {
        /// Worth knowing.
        Notice = "notice",
        /// Somebody should look today.
        Warning = "warning",
        /// Somebody should look now.
        Critical = "critical",
    }
}

/// What an alert is about. While one is open, whatever happens on its topic belongs to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topic {
    /// What happened.
    pub kind: AlertKind,
    /// In which treasury; `None` where none is concerned.
    pub treasury: Option<Address>,
    /// To which envelope of it; `None` where all of it is concerned.
    pub envelope: Option<u32>,
    /// To what, in the kind's own words.
    pub subject: String,
}

/// By what a topic and its alert are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Telling {
    /// The key of the topic.
    pub topic: B256,
    /// An alert on that topic that was raised before, where one is at hand. It may be over.
    pub alert: Option<B256>,
}

/// A row of `alert`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct AlertRow {
    pub kind: AlertKind,
    pub severity: Severity,
    pub treasury: Option<Address>,
    pub envelope: Option<u32>,
    pub subject: String,
    pub raised_at: u64,
    pub block: u64,
    pub block_hash: Option<B256>,
    pub foreseen: bool,
    pub closed_at: Option<u64>,
    pub closed_block: Option<u64>,
    pub count: u64,
    pub detail: Detail,
}

/// The numbers of an alert.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum Detail {
    /// As JSON.
    Said(String),
    /// A settlement outside any envelope. There is one for every alert of most chains, and for each that is written there are
    /// several that are not: it is put into words where it is written.
    Outside(Arc<Outside>),
}

/// A payment of a watched account, as its alert tells of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Outside {
    pub payer: Address,
    pub payee: Address,
    pub asset: Address,
    /// In the asset's atomic units.
    pub amount: U256,
    pub tx_hash: B256,
}

impl Detail {
    /// As JSON.
    pub fn json(&self) -> String {
        match self {
            Self::Said(json) => json.clone(),
            Self::Outside(outside) => {
                let Outside { payer, payee, asset, amount, tx_hash } = **outside;
                // Nothing in it has to be escaped, and a backfill writes it half a million times.
                format!(
                    r#"{{"amount":"{amount}","asset":"{asset:#x}","payee":"{payee:#x}","payer":"{payer:#x}","txHash":"{tx_hash:#x}"}}"#
                )
            }
        }
    }
}

impl From<Value> for Detail {
    fn from(value: Value) -> Self {
        Self::Said(value.to_string())
    }
}

impl From<String> for Detail {
    fn from(json: String) -> Self {
        Self::Said(json)
    }
}

impl From<Detail> for String {
    fn from(detail: Detail) -> Self {
        match detail {
            Detail::Said(json) => json,
            detail @ Detail::Outside(_) => detail.json(),
        }
    }
}

impl Topic {
    /// About an envelope.
    pub fn of(kind: AlertKind, (treasury, envelope): (Address, u32), subject: impl Into<String>) -> Self {
        Self { kind, treasury: Some(treasury), envelope: Some(envelope), subject: subject.into() }
    }

    /// About a treasury.
    pub fn of_treasury(kind: AlertKind, treasury: Address, subject: impl Into<String>) -> Self {
        Self { kind, treasury: Some(treasury), envelope: None, subject: subject.into() }
    }

    /// What it is found by.
    pub fn key(&self) -> B256 {
        keccak256(self.to_string())
    }

    /// What the alert is called that a block raises on it.
    pub fn alert(&self, block: u64) -> B256 {
        keccak256(format!("{self}@{block}"))
    }
}

impl std::fmt::Display for Topic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let treasury = self.treasury.map(|treasury| treasury.to_string()).unwrap_or_default();
        let envelope = self.envelope.map(|envelope| envelope.to_string()).unwrap_or_default();
        write!(f, "{}|{treasury}|{envelope}|{}", self.kind.code(), self.subject)
    }
}

impl AlertRow {
    /// Whether it is over at `now` (unix seconds).
    pub fn is_over(&self, now: u64) -> bool {
        self.closed_at.is_some_and(|end| end <= now)
    }

    /// Whether its time is still to come at `now` (unix seconds).
    pub fn is_to_come(&self, now: u64) -> bool {
        self.raised_at > now
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_payment_outside_is_told_as_json() {
        let [payer, payee, asset] = [0xa1, 0xb2, 0xc3].map(Address::repeat_byte);
        let (amount, tx_hash) = (U256::from(1_000_000u64), B256::repeat_byte(0xd4));
        let detail = Detail::Outside(Arc::new(Outside { payer, payee, asset, amount, tx_hash }));
        let told = json!({
            "payer": payer, "payee": payee, "asset": asset, "amount": "1000000", "txHash": tx_hash,
        });
        assert_eq!(detail.json(), told.to_string());
        assert_eq!(String::from(detail), told.to_string());
    }
}
