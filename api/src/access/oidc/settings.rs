use std::path::PathBuf;

use alloy::primitives::Address;
use bursar_indexer::access::{GrantError, RoleError};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::webhook::target::TargetError;

/// An issuer whose tokens are taken, and what they are worth: `[access.oidc]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The issuer, as its tokens spell it in `iss`: an https address (http on this machine only).
    pub issuer: String,
    /// Whom its tokens have to be for: one of their `aud`.
    pub audience: String,
    /// Where its keys are; where not told, its discovery says.
    #[serde(default)]
    pub jwks_url: Option<Url>,
    /// The claim that has a holder's groups: a name, or a JSON pointer (`/realm_access/roles`).
    #[serde(default = "groups")]
    pub groups_claim: String,
    /// The claim that has the account of an agent or approver, as an address; a name or a JSON pointer, too.
    #[serde(default = "account")]
    pub account_claim: String,
    /// What groups are worth.
    #[serde(default)]
    pub grants: Vec<Granted>,
    /// How people sign in there from the pages; `None`: they do not.
    #[serde(default)]
    pub sign_in: Option<SignIn>,
}

/// This service as the issuer knows it: `[access.oidc.sign_in]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignIn {
    /// The client that it is there. Tokens for it are taken beside those for the audience.
    pub client_id: String,
    /// A file with the client's secret, readable by its owner alone; `None`: the client is a public one.
    #[serde(default)]
    pub client_secret_file: Option<PathBuf>,
    /// What people call the issuer: the page offers to "Sign in with" it.
    pub name: String,
    /// What is asked for, `openid` among it, with spaces between.
    #[serde(default = "scope")]
    pub scope: String,
}

/// What a group is worth.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Granted {
    /// The group, as the claim spells it.
    pub group: String,
    /// The role of its members: auditor, treasury, agent or approver.
    pub role: String,
    /// The only treasury that it is for; all, where an auditor's has none.
    #[serde(default)]
    pub treasury: Option<Address>,
}

fn groups() -> String {
    "groups".into()
}

fn account() -> String {
    "bursar_account".into()
}

fn scope() -> String {
    "openid".into()
}

/// Settings that do not hold together.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The issuer is no address.
    #[error("access.oidc.issuer: expected an https address, as its tokens have it in iss, got {got:?}")]
    Issuer {
        /// What came.
        got: String,
    },
    /// An address that nothing is asked of.
    #[error("access.oidc.{what}")]
    Address {
        /// Which.
        what: &'static str,
        /// Why not.
        source: TargetError,
    },
    /// Something is missing.
    #[error("access.oidc.{what}: expected some text, got none")]
    Empty {
        /// What.
        what: &'static str,
    },
    /// No group is worth anything.
    #[error("access.oidc.grants: expected a group and its role at least ([[access.oidc.grants]]), got none")]
    NoGrants,
    /// A group is granted a role that is none.
    #[error("access.oidc.grants: the role of group {group:?}")]
    Role {
        /// The group.
        group: String,
        /// What is wrong.
        source: RoleError,
    },
    /// A group is granted what no role may be.
    #[error("access.oidc.grants: the treasury of group {group:?}")]
    Bounds {
        /// The group.
        group: String,
        /// What is wrong.
        source: GrantError,
    },
    /// A group is there twice.
    #[error("access.oidc.grants: expected each group once, got {group:?} twice")]
    Twice {
        /// The group.
        group: String,
    },
    /// No id token would come.
    #[error("access.oidc.sign_in.scope: expected openid among them, got {got:?}")]
    Scope {
        /// What came.
        got: String,
    },
    /// Nobody could be sent back safely.
    #[error("api_url: people who sign in at the issuer are sent back to it")]
    Pages {
        /// Why not there.
        source: TargetError,
    },
    /// The machine's trusted roots cannot be read.
    #[error("asking the issuer takes the machine's trusted roots")]
    Roots(#[from] reqwest::Error),
}
