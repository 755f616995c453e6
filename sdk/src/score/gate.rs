//! Whether sessions may open on a score.

use serde::{Deserialize, Serialize};

use super::{evaluation::Evaluation, term::CEILING};

/// Below this, a human has to look.
pub const REVIEW: u16 = 600;
/// A fall by as much over [`RECENT`] evaluations, and a human has to look.
pub const DROP: u16 = 60;
/// How many evaluations a fall is measured over.
pub const RECENT: usize = 7;
/// From this on a human may clear a review without giving reasons.
pub const CLEARING: u16 = 640;

/// Why an envelope is under review.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Trigger {
    /// Since when, in unix seconds.
    pub at: u64,
    /// The score then.
    pub value: u16,
    /// What about it.
    pub cause: Cause,
}

/// What about a score needs a human.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// A guardian stopped the envelope for compromise.
    Compromised,
    /// It is below this.
    Below(u16),
    /// It fell by [`DROP`] or more, from this.
    FellFrom(u16),
}

/// What stands between an envelope and its next session, as far as its score goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gate {
    /// Nothing.
    Open,
    /// A human has to look.
    Review(Trigger),
    /// Nobody has scored the envelope for as long as a score lives.
    Stale {
        /// Until when the last one let sessions open, in unix seconds (exclusive).
        fresh_until: u64,
    },
}

impl Gate {
    /// Judges an evaluation that was made up to `evaluated_at` of the chain's time, at `now`; both in unix seconds.
    ///
    /// `life`: for how many seconds a score lets sessions open; 0 asks for none, as the contract has it.
    pub fn new(review: Option<Trigger>, evaluated_at: u64, life: u32, now: u64) -> Self {
        let fresh_until = evaluated_at.saturating_add(life.into());
        match review {
            Some(trigger) => Self::Review(trigger),
            None if life != 0 && now >= fresh_until => Self::Stale { fresh_until },
            None => Self::Open,
        }
    }
}

/// What the gate remembers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Watch {
    /// The last scores, the newest first; zero where there were fewer.
    recent: [u16; RECENT],
    pass: Option<Pass>,
    pub(super) review: Option<Trigger>,
}

/// A lower score that a human let pass, until it has recovered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Pass {
    /// Below this, somebody has to look again.
    floor: u16,
    /// The lowest cap that applied. A lower one is news, whatever the floor.
    cap: u16,
}

impl Watch {
    /// What an evaluation asks for, had none before asked.
    pub(super) fn trips(&self, of: &Evaluation) -> Option<Trigger> {
        let least = self.pass.filter(|pass| lowest_cap(of) >= pass.cap).map_or(REVIEW, |pass| pass.floor);
        let high = self.recent.iter().copied().max().unwrap_or(0);
        let cause = if of.inputs.compromised {
            Cause::Compromised
        } else if of.value < least {
            Cause::Below(least)
        } else if of.value.saturating_add(DROP) <= high {
            Cause::FellFrom(high)
        } else {
            return None;
        };
        Some(Trigger { at: of.at, value: of.value, cause })
    }

    /// Takes note of an evaluation; `counted` where it is one that falls are measured over.
    pub(super) fn see(&mut self, of: &Evaluation, counted: bool) {
        self.review = self.review.or_else(|| self.trips(of));
        if of.value >= CLEARING {
            self.pass = None;
        }
        if counted {
            self.recent.rotate_right(1);
            self.recent[0] = of.value;
        }
    }

    /// A human cleared the review; it stands where the score is too low and no reasons were given.
    pub(super) fn clear(&mut self, of: &Evaluation, overriding: bool) {
        let is_due = of.value >= CLEARING;
        if of.inputs.compromised || !(is_due || overriding) {
            self.review = self.review.or_else(|| self.trips(of));
            return;
        }
        // What was before the clearing was looked at: falls are measured from here.
        let pass = Pass { floor: of.value.saturating_sub(DROP), cap: lowest_cap(of) };
        *self = Self { recent: [0; RECENT], pass: (!is_due).then_some(pass), review: None };
    }
}

fn lowest_cap(of: &Evaluation) -> u16 {
    of.caps().map(|(_, cap)| cap).min().unwrap_or(CEILING)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::score::State;

    fn scored(value: u16) -> Evaluation {
        Evaluation { value, ..State::new(0).evaluate(1_000) }
    }

    fn after(values: &[u16]) -> Watch {
        let mut watch = Watch::default();
        values.iter().for_each(|value| watch.see(&scored(*value), true));
        watch
    }

    fn cause(watch: &Watch) -> Option<Cause> {
        watch.review.map(|trigger| trigger.cause)
    }

    #[test]
    fn asks_below_600_and_not_at_it() {
        assert_eq!(cause(&after(&[600])), None);
        assert_eq!(cause(&after(&[599])), Some(Cause::Below(600)));
    }

    #[test]
    fn asks_at_a_fall_of_60_over_seven_evaluations() {
        assert_eq!(cause(&after(&[800, 741])), None);
        assert_eq!(cause(&after(&[800, 740])), Some(Cause::FellFrom(800)));
        assert_eq!(cause(&after(&[800, 790, 780, 770, 760, 750, 742, 740])), Some(Cause::FellFrom(800)));
        assert_eq!(cause(&after(&[800, 790, 780, 770, 760, 750, 742, 741, 740])), None);
    }

    #[test]
    fn what_is_not_counted_is_compared_and_not_kept() {
        let mut watch = after(&[800]);
        (0..9).for_each(|_| watch.see(&scored(741), false));
        assert_eq!(cause(&watch), None);
        watch.see(&scored(740), false);
        assert_eq!(cause(&watch), Some(Cause::FellFrom(800)));
    }

    #[test]
    fn stays_until_a_human_clears_it_at_640_or_in_writing() {
        let mut watch = after(&[599, 850, 850]);
        assert_eq!(watch.review.map(|trigger| trigger.value), Some(599));
        watch.clear(&scored(639), false);
        assert!(watch.review.is_some());
        watch.clear(&scored(640), false);
        assert_eq!(watch, Watch::default());

        let mut watch = after(&[550]);
        watch.clear(&scored(550), true);
        assert_eq!(watch.review, None);
        watch.see(&scored(490), true);
        assert_eq!(cause(&watch), None);
        watch.see(&scored(489), true);
        assert_eq!(cause(&watch), Some(Cause::Below(490)));
    }

    #[test]
    fn an_override_holds_until_the_score_has_recovered() {
        let mut watch = after(&[550]);
        watch.clear(&scored(550), true);
        watch.see(&scored(640), true);
        watch.see(&scored(599), true);
        assert_eq!(cause(&watch), Some(Cause::Below(600)));
    }

    #[test]
    fn an_override_lets_no_new_cap_pass() {
        let capped = |value, coverage| {
            let mut of = scored(value);
            of.inputs.coverage = coverage;
            of
        };
        let mut watch = after(&[550]);
        watch.clear(&scored(550), true);
        watch.see(&capped(499, 900_000), true);
        assert_eq!(cause(&watch), Some(Cause::Below(600)));
        watch.clear(&capped(499, 900_000), true);
        watch.see(&capped(499, 800_000), true);
        assert_eq!(cause(&watch), None);
    }

    #[test]
    fn compromise_is_not_cleared_while_it_lasts() {
        let mut compromised = scored(300);
        compromised.inputs.compromised = true;
        let mut watch = Watch::default();
        watch.see(&compromised, false);
        assert_eq!(cause(&watch), Some(Cause::Compromised));
        watch.clear(&compromised, true);
        assert_eq!(cause(&watch), Some(Cause::Compromised));
    }

    #[test]
    fn a_score_that_nobody_renews_closes_the_gate() {
        let at = |now| Gate::new(None, 1_000, 60, now);
        assert_eq!([at(0), at(1_059)], [Gate::Open; 2]);
        assert_eq!(at(1_060), Gate::Stale { fresh_until: 1_060 });
        assert_eq!(Gate::new(None, 1_000, 0, u64::MAX), Gate::Open);
        assert_eq!(Gate::new(None, u64::MAX, 60, u64::MAX), Gate::Stale { fresh_until: u64::MAX });
        let review = after(&[599]).review;
        assert!(matches!(Gate::new(review, 1_000, 60, 5_000), Gate::Review(_)));
    }
}
