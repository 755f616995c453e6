//! Policies, as clients read them.

use bursar_indexer::query::{policies, sessions};
use bursar_sdk::policy::PolicyDocument;
use serde::Serialize;
use utoipa::ToSchema;

use crate::wire::{Addr, Hash, Units};

/// One policy version of an envelope.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Policy {
    /// The treasury.
    pub treasury: Addr,
    /// The envelope's number.
    pub envelope: u32,
    /// Counts the envelope's policies from 1.
    pub version: u16,
    /// keccak-256 of the canonical policy document.
    pub policy_hash: Hash,
    /// What it allows.
    pub rules: Rules,
    /// Who put it in force.
    pub set_by: Addr,
    /// The block that did.
    pub block_number: u64,
    /// The transaction that did.
    pub tx_hash: Hash,
    /// When, in unix seconds.
    pub timestamp: u64,
    /// The document that the hash is of, as people read it; null where nobody has handed it in.
    #[schema(value_type = Option<Object>)]
    pub document: Option<PolicyDocument>,
    /// What the document says otherwise than the contract enforces, first field first; null where they agree or there is
    /// no document.
    pub drift: Option<String>,
}

/// The limits and rules of a policy. Amounts in the asset's atomic units.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Rules {
    /// Most that one payment may move (inclusive).
    pub payment_cap: Units,
    /// A payment above this needs a human's approval; equal to the cap, none does.
    pub approval_threshold: Units,
    /// Most that one session may draw (inclusive).
    pub session_limit: Units,
    /// Longest life of a session, in seconds (inclusive).
    pub max_session_seconds: u32,
    /// The payee list that payments must be on; 0 allows any payee.
    pub payee_list: u16,
    /// Most that may be drawn over the envelope's life; 0 means no lifetime limit.
    pub lifetime_limit: Units,
    /// Calendar windows, shortest period first.
    pub windows: Vec<WindowLimit>,
}

/// A calendar-aligned limit: at most `limit` is drawn within any one window of `period` seconds.
#[derive(Debug, Serialize, ToSchema)]
pub struct WindowLimit {
    /// Length of the window, in seconds.
    pub period: u32,
    /// Most that may be drawn within one window (inclusive).
    pub limit: Units,
}

/// What a session narrows of its policy; a zero field narrows nothing.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Scope {
    /// Lower cap per payment.
    pub payment_cap: Units,
    /// Lower approval threshold.
    pub approval_threshold: Units,
    /// A further payee list that payments must be on.
    pub payee_list: u16,
}

impl From<policies::Rules> for Rules {
    fn from(rules: policies::Rules) -> Self {
        let window =
            |window: policies::WindowLimit| WindowLimit { period: window.period, limit: window.limit.into() };
        Self {
            payment_cap: rules.payment_cap.into(),
            approval_threshold: rules.approval_threshold.into(),
            session_limit: rules.session_limit.into(),
            max_session_seconds: rules.max_session_seconds,
            payee_list: rules.payee_list,
            lifetime_limit: rules.lifetime_limit.into(),
            windows: rules.windows.into_iter().map(window).collect(),
        }
    }
}

/// The hash says that it is the document; the numbers beside it in the contract are the policy manager's all the same.
fn drift(document: &PolicyDocument, row: &policies::Policy) -> Option<String> {
    document.matches(&row.rules.to_chain(row.policy_hash)).err().map(|error| error.to_string())
}

impl From<policies::Policy> for Policy {
    fn from(row: policies::Policy) -> Self {
        let drift = row.document.as_ref().and_then(|document| drift(document, &row));
        Self {
            drift,
            document: row.document,
            treasury: row.treasury.into(),
            envelope: row.envelope,
            version: row.version,
            policy_hash: row.policy_hash.into(),
            rules: row.rules.into(),
            set_by: row.set_by.into(),
            block_number: row.block_number,
            tx_hash: row.tx_hash.into(),
            timestamp: row.timestamp,
        }
    }
}

impl From<sessions::Scope> for Scope {
    fn from(scope: sessions::Scope) -> Self {
        Self {
            payment_cap: scope.payment_cap.into(),
            approval_threshold: scope.approval_threshold.into(),
            payee_list: scope.payee_list,
        }
    }
}
