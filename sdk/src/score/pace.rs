//! How fast an envelope is spent: an exponentially weighted mean in integers.
//!
//! Time is cut into half-lives on the calendar. A payment of `a` at the share `f` of its half-life weighs
//! `a * 2^f`, and the sum halves at every turn: so nothing is ever rounded twice, payments of one half-life may
//! come in any order, and how often somebody looks changes nothing.

use serde::{Deserialize, Serialize};

use super::{decimal, ppm, ppm::Ppm};
use crate::{amount::Amount, windows::ANCHOR};

/// Which mean: how many half-lives a window has, and what it takes to come to a pace.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kind {
    half_lives: u64,
    /// `half_lives * ln 2`, in millionths.
    factor: u64,
}

/// The pace of the trajectory: half-life a seventh of the window.
pub(super) const STEADY: Kind = Kind { half_lives: 7, factor: 4_852_030 };

/// The pace of a burst: half-life a 48th of that, 30 minutes of a week.
pub(super) const BURST: Kind = Kind { half_lives: 336, factor: 232_897_452 };

/// Beyond this no weight grows: far more than any token has units.
const MOST: u128 = 1 << 120;

/// What was spent, weighted: in 65,536ths of an atomic unit, as of the start of half-life number `cell`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Pace {
    cell: u64,
    #[serde(with = "decimal")]
    weight: u128,
}

impl Pace {
    /// Lets time pass.
    pub(super) fn roll(&mut self, kind: Kind, period: u32, at: u64) {
        let (cell, _) = kind.place(period, at);
        let turns = u32::try_from(cell.saturating_sub(self.cell)).unwrap_or(u32::MAX);
        self.weight = self.weight.checked_shr(turns).unwrap_or(0);
        self.cell = self.cell.max(cell);
    }

    /// Counts a payment; time has passed before.
    pub(super) fn add(&mut self, kind: Kind, period: u32, at: u64, amount: Amount) {
        let (_, share) = kind.place(period, at);
        self.weight = self.weight.saturating_add(grown(amount.to_u128() << 16, share)).min(MOST);
    }

    /// The same spending per second where a half-life has another length.
    pub(super) fn refit(&mut self, kind: Kind, before: u32, after: u32, at: u64) {
        let weight = ppm::wide(self.now(kind, before, at), after.into(), before.max(1).into()).min(MOST);
        let (cell, share) = kind.place(after, at);
        *self = Self { cell, weight: grown(weight, share).min(MOST) };
    }

    /// The pace in millionths: one is a pace that spends `limit` in `period` seconds.
    pub(super) fn pace(&self, kind: Kind, period: u32, at: u64, limit: Amount) -> Ppm {
        ppm::scaled(self.now(kind, period, at), kind.factor, limit.to_u128() << 16)
    }

    fn now(&self, kind: Kind, period: u32, at: u64) -> u128 {
        let (_, share) = kind.place(period, at);
        match u16::try_from(0x1_0000 - u32::from(share)) {
            // 2^-f = 2^(1-f) / 2.
            Ok(rest) => grown(self.weight, rest) >> 1,
            Err(_) => self.weight,
        }
    }
}

impl Kind {
    /// Which half-life a time is in, and which share of it has passed, in 65,536ths.
    fn place(self, period: u32, at: u64) -> (u64, u16) {
        let period = u64::from(period.max(1));
        let elapsed = at.saturating_sub(ANCHOR).saturating_mul(self.half_lives);
        let share = (elapsed % period) * 0x1_0000 / period;
        (elapsed / period, u16::try_from(share).unwrap_or(u16::MAX))
    }
}

/// `value * 2^(share / 65536)`, rounded down. `value` is at most 2^120.
fn grown(value: u128, share: u16) -> u128 {
    let [high, low] = share.to_be_bytes();
    let power = (u128::from(HIGH[usize::from(high)]) * u128::from(LOW[usize::from(low)])) >> (124 - 32);
    // In two parts, since the product needs more than 128 bits.
    (value >> 32) * power + (((value & 0xffff_ffff) * power) >> 32)
}

/// 2^(i/256) and 2^(i/65536), times 2^62: made of square roots of two, in integers.
const HIGH: [u64; 256] = powers(1);
const LOW: [u64; 256] = powers(9);

const fn powers(first: u32) -> [u64; 256] {
    let mut table = [1 << 62; 256];
    let mut i = 0;
    while i < 256 {
        let mut power: u128 = 1 << 62;
        let mut bit = 0;
        while bit < 8 {
            if i >> (7 - bit) & 1 == 1 {
                power = (power * root(first + bit)) >> 62;
            }
            bit += 1;
        }
        table[i] = power as u64;
        i += 1;
    }
    table
}

/// 2^(2^-n), times 2^62.
const fn root(n: u32) -> u128 {
    let mut root: u128 = 2 << 62;
    let mut i = 0;
    while i < n {
        root = (root << 62).isqrt();
        i += 1;
    }
    root
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const WEEK: u32 = 604_800;
    const DAY: u64 = 86_400;
    /// Monday 2026-01-05 00:00 UTC.
    const MONDAY: u64 = 1_767_571_200;

    fn spent(units: u64, at: u64) -> Pace {
        let mut pace = Pace::default();
        pace.roll(STEADY, WEEK, at);
        pace.add(STEADY, WEEK, at, Amount::new(units));
        pace
    }

    #[test]
    fn powers_of_two_are_known_to_nine_digits() {
        let at = |share: u16| grown(10_000_000_000, share);
        // 1, 2^(1/4), 2^(1/2) and 2^(65535/65536), from tables of logarithms.
        let known = [
            (0, 10_000_000_000),
            (0x4000, 11_892_071_150),
            (0x8000, 14_142_135_623),
            (0xffff, 19_999_788_469),
        ];
        assert!(known.iter().all(|(share, power)| at(*share).abs_diff(*power) <= 5));
        assert!((0..u16::MAX).all(|share| at(share) < at(share + 1)));
    }

    #[test]
    fn a_payment_weighs_half_after_a_seventh_of_the_window() {
        let limit = Amount::new(700_000_000);
        let mut pace = spent(100_000_000, MONDAY + 12_345);
        let first = pace.pace(STEADY, WEEK, MONDAY + 12_345, limit);
        // A seventh of the limit at once: ln 2 times the pace.
        assert!((693_140..=693_148).contains(&first), "{first}");
        for half_lives in 1..20 {
            let at = MONDAY + 12_345 + half_lives * DAY;
            pace.roll(STEADY, WEEK, at);
            assert_eq!(pace.pace(STEADY, WEEK, at, limit), first >> half_lives);
        }
        pace.roll(STEADY, WEEK, u64::MAX);
        assert_eq!(pace.weight, 0);
    }

    #[test]
    fn spending_evenly_is_a_pace_of_one() {
        let mut pace = Pace::default();
        for minute in 0..60 * 24 * 21 {
            let at = MONDAY + minute * 60;
            pace.roll(STEADY, WEEK, at);
            pace.add(STEADY, WEEK, at, Amount::new(100));
        }
        let end = MONDAY + 21 * DAY;
        pace.roll(STEADY, WEEK, end);
        let limit = Amount::new(100 * 60 * 24 * 7);
        assert!((999_500..=1_000_500).contains(&pace.pace(STEADY, WEEK, end, limit)));
    }

    proptest! {
        #[test]
        fn looking_changes_nothing(looks in prop::collection::vec(0u64..30 * DAY, 0..20), units: u64) {
            let end = MONDAY + 31 * DAY;
            let mut once = spent(units, MONDAY);
            let mut often = once;
            once.roll(STEADY, WEEK, end);
            looks.iter().for_each(|at| often.roll(STEADY, WEEK, MONDAY + at));
            often.roll(STEADY, WEEK, end);
            prop_assert_eq!(once, often);
        }

        #[test]
        fn no_weight_and_no_time_overflows(
            units: [u32; 3], period: u32, other: u32, at: u64, later: u64,
        ) {
            let amount = Amount::from(alloy::primitives::aliases::U96::MAX);
            let mut pace = Pace::default();
            pace.roll(BURST, period, at);
            for _ in units {
                pace.add(BURST, period, at, amount);
            }
            pace.refit(BURST, period, other, at);
            pace.roll(BURST, other, later);
            prop_assert!(pace.pace(BURST, other, later, Amount::new(1)) <= ppm::MOST);
            prop_assert!(pace.weight <= MOST);
        }
    }
}
