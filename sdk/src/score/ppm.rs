//! Ratios as integers: millionths, rounded down, so that every machine gets the same.

use alloy::primitives::U256;

/// A ratio in millionths. Ratios beyond [`MOST`] count as that.
pub type Ppm = u64;

/// One, in millionths.
pub const ONE: Ppm = 1_000_000;

/// The largest ratio told apart: a million.
pub const MOST: Ppm = 1_000_000_000_000;

/// `part / whole` in millionths, rounded down; nothing of nothing is none, something of nothing is the most.
pub(super) fn ratio(part: u128, whole: u128) -> Ppm {
    scaled(part, ONE, whole)
}

/// `part * by / whole`, rounded down, at most [`MOST`]; zero where `part` is zero.
pub(super) fn scaled(part: u128, by: u64, whole: u128) -> Ppm {
    if part == 0 || by == 0 {
        return 0;
    }
    if whole == 0 {
        return MOST;
    }
    u64::try_from(wide(part, by, whole)).unwrap_or(MOST).min(MOST)
}

/// `part * by / whole`, rounded down, or the largest number there is; `whole` is not zero.
pub(super) fn wide(part: u128, by: u64, whole: u128) -> u128 {
    match part.checked_mul(u128::from(by)) {
        Some(product) => product / whole,
        None => (U256::from(part) * U256::from(by) / U256::from(whole)).saturating_to(),
    }
}

/// The product of two ratios, rounded down.
pub(super) fn product(a: Ppm, b: Ppm) -> Ppm {
    scaled(u128::from(a), b, u128::from(ONE))
}

/// How good `value` is, in millionths: one at `good` or better, none at `bad` or worse, linear between.
///
/// Either end may be the larger one; they must differ.
pub(super) fn linear(value: Ppm, good: Ppm, bad: Ppm) -> Ppm {
    let (from_bad, whole) = if good < bad {
        (bad.saturating_sub(value), bad - good)
    } else {
        (value.saturating_sub(bad), good - bad)
    };
    ratio(from_bad.into(), whole.into()).min(ONE)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn rounds_down_and_knows_its_ends() {
        assert_eq!(ratio(2, 3), 666_666);
        assert_eq!((ratio(0, 0), ratio(1, 0), ratio(u128::MAX, 1)), (0, MOST, MOST));
        assert_eq!(ratio(u128::MAX, u128::MAX), ONE);
        assert_eq!([899_999, 900_000, 900_001].map(|v| linear(v, 900_000, 1_500_000)), [ONE, ONE, 999_998]);
        assert_eq!([1_499_999, 1_500_000].map(|v| linear(v, 900_000, 1_500_000)), [1, 0]);
        assert_eq!([800_000, 800_001, 980_000].map(|v| linear(v, 980_000, 800_000)), [0, 5, ONE]);
    }

    proptest! {
        #[test]
        fn wide_and_narrow_arithmetic_agree(part: u64, by: u64, whole in 1u64..) {
            let narrow = scaled(part.into(), by, whole.into());
            let wide = U256::from(part) * U256::from(by) / U256::from(whole);
            prop_assert_eq!(U256::from(narrow), wide.min(U256::from(MOST)));
        }

        #[test]
        fn a_ratio_never_falls_as_its_part_grows(part: u128, more: u128, whole: u128) {
            prop_assert!(ratio(part, whole) <= ratio(part.saturating_add(more), whole));
        }
    }
}
