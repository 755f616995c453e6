use std::fmt;

use alloy::primitives::Address;
use axum::{extract::FromRequestParts, http::request::Parts};
use bursar_indexer::access::{Grant, Role};

use super::{Permission, Refused, allows, oidc::NotSignedIn};
use crate::error::ApiError;

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Who {
    /// Whoever reached the service, which is open.
    Anybody,
    /// The holder of the API key with this id.
    Key(String),
    /// Whom the issuer of tokens calls this: its `sub`, 255 characters of ASCII at most.
    Subject(String),
}

/// As accesses name them.
impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Anybody => f.write_str("anybody"),
            Self::Key(id) => write!(f, "key:{id}"),
            Self::Subject(subject) => write!(f, "oidc:{subject}"),
        }
    }
}

/// Somebody with a credential that is theirs, whether or not it is taken.
#[derive(Debug)]
pub(crate) struct Identified {
    pub(super) who: Who,
    /// What it would let them do; `None`: nothing.
    pub(super) grant: Option<Grant>,
    /// When it ends by itself, in unix seconds, where that does not change any more.
    pub(super) until: Option<u64>,
    /// What a token was asked for with, where somebody signed in for it from the pages.
    pub(super) nonce: Option<String>,
    pub(super) taken: Result<(), Refused>,
}

impl Identified {
    /// Whether their token was made for that sign-in.
    ///
    /// # Errors
    /// When it was made for another, or for none.
    pub(crate) fn check_nonce(&self, asked: &str) -> Result<(), NotSignedIn> {
        if self.nonce.as_deref() == Some(asked) { Ok(()) } else { Err(NotSignedIn::Nonce) }
    }

    /// Who they are here.
    ///
    /// # Errors
    /// When the credential is not taken.
    pub(crate) fn caller(self) -> Result<Caller, Refused> {
        self.taken?;
        // Without a grant a caller may everything.
        let grant = Some(self.grant.ok_or(Refused::Unknown)?);
        Ok(Caller { who: self.who, grant, until: self.until })
    }
}

/// Who asks, and what of it they may.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    who: Who,
    /// `None`: everything.
    grant: Option<Grant>,
    /// When their credential ends by itself; `None`: it does not, or the store says.
    until: Option<u64>,
}

impl Caller {
    /// Whoever reached an open service.
    pub(super) fn anybody() -> Self {
        Self { who: Who::Anybody, grant: None, until: None }
    }

    /// Who it is.
    pub fn who(&self) -> &Who {
        &self.who
    }

    /// Whether their credential has not ended by itself; `now` is in unix seconds.
    pub(super) fn lasts(&self, now: u64) -> bool {
        self.until.is_none_or(|until| now < until)
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
    pub(crate) fn sees(&self, treasury: Address, agent: Option<Address>) -> bool {
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
