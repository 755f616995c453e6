//! What a transaction does, before anybody has signed it.

use alloy::{
    primitives::{Address, aliases::U24},
    sol_types::SolCall,
};
use bursar_indexer::query::treasuries::Treasury;
use bursar_sdk::role::Role;

use crate::{
    Config,
    error::ApiError,
    model::transaction::{Action, Call, Change},
    web::text::short,
};

/// Where a plan is made: for people's words, and for what holds in the whole treasury.
#[derive(Clone, Copy)]
pub(super) struct Desk<'a> {
    pub(super) config: &'a Config,
    pub(super) treasury: &'a Treasury,
    /// Unix seconds.
    pub(super) now: u64,
}

impl Desk<'_> {
    /// What people call an account.
    pub(super) fn called(&self, account: Address) -> String {
        self.config.names.get(&account).cloned().unwrap_or_else(|| short(account))
    }

    /// A call to the treasury.
    pub(super) fn call<C: SolCall>(&self, call: &C, what: impl Into<String>) -> Call {
        call_to(self.treasury.address, call, what)
    }
}

/// A call to a contract.
pub(super) fn call_to<C: SolCall>(to: Address, call: &C, what: impl Into<String>) -> Call {
    Call {
        to: to.into(),
        value: "0",
        data: alloy::primitives::Bytes::from(call.abi_encode()).into(),
        function: C::SIGNATURE,
        what: what.into(),
    }
}

/// What will be sent, and what it does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) what: String,
    pub(super) delay: Option<u64>,
    pub(super) changes: Vec<Change>,
    pub(super) warnings: Vec<String>,
    pub(super) calls: Vec<Call>,
}

impl Plan {
    pub(super) fn new(what: impl Into<String>, call: Call) -> Self {
        Self { what: what.into(), delay: None, changes: Vec::new(), warnings: Vec::new(), calls: vec![call] }
    }

    pub(super) fn change(mut self, what: &str, before: impl Into<String>, after: impl Into<String>) -> Self {
        self.changes.push(Change { what: what.to_owned(), before: before.into(), after: after.into() });
        self
    }

    pub(super) fn warn_if(mut self, holds: bool, warning: &str) -> Self {
        if holds {
            self.warnings.push(warning.to_owned());
        }
        self
    }
}

/// A ledger's number, as the contract counts.
pub(super) fn number(row: u32) -> U24 {
    U24::saturating_from(row)
}

/// Who may do it: any one of these; anyone where there is none. The contract's own rule.
pub(super) fn needs(action: &Action) -> &'static [Role] {
    use Action as A;
    const MAY_STOP: &[Role] = &[Role::Owner, Role::PolicyManager, Role::Guardian];
    match action {
        A::FreezeEnvelope { .. }
        | A::FreezeSession { .. }
        | A::FreezeGroup { .. }
        | A::FreezeOrganisation
        | A::CancelAnnouncement { .. } => MAY_STOP,
        A::UnfreezeEnvelope { .. }
        | A::UnfreezeGroup { .. }
        | A::UnfreezeOrganisation
        | A::ClearReview { .. }
        | A::Withdraw { .. } => &[Role::Owner],
        A::SetPolicy { .. } => &[Role::PolicyManager],
        A::TopUp { .. } => &[],
    }
}

/// Whether an account with this set of roles may.
pub(super) fn check_role(needs: &[Role], from: Address, held: u8) -> Result<(), ApiError> {
    if needs.is_empty() || needs.iter().any(|role| held & role.bit() != 0) {
        return Ok(());
    }
    let expected: Vec<&str> = needs.iter().map(|role| role.code()).collect();
    let held: Vec<&str> = Role::in_set(held).into_iter().map(Role::code).collect();
    let held = if held.is_empty() { "no role".to_owned() } else { held.join(", ") };
    let message = format!(
        "account {} may not do this: it holds {held}, as far as the ledger has followed the chain",
        from.to_checksum(None)
    );
    Err(ApiError::conflict("role_missing", message).mismatch(expected.join(" or "), held))
}
