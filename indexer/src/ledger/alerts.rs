//! Alerts: what somebody should look at, as the ledger tells it.

use alloy::primitives::{Address, B256, keccak256};
use serde::{Deserialize, Serialize};

macro_rules! codes {
    ($(#[$doc:meta])* $name:ident { $($variant:ident $code:literal $help:literal;)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum $name {
            $(#[doc = $help] #[serde(rename = $code)] $variant,)*
        }

        impl $name {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// As tables, routes and documents spell it.
            pub fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            /// What it means, in one line for a person.
            pub fn help(self) -> &'static str {
                match self { $(Self::$variant => $help,)* }
            }

            /// The one of that spelling; `None` where there is none.
            pub fn of(code: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|known| known.code() == code)
            }
        }
    };
}

codes! {
    /// What happened.
    AlertKind {
        PolicyDrift "policy_drift" "Rules were loosened, are announced to be, or changed under an open session.";
        UnexplainedPayment "unexplained_payment" "A payment settled, and no decision record is known that it commits to.";
        Donation "donation" "Somebody sent money straight to a purse: the agent may spend it, and no limit counts it.";
        PayeeBurst "payee_burst" "Many payees were paid for the first time within an hour.";
        OffTrajectory "off_trajectory" "Spending is on its way to more than one and a half times the limit.";
        UngovernedPayer "ungoverned_payer" "A watched account paid outside any envelope.";
        ScoreSilent "score_silent" "No reviewer has reported a score lately: no session opens.";
        Review "review" "The score asks for a human before the next session.";
        Frozen "frozen" "A guardian stopped it.";
    }
}

codes! {
    /// How urgent it is.
    Severity {
        Notice "notice" "Worth knowing.";
        Warning "warning" "Somebody should look today.";
        Critical "critical" "Somebody should look now.";
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
    /// As JSON.
    pub detail: String,
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
