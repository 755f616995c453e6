//! Freezes, releases and reviews: who stopped what, and when.

use alloy::primitives::{Address, B256};
use sqlx::{SqlitePool, sqlite::SqliteRow};

use super::{Position, QueryError, TimeRange, column, payments::position, select::Select};

/// Somebody stopped or released something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stop {
    /// Its place on the chain.
    pub position: Position,
    /// The transaction.
    pub tx_hash: B256,
    /// When, in unix seconds.
    pub timestamp: u64,
    /// The treasury.
    pub treasury: Address,
    /// The envelope, where it is about one.
    pub envelope: Option<u32>,
    /// The group, where it is about one.
    pub group: Option<u32>,
    /// The session, where it is about one.
    pub session: Option<B256>,
    /// `organisation`, `group`, `envelope`, `session` or `review`.
    pub level: String,
    /// Stopped; otherwise released.
    pub stopped: bool,
    /// Who.
    pub by: Address,
    /// A reason code or the hash of an explanation, for reviews.
    pub reason: Option<B256>,
}

/// Which stops.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Of this treasury.
    pub treasury: Option<Address>,
    /// Of the envelope with this number.
    pub envelope: Option<u32>,
    /// Of this agent's envelopes.
    pub agent: Option<Address>,
    /// Of this level.
    pub level: Option<&'static str>,
    /// Stops, or releases.
    pub stopped: Option<bool>,
    /// Made then.
    pub time: TimeRange,
}

const SELECT: &str = "SELECT s.block_number, s.log_index, s.tx_hash, s.timestamp, s.treasury, s.envelope, \
                      s.session, s.level, s.stopped, s.by, s.reason, s.group_number FROM stop s";

fn read(row: &SqliteRow) -> Result<Stop, QueryError> {
    Ok(Stop {
        position: position(row)?,
        tx_hash: column::hash(row, "tx_hash")?,
        timestamp: column::number(row, "timestamp")?,
        treasury: column::address(row, "treasury")?,
        envelope: column::maybe_number(row, "envelope")?,
        group: column::maybe_number(row, "group_number")?,
        session: column::maybe_hash(row, "session")?,
        level: column::text(row, "level")?,
        stopped: column::flag(row, "stopped")?,
        by: column::address(row, "by")?,
        reason: column::maybe_hash(row, "reason")?,
    })
}

/// Stops and releases, newest first.
///
/// # Errors
/// When the database fails.
pub async fn list(
    pool: &SqlitePool,
    filter: &Filter,
    after: Option<Position>,
    limit: u32,
) -> Result<Vec<Stop>, QueryError> {
    select_list(filter, after, limit).rows(pool, read).await
}

pub(super) fn select_list(filter: &Filter, after: Option<Position>, limit: u32) -> Select {
    let mut select = Select::new(SELECT);
    select
        .filter("s.treasury = ", filter.treasury.map(|key| key.to_vec()))
        .filter("s.envelope = ", filter.envelope.map(i64::from))
        .filter("s.level = ", filter.level)
        .filter("s.stopped = ", filter.stopped.map(i64::from))
        .times("s.timestamp >= ", "s.timestamp < ", filter.time);
    if let Some(agent) = filter.agent {
        select
            .condition("(s.treasury, s.envelope) IN (SELECT treasury, number FROM envelope WHERE agent = ")
            .bind(agent.to_vec())
            .push(")");
    }
    if let Some(after) = after {
        select
            .condition("(s.block_number, s.log_index) < (")
            .bind(column::signed(after.block))
            .push(", ")
            .bind(column::signed(after.log))
            .push(")");
    }
    select.order_and_limit(" ORDER BY s.block_number DESC, s.log_index DESC", limit);
    select
}
