//! Treasuries, roles and payees, as clients read them.

use bursar_indexer::query::{payees::Payee, treasuries};
use serde::Serialize;
use utoipa::ToSchema;

use crate::wire::Addr;

/// One organisation's contract.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Treasury {
    /// The contract.
    pub address: Addr,
    /// Who deployed it.
    pub factory: Addr,
    /// Its first owner.
    pub owner: Addr,
    /// Whether the whole organisation is frozen.
    pub frozen: bool,
    /// How long a loosening waits, in seconds.
    pub delay: u64,
    /// Whether who writes policies may not approve payments.
    pub separation_of_duties: bool,
    /// How often it was released; what was signed before the last release is void.
    pub epoch: u32,
    /// Identity stamps of an earlier epoch are revoked.
    pub stamp_epoch: u32,
    /// The block that created it.
    pub created_block: u64,
}

/// A treasury with who may do what.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TreasuryDetail {
    /// The treasury.
    #[serde(flatten)]
    pub treasury: Treasury,
    /// Roles held now.
    pub roles: Vec<RoleGrant>,
}

/// A role that an account holds.
#[derive(Debug, Serialize, ToSchema)]
pub struct RoleGrant {
    /// Who.
    pub account: Addr,
    /// Which.
    pub role: Role,
}

/// What an account may do in a treasury.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Releases, withdraws, grants.
    Owner,
    /// Sets policies, payee lists and purses.
    PolicyManager,
    /// Freezes and revokes; never releases.
    Guardian,
    /// Approves single payments.
    Approver,
    /// Sets the review flag.
    Reviewer,
    /// Issues and revokes identity stamps.
    Stamper,
    /// A role that this version does not know.
    Unknown,
}

/// A payee on a list.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ListedPayee {
    /// The treasury.
    pub treasury: Addr,
    /// The list's number.
    pub list: u16,
    /// Who may be paid.
    pub payee: Addr,
}

impl From<treasuries::Treasury> for Treasury {
    fn from(row: treasuries::Treasury) -> Self {
        Self {
            address: row.address.into(),
            factory: row.factory.into(),
            owner: row.owner.into(),
            frozen: row.frozen,
            delay: row.delay,
            separation_of_duties: row.separation,
            epoch: row.epoch,
            stamp_epoch: row.stamp_epoch,
            created_block: row.created_block,
        }
    }
}

impl From<treasuries::Role> for RoleGrant {
    fn from(row: treasuries::Role) -> Self {
        let role = match row.role {
            1 => Role::Owner,
            2 => Role::PolicyManager,
            4 => Role::Guardian,
            8 => Role::Approver,
            16 => Role::Reviewer,
            32 => Role::Stamper,
            _ => Role::Unknown,
        };
        Self { account: row.account.into(), role }
    }
}

impl From<Payee> for ListedPayee {
    fn from(row: Payee) -> Self {
        Self { treasury: row.treasury.into(), list: row.list, payee: row.payee.into() }
    }
}
