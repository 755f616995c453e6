//! The tables behind a report: which there are, and the columns of each. One file each, written row by row.

mod cells;
mod file;

use serde::{Deserialize, Serialize};

use crate::ReportError;

pub use self::{
    cells::{guarded, unguarded},
    file::{Annexes, RECORDS},
};

/// A table behind the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Annex {
    /// What the treasury said, as it came from the chain.
    Events,
    /// Settlements, each with what is known of its decision.
    Payments,
    /// Decisions, of payments first and in their order.
    Decisions,
    /// Outcomes, in the same order.
    Outcomes,
    /// What is left of records that were erased.
    Erasures,
    /// Payments that waited for a human.
    Approvals,
    /// Sessions: the closed ones as they closed, then the open ones.
    Sessions,
    /// Money in and out of envelopes, beside payments.
    Movements,
    /// Policies put in force.
    Policies,
    /// Roles granted and revoked.
    Roles,
    /// Freezes, releases and reviews.
    Stops,
    /// Scores reported.
    Scores,
    /// Logs that make no sense.
    SetAside,
    /// The transparency log, from its first entry.
    Log,
    /// Where a trial found something.
    Exceptions,
    /// What agents may spend, and what they could still spend, as of the last block.
    Exposure,
    /// Whom was paid, each with the first payment to it.
    Payees,
}

/// What a report says of one of its files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Summary {
    /// What it is called.
    pub name: String,
    /// Its name beside the report.
    pub file: String,
    /// How many rows, without headings.
    pub rows: u64,
    /// How many bytes.
    pub bytes: u64,
    /// SHA-256 of the file, in hex.
    pub sha256: String,
}

const CHAIN: [&str; 4] = ["block", "log", "time", "tx"];

macro_rules! annexes {
    ($($annex:ident: $name:literal, [$($column:literal),*];)*) => {
        impl Annex {
            /// Every annex.
            pub const ALL: &'static [Self] = &[$(Self::$annex),*];

            /// What it is called.
            pub fn name(self) -> &'static str {
                match self { $(Self::$annex => $name),* }
            }

            fn own_columns(self) -> &'static [&'static str] {
                match self { $(Self::$annex => &[$($column),*]),* }
            }
        }
    };
}

annexes! {
    Events: "events", ["address", "envelope", "kind", "args"];
    Payments: "payments", ["block_hash", "day", "envelope", "agent", "purse", "session", "policy_version", "asset",
        "payee", "amount", "rail", "nonce", "decision_hash", "approver", "facilitator", "explained", "disagrees",
        "delivered"];
    Decisions: "decisions", ["hash", "purse", "seq", "prev_hash", "envelope", "agent", "created_at", "received_at",
        "session", "policy_version", "epoch", "policy_hash", "payee", "asset", "amount", "verdict", "reason",
        "stamp_hash", "nonce", "sealed_by", "settled"];
    Outcomes: "outcomes", ["hash", "decision_hash", "revision", "created_at", "received_at", "http_status",
        "delivered", "task_done", "receipt", "sealed_by"];
    Erasures: "erasures", ["hash", "kind", "purse", "seq", "prev_hash", "nonce", "verdict", "decision_hash", "revision",
        "envelope", "agent", "created_at", "received_at", "erased_at", "erased_by", "category"];
    Approvals: "approvals", ["digest", "purse", "payee", "amount", "valid_before", "nonce", "decision_hash",
        "requested_at", "answer", "answered_by", "answered_at"];
    Sessions: "sessions", ["session", "envelope", "purse", "sequence", "key", "amount", "expiry", "policy_version",
        "stamp_hash", "payments", "paid", "state", "closed_at", "closed_tx", "returned", "unspent"];
    Movements: "movements", ["envelope", "asset", "kind", "amount"];
    Policies: "policies", ["envelope", "version", "policy_hash", "by", "payment_cap", "approval_threshold",
        "session_limit", "max_session_seconds", "payee_list", "lifetime_limit", "windows"];
    Roles: "roles", ["account", "role", "change", "by"];
    Stops: "stops", ["level", "envelope", "group", "session", "change", "by", "reason", "signal", "signal_tx", "after"];
    Scores: "scores", ["envelope", "score", "by"];
    SetAside: "set_aside", ["block", "log", "tx", "address", "error"];
    Log: "log", ["number", "kind", "envelope", "subject", "content", "fact", "at", "height"];
    Exceptions: "exceptions", ["trial", "block", "log", "tx", "about", "expected", "got"];
    Exposure: "exposure", ["level", "number", "asset", "kind", "period", "session", "tx", "amount"];
    Payees: "payees", ["asset", "payee", "payments", "amount", "new"];
}

impl Annex {
    /// Whether its rows begin with block, log, time and transaction.
    fn on_chain(self) -> bool {
        !matches!(
            self,
            Self::Decisions
                | Self::Outcomes
                | Self::Erasures
                | Self::Approvals
                | Self::SetAside
                | Self::Log
                | Self::Exceptions
                | Self::Exposure
        )
    }

    /// Its columns.
    pub fn columns(self) -> Vec<&'static str> {
        let chain = if self.on_chain() { CHAIN.as_slice() } else { &[] };
        chain.iter().chain(self.own_columns()).copied().collect()
    }

    /// The place of a column.
    pub(crate) fn place(self, column: &str) -> Result<usize, ReportError> {
        let chain = if self.on_chain() { CHAIN.as_slice() } else { &[] };
        let mut all = chain.iter().chain(self.own_columns());
        all.position(|known| *known == column).ok_or_else(|| ReportError::NoColumn {
            annex: self.name(),
            got: column.chars().take(80).collect(),
        })
    }

    /// The place of what is added up, where there is something.
    pub(crate) fn amount(self) -> Option<usize> {
        self.place("amount").ok()
    }

    /// The annex of that name.
    ///
    /// # Errors
    /// When there is none.
    pub fn named(name: &str) -> Result<Self, ReportError> {
        let found = Self::ALL.iter().copied().find(|annex| annex.name() == name);
        found.ok_or_else(|| ReportError::NoAnnex { got: name.chars().take(80).collect() })
    }

    /// Its file beside the report.
    pub fn file(self) -> String {
        format!("{}.csv", self.name())
    }
}
