//! What was measured.

use std::{collections::BTreeMap, time::Duration};

use anyhow::Result;
use bursar_sdk::stamp::{MAX_LINKS, StampRefusal, corpus::Spoof};
use hdrhistogram::Histogram;

/// Durations in nanoseconds, to three digits, up to a minute.
type Times = Histogram<u64>;

/// Of one simulation.
pub(crate) struct Figures {
    pub(crate) curve: &'static str,
    pub(crate) cold: Times,
    pub(crate) warm: Times,
    pub(crate) cold_by_links: Vec<Times>,
    pub(crate) warm_by_links: Vec<Times>,
    pub(crate) checked: Times,
    pub(crate) good_refused: u64,
    pub(crate) good: u64,
    pub(crate) by_spoof: BTreeMap<Spoof, Tally>,
    /// Spent in verification alone.
    pub(crate) verifying: Duration,
    pub(crate) wall: Duration,
}

/// How often a spoof was shown, and refused for the right reason.
#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) shown: u64,
    pub(crate) refused: u64,
    pub(crate) wrong: Option<String>,
}

impl Figures {
    pub(crate) fn new(curve: &'static str) -> Result<Self> {
        let times = || Times::new_with_bounds(1, 60_000_000_000, 3);
        let by_links = || (0..MAX_LINKS).map(|_| times()).collect::<Result<Vec<_>, _>>();
        Ok(Self {
            curve,
            cold: times()?,
            warm: times()?,
            cold_by_links: by_links()?,
            warm_by_links: by_links()?,
            checked: times()?,
            good_refused: 0,
            good: 0,
            by_spoof: BTreeMap::new(),
            verifying: Duration::ZERO,
            wall: Duration::ZERO,
        })
    }

    pub(crate) fn good(&mut self, took: Duration, is_cold: bool, links: usize, taken: bool) {
        self.verifying += took;
        self.good += 1;
        self.good_refused += u64::from(!taken);
        let (all, by_links) = match is_cold {
            true => (&mut self.cold, &mut self.cold_by_links[links - 1]),
            false => (&mut self.warm, &mut self.warm_by_links[links - 1]),
        };
        all.saturating_record(nanos(took));
        by_links.saturating_record(nanos(took));
    }

    pub(crate) fn spoof(&mut self, spoof: Spoof, took: Duration, reason: Option<StampRefusal>) {
        self.verifying += took;
        let tally = self.by_spoof.entry(spoof).or_default();
        tally.shown += 1;
        if reason == Some(spoof.reason()) {
            tally.refused += 1;
        } else {
            tally.wrong = Some(reason.map_or("accepted", StampRefusal::code).to_owned());
        }
    }

    pub(crate) fn checked(&mut self, took: Duration) {
        self.checked.saturating_record(nanos(took));
    }

    pub(crate) fn spoofs(&self) -> (u64, u64) {
        self.by_spoof
            .values()
            .fold((0, 0), |(shown, refused), tally| (shown + tally.shown, refused + tally.refused))
    }
}

fn nanos(took: Duration) -> u64 {
    u64::try_from(took.as_nanos()).unwrap_or(u64::MAX)
}
