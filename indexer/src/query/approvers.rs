//! Who may approve payments of a purse, as far as the ledger has followed: the treasury's own rule.

use alloy::primitives::Address;

use super::{approvals::Request, select::Select, sessions, treasuries};
use crate::db::{Db, DbError};

/// What keeps an account from approving a payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unfit {
    /// It does not hold the approver role.
    NoRole,
    /// It is an agent's identity.
    Agent,
    /// It set a policy of the treasury, which keeps these duties apart.
    PolicyAuthor,
    /// It is the key of the purse's session.
    SessionKey,
}

/// What keeps an account from approving, or rejecting, what a request asks for; `None` where it may.
///
/// # Errors
/// When the database fails.
pub async fn unfit(db: &Db, request: &Request, account: Address) -> Result<Option<Unfit>, DbError> {
    let treasury = request.treasury;
    if !treasuries::holds_role(db, treasury, account, treasuries::ROLE_APPROVER).await? {
        return Ok(Some(Unfit::NoRole));
    }
    let agents = Select::new("SELECT TRUE AS found FROM envelope");
    if any(db, agents, ("treasury = ", treasury), ("agent = ", account)).await? {
        return Ok(Some(Unfit::Agent));
    }
    let of_purse = sessions::Filter { purse: Some(request.purse), ..Default::default() };
    if sessions::list(db, &of_purse, None, 1).await?.iter().any(|session| session.key == account) {
        return Ok(Some(Unfit::SessionKey));
    }
    let separate = treasuries::get(db, treasury).await?.is_some_and(|treasury| treasury.separation);
    let policies = Select::new("SELECT TRUE AS found FROM policy");
    if separate && any(db, policies, ("treasury = ", treasury), ("set_by = ", account)).await? {
        return Ok(Some(Unfit::PolicyAuthor));
    }
    Ok(None)
}

async fn any(
    db: &Db,
    mut rows: Select,
    one: (&'static str, Address),
    other: (&'static str, Address),
) -> Result<bool, DbError> {
    rows.filter(one.0, Some(one.1)).filter(other.0, Some(other.1)).push(" LIMIT 1");
    Ok(rows.row(db, |row| row.flag("found")).await?.is_some())
}

/// Who holds the approver role of a treasury.
///
/// # Errors
/// When the database fails.
pub async fn list(db: &Db, treasury: Address) -> Result<Vec<Address>, DbError> {
    let roles = treasuries::roles(db, treasury).await?;
    let approvers = roles.into_iter().filter(|role| role.role == treasuries::ROLE_APPROVER);
    Ok(approvers.map(|role| role.account).collect())
}
