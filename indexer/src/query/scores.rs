//! Scores of envelopes' agents: as they stand, and as they stood at a height.

use std::collections::BTreeMap;

use alloy::primitives::Address;
use bursar_sdk::score::{Evaluation, Inputs, State, Trigger};

use super::{
    envelopes::{self, Envelope},
    select::Select,
};
use crate::db::{Db, DbError, DbRow};

/// A score as it stood after all of a block, records taken in at its height included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Past {
    /// The last block that changed it.
    pub block: u64,
    /// The score, as of its last event.
    pub evaluation: Evaluation,
    /// Why a human had to look, if so.
    pub review: Option<Trigger>,
}

/// What the score of an envelope remembers; `None` where the ledger has no such envelope.
///
/// # Errors
/// When the database fails.
pub async fn get(db: &Db, (treasury, envelope): (Address, u32)) -> Result<Option<State>, DbError> {
    Select::new("SELECT state FROM score")
        .filter("treasury = ", Some(treasury))
        .filter("envelope = ", Some(envelope))
        .row(db, |row| row.json("state", "the state of a score"))
        .await
}

/// What the scores of these envelopes remember.
///
/// # Errors
/// When the database fails.
pub async fn of_all(db: &Db, rows: &[Envelope]) -> Result<BTreeMap<envelopes::Key, State>, DbError> {
    let mut scores = BTreeMap::new();
    for (treasury, numbers) in envelopes::by_treasury(rows) {
        let mut select = Select::new("SELECT envelope, state FROM score");
        select.filter("treasury = ", Some(treasury)).among("envelope", &numbers);
        let read =
            |row: &DbRow| Ok((row.number::<u32>("envelope")?, row.json("state", "the state of a score")?));
        let found = select.rows(db, read).await?;
        scores.extend(found.into_iter().map(|(envelope, score)| ((treasury, envelope), score)));
    }
    Ok(scores)
}

const SELECT: &str = "SELECT block_number, at, inputs, review FROM score_history";

fn read(row: &DbRow) -> Result<Past, DbError> {
    let inputs: Inputs = row.json("inputs", "what a score is computed from")?;
    Ok(Past {
        block: row.number("block_number")?,
        evaluation: Evaluation::new(row.number("at")?, inputs),
        review: row.maybe_json("review", "why a human had to look")?,
    })
}

/// How the score of an envelope changed, newest first; `after` is the block of the last row that was seen.
///
/// # Errors
/// When the database fails.
pub async fn history(
    db: &Db,
    of: (Address, u32),
    after: Option<u64>,
    limit: u32,
) -> Result<Vec<Past>, DbError> {
    select_history(of, after, limit).rows(db, read).await
}

pub(super) fn select_history((treasury, envelope): (Address, u32), after: Option<u64>, limit: u32) -> Select {
    let mut select = Select::new(SELECT);
    select
        .filter("treasury = ", Some(treasury))
        .filter("envelope = ", Some(envelope))
        .filter("block_number < ", after)
        .order_and_limit(" ORDER BY block_number DESC", limit);
    select
}

/// The score of an envelope as it stood at a height; `None` where there was no such envelope yet.
///
/// # Errors
/// When the database fails.
pub async fn at_block(db: &Db, of: (Address, u32), block: u64) -> Result<Option<Past>, DbError> {
    Ok(history(db, of, Some(block.saturating_add(1)), 1).await?.pop())
}
