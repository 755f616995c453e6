//! The times and limits that a curve is held against.

use alloy::primitives::U256;
use bursar_indexer::query::{headroom::Headroom, policies::Policy};
use bursar_sdk::amount::Amount;

use super::super::text::window;

/// How far a curve without a calendar window goes back, in seconds.
const WEEK: u64 = 604_800;
const DAY: u64 = 86_400;
/// Parts that a span is marked in, where no calendar suggests some.
const PARTS: u64 = 4;

/// A window of a limit, or the last week of what counts from the beginning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::web) struct Span {
    /// What people call it.
    pub(in crate::web) name: String,
    /// Its first second, unix.
    pub(in crate::web) from: u64,
    /// Its end (exclusive, unix seconds).
    pub(in crate::web) until: u64,
    /// The limit, with since when it holds (unix seconds); oldest first, at least one.
    pub(in crate::web) limits: Vec<(u64, Amount)>,
    /// Whether spending the limit evenly over the span is what was meant. A lifetime has no end to be in step with.
    pub(in crate::web) even: bool,
}

impl Span {
    /// The limit in force.
    pub(in crate::web) fn limit(&self) -> Amount {
        self.limits.last().map_or(Amount::ZERO, |(_, limit)| *limit)
    }

    /// The limit that was in force at a time (unix seconds).
    pub(in crate::web) fn limit_at(&self, at: u64) -> Amount {
        let before = self.limits.iter().rev().find(|(since, _)| *since <= at);
        before.or(self.limits.first()).map_or(Amount::ZERO, |(_, limit)| *limit)
    }

    /// What is in step with the time that has passed, of the limit in force; rounded down.
    pub(in crate::web) fn in_step_at(&self, at: u64) -> Option<Amount> {
        let length = self.until.saturating_sub(self.from).max(1);
        let passed = at.clamp(self.from, self.until) - self.from;
        let share = self.limit().to_u256() * U256::from(passed) / U256::from(length);
        self.even.then(|| Amount::try_from(share).unwrap_or_default())
    }

    /// Seconds between marks, and the marks: on the calendar where it has days or hours.
    pub(in crate::web) fn marks(&self) -> (u64, Vec<u64>) {
        let length = self.until.saturating_sub(self.from);
        let step = match length {
            WEEK => DAY,
            DAY => DAY / 4,
            length => (length / PARTS).max(1),
        };
        let marks = (0..=length / step).map(|n| self.from + n * step);
        (step, marks.collect())
    }
}

/// What an envelope's spending is held against at `now` (unix seconds): each calendar window, the longest first; or
/// where there is none, all it may ever spend.
pub(in crate::web) fn spans(rooms: &[Headroom], funded: Amount, now: u64) -> Vec<Span> {
    let calendar = rooms.iter().rev().filter_map(|room| {
        let until = room.ends_at?;
        let from = until.saturating_sub(u64::from(room.period));
        Some(Span { name: window(room.period), from, until, limits: vec![(from, room.limit)], even: true })
    });
    let mut spans: Vec<Span> = calendar.collect();
    if spans.is_empty() {
        let lifetime = rooms.iter().find(|room| room.period == 0);
        let (name, limit) = match lifetime {
            Some(room) => (window(0), room.limit),
            None => ("Funded".into(), funded),
        };
        let from = now.saturating_sub(WEEK);
        spans.push(Span { name, from, until: now, limits: vec![(from, limit)], even: false });
    }
    spans
}

/// The limit of windows of `period` seconds as an envelope's policies had it, oldest first; policies without one had none
/// to draw.
pub(in crate::web) fn history(policies: &[Policy], period: u32) -> Vec<(u64, Amount)> {
    let limit = |policy: &Policy| {
        let found = policy.rules.windows.iter().find(|window| window.period == period);
        found.map(|window| (policy.timestamp, window.limit))
    };
    let mut limits: Vec<(u64, Amount)> = policies.iter().filter_map(limit).collect();
    limits.dedup_by_key(|(_, limit)| *limit);
    limits
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room(period: u32, limit: u64, ends_at: Option<u64>) -> Headroom {
        Headroom { period, limit: Amount::new(limit), used: Amount::ZERO, ends_at }
    }

    #[test]
    fn windows_come_longest_first_and_a_lifetime_only_alone() {
        let day = room(86_400, 10, Some(200_000));
        let week = room(604_800, 40, Some(700_000));
        let life = room(0, 500, None);
        let names = |rooms: &[Headroom]| -> Vec<String> {
            spans(rooms, Amount::new(9), 190_000).into_iter().map(|span| span.name).collect()
        };
        assert_eq!(names(&[day, week, life]), ["Week", "Day"]);
        assert_eq!(names(&[life]), ["Lifetime"]);
        assert_eq!(names(&[]), ["Funded"]);
        let alone = spans(&[], Amount::new(9), 700_000);
        assert_eq!((alone[0].from, alone[0].limit()), (95_200, Amount::new(9)));
        assert_eq!(alone[0].in_step_at(700_000), None);
    }

    #[test]
    fn in_step_is_the_share_of_the_time_that_has_passed() {
        let span = spans(&[room(100, 30, Some(200))], Amount::ZERO, 150).remove(0);
        let shares = [99, 100, 149, 150, 199, 200, 201].map(|at| span.in_step_at(at).unwrap_or_default());
        assert_eq!(shares, [0, 0, 14, 15, 29, 30, 30].map(Amount::new));
        let most = Span { limits: vec![(0, Amount::MAX)], ..span };
        assert_eq!(most.in_step_at(200), Some(Amount::MAX));
    }

    #[test]
    fn a_limit_holds_from_its_policy_on() {
        let limits = vec![(120, Amount::new(30)), (150, Amount::new(10))];
        let span = Span { limits, ..spans(&[room(100, 10, Some(200))], Amount::ZERO, 160).remove(0) };
        let held = [100, 120, 149, 150, 200].map(|at| span.limit_at(at));
        assert_eq!(held, [30, 30, 30, 10, 10].map(Amount::new));
    }

    #[test]
    fn a_week_is_marked_by_days_and_a_day_by_quarters() {
        let marks = |period: u32| {
            let (step, marks) = spans(&[room(period, 1, Some(700_000))], Amount::ZERO, 1).remove(0).marks();
            (step, marks.len())
        };
        assert_eq!(
            [marks(604_800), marks(86_400), marks(3_600), marks(1)],
            [(86_400, 8), (21_600, 5), (900, 5), (1, 2)]
        );
    }
}
