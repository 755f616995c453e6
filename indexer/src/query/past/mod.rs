//! Envelopes, sessions and agents as they stood at a height.
//!
//! How each row stood is kept with the blocks that changed it (`ledger/then.rs`): as of a height it is the last one at or below
//! it, found by its key, and a few payments that came since. A list walks today's rows in its own order, and passes over what
//! had not begun, with a look at each: a page costs what it holds, whatever came before it, and what it passes over. A filter that finds
//! few may look through many, as it may in today's lists, but not one by treasury, envelope or purse.

mod agents;
mod envelopes;
mod sessions;
mod settings;

use bursar_sdk::{amount::Amount, windows::Window};

pub use self::{
    agents::{agents, of_agents},
    envelopes::{envelope, envelopes},
    sessions::{session, sessions},
    settings::{on_list, stamp_epoch},
};
#[cfg(test)]
pub(super) use self::{
    agents::{select_list as select_agents, select_of as select_of_agents},
    envelopes::select_list as select_envelopes,
    sessions::{select_latest, select_list as select_sessions},
    settings::{select_epoch, select_listed},
};
use super::{checkpoint, envelopes::Envelope, headroom::Headroom, sums};
use crate::{
    db::{Db, DbError, DbRow},
    ledger::LimitUse,
};

/// An envelope as it stood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stood {
    /// Its row.
    pub row: Envelope,
    /// What each limit had counted, shortest window first, the lifetime last.
    pub windows: Vec<Window>,
}

impl Stood {
    /// What each limit had left at `now` (unix seconds).
    pub fn headroom(&self, now: u64) -> Vec<Headroom> {
        self.windows.iter().map(|window| Headroom::of(*window, now)).collect()
    }
}

/// Refuses to tell where how rows stood is not kept up to the ledger's last block.
async fn is_kept(db: &Db) -> Result<(), DbError> {
    if checkpoint::keeps_then(db).await? { Ok(()) } else { Err(DbError::NotKept) }
}

/// What was paid in all, and in how many payments: what is kept, and what came since.
macro_rules! since {
    ($of:literal, $kept:literal) => {
        concat!(
            since!(sums::high!(), $of, $kept),
            " AS since_high, ",
            since!(sums::low!(), $of, $kept),
            " AS since_low, ",
            since!("COUNT(*)", $of, $kept),
            " AS since_count"
        )
    };
    ($what:expr, $of:literal, $kept:literal) => {
        concat!(
            "(SELECT ",
            $what,
            " FROM payment p WHERE ",
            $of,
            " AND p.block_number > ",
            $kept,
            ".block_number AND p.block_number <= $1)"
        )
    };
}
use since;

/// Where an envelope of those that were an agent's still was, as of block `$1`: nobody else's since.
macro_rules! still_its_own {
    ($of:literal) => {
        concat!(
            $of,
            ".block_number = (SELECT MAX(m.block_number) FROM agent_then m WHERE m.treasury = ",
            $of,
            ".treasury AND m.number = ",
            $of,
            ".number AND m.block_number <= $1)"
        )
    };
}
use still_its_own;

fn paid(row: &DbRow) -> Result<(Amount, u64), DbError> {
    let since = sums::read(row, ["since_high", "since_low"])?;
    let paid = row.total("paid")?.saturating_add(since);
    let payments = row.number::<u64>("payments")?.saturating_add(row.number("since_count")?);
    // No token comes to more but one that lies.
    Ok((Amount::try_from(paid).unwrap_or(Amount::MAX), payments))
}

fn windows(row: &DbRow) -> Result<Vec<Window>, DbError> {
    let uses: Option<Vec<LimitUse>> = row.maybe_json("uses", "what limits had counted")?;
    Ok(uses.unwrap_or_default().iter().map(Window::from).collect())
}
