//! What the indexer writes, table by table: columns beside values, and how the rows that change read again.

mod added;
mod alert;
mod changed;
mod envelope;
mod intake;
mod kept;
mod score;
mod session;
mod then;
mod treasury;

pub(super) use added::{PAYMENT, SETTLEMENT, UNEXPLAINED, add, added, settlement, unexplained};
pub(crate) use alert::read_alert;
pub(super) use changed::{CHANGED, Written, find, placed, put, read, replaced, written};
pub(super) use intake::{Entry, INTAKE, intake, read_intake};
pub(super) use kept::{BLOCK, CHECKPOINT, JOURNAL, block, checkpoint, journal};
pub(super) use score::{SCORE_HISTORY, Seen, score_history};
pub(super) use then::{THEN, then};
