//! The policy document: what a human reads, and what the contract enforces of it.
//!
//! The document's canonical JSON (RFC 8785) is hashed with keccak-256; the treasury keeps the hash with the
//! numbers, so anyone can tell whether a document is the one in force.

use alloy::primitives::{
    Address, B256,
    aliases::{U24, U96},
    keccak256,
};
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

/// Whether `next` allows nothing that `old` does not allow: the contract's own measure of a loosening.
pub fn tightens(next: &Treasury::Policy, old: &Treasury::Policy) -> bool {
    // A limit of 0 is none: the policy has no window of that period, or no lifetime limit.
    let limit_of = |period: u32| {
        let window = next.windows.iter().find(|window| window.period == period);
        window.map_or(U96::ZERO, |window| window.limit)
    };
    let holds = |next: U96, old: U96| old.is_zero() || (!next.is_zero() && next <= old);
    next.paymentCap <= old.paymentCap
        // A threshold at the cap means that no payment needs approval, so compare what escapes approval.
        && next.approvalThreshold <= old.approvalThreshold
        && next.sessionLimit <= old.sessionLimit
        && next.maxSessionSeconds <= old.maxSessionSeconds
        && (old.payeeList == 0 || next.payeeList == old.payeeList)
        // Every limit in force must still be there, no higher.
        && holds(next.lifetimeLimit, old.lifetimeLimit)
        && old.windows.iter().all(|limit| holds(limit_of(limit.period), limit.limit))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn document() -> PolicyDocument {
        let window = |period, limit| WindowLimit { period, limit: Amount::new(limit) };
        PolicyDocument {
            schema: SCHEMA.into(),
            name: "Research".into(),
            purpose: "Buys data".into(),
            chain_id: 8453,
            asset: Address::repeat_byte(7),
            payment_cap: Amount::new(20),
            approval_threshold: Amount::new(10),
            session_limit: Amount::new(50),
            max_session_seconds: 3600,
            payee_list: 1,
            lifetime_limit: Amount::new(900),
            windows: vec![window(3600, 50), window(86_400, 100), window(86_401, 300)],
            notes: Vec::new(),
        }
    }

    fn with(change: impl FnOnce(&mut PolicyDocument)) -> PolicyDocument {
        let mut document = document();
        change(&mut document);
        document
    }

    /// The field that is named, what it is held against, and what it is.
    fn refused(change: impl FnOnce(&mut PolicyDocument)) -> Option<(&'static str, String, String)> {
        match with(change).validate() {
            Ok(()) => None,
            Err(PolicyError::Invalid { field, bound, value, .. }) => Some((field, bound, value)),
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn each_rule_holds_at_its_bound_and_not_beyond() {
        let told = |field, bound: u64, value: u64| Some((field, bound.to_string(), value.to_string()));
        let zero = Amount::ZERO;
        assert_eq!(refused(|_| {}), None);
        assert_eq!(
            refused(|p| (p.payment_cap, p.approval_threshold) = (zero, zero)),
            told("paymentCap", 1, 0)
        );
        assert_eq!(refused(|p| p.approval_threshold = Amount::new(20)), None);
        let field = "approvalThreshold (against paymentCap)";
        assert_eq!(refused(|p| p.approval_threshold = Amount::new(21)), told(field, 20, 21));
        assert_eq!(refused(|p| p.session_limit = Amount::new(20)), None);
        let field = "sessionLimit (against paymentCap)";
        assert_eq!(refused(|p| p.session_limit = Amount::new(19)), told(field, 20, 19));
        assert_eq!(refused(|p| p.max_session_seconds = 1), None);
        assert_eq!(refused(|p| p.max_session_seconds = 0), told("maxSessionSeconds", 1, 0));
        // The contract keeps 24 bits.
        assert_eq!(refused(|p| p.max_session_seconds = 16_777_215), None);
        let told_of = told("maxSessionSeconds", 16_777_215, 16_777_216);
        assert_eq!(refused(|p| p.max_session_seconds = 16_777_216), told_of);
        let windows = |count: u32| {
            move |p: &mut PolicyDocument| {
                p.windows =
                    (1..=count).map(|period| WindowLimit { period, limit: Amount::new(50) }).collect();
            }
        };
        assert_eq!(refused(windows(0)), None);
        assert_eq!(refused(windows(4)), None);
        assert_eq!(refused(windows(5)), told("number of windows", 4, 5));
        let field = "window period (longer than the one before)";
        assert_eq!(refused(|p| p.windows[0].period = 1), None);
        assert_eq!(refused(|p| p.windows[0].period = 0), told(field, 1, 0));
        assert_eq!(refused(|p| p.windows[2].period = 86_400), told(field, 86_401, 86_400));
        let field = "window limit (against sessionLimit and shorter windows)";
        assert_eq!(refused(|p| p.windows[0].limit = Amount::new(49)), told(field, 50, 49));
        assert_eq!(refused(|p| p.windows[2].limit = Amount::new(100)), None);
        assert_eq!(refused(|p| p.windows[2].limit = Amount::new(99)), told(field, 100, 99));
        let field = "lifetimeLimit (against sessionLimit and windows)";
        assert_eq!(refused(|p| p.lifetime_limit = Amount::new(300)), None);
        assert_eq!(refused(|p| p.lifetime_limit = Amount::new(299)), told(field, 300, 299));
        assert_eq!(refused(|p| p.lifetime_limit = zero), None);
        let other = with(|p| p.schema = "bursar.policy/2".into()).validate();
        assert_eq!(other, Err(PolicyError::Schema { got: "bursar.policy/2".into() }));
    }

    #[test]
    fn the_hash_is_that_of_the_canonical_json_and_of_every_word() -> Result<(), PolicyError> {
        let canonical = document().canonical()?;
        assert!(canonical.starts_with(r#"{"approvalThreshold":"10","asset":"0x07"#), "{canonical}");
        assert_eq!(document().hash()?, keccak256(&canonical));
        assert_eq!(PolicyDocument::from_json(&canonical), Ok(document()));
        assert_ne!(with(|p| p.purpose.push('.')).hash(), document().hash());
        Ok(())
    }

    #[test]
    fn the_chain_is_told_all_of_it_and_what_drifts_is_named() -> Result<(), PolicyError> {
        let on_chain = document().to_chain()?;
        assert_eq!(on_chain.policyHash, document().hash()?);
        assert_eq!(on_chain.windows.len(), 3);
        assert_eq!(document().matches(&on_chain), Ok(()));
        assert!(with(|p| p.max_session_seconds = 0).to_chain().is_err());

        let drifted = |change: fn(&mut Treasury::Policy)| {
            let mut theirs = on_chain.clone();
            change(&mut theirs);
            match document().matches(&theirs) {
                Err(PolicyError::Drift { field, .. }) => field,
                other => format!("{other:?}"),
            }
        };
        assert_eq!(drifted(|p| p.paymentCap += Amount::new(1).to_u96()), "paymentCap");
        assert_eq!(drifted(|p| p.approvalThreshold += Amount::new(1).to_u96()), "approvalThreshold");
        assert_eq!(drifted(|p| p.sessionLimit += Amount::new(1).to_u96()), "sessionLimit");
        assert_eq!(drifted(|p| p.maxSessionSeconds += U24::from(1)), "maxSessionSeconds");
        assert_eq!(drifted(|p| p.payeeList += 1), "payeeList");
        assert_eq!(drifted(|p| p.lifetimeLimit += Amount::new(1).to_u96()), "lifetimeLimit");
        assert_eq!(drifted(|p| p.windows.truncate(2)), "number of windows");
        assert_eq!(drifted(|p| p.windows[1].period += 1), "period of window 1");
        assert_eq!(drifted(|p| p.windows[2].limit += Amount::new(1).to_u96()), "limit of window 2");
        assert_eq!(drifted(|p| p.policyHash = B256::ZERO), "policyHash");
        Ok(())
    }

    #[test]
    fn a_document_reads_back_from_any_layout() -> Result<(), PolicyError> {
        let text = r#"{
            "windows": [ { "limit": "100000000", "period": 86400 } ], "schema": "bursar.policy/1",
            "name": "Research agent", "purpose": "Market data", "chainId": 31337,
            "asset": "0x5FbDB2315678afecb367f032d93F642f64180aa3", "paymentCap": "20000000",
            "approvalThreshold": "10000000", "sessionLimit": "50000000", "maxSessionSeconds": 14400,
            "payeeList": 1, "lifetimeLimit": "0"
        }"#;
        let document = PolicyDocument::from_json(text)?;
        assert_eq!(PolicyDocument::from_json(&document.canonical()?)?, document);
        assert!(document.canonical()?.starts_with(r#"{"approvalThreshold":"10000000","asset":"#));
        assert!(matches!(PolicyDocument::from_json("{}"), Err(PolicyError::Malformed(_))));
        let unknown = text.replace("\"payeeList\"", "\"payees\"");
        assert!(matches!(PolicyDocument::from_json(&unknown), Err(PolicyError::Malformed(_))));
        let other = text.replace("bursar.policy/1", "bursar.policy/2");
        assert!(
            matches!(PolicyDocument::from_json(&other), Err(PolicyError::Schema { got }) if got == "bursar.policy/2")
        );
        Ok(())
    }

    #[test]
    fn what_allows_nothing_new_tightens_and_nothing_else_does() {
        let old = document().to_chain();
        let Ok(old) = old else { panic!("{old:?}") };
        let next = |change: fn(&mut Treasury::Policy)| {
            let mut next = old.clone();
            change(&mut next);
            tightens(&next, &old)
        };
        assert!(next(|_| {}), "the same");
        // Lower tightens, higher does not; each limit by itself.
        let lower: [fn(&mut Treasury::Policy); 6] = [
            |p| p.paymentCap -= U96::from(1),
            |p| p.approvalThreshold -= U96::from(1),
            |p| p.sessionLimit -= U96::from(1),
            |p| p.maxSessionSeconds -= U24::from(1),
            |p| p.lifetimeLimit -= U96::from(1),
            |p| p.windows[1].limit -= U96::from(1),
        ];
        let higher: [fn(&mut Treasury::Policy); 6] = [
            |p| p.paymentCap += U96::from(1),
            |p| p.approvalThreshold += U96::from(1),
            |p| p.sessionLimit += U96::from(1),
            |p| p.maxSessionSeconds += U24::from(1),
            |p| p.lifetimeLimit += U96::from(1),
            |p| p.windows[1].limit += U96::from(1),
        ];
        for (i, (lower, higher)) in lower.into_iter().zip(higher).enumerate() {
            assert!(next(lower), "limit {i}, lower");
            assert!(!next(higher), "limit {i}, higher");
        }
        // None is the loosest of limits, and another list is another list.
        assert!(!next(|p| p.lifetimeLimit = U96::ZERO));
        assert!(!next(|p| p.windows.truncate(2)));
        assert!(!next(|p| p.windows[2].period += 1), "of another period, so the one there was is gone");
        assert!(!next(|p| p.payeeList = 2));
        assert!(!next(|p| p.payeeList = 0));
        assert!(next(|p| p.windows.push(Treasury::WindowLimit { period: 99_999, limit: U96::from(5) })));
        let open = with(|p| (p.payee_list, p.lifetime_limit) = (0, Amount::ZERO)).to_chain();
        let Ok(open) = open else { panic!("{open:?}") };
        assert!(tightens(&old, &open) && !tightens(&open, &old));
    }
}
