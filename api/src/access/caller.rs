use alloy::primitives::Address;
use axum::{extract::FromRequestParts, http::request::Parts};
use bursar_indexer::{
    access::{Grant, Role},
    store::ApiKey,
};

use super::{Permission, Refused, allows};
use crate::error::ApiError;

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Who {
    /// Whoever reached the service, which is open.
    Anybody,
    /// The holder of the API key with this id.
    Key(String),
}

/// Who asks, and what of it they may.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    who: Who,
    /// `None`: everything.
    grant: Option<Grant>,
}

impl Caller {
    /// Whoever reached an open service.
    pub(super) fn anybody() -> Self {
        Self { who: Who::Anybody, grant: None }
    }

    /// The holder of a key.
    pub(super) fn holding(key: ApiKey) -> Self {
        Self { who: Who::Key(key.id), grant: Some(key.grant) }
    }

    /// Who it is.
    pub fn who(&self) -> &Who {
        &self.who
    }

    /// What they are here; `None` where nobody is asked.
    pub fn role(&self) -> Option<Role> {
        self.grant.map(|grant| grant.role())
    }

    /// The only treasury whose things they see; `None`: of all.
    pub fn treasury(&self) -> Option<Address> {
        self.grant.and_then(|grant| grant.treasury())
    }

    /// The only agent whose things they see; `None`: of all.
    pub fn agent(&self) -> Option<Address> {
        self.speaks_as(Role::Agent)
    }

    fn speaks_as(&self, role: Role) -> Option<Address> {
        self.grant.filter(|grant| grant.role() == role).and_then(|grant| grant.account())
    }

    /// Whether they may see what is of that treasury and about that agent (`None`: about nobody known).
    pub(super) fn sees(&self, treasury: Address, agent: Option<Address>) -> bool {
        self.treasury().is_none_or(|own| own == treasury) && self.agent().is_none_or(|own| agent == Some(own))
    }

    /// Whether their role may that.
    ///
    /// # Errors
    /// When it may not.
    pub(super) fn check_role(&self, permission: Permission) -> Result<(), Refused> {
        match self.grant {
            Some(grant) if !allows(grant.role(), permission) => {
                Err(Refused::Role { role: grant.role(), permission })
            }
            _ => Ok(()),
        }
    }

    /// Whether they may what concerns that treasury.
    ///
    /// # Errors
    /// When they are of another.
    pub fn check_treasury(&self, got: Address) -> Result<(), Refused> {
        held(self.treasury(), got, |expected, got| Refused::OtherTreasury { expected, got })
    }

    /// Whether they may what concerns that agent.
    ///
    /// # Errors
    /// When they are another.
    pub fn check_agent(&self, got: Address) -> Result<(), Refused> {
        held(self.agent(), got, |expected, got| Refused::OtherAgent { expected, got })
    }

    /// Whether they may hand in what that account has signed as an approver.
    ///
    /// # Errors
    /// When they are another approver.
    pub fn check_approver(&self, got: Address) -> Result<(), Refused> {
        held(self.speaks_as(Role::Approver), got, |expected, got| Refused::OtherAccount { expected, got })
    }
}

fn held(
    own: Option<Address>,
    got: Address,
    refused: impl FnOnce(Address, Address) -> Refused,
) -> Result<(), Refused> {
    match own {
        Some(expected) if expected != got => Err(refused(expected, got)),
        _ => Ok(()),
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        parts.extensions.get::<Self>().cloned().ok_or_else(|| {
            tracing::error!("a request came past the guard");
            ApiError::internal()
        })
    }
}
