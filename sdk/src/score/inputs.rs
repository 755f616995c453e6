//! What the terms are computed from: a handful of ratios.

use serde::{Deserialize, Serialize};

use super::{
    fade::UNIT,
    pace::{BURST, STEADY},
    ppm::{self, ONE, Ppm},
    state::State,
};

/// How many times the pace of the window a burst may reach before it counts as that pace.
pub const BURST_ALLOWANCE: u64 = 6;

/// Everything that a score depends on. Ratios are in millionths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Inputs {
    /// Whether there is a limit to hold spending against.
    pub limited: bool,
    /// `u`: what was paid in the window, of its limit.
    pub used: Ppm,
    /// `t`: how much of the window has passed.
    pub elapsed: Ppm,
    /// `v`: the mean pace, half-life a seventh of the window; one spends the limit in a window.
    pub pace: Ppm,
    /// The pace of the last minutes (half-life 1/336 of the window), divided by [`BURST_ALLOWANCE`].
    pub burst: Ppm,
    /// Use of the limit that is nearest to its end, draws included.
    pub headroom: Ppm,
    /// (delivered + 9) / (settled + 10).
    pub completion: Ppm,
    /// Denials by weight, of attempts.
    pub denials: Ppm,
    /// Rejections / (answered requests + 4).
    pub rejections: Ppm,
    /// Settlements with a known decision, of those due.
    pub coverage: Ppm,
    /// What was paid to new payees, of what was paid.
    pub new_payees: Ppm,
    /// The 95th percentile of latency, in targets.
    pub latency: Ppm,
    /// How many settlements there ever were that can earn something.
    pub settlements: u64,
    /// Whether a guardian stopped the envelope for compromise.
    pub compromised: bool,
}

impl Inputs {
    /// `u + (1 - t) * v`: what the window's spending comes to at this pace, of its limit.
    ///
    /// Without a limit, the worst that is not yet beyond all bounds: nothing says what would be too much.
    pub fn projection(&self) -> Ppm {
        if !self.limited {
            return 1_500_000;
        }
        self.used.saturating_add(ppm::product(ONE.saturating_sub(self.elapsed), self.pace))
    }

    /// What the trajectory is judged by: the projection, or a burst that is worse.
    pub fn trajectory(&self) -> Ppm {
        self.projection().max(self.burst)
    }

    /// As of the time that `state` was rolled to.
    pub(super) fn of(state: &State) -> Self {
        let (at, counts, open) = (state.at, &state.counts, state.due.open());
        let (period, limit) = state.budget();
        let raw = u128::from;
        let unit = |count: u32| u128::from(count) * u128::from(UNIT);

        let known = raw(counts.explained.raw()) + unit(open.explained);
        let due = raw(counts.settled.raw().saturating_sub(counts.explained_only.raw()));
        let due = (due + unit(open.explained)).max(known);
        let delivered = raw(counts.delivered.raw()) + unit(open.delivered);
        let settled = raw(counts.settled.raw().saturating_sub(counts.excused.raw()));
        let settled = (settled + unit(open.delivered) + unit(open.failed)).max(delivered);

        Self {
            limited: limit.is_some(),
            used: limit.map_or(0, |limit| ppm::ratio(state.spent.at(period, at), limit.to_u128())),
            elapsed: elapsed(period, at),
            pace: limit.map_or(0, |limit| state.steady.pace(STEADY, period, at, limit)),
            burst: limit.map_or(0, |limit| state.burst.pace(BURST, period, at, limit) / BURST_ALLOWANCE),
            headroom: state.limits().map(|window| used(window, at)).max().unwrap_or(0),
            completion: ppm::ratio(delivered + unit(9), settled + unit(10)),
            denials: ppm::ratio(raw(counts.denied.raw()), raw(counts.attempts.raw()) * 10),
            rejections: ppm::ratio(raw(counts.rejected.raw()), raw(counts.answered.raw()) + unit(4)),
            coverage: if due == 0 { ONE } else { ppm::ratio(known, due) },
            new_payees: ppm::ratio(counts.paid_new, counts.paid),
            latency: counts.latencies.p95(due - known),
            settlements: state.settlements,
            compromised: state.compromised,
        }
    }
}

fn used(window: &crate::windows::Window, at: u64) -> Ppm {
    ppm::ratio(window.used_at(at).to_u128(), window.limit.to_u128())
}

fn elapsed(period: u32, at: u64) -> Ppm {
    let passed = at.saturating_sub(crate::windows::ANCHOR) % u64::from(period.max(1));
    ppm::ratio(passed.into(), period.into())
}
