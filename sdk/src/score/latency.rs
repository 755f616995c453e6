//! The 95th percentile of settlement latency, from a sketch of fixed size.

use serde::{Deserialize, Serialize};

use super::{
    fade::Faded,
    ppm::{self, Ppm},
};

/// From decision to settlement, in seconds, what counts as prompt.
pub const LATENCY_TARGET: u32 = 16;

/// Steps of the sketch, in quarters of the target: up to it, sixteen more up to five times it, and beyond.
const STEPS: usize = 18;
const STEP: u32 = LATENCY_TARGET / 4;

/// How many settlements took how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Latencies {
    steps: [Faded; STEPS],
}

impl Latencies {
    /// Counts a settlement that took `seconds`, `ago` turns of the memory ago.
    pub(super) fn add(&mut self, seconds: u32, ago: u32) {
        let over = seconds.saturating_sub(LATENCY_TARGET).div_ceil(STEP);
        let step = usize::try_from(over).unwrap_or(STEPS).min(STEPS - 1);
        self.steps[step].add(1, ago);
    }

    pub(super) fn fade(&mut self, turns: u32) {
        self.steps.iter_mut().for_each(|step| step.fade(turns));
    }

    /// The upper end of the step that 95 of 100 settlements do not exceed, as a ratio to the target.
    ///
    /// Beyond five times the target it is the most there is; one where nothing settled. `unknown` settlements (in
    /// 65,536ths) count as the slowest: else an agent would look better without the records of slow ones.
    pub(super) fn p95(&self, unknown: u128) -> Ppm {
        let known: u128 = self.steps.iter().map(|step| u128::from(step.raw())).sum();
        let total = known + unknown;
        let mut below = 0u128;
        for (over, step) in (0u64..).zip(&self.steps) {
            below += u128::from(step.raw());
            if below * 100 >= total * 95 {
                return if over + 1 < STEPS as u64 { ppm::ONE + over * ppm::ONE / 4 } else { ppm::MOST };
            }
        }
        ppm::MOST
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_exact_at_the_steps_and_rounds_up_between() {
        for (seconds, p95) in [
            (0, 1_000_000),
            (16, 1_000_000),
            (17, 1_250_000),
            (20, 1_250_000),
            (21, 1_500_000),
            (80, 5_000_000),
        ] {
            let mut latencies = Latencies::default();
            latencies.add(seconds, 0);
            assert_eq!(latencies.p95(0), p95, "{seconds} s");
        }
        let mut latencies = Latencies::default();
        assert_eq!(latencies.p95(0), ppm::ONE);
        latencies.add(81, 0);
        latencies.add(u32::MAX, 0);
        assert_eq!(latencies.p95(0), ppm::MOST);
    }

    #[test]
    fn five_of_a_hundred_may_be_slow_and_the_sixth_counts() {
        let mut latencies = Latencies::default();
        (0..95).for_each(|_| latencies.add(3, 0));
        (0..5).for_each(|_| latencies.add(500, 0));
        assert_eq!(latencies.p95(0), ppm::ONE);
        latencies.add(500, 0);
        assert_eq!(latencies.p95(0), ppm::MOST);
    }

    #[test]
    fn what_is_old_weighs_half() {
        let mut latencies = Latencies::default();
        (0..8).for_each(|_| latencies.add(500, 0));
        latencies.fade(7);
        (0..2).for_each(|_| latencies.add(3, 0));
        assert_eq!(latencies.p95(0), ppm::ONE);
        latencies.fade(64);
        assert_eq!(latencies, Latencies::default());
        assert_eq!(latencies.p95(1), ppm::MOST);
    }
}
