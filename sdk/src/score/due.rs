//! Settlements too young to be missed: their decision and outcome may still be on their way.
//!
//! What is known counts at once, what is missing once it is due. The last two slots of [`GRACE`] are kept apart, so
//! a record has between one and two of them to arrive.

use serde::{Deserialize, Serialize};

use super::{
    counts::{Counts, Tally},
    fade::MEMORY,
};
use crate::windows::{ANCHOR, index_at};

/// How long a decision or an outcome may take before its absence counts, in seconds.
pub const GRACE: u32 = 600;

const _: () = assert!(MEMORY.is_multiple_of(GRACE), "a slot must not straddle a turn of the memory");

/// The slot at hand and the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Due {
    slot: u64,
    open: [Tally; 2],
}

impl Due {
    /// Lets time pass: what becomes due is added to `counts`, whose week is that of `at`.
    pub(super) fn roll(&mut self, at: u64, counts: &mut Counts) {
        let slot = index_at(GRACE, at);
        while self.slot < slot && self.open != [Tally::default(); 2] {
            if let Some(before) = self.slot.checked_sub(1) {
                counts.settle(&self.open[1], start(before), at);
            }
            self.open = [Tally::default(), self.open[0]];
            self.slot += 1;
        }
        self.slot = self.slot.max(slot);
    }

    /// Adds what became of settlements at `from`; `now` is the time rolled to.
    pub(super) fn add(&mut self, tally: Tally, from: u64, now: u64, counts: &mut Counts) {
        match self.slot.saturating_sub(index_at(GRACE, from)) {
            0 => self.open[0].add(&tally),
            1 => self.open[1].add(&tally),
            _ => counts.settle(&tally, from, now),
        }
    }

    /// What is not due yet.
    pub(super) fn open(&self) -> Tally {
        let mut both = self.open[0];
        both.add(&self.open[1]);
        both
    }
}

fn start(slot: u64) -> u64 {
    slot.saturating_mul(u64::from(GRACE)).saturating_add(ANCHOR)
}
