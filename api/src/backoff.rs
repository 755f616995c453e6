//! How long to wait after failures, so that what failed together does not come back together.

use std::time::Duration;

use bursar_sdk::clock::Entropy;

/// Pauses that double with each failure.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Backoff {
    /// After the first failure.
    pub(crate) first: Duration,
    /// The longest.
    pub(crate) longest: Duration,
}

impl Backoff {
    /// The pause after so many failures before this one: doubled with each, and of that a random part from a half to all.
    pub(crate) fn after(&self, failures: u32, entropy: &Entropy) -> Duration {
        let mut random = [0; 8];
        random.copy_from_slice(&entropy.next()[..8]);
        self.drawn(failures, u64::from_be_bytes(random))
    }

    fn drawn(&self, failures: u32, random: u64) -> Duration {
        let doubled = self.first.saturating_mul(2u32.saturating_pow(failures.min(31)));
        let whole = doubled.min(self.longest).as_millis();
        let half = whole.div_ceil(2);
        let millis = half + u128::from(random) % (whole - half + 1);
        Duration::from_millis(u64::try_from(millis).unwrap_or(u64::MAX))
    }
}

/// When a pause is over that begins at `now` (unix seconds). Rounded up: a pause is never none.
pub(crate) fn over(now: u64, pause: Duration) -> u64 {
    now.saturating_add(pause.as_millis().div_ceil(1000).try_into().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest_and_differ() {
        let backoff = Backoff { first: Duration::from_secs(5), longest: Duration::from_secs(3600) };
        for (failures, least, most) in
            [(0, 2_500, 5_000), (1, 5_000, 10_000), (3, 20_000, 40_000), (10, 1_800_000, 3_600_000)]
        {
            let of = |random| backoff.drawn(failures, random).as_millis();
            assert_eq!((of(0), of(most - least)), (u128::from(least), u128::from(most)), "{failures}");
            assert!((0..999).map(|n| of(n * 7)).all(|it| (least.into()..=most.into()).contains(&it)));
        }
        assert!(backoff.drawn(u32::MAX, u64::MAX) <= backoff.longest);
        assert_eq!(over(10, Duration::from_millis(1)), 11);
    }
}
