//! Payee lists.

use alloy::primitives::Address;

use super::select::Select;
use crate::db::{Cell, Db, DbError};

/// A payee on a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Payee {
    /// The treasury.
    pub treasury: Address,
    /// The list's number.
    pub list: u16,
    /// Who may be paid.
    pub payee: Address,
}

/// The key of the list.
pub type Key = (Address, u16, Address);

/// Which payees.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Of this treasury.
    pub treasury: Option<Address>,
    /// On this list.
    pub list: Option<u16>,
    /// This one.
    pub payee: Option<Address>,
}

/// Payees by treasury and list.
///
/// # Errors
/// When the database fails.
pub async fn list(db: &Db, filter: &Filter, after: Option<Key>, limit: u32) -> Result<Vec<Payee>, DbError> {
    select_list(filter, after, limit)
        .rows(db, |row| {
            Ok(Payee {
                treasury: row.address("treasury")?,
                list: row.number("list")?,
                payee: row.address("payee")?,
            })
        })
        .await
}

pub(super) fn select_list(filter: &Filter, after: Option<Key>, limit: u32) -> Select {
    let mut select = Select::new("SELECT treasury, list, payee FROM payee");
    select
        .filter("treasury = ", filter.treasury)
        .filter("list = ", filter.list)
        .filter("payee = ", filter.payee);
    let key = after.map(|(treasury, list, payee)| [treasury.value(), list.value(), payee.value()]);
    select.after("(treasury, list, payee) > ", key).order_and_limit(" ORDER BY treasury, list, payee", limit);
    select
}
