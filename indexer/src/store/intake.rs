//! Records from outside the chain, taken into the ledger: after the block where it stands when they come.
//!
//! Where the chain turns, what was taken in above the fork is undone with the blocks, and done again when the ledger
//! has come as far: the same records at the same heights, whichever way it got there.

use std::collections::VecDeque;

use super::{
    StoreError,
    lent::HasTx,
    load::Loader,
    pending::Pending,
    tables::{self, Entry, INTAKE},
};
use crate::{
    db::{Query, Tx},
    ledger::{Moment, Record},
    outbox, project,
    query::checkpoint,
};

/// Takes in a record that has just come, and gives where.
pub(super) async fn enter(tx: &mut Tx, record: &Record) -> Result<Entry, StoreError> {
    let at = checkpoint::get(&mut *tx).await?;
    let (block, time, final_number) = at.map_or((0, 0, 0), |at| (at.number, at.timestamp, at.final_number));
    let next = Query::new("SELECT COALESCE(MAX(seq) + 1, 0) AS seq FROM intake WHERE block_number = $1");
    let seq = next.bind(block).row(&mut *tx).await?.map(|row| row.number("seq")).transpose()?;
    let entry = Entry { block, seq: seq.unwrap_or_default(), at: time, record: *record };
    INTAKE.insert(tables::intake(&entry)).execute(&mut *tx).await?;
    let mut pending = Pending::telling(outbox::told_from(tx).await?);
    apply(tx, &mut pending, &entry, final_number).await?;
    pending.write(tx).await?;
    Ok(entry)
}

/// What was taken in above `after` and not above `to`, as the ledger has it.
pub(super) async fn waiting(tx: &mut Tx, after: Option<u64>, to: u64) -> Result<VecDeque<Entry>, StoreError> {
    let from = after.map_or(0, |after| after.saturating_add(1));
    let query = Query::new(
        "SELECT * FROM intake WHERE block_number >= $1 AND block_number <= $2 ORDER BY block_number, seq",
    );
    let rows = query.bind(from).bind(to).rows(tx).await?;
    Ok(rows.iter().map(tables::read_intake).collect::<Result<_, _>>()?)
}

/// Takes in what waits for heights below `below`.
pub(super) async fn take_in(
    tx: &mut impl HasTx,
    pending: &mut Pending,
    waiting: &mut VecDeque<Entry>,
    below: u64,
    final_number: u64,
) -> Result<(), StoreError> {
    while let Some(entry) = waiting.pop_front_if(|entry| entry.block < below) {
        apply(tx, pending, &entry, final_number).await?;
    }
    Ok(())
}

async fn apply(
    tx: &mut impl HasTx,
    pending: &mut Pending,
    entry: &Entry,
    final_number: u64,
) -> Result<(), StoreError> {
    let moment = Moment { block: entry.block, hash: None, at: entry.at };
    let rows = Loader { tx: &mut *tx, pending: &mut *pending };
    let changes = project::take_in(&entry.record, moment, rows).await?;
    pending.change(tx, entry.block, changes, final_number).await
}
