//! How much the histories did, and which reasons they met.

use std::collections::BTreeMap;

/// How much was done: a history in which everything is refused says nothing.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tally {
    pub(crate) steps: u64,
    pub(crate) calls: u64,
    /// How often each reason was met.
    pub(crate) reasons: BTreeMap<String, u64>,
    pub(crate) payments_settled: u64,
    pub(crate) payments_refused: u64,
    pub(crate) sessions_opened: u64,
    pub(crate) sessions_refused: u64,
    pub(crate) acts_done: u64,
    pub(crate) acts_refused: u64,
}

impl Tally {
    pub(crate) fn add(&mut self, other: Self) {
        self.steps += other.steps;
        self.calls += other.calls;
        for (reason, count) in other.reasons {
            *self.reasons.entry(reason).or_default() += count;
        }
        self.payments_settled += other.payments_settled;
        self.payments_refused += other.payments_refused;
        self.sessions_opened += other.sessions_opened;
        self.sessions_refused += other.sessions_refused;
        self.acts_done += other.acts_done;
        self.acts_refused += other.acts_refused;
    }

    /// Of everything there was some.
    pub(crate) fn check(&self) {
        let counts = [
            self.payments_settled,
            self.payments_refused,
            self.sessions_opened,
            self.sessions_refused,
            self.acts_done,
            self.acts_refused,
        ];
        assert!(counts.iter().all(|count| *count > 0), "the histories never did all of {self:?}");
    }
}
