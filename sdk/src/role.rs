//! Who may do what in a treasury.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// A role of a treasury; an account may hold several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Releases, withdraws, grants: a Safe or a timelock in production.
    Owner,
    /// Sets policies, payee lists and purses.
    PolicyManager,
    /// Freezes, revokes, cancels announcements; never releases.
    Guardian,
    /// Approves single payments above a policy's threshold.
    Approver,
    /// Sets the review flag; an automatic scorer holds this.
    Reviewer,
    /// Issues and revokes root identity stamps.
    Stamper,
}

impl Role {
    /// Every role, in the order of its bit.
    pub const ALL: [Self; 6] =
        [Self::Owner, Self::PolicyManager, Self::Guardian, Self::Approver, Self::Reviewer, Self::Stamper];

    /// The role's bit in an account's role set.
    pub fn bit(self) -> u8 {
        1 << self as u8
    }

    /// The roles in a set.
    pub fn in_set(set: u8) -> Vec<Self> {
        Self::ALL.into_iter().filter(|role| set & role.bit() != 0).collect()
    }

    /// As records and tables spell it.
    pub fn code(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::PolicyManager => "policy_manager",
            Self::Guardian => "guardian",
            Self::Approver => "approver",
            Self::Reviewer => "reviewer",
            Self::Stamper => "stamper",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// A word that names no role.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected owner, policy_manager, guardian, approver, reviewer or stamper, got {got:?}")]
pub struct RoleError {
    /// What came instead.
    pub got: String,
}

impl FromStr for Role {
    type Err = RoleError;

    fn from_str(text: &str) -> Result<Self, RoleError> {
        Self::ALL
            .into_iter()
            .find(|role| role.code() == text.replace('-', "_"))
            .ok_or_else(|| RoleError { got: text.chars().take(80).collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_the_contracts() {
        let source = include_str!("../../contracts/libraries/Types.sol");
        for role in Role::ALL {
            let line = format!("uint8 internal constant {} = {};", role.code().to_uppercase(), role.bit());
            assert!(source.contains(&line), "Types.sol does not say {line:?}");
            assert_eq!(role.code().parse::<Role>(), Ok(role));
            assert_eq!(role.to_string(), role.code());
        }
        assert_eq!(Role::in_set(0b101), [Role::Owner, Role::Guardian]);
    }
}
