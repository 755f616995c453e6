//! Envelopes as they stood.

use super::{
    super::{
        Past,
        envelopes::{Filter, Key, State, read},
        select::Select,
    },
    Stood, is_kept, paid, since, windows,
};
use crate::db::{Cell as _, Db, DbError, DbRow};

/// Whether the organisation was frozen.
macro_rules! organisation_frozen {
    () => {
        "COALESCE((SELECT f.frozen FROM treasury_then f WHERE f.treasury = e.treasury \
         AND f.block_number <= $1 ORDER BY f.block_number DESC LIMIT 1), FALSE)"
    };
}

/// Whether a group that the envelope was in was frozen. What is above a group never changes.
macro_rules! group_frozen {
    () => {
        "EXISTS (WITH RECURSIVE above (number, parent) AS ( \
         SELECT g.number, g.parent FROM envelope_group g \
         WHERE g.treasury = e.treasury AND g.number = v.group_number \
         UNION ALL SELECT g.number, g.parent FROM envelope_group g \
         JOIN above ON g.number = above.parent WHERE g.treasury = e.treasury) \
         SELECT 1 FROM above WHERE (SELECT f.frozen FROM group_then f WHERE f.treasury = e.treasury \
         AND f.number = above.number AND f.block_number <= $1 ORDER BY f.block_number DESC LIMIT 1))"
    };
}

/// As of block `$1`, from those rows that have envelopes `e`.
macro_rules! select {
    ($from:literal) => {
        concat!(
            "SELECT e.treasury, e.number, v.agent, e.asset, v.frozen, ",
            organisation_frozen!(),
            " AS organisation_frozen, ",
            group_frozen!(),
            " AS group_frozen, v.under_review, v.policy_version, v.funded, v.withdrawn, v.drawn, v.returned, v.paid, \
             v.donated, v.payments, e.created_block, v.group_number, v.permit2, v.score_life, v.score, v.scored_at, \
             (SELECT l.uses FROM limits_then l WHERE l.treasury = e.treasury AND l.number = e.number \
             AND l.block_number <= $1 ORDER BY l.block_number DESC LIMIT 1) AS uses, ",
            since!("p.treasury = e.treasury AND p.envelope = e.number", "v"),
            " FROM ",
            $from,
            // In this order: PostgreSQL weighs it itself.
            " CROSS JOIN envelope_then v"
        )
    };
}

/// Of what is kept of an envelope, the last. Its key is asked for, so that PostgreSQL looks it up for each: beside the list's order it
/// would else read all that is kept of each of them.
const LAST: &str = "v.treasury = (SELECT e.treasury) AND v.number = (SELECT e.number) AND v.block_number = \
                    (SELECT MAX(w.block_number) FROM envelope_then w \
                    WHERE w.treasury = e.treasury AND w.number = e.number AND w.block_number <= $1)";

/// Where it was the agent's: nobody else's since.
const WHOSE: &str = "n.block_number = (SELECT MAX(m.block_number) FROM agent_then m \
                     WHERE m.treasury = n.treasury AND m.number = n.number AND m.block_number <= $1) \
                     AND e.treasury = n.treasury AND e.number = n.number";

/// One envelope; `None` where there was none yet.
///
/// # Errors
/// When the database fails, or how rows stood is not kept.
pub async fn envelope(db: &Db, (treasury, number): Key, past: Past) -> Result<Option<Stood>, DbError> {
    is_kept(db).await?;
    let mut select = Select::given(select!("envelope e"), past.height);
    select.condition(LAST).filter("e.treasury = ", Some(treasury)).filter("e.number = ", Some(number));
    select.row(db, stood).await
}

/// Envelopes by treasury and number.
///
/// # Errors
/// As [`envelope`].
pub async fn envelopes(
    db: &Db,
    filter: &Filter,
    past: Past,
    after: Option<Key>,
    limit: u32,
) -> Result<Vec<Stood>, DbError> {
    is_kept(db).await?;
    select_list(filter, past.height, after, limit).rows(db, stood).await
}

pub(in super::super) fn select_list(filter: &Filter, height: u64, after: Option<Key>, limit: u32) -> Select {
    let mut select;
    let [treasury, key, order] = match filter.agent {
        None => {
            select = Select::given(select!("envelope e"), height);
            select.condition("e.created_block <= $1");
            ["e.treasury = ", "(e.treasury, e.number) > ", " ORDER BY e.treasury, e.number"]
        }
        Some(agent) => {
            select = Select::given(select!("agent_then n CROSS JOIN envelope e"), height);
            select.filter("n.agent = ", Some(agent)).condition(WHOSE);
            ["n.treasury = ", "(n.treasury, n.number) > ", " ORDER BY n.treasury, n.number"]
        }
    };
    select
        .condition(LAST)
        .filter(treasury, filter.treasury)
        .filter("v.group_number = ", filter.group)
        .filter("e.asset = ", filter.asset);
    if filter.scored {
        select.condition("v.score_life > 0");
    }
    match filter.state {
        None => &mut select,
        Some(State::Active) => select.condition(concat!(
            "NOT (v.frozen OR v.under_review OR ",
            organisation_frozen!(),
            " OR ",
            group_frozen!(),
            ")"
        )),
        Some(State::Frozen) => {
            select.condition(concat!("(v.frozen OR ", organisation_frozen!(), " OR ", group_frozen!(), ")"))
        }
        Some(State::UnderReview) => select.condition("v.under_review"),
    };
    let after = after.map(|(treasury, number)| [treasury.value(), number.value()]);
    select.after(key, after).order_and_limit(order, limit);
    select
}

fn stood(row: &DbRow) -> Result<Stood, DbError> {
    let (windows, (paid, payments)) = (windows(row)?, paid(row)?);
    let mut envelope = read(row)?;
    (envelope.paid, envelope.payments) = (paid, payments);
    Ok(Stood { row: envelope, windows })
}
