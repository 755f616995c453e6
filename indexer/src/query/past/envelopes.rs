//! Envelopes as they stood.

use super::{
    super::{
        Past,
        envelopes::{Filter, Key, State, read},
        select::Select,
        sums,
    },
    Stood, is_kept, paid, since, still_its_own, windows,
};
use crate::db::{Cell as _, Db, DbError, DbRow};

/// Whether the organisation of an envelope was frozen.
macro_rules! organisation_frozen {
    ($of:literal) => {
        concat!(
            "COALESCE((SELECT f.frozen FROM treasury_then f WHERE f.treasury = ",
            $of,
            ".treasury AND f.block_number <= $1 ORDER BY f.block_number DESC LIMIT 1), FALSE)"
        )
    };
}

/// Whether a group that an envelope was in was frozen. What is above a group never changes.
macro_rules! group_frozen {
    ($of:literal, $group:expr) => {
        concat!(
            "EXISTS (WITH RECURSIVE above (number, parent) AS ( \
             SELECT g.number, g.parent FROM envelope_group g WHERE g.treasury = ",
            $of,
            ".treasury AND g.number = ",
            $group,
            " UNION ALL SELECT g.number, g.parent FROM envelope_group g \
             JOIN above ON g.number = above.parent WHERE g.treasury = ",
            $of,
            ".treasury) SELECT 1 FROM above WHERE (SELECT f.frozen FROM group_then f WHERE f.treasury = ",
            $of,
            ".treasury AND f.number = above.number AND f.block_number <= $1 ORDER BY f.block_number DESC LIMIT 1))"
        )
    };
}

/// What is kept last of an envelope `k`.
macro_rules! then {
    ($column:literal) => {
        concat!(
            "(SELECT v.",
            $column,
            " FROM envelope_then v WHERE v.treasury = k.treasury AND v.number = k.number \
             AND v.block_number <= $1 ORDER BY v.block_number DESC LIMIT 1)"
        )
    };
}

/// As of block `$1`, of a page of envelopes `k`. The page comes first, and nothing is joined in it: there, a database would weigh
/// reading all that is kept of each against looking up the last.
macro_rules! select {
    ($from:literal) => {
        concat!(
            "SELECT e.treasury, e.number, v.agent, e.asset, v.frozen, ",
            organisation_frozen!("e"),
            " AS organisation_frozen, ",
            group_frozen!("e", "v.group_number"),
            " AS group_frozen, v.under_review, v.policy_version, v.funded, v.withdrawn, v.drawn, v.returned, v.paid, \
             v.donated, v.payments, e.created_block, v.group_number, v.permit2, v.score_life, v.score, v.scored_at, \
             (SELECT l.uses FROM limits_then l WHERE l.treasury = e.treasury AND l.number = e.number \
             AND l.block_number <= $1 ORDER BY l.block_number DESC LIMIT 1) AS uses, ",
            since!("p.treasury = e.treasury AND p.envelope = e.number", "v"),
            " FROM (SELECT k.treasury, k.number, ",
            then!("block_number"),
            " AS last FROM ",
            $from
        )
    };
}

pub(super) const OF_PAGE: &str = ") o CROSS JOIN envelope e CROSS JOIN envelope_then v \
                       WHERE e.treasury = o.treasury AND e.number = o.number \
                       AND v.treasury = o.treasury AND v.number = o.number AND v.block_number = o.last";

/// What may have been frozen: most never was, and is passed over without a look at what it was.
const EVER_STOPPED: &str = "(EXISTS (SELECT 1 FROM envelope_then f WHERE f.treasury = k.treasury AND f.number = k.number AND f.frozen) \
                            OR EXISTS (SELECT 1 FROM treasury_then f WHERE f.treasury = k.treasury AND f.frozen) \
                            OR EXISTS (SELECT 1 FROM group_then f WHERE f.treasury = k.treasury AND f.frozen))";

/// One envelope; `None` where there was none yet.
///
/// # Errors
/// When the database fails, or how rows stood is not kept.
pub async fn envelope(db: &Db, (treasury, number): Key, past: Past) -> Result<Option<Stood>, DbError> {
    is_kept(db).await?;
    let mut select = Select::given(select!("envelope k"), past.height);
    select.filter("k.treasury = ", Some(treasury)).filter("k.number = ", Some(number));
    select.order_and_limit("", 1).push(OF_PAGE);
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
    rows(db, &select_list(filter, past.height, after, limit)).await
}

pub(super) async fn rows(db: &Db, select: &Select) -> Result<Vec<Stood>, DbError> {
    let mut rows = select.rows(db, stood).await?;
    rows.sort_unstable_by_key(|stood| (stood.row.treasury, stood.row.number));
    Ok(rows)
}

/// The same of envelopes `n` that are told to which of their agent's they are, `k.nth`, which conditions, the end of where they
/// come from and [`OF_PAGE`] follow.
pub(super) fn of_first(height: u64) -> Select {
    Select::given(
        select!(
            "(SELECT n.treasury, n.number, ROW_NUMBER() OVER (PARTITION BY n.agent ORDER BY n.treasury, n.number) AS nth \
             FROM agent_then n"
        ),
        height,
    )
}

pub(in super::super) fn select_list(filter: &Filter, height: u64, after: Option<Key>, limit: u32) -> Select {
    let mut select;
    match filter.agent {
        None => {
            select = Select::given(select!("envelope k"), height);
            select.condition("k.created_block <= $1");
        }
        Some(agent) => {
            select = Select::given(select!("agent_then k"), height);
            select.filter("k.agent = ", Some(agent)).condition(still_its_own!("k"));
        }
    }
    select
        .filter("k.treasury = ", filter.treasury)
        .filter(concat!(then!("group_number"), " = "), filter.group)
        .filter(
            "(SELECT a.asset FROM envelope a WHERE a.treasury = k.treasury AND a.number = k.number) = ",
            filter.asset,
        );
    if filter.scored {
        select.condition(concat!(then!("score_life"), " > 0"));
    }
    match filter.state {
        None => &mut select,
        Some(State::Active) => select.condition(concat!(
            "NOT (",
            then!("frozen"),
            " OR ",
            then!("under_review"),
            " OR ",
            organisation_frozen!("k"),
            " OR ",
            group_frozen!("k", then!("group_number")),
            ")"
        )),
        Some(State::Frozen) => select.condition(EVER_STOPPED).condition(concat!(
            "(",
            then!("frozen"),
            " OR ",
            organisation_frozen!("k"),
            " OR ",
            group_frozen!("k", then!("group_number")),
            ")"
        )),
        Some(State::UnderReview) => select.condition(then!("under_review")),
    };
    let after = after.map(|(treasury, number)| [treasury.value(), number.value()]);
    select
        .after("(k.treasury, k.number) > ", after)
        .order_and_limit(" ORDER BY k.treasury, k.number", limit)
        .push(OF_PAGE);
    select
}

fn stood(row: &DbRow) -> Result<Stood, DbError> {
    let (windows, (paid, payments)) = (windows(row)?, paid(row)?);
    let mut envelope = read(row)?;
    (envelope.paid, envelope.payments) = (paid, payments);
    Ok(Stood { row: envelope, windows })
}
