//! Counts that forget: each halves at every turn of the memory, a week on the calendar.

use serde::{Deserialize, Serialize};

use crate::windows::index_at;

/// How long until what was counted weighs half, in seconds: turns are Mondays, 00:00 UTC.
pub const MEMORY: u32 = 604_800;

/// One, in the 65,536ths that are counted in.
pub(super) const UNIT: u64 = 1 << 16;

/// A count in 65,536ths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Faded(u64);

impl Faded {
    /// Counts `count` of `ago` turns ago.
    pub(super) fn add(&mut self, count: u32, ago: u32) {
        self.0 = self.0.saturating_add((u64::from(count) * UNIT).checked_shr(ago).unwrap_or(0));
    }

    pub(super) fn fade(&mut self, turns: u32) {
        self.0 = self.0.checked_shr(turns).unwrap_or(0);
    }

    pub(super) fn raw(self) -> u64 {
        self.0
    }
}

/// Which week of the memory a time is in.
pub(super) fn week(at: u64) -> u64 {
    index_at(MEMORY, at)
}

/// How many turns lie between two times.
pub(super) fn turns(from: u64, to: u64) -> u32 {
    u32::try_from(week(to).saturating_sub(week(from))).unwrap_or(u32::MAX)
}
