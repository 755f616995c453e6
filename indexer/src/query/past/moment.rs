//! A height among times: sessions are kept with the times at which they opened and closed, and not with their blocks.

use alloy::primitives::B256;
use bursar_sdk::payment::session_id;

use super::{
    super::{Past, blocks, history, select::Select},
    read,
};
use crate::{
    db::{Db, DbError, DbRow},
    decode::said::Said,
};

/// A height, with its time. Blocks may share a second: what of that one came later is named.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in super::super) struct Moment {
    pub(in super::super) height: u64,
    /// The time of the last block up to it, in unix seconds.
    pub(in super::super) time: u64,
    /// Sessions that opened in that second, after the height.
    pub(in super::super) opened_later: Vec<B256>,
    /// Sessions that closed in it, after the height.
    pub(in super::super) closed_later: Vec<B256>,
}

impl Moment {
    pub(super) async fn of(db: &Db, past: Past) -> Result<Self, DbError> {
        let height = past.height;
        // Before the first block nothing was.
        let time = blocks::up_to(db, height).await?.map_or(0, |block| block.timestamp);
        let mut moment = Self { height, time, ..Self::default() };
        let Some(next) = blocks::after(db, height).await?.filter(|next| next.timestamp == time) else {
            return Ok(moment);
        };
        let end = blocks::later_than(db, next).await?.map_or(u64::MAX, |block| block.number);
        let mut select = Select::new(history::SELECT_EVENTS);
        select
            .filter("e.block_number > ", Some(height))
            .filter("e.block_number < ", Some(end))
            .condition("e.kind IN ('session_opened', 'session_closed')");
        let take = |row: &DbRow| {
            match read(&history::read_event(row)?)? {
                Said::SessionOpened(it) => moment.opened_later.push(session_id(it.purse, it.sequence)),
                Said::SessionClosed { purse, sequence, .. } => {
                    moment.closed_later.push(session_id(purse, sequence));
                }
                _ => {}
            }
            Ok(())
        };
        select.each(db, take).await?;
        Ok(moment)
    }

    /// Whether a session that closed at `closed_at` (unix seconds) had by then.
    pub(super) fn had_closed(&self, session: B256, closed_at: Option<u64>) -> bool {
        closed_at.is_some_and(|at| at <= self.time) && !self.closed_later.contains(&session)
    }
}
