//! Who asked the API for what, and who made keys to it.

use alloy::primitives::{Address, B256};
use serde::{Deserialize, Serialize};

use super::select::Select;
use crate::{
    access::Role,
    db::{Db, DbError, DbRow},
};

/// Something that somebody asked the API, or did to its keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// Which request: one is kept once.
    pub request: String,
    /// When it came, in unix seconds.
    pub at: u64,
    /// Who: `key:ID` for the holder of a key, `command-line` for who has the store.
    pub by: String,
    /// What they are to the API; `None` for who has the store.
    pub role: Option<Role>,
    /// The only treasury that they are let see; `None`: all.
    pub scope: Option<Address>,
    /// Whose things were asked for, in whose log it is; `None`: of no one treasury, and in no log.
    pub treasury: Option<Address>,
    /// `GET`, `POST`, or `RUN` for a command.
    pub method: String,
    /// The route, as the API's document has it, or the command.
    pub route: String,
    /// What was asked for: path and parameters, shortened, or what the command was given.
    pub asked: String,
    /// How it was answered; `None`: whoever asked was gone before, or there was no answer in time.
    pub status: Option<u16>,
}

/// One that was kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Its number, in the order in which they were kept.
    pub seq: u64,
    /// What it tells.
    pub access: Access,
    /// The subject of the entry that tells of it in its treasury's log.
    pub batch: Option<B256>,
}

/// The key of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    /// The number.
    pub seq: u64,
}

/// Which ones.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Of this treasury's things.
    pub treasury: Option<Address>,
    /// By them.
    pub by: Option<String>,
    /// This request.
    pub request: Option<String>,
}

const SELECT: &str =
    "SELECT seq, request, at, by, role, scope, treasury, method, route, asked, status, batch FROM access";

pub(crate) fn read(row: &DbRow) -> Result<Access, DbError> {
    let role = row.maybe_text("role")?.map(|code| {
        let wrong = |_| DbError::Inconsistent { column: "role", expected: "a role", got: code.clone() };
        code.parse::<Role>().map_err(wrong)
    });
    Ok(Access {
        request: row.text("request")?,
        at: row.number("at")?,
        by: row.text("by")?,
        role: role.transpose()?,
        scope: row.maybe_address("scope")?,
        treasury: row.maybe_address("treasury")?,
        method: row.text("method")?,
        route: row.text("route")?,
        asked: row.text("asked")?,
        status: row.maybe_number("status")?,
    })
}

fn read_kept(row: &DbRow) -> Result<Kept, DbError> {
    Ok(Kept { seq: row.number("seq")?, access: read(row)?, batch: row.maybe_hash("batch")? })
}

/// Accesses, the last kept first.
///
/// # Errors
/// When the database fails.
pub async fn list(db: &Db, filter: &Filter, after: Option<Key>, limit: u32) -> Result<Vec<Kept>, DbError> {
    select_list(filter, after, limit).rows(db, read_kept).await
}

pub(super) fn select_list(filter: &Filter, after: Option<Key>, limit: u32) -> Select {
    let mut select = Select::new(SELECT);
    match &filter.request {
        None => select.filter("treasury = ", filter.treasury).filter("by = ", filter.by.as_deref()),
        // A request is kept once.
        request => select
            .filter("request = ", request.as_deref())
            .sift("treasury = ", filter.treasury)
            .sift("by = ", filter.by.as_deref()),
    };
    select.filter("seq < ", after.map(|key| key.seq)).order_and_limit(" ORDER BY seq DESC", limit);
    select
}
