//! Limit arithmetic over calendar-aligned windows: the twin of `contracts/libraries/Windows.sol`, and of what
//! opening, closing and policy changes do with it. Pure: time is an argument, in unix seconds.
//!
//! With it, what every limit has counted can be told from a treasury's events alone.

use alloy::primitives::aliases::U96;
use serde::{Deserialize, Serialize};

use crate::amount::Amount;

/// Windows are aligned to Monday 1970-01-05 00:00 UTC, so that a week of 604,800 s starts on a Monday.
pub const ANCHOR: u64 = 345_600;

/// An envelope has at most four calendar windows and a lifetime limit.
pub const MAX_LIMITS: usize = 5;

/// The number of the window of `period` seconds that `timestamp` falls into; a period of 0 has one window, 0.
///
/// Times before [`ANCHOR`] count as the first window: no chain is that old.
pub fn index_at(period: u32, timestamp: u64) -> u64 {
    match period {
        0 => 0,
        period => timestamp.saturating_sub(ANCHOR) / u64::from(period),
    }
}

/// When the window that `timestamp` falls into ends (exclusive); `None` for the lifetime, which does not.
pub fn end_at(period: u32, timestamp: u64) -> Option<u64> {
    (period != 0).then(|| {
        let next = index_at(period, timestamp).saturating_add(1);
        next.saturating_mul(u64::from(period)).saturating_add(ANCHOR)
    })
}

/// How many seconds of the window are left at a time; `None` where no window ends.
pub fn left_of(period: u32, timestamp: u64) -> Option<u64> {
    end_at(period, timestamp).map(|end| end.saturating_sub(timestamp))
}

/// One limit as a policy sets it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// Length of the window in seconds; 0 is the envelope's lifetime.
    pub period: u32,
    /// Most that may be drawn within one window (inclusive).
    pub limit: Amount,
}

/// One limit with what was drawn in the window it last counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// Length of the window in seconds; 0 is the envelope's lifetime.
    pub period: u32,
    /// Most that may be drawn within one window (inclusive).
    pub limit: Amount,
    /// What was drawn in window number `index`.
    pub used: Amount,
    /// Which window `used` holds for.
    pub index: u64,
}

impl Window {
    /// What was drawn in the window that `timestamp` falls into.
    pub fn used_at(&self, timestamp: u64) -> Amount {
        if self.index == index_at(self.period, timestamp) { self.used } else { Amount::ZERO }
    }

    /// What may still be drawn in the window that `timestamp` falls into.
    pub fn left_at(&self, timestamp: u64) -> Amount {
        self.limit.saturating_sub(self.used_at(timestamp))
    }

    /// What is still counted once `unspent` of a draw at `drawn_at` comes back.
    ///
    /// A draw from an earlier window gives nothing back: it was never counted in this one.
    pub fn used_after_return(&self, timestamp: u64, drawn_at: u64, unspent: Amount) -> Amount {
        let used = self.used_at(timestamp);
        if index_at(self.period, drawn_at) == index_at(self.period, timestamp) {
            used.saturating_sub(unspent)
        } else {
            used
        }
    }
}

/// What a session had drawn, as its end needs to know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Draw {
    /// When the session was opened.
    pub opened_at: u64,
    /// The policy version it was opened under.
    pub policy_version: u16,
}

/// A draw that would overflow what a treasury can count: no treasury lets it happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a draw that fits 96 bits with what was used, got {budget} on top of {used}")]
pub struct DrawOverflow {
    /// What was counted.
    pub used: Amount,
    /// What came on top.
    pub budget: Amount,
}

/// All limits of one envelope and what they have counted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Limits {
    /// The calendar windows, shortest first, then the lifetime limit.
    pub windows: Vec<Window>,
    /// The policy version since which the same periods are counted; 0 means since the first.
    pub windows_since: u16,
}

impl Limits {
    /// Counts the budget of a session opened at `timestamp`.
    ///
    /// # Errors
    /// When the sum does not fit 96 bits. Whether it is within the limits is the treasury's to judge.
    pub fn draw(&mut self, timestamp: u64, budget: Amount) -> Result<(), DrawOverflow> {
        for window in &mut self.windows {
            let used = window.used_at(timestamp);
            window.used = used.checked_add(budget).ok_or(DrawOverflow { used, budget })?;
            window.index = index_at(window.period, timestamp);
        }
        Ok(())
    }

    /// Gives back what a session that ends at `timestamp` had drawn and did not spend.
    ///
    /// A session of a policy with other periods was not counted in these windows: it gives nothing back.
    pub fn give_back(&mut self, timestamp: u64, draw: Draw, unspent: Amount) {
        let counted = draw.policy_version >= self.windows_since;
        let unspent = if counted { unspent } else { Amount::ZERO };
        for window in &mut self.windows {
            window.used = window.used_after_return(timestamp, draw.opened_at, unspent);
            window.index = index_at(window.period, timestamp);
        }
    }

    /// Puts the limits of policy `version` in force at `timestamp`, carrying over what was drawn.
    ///
    /// `limits`: the calendar windows, shortest first, then the lifetime limit where there is one.
    pub fn lay_out(&mut self, version: u16, limits: &[Limit], timestamp: u64) {
        let next: Vec<Window> = limits.iter().map(|limit| self.carried(*limit, timestamp)).collect();
        let same_periods = next.len() == self.windows.len()
            && next.iter().zip(&self.windows).all(|(new, old)| new.period == old.period);
        self.windows = next;
        // Version 1 needs no mark: every session is opened at version 1 or later.
        if !same_periods && version != 1 {
            self.windows_since = version;
        }
    }

    /// A limit whose period was there keeps its count. A new one starts at the least that an old window
    /// containing it had counted, or, where none contains it, at the most that any had.
    fn carried(&self, limit: Limit, timestamp: u64) -> Window {
        let index = index_at(limit.period, timestamp);
        let window = |used| Window { period: limit.period, limit: limit.limit, used, index };
        if let Some(same) = self.windows.iter().find(|old| old.period == limit.period) {
            return window(same.used_at(timestamp));
        }
        // A window contains another only where the periods nest: all are aligned to the same anchor.
        let contains =
            |old: &&Window| old.period == 0 || (limit.period != 0 && old.period.is_multiple_of(limit.period));
        let used = |old: &Window| old.used_at(timestamp);
        let containing = self.windows.iter().filter(contains).map(used).min();
        window(containing.or_else(|| self.windows.iter().map(used).max()).unwrap_or_default())
    }
}

/// The limits of a policy as its event tells them: the windows, then a lifetime limit other than zero.
pub fn limits_of(windows: impl IntoIterator<Item = (u32, U96)>, lifetime: U96) -> Vec<Limit> {
    let lifetime = (!lifetime.is_zero()).then_some((0, lifetime));
    let limit = |(period, limit): (u32, U96)| Limit { period, limit: limit.into() };
    windows.into_iter().chain(lifetime).map(limit).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DAY: u32 = 86_400;
    const WEEK: u32 = 604_800;
    /// Monday 2026-01-05 00:00 UTC.
    const MONDAY: u64 = 1_767_571_200;

    fn amount(units: u64) -> Amount {
        Amount::new(units)
    }

    fn limits(of: &[(u32, u64)]) -> Vec<Limit> {
        of.iter().map(|(period, limit)| Limit { period: *period, limit: amount(*limit) }).collect()
    }

    fn laid_out(of: &[(u32, u64)]) -> Limits {
        let mut all = Limits::default();
        all.lay_out(1, &limits(of), MONDAY);
        all
    }

    fn used(all: &Limits, at: u64) -> Vec<Amount> {
        all.windows.iter().map(|window| window.used_at(at)).collect()
    }

    #[test]
    fn weeks_turn_on_monday_and_days_at_midnight_utc() {
        for period in [DAY, WEEK] {
            assert_eq!(index_at(period, MONDAY - 1) + 1, index_at(period, MONDAY));
            assert_eq!(end_at(period, MONDAY - 1), Some(MONDAY));
            assert_eq!(end_at(period, MONDAY), Some(MONDAY + u64::from(period)));
        }
        assert_eq!((index_at(0, MONDAY), end_at(0, MONDAY)), (0, None));
        assert_eq!((index_at(DAY, ANCHOR), index_at(DAY, 0)), (0, 0));
    }

    #[test]
    fn a_draw_counts_in_every_limit_until_its_window_ends() -> Result<(), DrawOverflow> {
        let mut all = laid_out(&[(DAY, 100), (WEEK, 300), (0, 900)]);
        let noon = MONDAY + 43_200;
        all.draw(noon, amount(60))?;
        assert_eq!(used(&all, noon), [amount(60); 3]);
        assert_eq!(all.windows[0].left_at(noon), amount(40));
        let midnight = MONDAY + u64::from(DAY);
        assert_eq!(used(&all, midnight - 1), [amount(60); 3]);
        assert_eq!(used(&all, midnight), [Amount::ZERO, amount(60), amount(60)]);
        assert_eq!(used(&all, MONDAY + u64::from(WEEK)), [Amount::ZERO, Amount::ZERO, amount(60)]);
        Ok(())
    }

    #[test]
    fn what_comes_back_the_next_day_counts_for_the_week_only() -> Result<(), DrawOverflow> {
        let mut all = laid_out(&[(DAY, 100), (WEEK, 300)]);
        let opened_at = MONDAY + 43_200;
        all.draw(opened_at, amount(60))?;
        let draw = Draw { opened_at, policy_version: 1 };
        let tuesday = MONDAY + u64::from(DAY);
        let mut at_once = all.clone();
        at_once.give_back(tuesday - 1, draw, amount(25));
        assert_eq!(used(&at_once, tuesday - 1), [amount(35), amount(35)]);
        all.draw(tuesday, amount(10))?;
        all.give_back(tuesday, draw, amount(25));
        assert_eq!(used(&all, tuesday), [amount(10), amount(45)]);
        Ok(())
    }

    #[test]
    fn a_session_of_other_periods_gives_nothing_back() -> Result<(), DrawOverflow> {
        let mut all = laid_out(&[(DAY, 100)]);
        all.draw(MONDAY, amount(60))?;
        all.lay_out(2, &limits(&[(DAY, 80)]), MONDAY);
        assert_eq!(all.windows_since, 0);
        all.lay_out(3, &limits(&[(DAY, 80), (WEEK, 200)]), MONDAY);
        assert_eq!(all.windows_since, 3);
        all.give_back(MONDAY, Draw { opened_at: MONDAY, policy_version: 2 }, amount(60));
        assert_eq!(used(&all, MONDAY), [amount(60), amount(60)]);
        all.give_back(MONDAY, Draw { opened_at: MONDAY, policy_version: 3 }, amount(60));
        assert_eq!(used(&all, MONDAY), [Amount::ZERO, Amount::ZERO]);
        Ok(())
    }

    #[test]
    fn a_new_limit_starts_at_the_least_that_contains_it_else_at_the_most_counted() -> Result<(), DrawOverflow>
    {
        let mut all = laid_out(&[(DAY, 100), (WEEK, 300)]);
        all.draw(MONDAY, amount(50))?;
        let tuesday = MONDAY + u64::from(DAY);
        all.draw(tuesday, amount(20))?;
        let mut hourly = all.clone();
        hourly.lay_out(2, &limits(&[(3600, 10), (WEEK, 300)]), tuesday);
        assert_eq!(used(&hourly, tuesday), [amount(20), amount(70)]);
        // Five days nest in no week: what any window has counted is the best that is known.
        let mut five_days = all.clone();
        five_days.lay_out(2, &limits(&[(5 * DAY, 200), (WEEK, 300)]), tuesday);
        assert_eq!(used(&five_days, tuesday), [amount(70), amount(70)]);
        let mut lifetime = all.clone();
        lifetime.lay_out(2, &limits(&[(0, 900)]), tuesday);
        assert_eq!(used(&lifetime, tuesday), [amount(70)]);
        Ok(())
    }

    #[test]
    fn an_impossible_draw_is_named() {
        let mut all = laid_out(&[(0, 1)]);
        let most = Amount::from(U96::MAX);
        assert_eq!(all.draw(MONDAY, most), Ok(()));
        let overflow = DrawOverflow { used: most, budget: amount(1) };
        assert_eq!(all.draw(MONDAY, amount(1)), Err(overflow));
    }

    proptest! {
        #[test]
        fn a_window_contains_its_time(period in 1u32.., at in ANCHOR..u64::from(u32::MAX)) {
            let index = index_at(period, at);
            prop_assert!(ANCHOR + index * u64::from(period) <= at);
            prop_assert_eq!(end_at(period, at), Some(ANCHOR + (index + 1) * u64::from(period)));
        }

        #[test]
        fn a_draw_given_back_unspent_leaves_no_trace(
            before in 0u64..1000, budget in 0u64..1000, unspent in 0u64..1000, later in 0u64..86_400,
        ) {
            let mut all = laid_out(&[(DAY, 100), (0, 100)]);
            prop_assert!(all.draw(MONDAY, amount(before)).is_ok());
            prop_assert!(all.draw(MONDAY, amount(budget)).is_ok());
            let unspent = unspent.min(budget);
            all.give_back(MONDAY + later, Draw { opened_at: MONDAY, policy_version: 1 }, amount(unspent));
            let left = amount(before + budget - unspent);
            prop_assert_eq!(used(&all, MONDAY + later), [left, left]);
        }
    }
}
