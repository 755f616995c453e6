//! Policies as the chain has them, with their history.

use alloy::primitives::{Address, B256, aliases::U24};
use bursar_sdk::{abi, amount::Amount, policy::PolicyDocument};
use serde::{Deserialize, Deserializer, de};

use super::{Past, select::Select};
use crate::db::{Cell, Db, DbError, DbRow};

/// The limits and rules of one policy version. Amounts in the asset's atomic units.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Rules {
    /// Most that one payment may move (inclusive).
    #[serde(deserialize_with = "number")]
    pub payment_cap: Amount,
    /// A payment above this needs a human's approval.
    #[serde(deserialize_with = "number")]
    pub approval_threshold: Amount,
    /// Most that one session may draw (inclusive).
    #[serde(deserialize_with = "number")]
    pub session_limit: Amount,
    /// Longest life of a session, in seconds (inclusive).
    #[serde(deserialize_with = "number")]
    pub max_session_seconds: u32,
    /// The payee list that payments must be on; 0 allows any payee.
    #[serde(deserialize_with = "number")]
    pub payee_list: u16,
    /// Most that may be drawn over the envelope's life; 0 means no lifetime limit.
    #[serde(deserialize_with = "number")]
    pub lifetime_limit: Amount,
    /// Calendar windows, shortest period first.
    pub windows: Vec<WindowLimit>,
}

impl Rules {
    /// As the contract has them, with the hash of the document that says so to a human.
    pub fn to_chain(&self, policy_hash: B256) -> abi::Treasury::Policy {
        let window = |window: &WindowLimit| abi::Treasury::WindowLimit {
            period: window.period,
            limit: window.limit.to_u96(),
        };
        abi::Treasury::Policy {
            paymentCap: self.payment_cap.to_u96(),
            approvalThreshold: self.approval_threshold.to_u96(),
            sessionLimit: self.session_limit.to_u96(),
            maxSessionSeconds: U24::saturating_from(self.max_session_seconds),
            payeeList: self.payee_list,
            lifetimeLimit: self.lifetime_limit.to_u96(),
            policyHash: policy_hash,
            windows: self.windows.iter().map(window).collect(),
        }
    }
}

/// A calendar-aligned limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct WindowLimit {
    /// Length of the window, in seconds.
    #[serde(deserialize_with = "number")]
    pub period: u32,
    /// Most that may be drawn within one window (inclusive).
    #[serde(deserialize_with = "number")]
    pub limit: Amount,
}

/// One policy version of an envelope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// The treasury.
    pub treasury: Address,
    /// The envelope's number.
    pub envelope: u32,
    /// Counts the envelope's policies from 1.
    pub version: u16,
    /// keccak-256 of the canonical policy document.
    pub policy_hash: B256,
    /// What it allows.
    pub rules: Rules,
    /// Who put it in force.
    pub set_by: Address,
    /// The block that did.
    pub block_number: u64,
    /// The transaction that did.
    pub tx_hash: B256,
    /// When, in unix seconds.
    pub timestamp: u64,
    /// The document, where somebody has handed it in.
    pub document: Option<PolicyDocument>,
}

/// The key of the list: treasury, envelope, version.
pub type Key = (Address, u32, u16);

/// Which policies.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Of this treasury.
    pub treasury: Option<Address>,
    /// Of the envelope with this number.
    pub envelope: Option<u32>,
    /// As the ledger was then.
    pub past: Option<Past>,
}

/// Whole numbers come as decimal strings or as JSON numbers.
pub(super) fn number<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: std::str::FromStr,
    T::Err: std::fmt::Display,
{
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Spelling {
        Text(String),
        Number(u64),
    }
    let text = match Spelling::deserialize(deserializer)? {
        Spelling::Text(text) => text,
        Spelling::Number(number) => number.to_string(),
    };
    text.parse().map_err(de::Error::custom)
}

/// Policies (those of then), each with its document, where that has been handed in (by then).
fn select(past: Option<Past>) -> Select {
    let mut select = Select::new(
        "SELECT treasury, envelope, version, policy_hash, rules, set_by, block_number, tx_hash, timestamp, document \
         FROM policy LEFT JOIN policy_document d ON d.hash = policy_hash",
    );
    select
        .and("d.received_at <= ", past.map(|past| past.records_until))
        .filter("block_number <= ", past.map(|past| past.height));
    select
}

fn read(row: &DbRow) -> Result<Policy, DbError> {
    Ok(Policy {
        treasury: row.address("treasury")?,
        envelope: row.number("envelope")?,
        version: row.number("version")?,
        policy_hash: row.hash("policy_hash")?,
        rules: row.json("rules", "a policy's rules")?,
        set_by: row.address("set_by")?,
        block_number: row.number("block_number")?,
        tx_hash: row.hash("tx_hash")?,
        timestamp: row.number("timestamp")?,
        document: row.maybe_json("document", "a policy document")?,
    })
}

/// Policies by treasury and envelope, oldest version first.
///
/// # Errors
/// When the database fails.
pub async fn list(db: &Db, filter: &Filter, after: Option<Key>, limit: u32) -> Result<Vec<Policy>, DbError> {
    select_list(filter, after, limit).rows(db, read).await
}

pub(super) fn select_list(filter: &Filter, after: Option<Key>, limit: u32) -> Select {
    let mut select = select(filter.past);
    select.filter("treasury = ", filter.treasury).filter("envelope = ", filter.envelope);
    let key =
        after.map(|(treasury, envelope, version)| [treasury.value(), envelope.value(), version.value()]);
    select
        .after("(treasury, envelope, version) > ", key)
        .order_and_limit(" ORDER BY treasury, envelope, version", limit);
    select
}

/// One policy version.
///
/// # Errors
/// When the database fails.
pub async fn get(db: &Db, key: Key) -> Result<Option<Policy>, DbError> {
    as_of(db, key, None).await
}

/// The same as the ledger was then, where a moment is named.
///
/// # Errors
/// When the database fails.
pub async fn as_of(db: &Db, key: Key, past: Option<Past>) -> Result<Option<Policy>, DbError> {
    let (treasury, envelope, version) = key;
    select(past)
        .filter("treasury = ", Some(treasury))
        .filter("envelope = ", Some(envelope))
        .filter("version = ", Some(version))
        .row(db, read)
        .await
}

/// The policies whose document has that hash, by treasury and envelope.
///
/// # Errors
/// When the database fails.
pub async fn with_hash(db: &Db, hash: B256, limit: u32) -> Result<Vec<Policy>, DbError> {
    let mut select = select(None);
    select
        .filter("policy_hash = ", Some(hash))
        .order_and_limit(" ORDER BY treasury, envelope, version", limit);
    select.rows(db, read).await
}

/// Every policy of one envelope, oldest first.
///
/// # Errors
/// When the database fails.
pub async fn history(db: &Db, treasury: Address, envelope: u32) -> Result<Vec<Policy>, DbError> {
    let filter = Filter { treasury: Some(treasury), envelope: Some(envelope), past: None };
    list(db, &filter, None, u32::from(u16::MAX)).await
}
