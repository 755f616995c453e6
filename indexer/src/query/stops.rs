//! Freezes, releases and reviews: who stopped what, and when.

use alloy::primitives::{Address, B256};

use super::{Position, TimeRange, select::Select};
use crate::db::{Db, DbError, DbRow};

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
    /// Up to this block (inclusive).
    pub up_to_block: Option<u64>,
}

const SELECT: &str = "SELECT s.block_number, s.log_index, s.tx_hash, s.timestamp, s.treasury, s.envelope, \
                      s.session, s.level, s.stopped, s.by, s.reason, s.group_number FROM stop s";

fn read(row: &DbRow) -> Result<Stop, DbError> {
    Ok(Stop {
        position: Position::read(row)?,
        tx_hash: row.hash("tx_hash")?,
        timestamp: row.number("timestamp")?,
        treasury: row.address("treasury")?,
        envelope: row.maybe_number("envelope")?,
        group: row.maybe_number("group_number")?,
        session: row.maybe_hash("session")?,
        level: row.text("level")?,
        stopped: row.flag("stopped")?,
        by: row.address("by")?,
        reason: row.maybe_hash("reason")?,
    })
}

/// Stops and releases, newest first.
///
/// # Errors
/// When the database fails.
pub async fn list(
    db: &Db,
    filter: &Filter,
    after: Option<Position>,
    limit: u32,
) -> Result<Vec<Stop>, DbError> {
    select_list(filter, after, limit).rows(db, read).await
}

pub(super) fn select_list(filter: &Filter, after: Option<Position>, limit: u32) -> Select {
    let mut select = Select::new(SELECT);
    select
        .filter("s.treasury = ", filter.treasury)
        .filter("s.envelope = ", filter.envelope)
        .filter("s.level = ", filter.level)
        .filter("s.stopped = ", filter.stopped)
        .times("s.timestamp >= ", "s.timestamp < ", filter.time)
        .filter("s.block_number <= ", filter.up_to_block);
    if let Some(agent) = filter.agent {
        select
            .condition("(s.treasury, s.envelope) IN (SELECT treasury, number FROM envelope WHERE agent = ")
            .bind(agent)
            .push(")");
    }
    select
        .after("(s.block_number, s.log_index) < ", after.map(Position::cells))
        .order_and_limit(" ORDER BY s.block_number DESC, s.log_index DESC", limit);
    select
}
