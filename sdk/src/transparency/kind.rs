//! What a log may tell of, by name.

use serde::{Deserialize, Serialize};

use crate::decision::Verdict;

/// Lists every kind once: its variant, its stable name, and what it tells.
macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $code:literal,)+) => {
        /// What an entry tells of. The names are stable; new ones may come.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[non_exhaustive]
        pub enum LogKind {
            $($(#[$doc])* #[serde(rename = $code)] $kind,)+
        }

        impl LogKind {
            /// Every kind.
            pub const ALL: &[Self] = &[$(Self::$kind),+];

            /// Its stable name, as entries, the store and the API spell it.
            pub fn code(self) -> &'static str {
                match self {
                    $(Self::$kind => $code,)+
                }
            }
        }
    };
}

kinds! {
    /// Why an agent pays: its record came in.
    Decision = "decision",
    /// An agent was refused: its record came in.
    Refusal = "refusal",
    /// What came of a payment: a revision of it came in.
    Outcome = "outcome",
    /// A payment waits for a human.
    ApprovalRequest = "approval_request",
    /// A human said yes.
    Approval = "approval",
    /// A human said no.
    Rejection = "rejection",
    /// A record's words were erased, because an owner of the treasury said so.
    Erasure = "erasure",
    /// Who asked the API for what, several together, and who made keys to it.
    Access = "access",
}

impl LogKind {
    /// The kind of that name; `None` where there is none.
    pub fn of(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.code() == code)
    }
}

impl From<Verdict> for LogKind {
    /// How a decision of that verdict is logged.
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Approved => Self::Decision,
            Verdict::Denied => Self::Refusal,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_of_one_kind() {
        for kind in LogKind::ALL {
            assert_eq!(LogKind::of(kind.code()), Some(*kind));
            assert_eq!(serde_json::to_value(kind).expect("a name"), kind.code());
        }
        assert_eq!(LogKind::of("payment"), None);
    }

    #[test]
    fn the_documentation_names_every_kind() {
        let text = include_str!("../../../docs/LOG.md");
        for kind in LogKind::ALL {
            let row = format!("| `{}` |", kind.code());
            assert!(text.contains(&row), "docs/LOG.md has no row of {kind:?}");
        }
    }
}
