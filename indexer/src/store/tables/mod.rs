//! What the indexer writes, table by table: columns beside values, and how the rows that change read again.

mod added;
mod changed;
mod envelope;
mod kept;
mod session;
mod treasury;

pub(super) use added::{ADDED, add};
pub(super) use changed::{find, put, read};
pub(super) use kept::{BLOCK, CHECKPOINT, JOURNAL, block, checkpoint, journal};
