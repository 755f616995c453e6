//! Agents as they stood: whose envelopes were.

use alloy::primitives::Address;

use super::{
    super::{Past, select::Select},
    Stood, envelopes, is_kept, still_its_own,
};
use crate::db::{Db, DbError};

/// From one agent to the next, however many envelopes each has had; and of each, one envelope that was its own.
///
/// PostgreSQL has no least of bytes, so that each next one is the first in order. A row is made when the one before it is taken.
macro_rules! select {
    ($next:literal, $one:literal) => {
        [
            concat!("WITH RECURSIVE a (agent) AS (SELECT (SELECT n.agent FROM agent_then n WHERE ", $next),
            concat!(
                " ORDER BY n.agent LIMIT 1) UNION ALL SELECT (SELECT n.agent FROM agent_then n WHERE ",
                $next,
                " > a.agent ORDER BY n.agent LIMIT 1) FROM a WHERE a.agent IS NOT NULL) \
                 SELECT a.agent FROM a WHERE a.agent IS NOT NULL \
                 AND (SELECT n.number FROM agent_then n WHERE ",
                $one,
                "n.agent = a.agent AND ",
                still_its_own!("n"),
                " LIMIT 1) IS NOT NULL"
            ),
        ]
    };
}

/// Agents by address.
///
/// # Errors
/// As [`super::envelope`].
pub async fn agents(
    db: &Db,
    treasury: Option<Address>,
    past: Past,
    after: Option<Address>,
    limit: u32,
) -> Result<Vec<Address>, DbError> {
    is_kept(db).await?;
    select_list(treasury, past.height, after, limit).rows(db, |row| row.address("agent")).await
}

pub(in super::super) fn select_list(
    treasury: Option<Address>,
    height: u64,
    after: Option<Address>,
    limit: u32,
) -> Select {
    let [first, rest] = match treasury {
        None => select!("n.agent", ""),
        Some(_) => select!("n.treasury = $2 AND n.agent", "n.treasury = $2 AND "),
    };
    let mut select = Select::given("", height);
    if let Some(treasury) = treasury {
        select.give(treasury);
    }
    select.push(first);
    match after {
        Some(after) => select.push(" > ").bind(after),
        None => select.push(" IS NOT NULL"),
    };
    select.push(rest).order_and_limit("", limit);
    select
}

/// Envelopes of these agents, by treasury and number; of one treasury, or of all. Of each agent the first `limit`.
///
/// # Errors
/// As [`super::envelope`].
pub async fn of_agents(
    db: &Db,
    agents: &[Address],
    treasury: Option<Address>,
    past: Past,
    limit: u32,
) -> Result<Vec<Stood>, DbError> {
    if agents.is_empty() {
        return Ok(Vec::new());
    }
    is_kept(db).await?;
    envelopes::rows(db, &select_of(agents, treasury, past.height, limit)).await
}

/// All of them at once: a page of agents asks as often as a page of anything.
pub(in super::super) fn select_of(
    agents: &[Address],
    treasury: Option<Address>,
    height: u64,
    limit: u32,
) -> Select {
    let mut select = envelopes::of_first(height);
    select
        .among("n.agent", agents)
        .filter("n.treasury = ", treasury)
        .condition(still_its_own!("n"))
        .push(") k WHERE k.nth <= ")
        .bind(limit)
        .push(envelopes::OF_PAGE);
    select
}
