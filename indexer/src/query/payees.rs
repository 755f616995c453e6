//! Payee lists.

use alloy::primitives::Address;
use sqlx::SqlitePool;

use super::{QueryError, column, select::Select};

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
pub async fn list(
    pool: &SqlitePool,
    filter: &Filter,
    after: Option<Key>,
    limit: u32,
) -> Result<Vec<Payee>, QueryError> {
    select_list(filter, after, limit)
        .rows(pool, |row| {
            Ok(Payee {
                treasury: column::address(row, "treasury")?,
                list: column::number(row, "list")?,
                payee: column::address(row, "payee")?,
            })
        })
        .await
}

pub(super) fn select_list(filter: &Filter, after: Option<Key>, limit: u32) -> Select {
    let mut select = Select::new("SELECT treasury, list, payee FROM payee");
    select
        .filter("treasury = ", filter.treasury.map(|key| key.to_vec()))
        .filter("list = ", filter.list.map(i64::from))
        .filter("payee = ", filter.payee.map(|key| key.to_vec()));
    if let Some((treasury, list, payee)) = after {
        select
            .condition("(treasury, list, payee) > (")
            .bind(treasury.to_vec())
            .push(", ")
            .bind(i64::from(list))
            .push(", ")
            .bind(payee.to_vec())
            .push(")");
    }
    select.order_and_limit(" ORDER BY treasury, list, payee", limit);
    select
}
