//! Decision records: why an agent pays, or why it was refused. Only their hash goes on chain.

mod chain;

use alloy::primitives::{Address, B256, keccak256};
use serde::{Deserialize, Serialize};

use crate::{
    amount::Amount,
    payment::{commitment, session_id, split_session_id, terms},
    record::{self, RecordError},
    refusal::Refusal,
};

pub use self::chain::{ChainError, RecordChain};

/// The schema this crate writes and reads.
pub const SCHEMA: &str = "bursar.decision/1";

/// What an agent decided about one payment, and on what grounds.
///
/// Hashed as keccak-256 of its canonical JSON (RFC 8785). Amounts are decimal strings of atomic units.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DecisionRecord {
    /// [`SCHEMA`].
    pub schema: String,
    /// Unique, chosen by the agent (UUIDv7).
    pub id: String,
    /// Counts the records of this purse's chain from 1.
    pub seq: u64,
    /// Hash of the chain's record before this one; zero for the first.
    pub prev_hash: B256,
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// The treasury whose envelope is drawn on.
    pub treasury: Address,
    /// The envelope's number in that treasury.
    pub envelope: u32,
    /// The agent's identity key.
    pub agent: Address,
    /// keccak-256 of the agent's ERC-8004 reference, or zero.
    pub agent_ref: B256,
    /// Hash of the identity stamp in use, or zero.
    pub stamp_hash: B256,
    /// The purse that pays, or would: whose chain of records this one is in.
    pub purse: Address,
    /// The session (purse and sequence number); zero where none was open.
    pub session: B256,
    /// The policy version in force.
    pub policy_version: u16,
    /// How often what stands above the envelope had been released when this was decided; left out where never.
    /// With the policy version, it makes the terms that the payment's nonce commits to.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub epoch: u64,
    /// The hash of that policy's document.
    pub policy_hash: B256,
    /// What set the agent going: a task, a user, a schedule.
    pub trigger: String,
    /// What is bought.
    pub resource: Resource,
    /// keccak-256 of the canonical JSON of the x402 payment requirement.
    pub requirement_hash: B256,
    /// The signed x402 offer, where there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offer: Option<serde_json::Value>,
    /// Who would be paid.
    pub payee: Address,
    /// The token.
    pub asset: Address,
    /// How much, in the asset's atomic units.
    pub amount: Amount,
    /// What else the agent could have done.
    #[serde(default)]
    pub alternatives: Vec<String>,
    /// The rules looked at before signing.
    #[serde(default)]
    pub rules: Vec<RuleCheck>,
    /// Why, in words.
    pub rationale: String,
    /// The model that decided, where one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<Model>,
    /// Pay, or not.
    pub verdict: Verdict,
    /// Why not; empty where the verdict is to pay.
    #[serde(default)]
    pub reason_codes: Vec<Refusal>,
    /// Unix seconds.
    pub created_at: u64,
    /// Random; makes the hash on chain meaningless once the record is erased.
    pub salt: B256,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// What is bought.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Resource {
    /// Where.
    pub url: String,
    /// The HTTP method.
    pub method: String,
    /// keccak-256 of the request's body; zero without one.
    pub body_hash: B256,
}

/// One rule, as it was checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RuleCheck {
    /// The refusal this rule would give.
    pub id: Refusal,
    /// What was asked for.
    pub input: String,
    /// What binds.
    pub limit: String,
    /// Whether it held.
    pub pass: bool,
}

/// The model that decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Model {
    /// Who runs it.
    pub provider: String,
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// keccak-256 of the prompt.
    pub prompt_hash: B256,
}

/// Pay, or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The agent signs.
    Approved,
    /// The agent does not sign.
    Denied,
}

impl Verdict {
    /// As records and tables spell it.
    pub fn code(self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::Denied => "denied",
        }
    }

    /// The verdict of that spelling; `None` where there is none.
    pub fn of(code: &str) -> Option<Self> {
        [Self::Approved, Self::Denied].into_iter().find(|verdict| verdict.code() == code)
    }
}

impl DecisionRecord {
    /// The canonical JSON (RFC 8785) that is hashed, stored and sent.
    ///
    /// # Errors
    /// When the record is larger than [`record::MAX_BYTES`].
    pub fn canonical(&self) -> Result<String, RecordError> {
        record::canonical(self)
    }

    /// keccak-256 of the canonical JSON.
    ///
    /// # Errors
    /// As [`Self::canonical`].
    pub fn hash(&self) -> Result<B256, RecordError> {
        Ok(keccak256(self.canonical()?))
    }

    /// Reads a record from its canonical bytes.
    ///
    /// # Errors
    /// When the bytes are too large, of another schema, not canonical, or contradict themselves.
    pub fn from_canonical(text: &str) -> Result<Self, RecordError> {
        let record: Self = record::from_canonical(text, SCHEMA)?;
        record.check()?;
        Ok(record)
    }

    /// Reads a record and holds it against the hash it came with.
    ///
    /// # Errors
    /// As [`Self::from_canonical`], and when the hash is another.
    pub fn verified(text: &str, expected: B256) -> Result<Self, RecordError> {
        let record = Self::from_canonical(text)?;
        record::check_hash(text, expected)?;
        Ok(record)
    }

    /// The nonce that a payment under this record carries; `None` where no session was open.
    ///
    /// # Errors
    /// As [`Self::canonical`].
    pub fn nonce(&self) -> Result<Option<B256>, RecordError> {
        if self.session.is_zero() {
            return Ok(None);
        }
        Ok(Some(self.nonce_of(self.hash()?)))
    }

    /// As [`Self::nonce`], of a record that is in a session and whose hash is known.
    pub fn nonce_of(&self, hash: B256) -> B256 {
        commitment(terms(self.epoch, self.policy_version), self.session, hash)
    }

    /// The purse and sequence number of the session; `None` where none was open.
    pub fn purse(&self) -> Option<(Address, u32)> {
        (!self.session.is_zero()).then(|| split_session_id(self.session))
    }

    fn check(&self) -> Result<(), RecordError> {
        let wrong = |what: &str| Err(RecordError::Inconsistent(what.to_owned()));
        match self.verdict {
            Verdict::Approved if self.session.is_zero() => wrong("approved without a session"),
            Verdict::Approved if !self.reason_codes.is_empty() => wrong("approved, with reasons against it"),
            Verdict::Denied if self.reason_codes.is_empty() => wrong("denied without a reason"),
            _ if self.purse.is_zero() => wrong("no purse"),
            _ if self.seq == 0 => wrong("seq counts from 1"),
            _ if (self.seq == 1) != self.prev_hash.is_zero() => {
                wrong("only the first record has no record before it")
            }
            _ if !self.session.is_zero() => {
                let (purse, sequence) = split_session_id(self.session);
                if session_id(purse, sequence) != self.session {
                    return wrong("session is no purse and sequence number");
                }
                if purse == self.purse { Ok(()) } else { wrong("session is another purse's") }
            }
            _ => Ok(()),
        }
    }
}
