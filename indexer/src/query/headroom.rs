//! What each limit of an envelope has left: the contract's own arithmetic, replayed from the ledger.
//!
//! Pure: time is an argument. Mirrors `contracts/libraries/Windows.sol` and `Policies.layOut`.

use bursar_sdk::amount::Amount;

/// Windows are aligned to Monday 1970-01-05 00:00 UTC.
const ANCHOR: u64 = 345_600;

/// One thing that happened to an envelope, as far as its limits care. Times in unix seconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// A policy came into force.
    Policy {
        /// When.
        at: u64,
        /// Counts from 1.
        version: u16,
        /// Period in seconds and limit, shortest first; a period of 0 is the lifetime.
        limits: Vec<(u32, Amount)>,
    },
    /// A session drew its budget.
    Open {
        /// When.
        at: u64,
        /// The policy it was opened under.
        version: u16,
        /// The purse's sequence number.
        sequence: u32,
        /// What it drew.
        budget: Amount,
    },
    /// A session was settled.
    Close {
        /// When.
        at: u64,
        /// The policy it was opened under.
        version: u16,
        /// The purse's sequence number.
        sequence: u32,
        /// When it had drawn.
        opened_at: u64,
        /// What it gave back of its own draw.
        unspent: Amount,
    },
}

impl Step {
    /// Sorts as the chain had it. Within one second: sessions from before are settled first, then each
    /// policy with the sessions under it, a session's opening before its own settlement.
    fn order(&self) -> (u64, u8, u16, u32, u8) {
        match *self {
            Self::Policy { at, version, .. } => (at, 1, version, 0, 0),
            Self::Open { at, version, sequence, .. } => (at, 1, version, sequence, 1),
            Self::Close { at, version, sequence, opened_at, .. } if opened_at == at => {
                (at, 1, version, sequence, 2)
            }
            Self::Close { at, sequence, .. } => (at, 0, 0, sequence, 0),
        }
    }
}

/// One limit as it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Headroom {
    /// Length of the window in seconds; 0 for the lifetime limit.
    pub period: u32,
    /// Most that may be drawn.
    pub limit: Amount,
    /// What was drawn in the current window, open sessions included.
    pub used: Amount,
    /// When the window ends (exclusive, unix seconds); a lifetime does not.
    pub ends_at: Option<u64>,
}

impl Headroom {
    /// What is left.
    pub fn left(&self) -> Amount {
        self.limit.saturating_sub(self.used)
    }
}

#[derive(Debug, Clone, Copy)]
struct Window {
    period: u32,
    limit: Amount,
    used: Amount,
    index: u64,
}

impl Window {
    fn used_at(&self, now: u64) -> Amount {
        if self.index == index_at(self.period, now) { self.used } else { Amount::ZERO }
    }

    fn set(&mut self, used: Amount, now: u64) {
        self.used = used;
        self.index = index_at(self.period, now);
    }
}

fn index_at(period: u32, now: u64) -> u64 {
    if period == 0 { 0 } else { now.saturating_sub(ANCHOR) / u64::from(period) }
}

/// When the window that `now` falls into ends; `None` for a lifetime.
pub fn ends_at(period: u32, now: u64) -> Option<u64> {
    (period != 0).then(|| ANCHOR + (index_at(period, now) + 1) * u64::from(period))
}

/// What each limit has left at `now`, after all of `steps`, in any order.
pub fn replay(mut steps: Vec<Step>, now: u64) -> Vec<Headroom> {
    steps.sort_by_key(Step::order);
    let mut windows: Vec<Window> = Vec::new();
    // Sessions of policies before this one were not counted in these windows.
    let mut since = 0;
    for step in &steps {
        match step {
            Step::Policy { at, version, limits } => {
                let same = windows.iter().map(|w| w.period).eq(limits.iter().map(|(period, _)| *period));
                windows = limits.iter().map(|limit| carried(*limit, &windows, *at)).collect();
                if !same {
                    since = *version;
                }
            }
            Step::Open { at, budget, .. } => {
                for window in &mut windows {
                    let used = window.used_at(*at);
                    window.set(used.checked_add(*budget).unwrap_or(window.limit), *at);
                }
            }
            Step::Close { at, version, opened_at, unspent, .. } => {
                for window in &mut windows {
                    let current = index_at(window.period, *opened_at) == index_at(window.period, *at);
                    let back = if current && *version >= since { *unspent } else { Amount::ZERO };
                    window.set(window.used_at(*at).saturating_sub(back), *at);
                }
            }
        }
    }
    windows
        .iter()
        .map(|window| Headroom {
            period: window.period,
            limit: window.limit,
            used: window.used_at(now),
            ends_at: ends_at(window.period, now),
        })
        .collect()
}

/// A new window starts where `Policies.layOut` starts it.
fn carried((period, limit): (u32, Amount), old: &[Window], at: u64) -> Window {
    let index = index_at(period, at);
    if let Some(same) = old.iter().find(|window| window.period == period) {
        return Window { period, limit, used: same.used_at(at), index };
    }
    let contains = |window: &&Window| window.period == 0 || (period != 0 && window.period >= period);
    let containing = old.iter().filter(contains).map(|window| window.used_at(at)).min();
    let contained = old.iter().map(|window| window.used_at(at)).max();
    Window { period, limit, used: containing.or(contained).unwrap_or_default(), index }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: u32 = 86_400;
    const WEEK: u32 = 7 * DAY;
    /// Monday 2026-11-16 00:00 UTC.
    const MONDAY: u64 = 1_794_787_200;

    fn policy(at: u64, version: u16, limits: &[(u32, u64)]) -> Step {
        let limits = limits.iter().map(|(period, limit)| (*period, Amount::new(*limit))).collect();
        Step::Policy { at, version, limits }
    }

    fn open(at: u64, sequence: u32, budget: u64) -> Step {
        Step::Open { at, version: 1, sequence, budget: Amount::new(budget) }
    }

    fn close(at: u64, sequence: u32, opened_at: u64, unspent: u64) -> Step {
        Step::Close { at, version: 1, sequence, opened_at, unspent: Amount::new(unspent) }
    }

    fn used(steps: &[Step], now: u64) -> Vec<(u32, u64)> {
        let number = |amount: Amount| amount.to_u256().saturating_to();
        replay(steps.to_vec(), now).iter().map(|room| (room.period, number(room.used))).collect()
    }

    #[test]
    fn mondays_are_mondays() {
        assert_eq!(ends_at(WEEK, MONDAY), Some(MONDAY + u64::from(WEEK)));
        assert_eq!(ends_at(WEEK, MONDAY - 1), Some(MONDAY));
        assert_eq!(ends_at(0, MONDAY), None);
    }

    #[test]
    fn what_a_session_returns_is_drawable_again_in_its_own_window_only() {
        let next_day = MONDAY + u64::from(DAY);
        let steps = [
            policy(MONDAY, 1, &[(DAY, 100), (WEEK, 300), (0, 1000)]),
            open(MONDAY + 10, 1, 60),
            close(next_day + 5, 1, MONDAY + 10, 40),
            open(next_day + 5, 2, 30),
        ];
        assert_eq!(used(&steps[..2], MONDAY + 20), [(DAY, 60), (WEEK, 60), (0, 60)]);
        assert_eq!(used(&steps[..2], next_day), [(DAY, 0), (WEEK, 60), (0, 60)]);
        // The day had not counted those 40; the week and the lifetime had.
        assert_eq!(used(&steps, next_day + 5), [(DAY, 30), (WEEK, 50), (0, 50)]);
    }

    #[test]
    fn a_session_that_opens_and_closes_within_a_second_counts_once() {
        let steps = [
            close(MONDAY + 1, 1, MONDAY + 1, 25),
            open(MONDAY + 1, 1, 60),
            policy(MONDAY, 1, &[(DAY, 100)]),
        ];
        assert_eq!(used(&steps, MONDAY + 1), [(DAY, 35)]);
    }

    #[test]
    fn a_new_period_starts_at_what_contains_it() {
        let steps = [
            policy(MONDAY, 1, &[(DAY, 100), (0, 1000)]),
            open(MONDAY + 1, 1, 60),
            policy(MONDAY + 2, 2, &[(WEEK, 500)]),
        ];
        assert_eq!(used(&steps, MONDAY + 3), [(WEEK, 60)]);
    }

    #[test]
    fn a_session_of_other_periods_gives_nothing_back() {
        let steps = [
            policy(MONDAY, 1, &[(DAY, 100)]),
            open(MONDAY + 1, 1, 60),
            policy(MONDAY + 2, 2, &[(WEEK, 500)]),
            close(MONDAY + 3, 1, MONDAY + 1, 60),
        ];
        assert_eq!(used(&steps, MONDAY + 3), [(WEEK, 60)]);
        let tightened = [
            steps[0].clone(),
            steps[1].clone(),
            policy(MONDAY + 2, 2, &[(DAY, 80)]),
            steps[3].clone(),
        ];
        assert_eq!(used(&tightened, MONDAY + 3), [(DAY, 0)]);
    }
}
