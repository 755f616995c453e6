//! What a credential lets its holder ask of the API: a role, for one treasury or for all, in the name of one account.
//!
//! Nothing here lets anybody move money: who may do that, the treasury's contract alone decides.

use std::{fmt, str::FromStr};

use alloy::primitives::Address;

/// What the holder of a credential is to the API. Not a role of the contract: those are in `bursar_sdk::role`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Reads everything, and who else has read it.
    Auditor,
    /// Reads everything, and prepares what the organisation's wallets sign.
    Treasury,
    /// Hands in its own records and requests, and reads what is about itself.
    Agent,
    /// Reads everything, and answers requests.
    Approver,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 4] = [Self::Auditor, Self::Treasury, Self::Agent, Self::Approver];

    /// As keys and tokens spell it.
    pub fn code(self) -> &'static str {
        match self {
            Self::Auditor => "auditor",
            Self::Treasury => "treasury",
            Self::Agent => "agent",
            Self::Approver => "approver",
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
#[error("expected auditor, treasury, agent or approver, got {got:?}")]
pub struct RoleError {
    /// What came instead.
    pub got: String,
}

impl FromStr for Role {
    type Err = RoleError;

    fn from_str(text: &str) -> Result<Self, RoleError> {
        let found = Self::ALL.into_iter().find(|role| role.code() == text);
        found.ok_or_else(|| RoleError { got: text.chars().take(80).collect() })
    }
}

/// A role with its bounds. There is none that does not hold together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grant {
    role: Role,
    treasury: Option<Address>,
    account: Option<Address>,
}

/// Bounds that do not fit a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum GrantError {
    /// It must be for one treasury.
    #[error("expected the treasury of the {role}: only an auditor may be of all treasuries")]
    NoTreasury {
        /// The role.
        role: Role,
    },
    /// It must speak for somebody.
    #[error("expected the account of the {role}: an agent's identity, or an approver's account")]
    NoAccount {
        /// The role.
        role: Role,
    },
    /// It speaks for nobody.
    #[error("expected no account: {role} speaks for none, got {got}")]
    NeedlessAccount {
        /// The role.
        role: Role,
        /// What came.
        got: Address,
    },
}

impl Grant {
    /// A role in one treasury (`None`: in all), in the name of an account.
    ///
    /// # Errors
    /// When anybody but an auditor is to be of all treasuries, when an agent or approver has no account, or when
    /// somebody else has one.
    pub fn new(role: Role, treasury: Option<Address>, account: Option<Address>) -> Result<Self, GrantError> {
        if treasury.is_none() && role != Role::Auditor {
            return Err(GrantError::NoTreasury { role });
        }
        match (role, account) {
            (Role::Agent | Role::Approver, None) => Err(GrantError::NoAccount { role }),
            (Role::Auditor | Role::Treasury, Some(got)) => Err(GrantError::NeedlessAccount { role, got }),
            _ => Ok(Self { role, treasury, account }),
        }
    }

    /// The role.
    pub fn role(&self) -> Role {
        self.role
    }

    /// The only treasury that it is for; `None`: all.
    pub fn treasury(&self) -> Option<Address> {
        self.treasury
    }

    /// The agent's identity or the approver's account.
    pub fn account(&self) -> Option<Address> {
        self.account
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_are_spelled_one_way() {
        for role in Role::ALL {
            assert_eq!(role.code().parse(), Ok(role));
        }
        for bad in ["", "Auditor", "owner", "agent "] {
            assert_eq!(bad.parse::<Role>(), Err(RoleError { got: bad.into() }));
        }
    }

    #[test]
    fn only_an_auditor_is_of_all_treasuries_and_only_some_speak_for_an_account() {
        let (treasury, account) = (Some(Address::repeat_byte(1)), Some(Address::repeat_byte(2)));
        for role in Role::ALL {
            let speaks = matches!(role, Role::Agent | Role::Approver);
            for (treasury, account) in [(None, None), (None, account), (treasury, None), (treasury, account)]
            {
                let fits = (treasury.is_some() || role == Role::Auditor) && account.is_some() == speaks;
                assert_eq!(
                    Grant::new(role, treasury, account).is_ok(),
                    fits,
                    "{role} {treasury:?} {account:?}"
                );
            }
        }
    }
}
