use alloy::primitives::Address;
use axum::http::StatusCode;
use bursar_indexer::access::Role;

use super::{Permission, allows, oidc::WrongToken};
use crate::error::ApiError;

/// Why somebody is not answered. Repeats nothing of a credential.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// There is no credential.
    #[error("a key is asked for here: send it as Authorization: Bearer KEY")]
    Missing,
    /// What came is no credential.
    #[error(
        "the credential does not read: expected one header Authorization: Bearer bursar_ID_SECRET, or a token of the \
         issuer's where one is set up"
    )]
    Malformed,
    /// There is no such key.
    #[error("there is no such key")]
    Unknown,
    /// It was revoked.
    #[error("the key was revoked; ask the operator for another")]
    Revoked,
    /// It has run out. Unix seconds.
    #[error("the key has run out; ask the operator for another")]
    Expired {
        /// When.
        at: u64,
        /// The time now.
        now: u64,
    },
    /// It is a token, and not taken.
    #[error(transparent)]
    Token(#[from] WrongToken),
    /// The role is another's.
    #[error("the role {role} may not {permission}")]
    Role {
        /// The caller's.
        role: Role,
        /// What was to be done.
        permission: Permission,
    },
    /// It is another treasury's.
    #[error("the credential is for another treasury")]
    OtherTreasury {
        /// The caller's.
        expected: Address,
        /// Whose it is.
        got: Address,
    },
    /// It is of no treasury, and the caller of one.
    #[error("what belongs to no treasury is for the operator's auditor: the credential is for one treasury")]
    Outside {
        /// The caller's.
        got: Address,
    },
    /// It is about another agent.
    #[error("the credential is for another agent")]
    OtherAgent {
        /// The caller's.
        expected: Address,
        /// Whose it is.
        got: Address,
    },
    /// It is signed by another account.
    #[error("the credential is for another approver")]
    OtherAccount {
        /// The caller's.
        expected: Address,
        /// Whose it is.
        got: Address,
    },
    /// Nothing says who may use the route, so nobody may.
    #[error("this route is closed: nothing says who may use it")]
    Closed,
}

impl Refused {
    /// Stable, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Missing => "credential_missing",
            Self::Malformed => "credential_malformed",
            Self::Unknown => "credential_unknown",
            Self::Revoked => "credential_revoked",
            Self::Expired { .. } => "credential_expired",
            Self::Token(wrong) => wrong.code(),
            Self::Role { .. } => "role_not_allowed",
            Self::OtherTreasury { .. } => "other_treasury",
            Self::Outside { .. } => "of_no_treasury",
            Self::OtherAgent { .. } => "other_agent",
            Self::OtherAccount { .. } => "other_account",
            Self::Closed => "route_closed",
        }
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::Missing | Self::Malformed | Self::Unknown | Self::Revoked | Self::Expired { .. } => {
                StatusCode::UNAUTHORIZED
            }
            Self::Token(wrong) => wrong.status(),
            _ => StatusCode::FORBIDDEN,
        }
    }
}

impl From<Refused> for ApiError {
    fn from(refused: Refused) -> Self {
        let error = Self::new(refused.status(), refused.code(), refused.to_string());
        let text = |address: Address| address.to_checksum(None);
        match refused {
            Refused::Expired { at, now } => error.mismatch(format!("before {at} (unix seconds)"), now),
            Refused::Token(wrong) => wrong.explain(error),
            Refused::Role { role, permission } => {
                let may: Vec<&str> = Role::ALL
                    .iter()
                    .filter(|role| allows(**role, permission))
                    .map(|role| role.code())
                    .collect();
                error.mismatch(may.join(", "), role)
            }
            Refused::OtherTreasury { expected, got }
            | Refused::OtherAgent { expected, got }
            | Refused::OtherAccount { expected, got } => error.mismatch(text(expected), text(got)),
            Refused::Outside { got } => error.mismatch("a credential for all treasuries", text(got)),
            _ => error,
        }
    }
}
