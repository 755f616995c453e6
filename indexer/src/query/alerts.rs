//! Alerts: what somebody should look at, and what that came to.

use std::{cmp::Reverse, collections::BTreeMap};

use alloy::primitives::{Address, B256};
use serde::{Deserialize, Serialize};

use super::{
    envelopes::{self, Envelope},
    select::Select,
};
use crate::{
    db::{Cell, Db, DbError, DbRow},
    ledger::{AlertKind, AlertRow},
    store::read_alert,
};

/// An alert, by its id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alert {
    /// Names it.
    pub id: B256,
    /// What it says.
    pub row: AlertRow,
}

/// The key of the list, newest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// From when on it holds, in unix seconds.
    pub raised_at: u64,
    /// Names it.
    pub id: B256,
}

/// Which alerts.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Of this treasury.
    pub treasury: Option<Address>,
    /// Of the envelope with this number.
    pub envelope: Option<u32>,
    /// Of this kind.
    pub kind: Option<AlertKind>,
    /// Those that are open, or those that are over.
    pub open: Option<bool>,
}

fn newest_first(alert: &Alert) -> Reverse<(u64, B256)> {
    Reverse((alert.row.raised_at, alert.id))
}

fn read(row: &DbRow) -> Result<Alert, DbError> {
    Ok(Alert { id: row.hash("id")?, row: read_alert(row)? })
}

/// Alerts that were raised by `now` (unix seconds), newest first.
///
/// # Errors
/// When the database fails.
pub async fn list(
    db: &Db,
    filter: &Filter,
    now: u64,
    after: Option<Cursor>,
    limit: u32,
) -> Result<Vec<Alert>, DbError> {
    let mut found = select_list(filter, now, after, limit).rows(db, read).await?;
    found.sort_unstable_by_key(newest_first);
    Ok(found)
}

pub(super) fn select_list(filter: &Filter, now: u64, after: Option<Cursor>, limit: u32) -> Select {
    // An index tells which, and no row is read and left out.
    let mut select = Select::new("SELECT a.* FROM (SELECT id FROM alert");
    select
        .filter("treasury = ", filter.treasury)
        .filter("envelope = ", filter.envelope)
        .filter("raised_at <= ", Some(now));
    select.filter("kind = ", filter.kind.map(AlertKind::code));
    match filter.open {
        None => &mut select,
        Some(true) => stand(&mut select, now),
        Some(false) => select.condition("closed_at <= ").bind(now),
    };
    select
        .after("(raised_at, id) < ", after.map(|key| [key.raised_at.value(), key.id.value()]))
        .order_and_limit(" ORDER BY raised_at DESC, id DESC", limit)
        .push(") f CROSS JOIN alert a WHERE a.id = f.id");
    select
}

/// Only those that are not over at `now`. What blocks and records have closed is left out by an index.
fn stand(select: &mut Select, now: u64) -> &mut Select {
    select.condition("closed_block IS NULL AND (closed_at IS NULL OR closed_at > ").bind(now).push(")")
}

/// The newest alerts of each of these envelopes that stand at `now` (unix seconds), newest first and `most` at most.
///
/// # Errors
/// When the database fails.
pub async fn standing(
    db: &Db,
    rows: &[Envelope],
    now: u64,
    most: u32,
) -> Result<BTreeMap<envelopes::Key, Vec<Alert>>, DbError> {
    let mut standing = BTreeMap::<_, Vec<Alert>>::new();
    for (treasury, numbers) in envelopes::by_treasury(rows) {
        let select = select_standing(treasury, &numbers, now, most);
        for (envelope, alert) in select.rows(db, |row| Ok((row.number("envelope")?, read(row)?))).await? {
            standing.entry((treasury, envelope)).or_default().push(alert);
        }
    }
    standing.values_mut().for_each(|found| found.sort_unstable_by_key(newest_first));
    Ok(standing)
}

pub(super) fn select_standing(treasury: Address, envelopes: &[u32], now: u64, most: u32) -> Select {
    let mut select = Select::new(
        "SELECT * FROM (SELECT a.*, ROW_NUMBER() OVER (PARTITION BY envelope ORDER BY raised_at DESC, id DESC) \
         AS place FROM alert a",
    );
    select
        .filter("treasury = ", Some(treasury))
        .among("envelope", envelopes)
        .filter("raised_at <= ", Some(now));
    stand(&mut select, now).push(") each WHERE place <= ").bind(most);
    select
}
