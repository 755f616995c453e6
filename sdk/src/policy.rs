//! The policy document: what a human reads, and what the contract enforces of it.
//!
//! The document's canonical JSON (RFC 8785) is hashed with keccak-256; the treasury keeps the hash with the
//! numbers, so anyone can tell whether a document is the one in force.

use alloy::primitives::{Address, B256, aliases::U24, keccak256};
use serde::{Deserialize, Serialize};

use crate::{abi::Treasury, amount::Amount};

/// The schema this crate writes and reads.
pub const SCHEMA: &str = "bursar.policy/1";

/// The most calendar windows a policy has.
pub const MAX_WINDOWS: usize = 4;

/// The longest session a policy can allow, in seconds (the contract keeps 24 bits).
pub const MAX_SESSION_SECONDS: u32 = (1 << 24) - 1;

/// The rules of one envelope, as a human reads them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PolicyDocument {
    /// [`SCHEMA`].
    pub schema: String,
    /// What the policy is called.
    pub name: String,
    /// What the agent may spend for, in words.
    pub purpose: String,
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// The token.
    pub asset: Address,
    /// Most that one payment may move, in atomic units (inclusive).
    pub payment_cap: Amount,
    /// A payment above this needs a human's approval; equal to the cap means none does.
    pub approval_threshold: Amount,
    /// Most that one session may draw, in atomic units (inclusive).
    pub session_limit: Amount,
    /// Longest life of a session, in seconds (inclusive).
    pub max_session_seconds: u32,
    /// The payee list that payments must be on; 0 allows any payee.
    pub payee_list: u16,
    /// Most that may be drawn over the envelope's life; zero means no such limit.
    pub lifetime_limit: Amount,
    /// Up to four calendar windows, shortest period first.
    pub windows: Vec<WindowLimit>,
    /// Whatever else a human should know.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// At most `limit` is drawn within any one window of `period`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WindowLimit {
    /// Seconds; windows are aligned to Monday 1970-01-05 00:00 UTC.
    pub period: u32,
    /// In atomic units (inclusive).
    pub limit: Amount,
}

/// A policy that is not what it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// Not JSON, or not this schema.
    #[error("the policy document does not parse: {0}")]
    Malformed(String),
    /// Of a schema this crate does not know.
    #[error("expected schema {SCHEMA:?}, got {got:?}")]
    Schema {
        /// What it names.
        got: String,
    },
    /// It contradicts itself.
    #[error("{field}: expected {relation} {bound}, got {value}")]
    Invalid {
        /// Which field.
        field: &'static str,
        /// `at least` or `at most`.
        relation: &'static str,
        /// What the field has to respect.
        bound: String,
        /// What it is.
        value: String,
    },
    /// The chain enforces something else than the document says.
    #[error("{field} on chain: expected {expected}, got {got}")]
    Drift {
        /// Which field.
        field: String,
        /// As the document says.
        expected: String,
        /// As the chain says.
        got: String,
    },
}

impl PolicyDocument {
    /// The canonical JSON (RFC 8785) that is hashed, kept and shown.
    ///
    /// # Errors
    /// When it cannot be written as JSON.
    pub fn canonical(&self) -> Result<String, PolicyError> {
        serde_json_canonicalizer::to_string(self).map_err(|error| PolicyError::Malformed(error.to_string()))
    }

    /// keccak-256 of the canonical JSON: the contract's `policyHash`.
    ///
    /// # Errors
    /// As [`Self::canonical`].
    pub fn hash(&self) -> Result<B256, PolicyError> {
        Ok(keccak256(self.canonical()?))
    }

    /// Reads a document as a human wrote it (any JSON layout) and validates it.
    ///
    /// # Errors
    /// When it does not parse, is of another schema, or contradicts itself.
    pub fn from_json(text: &str) -> Result<Self, PolicyError> {
        let document: Self =
            serde_json::from_str(text).map_err(|error| PolicyError::Malformed(error.to_string()))?;
        document.validate()?;
        Ok(document)
    }

    /// Whether the contract would take it: the same rules in the same order as `Policies.validate`.
    ///
    /// # Errors
    /// The first rule that does not hold, with both values.
    pub fn validate(&self) -> Result<(), PolicyError> {
        if self.schema != SCHEMA {
            return Err(PolicyError::Schema { got: self.schema.chars().take(80).collect() });
        }
        at_least("paymentCap", Amount::new(1), self.payment_cap)?;
        at_most("approvalThreshold (against paymentCap)", self.payment_cap, self.approval_threshold)?;
        at_least("sessionLimit (against paymentCap)", self.payment_cap, self.session_limit)?;
        at_least("maxSessionSeconds", 1, self.max_session_seconds)?;
        at_most("maxSessionSeconds", MAX_SESSION_SECONDS, self.max_session_seconds)?;
        at_most("number of windows", MAX_WINDOWS, self.windows.len())?;
        let (mut period, mut limit) = (0u64, self.session_limit);
        for window in &self.windows {
            at_least("window period (longer than the one before)", period + 1, u64::from(window.period))?;
            at_least("window limit (against sessionLimit and shorter windows)", limit, window.limit)?;
            (period, limit) = (u64::from(window.period), window.limit);
        }
        if !self.lifetime_limit.is_zero() {
            at_least("lifetimeLimit (against sessionLimit and windows)", limit, self.lifetime_limit)?;
        }
        Ok(())
    }

    /// As the contract takes it, with the document's hash.
    ///
    /// # Errors
    /// When the document is not valid.
    pub fn to_chain(&self) -> Result<Treasury::Policy, PolicyError> {
        self.validate()?;
        Ok(Treasury::Policy {
            paymentCap: self.payment_cap.to_u96(),
            approvalThreshold: self.approval_threshold.to_u96(),
            sessionLimit: self.session_limit.to_u96(),
            maxSessionSeconds: U24::from(self.max_session_seconds),
            payeeList: self.payee_list,
            lifetimeLimit: self.lifetime_limit.to_u96(),
            policyHash: self.hash()?,
            windows: self
                .windows
                .iter()
                .map(|window| Treasury::WindowLimit { period: window.period, limit: window.limit.to_u96() })
                .collect(),
        })
    }

    /// Whether the chain enforces exactly what this document says.
    ///
    /// # Errors
    /// The first field that drifted, with both values; the hash last, since it says least.
    pub fn matches(&self, on_chain: &Treasury::Policy) -> Result<(), PolicyError> {
        let expected = self.to_chain()?;
        let same = |field: &str, expected: String, got: String| {
            if expected == got {
                return Ok(());
            }
            Err(PolicyError::Drift { field: field.to_owned(), expected, got })
        };
        let text = |value: &dyn std::fmt::Display| value.to_string();
        same("paymentCap", text(&expected.paymentCap), text(&on_chain.paymentCap))?;
        same("approvalThreshold", text(&expected.approvalThreshold), text(&on_chain.approvalThreshold))?;
        same("sessionLimit", text(&expected.sessionLimit), text(&on_chain.sessionLimit))?;
        same("maxSessionSeconds", text(&expected.maxSessionSeconds), text(&on_chain.maxSessionSeconds))?;
        same("payeeList", text(&expected.payeeList), text(&on_chain.payeeList))?;
        same("lifetimeLimit", text(&expected.lifetimeLimit), text(&on_chain.lifetimeLimit))?;
        same("number of windows", text(&expected.windows.len()), text(&on_chain.windows.len()))?;
        for (i, (ours, theirs)) in expected.windows.iter().zip(&on_chain.windows).enumerate() {
            same(&format!("period of window {i}"), text(&ours.period), text(&theirs.period))?;
            same(&format!("limit of window {i}"), text(&ours.limit), text(&theirs.limit))?;
        }
        same("policyHash", text(&expected.policyHash), text(&on_chain.policyHash))
    }
}

fn at_least<T: PartialOrd + ToString>(field: &'static str, bound: T, value: T) -> Result<(), PolicyError> {
    if value >= bound { Ok(()) } else { Err(invalid(field, "at least", bound, value)) }
}

fn at_most<T: PartialOrd + ToString>(field: &'static str, bound: T, value: T) -> Result<(), PolicyError> {
    if value <= bound { Ok(()) } else { Err(invalid(field, "at most", bound, value)) }
}

fn invalid<T: ToString>(field: &'static str, relation: &'static str, bound: T, value: T) -> PolicyError {
    PolicyError::Invalid { field, relation, bound: bound.to_string(), value: value.to_string() }
}
