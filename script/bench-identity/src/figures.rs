//! What was measured.

use std::{collections::BTreeMap, time::Duration};

use anyhow::Result;
use bursar_sdk::stamp::{MAX_LINKS, StampRefusal, corpus::Spoof};
use hdrhistogram::Histogram;

use crate::clocks::Took;

/// Durations in nanoseconds, to three digits, up to a minute.
pub(crate) struct Times {
    pub(crate) wall: Histogram<u64>,
    pub(crate) cpu: Histogram<u64>,
}

/// What a good showing had to be verified with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Nothing cached; the session known from the chain.
    Cold,
    /// Nothing cached; the session proven by its subject's signature.
    ColdProven,
    /// Everything cached.
    Warm,
}

impl Kind {
    pub(crate) const ALL: [Self; 3] = [Self::Cold, Self::ColdProven, Self::Warm];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Cold => "cold",
            Self::ColdProven => "cold_with_session_proof",
            Self::Warm => "warm",
        }
    }
}

/// Times of one kind, in all and by number of links.
pub(crate) struct ByLinks {
    pub(crate) all: Times,
    pub(crate) by_links: Vec<Times>,
}

/// Of one simulation.
pub(crate) struct Figures {
    pub(crate) curve: &'static str,
    pub(crate) kinds: [ByLinks; 3],
    /// Warm, with the payment's own signature checked too.
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

impl Times {
    fn new() -> Result<Self> {
        let histogram = || Histogram::new_with_bounds(1, 60_000_000_000, 3);
        Ok(Self { wall: histogram()?, cpu: histogram()? })
    }

    fn record(&mut self, took: Took) {
        self.wall.saturating_record(nanos(took.wall));
        self.cpu.saturating_record(nanos(took.cpu));
    }
}

impl ByLinks {
    fn new() -> Result<Self> {
        let by_links = (0..MAX_LINKS).map(|_| Times::new()).collect::<Result<_>>()?;
        Ok(Self { all: Times::new()?, by_links })
    }
}

impl Figures {
    pub(crate) fn new(curve: &'static str) -> Result<Self> {
        Ok(Self {
            curve,
            kinds: [ByLinks::new()?, ByLinks::new()?, ByLinks::new()?],
            checked: Times::new()?,
            good_refused: 0,
            good: 0,
            by_spoof: BTreeMap::new(),
            verifying: Duration::ZERO,
            wall: Duration::ZERO,
        })
    }

    pub(crate) fn of(&self, kind: Kind) -> &ByLinks {
        &self.kinds[kind as usize]
    }

    pub(crate) fn good(&mut self, took: Took, kind: Kind, links: usize, taken: bool) {
        self.verifying += took.wall;
        self.good += 1;
        self.good_refused += u64::from(!taken);
        let times = &mut self.kinds[kind as usize];
        times.all.record(took);
        times.by_links[links - 1].record(took);
    }

    pub(crate) fn spoof(&mut self, spoof: Spoof, took: Took, reason: Option<StampRefusal>) {
        self.verifying += took.wall;
        let tally = self.by_spoof.entry(spoof).or_default();
        tally.shown += 1;
        if reason == Some(spoof.reason()) {
            tally.refused += 1;
        } else {
            tally.wrong = Some(reason.map_or("accepted", StampRefusal::code).to_owned());
        }
    }

    pub(crate) fn checked(&mut self, took: Took) {
        self.checked.record(took);
    }

    pub(crate) fn spoofs(&self) -> (u64, u64) {
        let tallies = self.by_spoof.values();
        tallies.fold((0, 0), |(shown, refused), tally| (shown + tally.shown, refused + tally.refused))
    }
}

fn nanos(took: Duration) -> u64 {
    u64::try_from(took.as_nanos()).unwrap_or(u64::MAX)
}
