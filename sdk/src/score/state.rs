//! What a score has to know of an envelope's past: a value of constant size.

use serde::{Deserialize, Serialize};

use super::{
    counts::{Counts, Tally},
    decimal,
    due::{Due, GRACE},
    evaluation::Evaluation,
    event::Event,
    fade::{MEMORY, turns},
    gate::{Trigger, Watch},
    inputs::Inputs,
    pace::{BURST, Pace, STEADY},
    payee::{Blame, Standing},
};
use crate::{
    amount::Amount,
    windows::{MAX_LIMITS, Window, end_at, index_at},
};

/// Later times count as this: what the contract keeps of one, 40 bits.
const LAST: u64 = (1 << 40) - 1;

/// The score of one envelope, between events.
///
/// A function of the events applied, in their order, and of nothing else: keep the value of a height and it can be
/// evaluated again, bit for bit, at that height or any time after it; put it back and the height is undone. An event
/// takes constant time and space, whatever came before.
///
/// ```
/// use bursar_sdk::{amount::Amount, score::{Event, Standing, State}, windows::Window};
///
/// let monday = 1_767_571_200;
/// let mut state = State::new(monday);
/// let limit = Amount::new(3_500_000_000);
/// let week = Window { period: 604_800, limit, used: Amount::new(10_000_000), index: 2921 };
/// state.apply(monday, &Event::Limits(&[week]));
/// let paid = Event::Settled { amount: Amount::new(1_250_000), standing: Standing::Known };
/// assert_eq!(state.apply(monday + 9, &paid).value, 699);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    pub(super) at: u64,
    pub(super) settlements: u64,
    pub(super) compromised: bool,
    limits: [Option<Window>; MAX_LIMITS],
    pub(super) spent: Spent,
    pub(super) steady: Pace,
    pub(super) burst: Pace,
    pub(super) counts: Counts,
    pub(super) due: Due,
    watch: Watch,
}

impl State {
    /// Of an envelope created at `at` (unix seconds).
    pub fn new(at: u64) -> Self {
        let mut new = Self {
            at: 0,
            settlements: 0,
            compromised: false,
            limits: [None; MAX_LIMITS],
            spent: Spent::default(),
            steady: Pace::default(),
            burst: Pace::default(),
            counts: Counts::default(),
            due: Due::default(),
            watch: Watch::default(),
        };
        new.roll(at);
        new
    }

    /// Applies what happened at `at` (unix seconds) and evaluates.
    ///
    /// What comes with a time before that of the last event counts as of then: a ledger has one order. A denial that
    /// does not count leaves the state as it is.
    pub fn apply(&mut self, at: u64, event: &Event<'_>) -> Evaluation {
        if !event.counts() {
            return self.evaluate(at);
        }
        self.roll(at);
        match *event {
            Event::Limits(limits) => self.set_limits(limits),
            Event::Settled { amount, standing } => self.settled(amount, standing),
            Event::Explained { settled_at, standing, latency } => {
                self.explained(settled_at, standing, latency);
            }
            Event::Delivered { settled_at, standing: Standing::Own } => {
                self.tally(settled_at, Tally { excused: 1, ..Tally::default() });
            }
            Event::Delivered { settled_at, .. } => {
                self.tally(settled_at, Tally { delivered: 1, ..Tally::default() });
            }
            Event::Failed { settled_at, blame: Blame::Agent } => {
                self.tally(settled_at, Tally { failed: 1, ..Tally::default() });
            }
            Event::Failed { settled_at, blame: Blame::Payee } => {
                self.tally(settled_at, Tally { excused: 1, ..Tally::default() });
            }
            Event::Denied { gravity, .. } => {
                self.counts.attempts.add(1, 0);
                self.counts.denied.add(gravity.weight(), 0);
            }
            Event::Answered { approved } => {
                self.counts.answered.add(1, 0);
                self.counts.rejected.add(u32::from(!approved), 0);
            }
            Event::Compromised => self.compromised = true,
            Event::Released => self.compromised = false,
            Event::Cleared { overriding } => {
                let evaluation = self.evaluated();
                self.watch.clear(&evaluation, overriding);
            }
        }
        let evaluation = self.evaluated();
        self.watch.see(&evaluation, matches!(event, Event::Settled { .. } | Event::Limits(_)));
        evaluation
    }

    /// The score at `at` (unix seconds), or at the last event where that was later.
    pub fn evaluate(&self, at: u64) -> Evaluation {
        let mut then = *self;
        then.roll(at);
        then.evaluated()
    }

    /// Why a human has to look, if so: since a trigger that nobody has cleared, or by the score at `at`.
    pub fn review(&self, at: u64) -> Option<Trigger> {
        self.watch.review.or_else(|| self.watch.trips(&self.evaluate(at)))
    }

    /// Why a human has to look, or will have to by time alone, if so: `at` of the trigger says from when.
    ///
    /// Time makes a score worse where something turns: what is missing becomes due when its slot of [`GRACE`] ends, a
    /// new window has not used anything yet to hold its pace against, and a week halves what is remembered. It looks at
    /// the next two slots, and at the next window and week.
    pub fn foreseen(&self) -> Option<Trigger> {
        let (period, _) = self.budget();
        let slot = end_at(GRACE, self.at);
        let next = slot.and_then(|slot| end_at(GRACE, slot));
        let turns = [slot, next, end_at(period, self.at), end_at(MEMORY, self.at)];
        let mut turns: Vec<u64> = turns.into_iter().flatten().collect();
        turns.sort_unstable();
        self.review(self.at).or_else(|| turns.into_iter().find_map(|turn| self.review(turn)))
    }

    /// When the last event was, in unix seconds.
    pub fn at(&self) -> u64 {
        self.at
    }

    fn evaluated(&self) -> Evaluation {
        Evaluation::new(self.at, Inputs::of(self))
    }

    fn roll(&mut self, at: u64) {
        let at = at.clamp(self.at, LAST);
        let (period, _) = self.budget();
        self.counts.fade(turns(self.at, at));
        self.due.roll(at, &mut self.counts);
        self.steady.roll(STEADY, period, at);
        self.burst.roll(BURST, period, at);
        self.at = at;
    }

    /// The length of the window that spending is held against, in seconds, and its limit: of the longest calendar
    /// window; else a week, against what the envelope may ever spend.
    pub(super) fn budget(&self) -> (u32, Option<Amount>) {
        let longest = self.limits().max_by_key(|window| window.period);
        match longest {
            Some(Window { period: 0, limit, .. }) => (MEMORY, Some(*limit)),
            Some(Window { period, limit, .. }) => (*period, Some(*limit)),
            None => (MEMORY, None),
        }
    }

    pub(super) fn limits(&self) -> impl Iterator<Item = &Window> {
        self.limits.iter().flatten()
    }

    fn set_limits(&mut self, limits: &[Window]) {
        let (before, _) = self.budget();
        self.limits = [None; MAX_LIMITS];
        for (slot, limit) in self.limits.iter_mut().zip(limits) {
            *slot = Some(*limit);
        }
        let (after, _) = self.budget();
        if before != after {
            let spent = self.spent.at(before, self.at);
            self.spent = Spent { window: index_at(after, self.at), units: spent };
            self.steady.refit(STEADY, before, after, self.at);
            self.burst.refit(BURST, before, after, self.at);
        }
    }

    fn settled(&mut self, amount: Amount, standing: Standing) {
        let (period, _) = self.budget();
        let units = self.spent.at(period, self.at).saturating_add(amount.to_u128());
        self.spent = Spent { window: index_at(period, self.at), units };
        self.steady.add(STEADY, period, self.at, amount);
        self.burst.add(BURST, period, self.at, amount);
        self.counts.pay(amount, standing);
        self.settlements = self.settlements.saturating_add(u64::from(standing != Standing::Own));
        self.tally(self.at, Tally { settled: 1, ..Tally::default() });
    }

    fn explained(&mut self, settled_at: u64, standing: Standing, latency: Option<u32>) {
        if standing == Standing::Own {
            self.tally(settled_at, Tally { explained_only: 1, ..Tally::default() });
            return;
        }
        self.tally(settled_at, Tally { explained: 1, ..Tally::default() });
        if let Some(seconds) = latency {
            self.counts.latencies.add(seconds, turns(settled_at, self.at));
        }
    }

    fn tally(&mut self, settled_at: u64, tally: Tally) {
        self.due.add(tally, settled_at.min(self.at), self.at, &mut self.counts);
    }
}

/// What was paid in one window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Spent {
    window: u64,
    #[serde(with = "decimal")]
    units: u128,
}

impl Spent {
    /// In the window that `at` falls into, in atomic units.
    pub(super) fn at(&self, period: u32, at: u64) -> u128 {
        if self.window == index_at(period, at) { self.units } else { 0 }
    }
}
