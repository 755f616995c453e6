//! What the score remembers of settlements, denials and approvals.

use serde::{Deserialize, Serialize};

use super::{
    decimal,
    fade::{Faded, turns},
    latency::Latencies,
    payee::Standing,
};
use crate::amount::Amount;

/// Counts that fade, as of the week of `at`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Counts {
    /// Settlements and denials that weigh something.
    pub(super) attempts: Faded,
    /// Denials by weight, in tenths.
    pub(super) denied: Faded,
    /// Requests for approval that somebody answered, and those that were rejected.
    pub(super) answered: Faded,
    pub(super) rejected: Faded,
    /// Settlements that are due.
    pub(super) settled: Faded,
    /// Of those: the decision is known; it is known, and earns nothing.
    pub(super) explained: Faded,
    pub(super) explained_only: Faded,
    /// Of those: delivered; delivered without earning anything, or the payee's to answer for.
    pub(super) delivered: Faded,
    pub(super) excused: Faded,
    /// What was paid, and what of it to new payees, in atomic units.
    #[serde(with = "decimal")]
    pub(super) paid: u128,
    #[serde(with = "decimal")]
    pub(super) paid_new: u128,
    pub(super) latencies: Latencies,
}

impl Counts {
    pub(super) fn fade(&mut self, by: u32) {
        let counts = [
            &mut self.attempts,
            &mut self.denied,
            &mut self.answered,
            &mut self.rejected,
            &mut self.settled,
            &mut self.explained,
            &mut self.explained_only,
            &mut self.delivered,
            &mut self.excused,
        ];
        counts.into_iter().for_each(|count| count.fade(by));
        self.paid = self.paid.checked_shr(by).unwrap_or(0);
        self.paid_new = self.paid_new.checked_shr(by).unwrap_or(0);
        self.latencies.fade(by);
    }

    /// A payment. Money on its way round earns nothing: it is no attempt, and paid to nobody.
    pub(super) fn pay(&mut self, amount: Amount, standing: Standing) {
        if standing == Standing::Own {
            return;
        }
        self.attempts.add(1, 0);
        self.paid = self.paid.saturating_add(amount.to_u128());
        if standing == Standing::New {
            self.paid_new = self.paid_new.saturating_add(amount.to_u128());
        }
    }

    /// Adds what became of settlements at `from`, as of now.
    pub(super) fn settle(&mut self, tally: &Tally, from: u64, now: u64) {
        let ago = turns(from, now);
        self.settled.add(tally.settled, ago);
        self.explained.add(tally.explained, ago);
        self.explained_only.add(tally.explained_only, ago);
        self.delivered.add(tally.delivered, ago);
        self.excused.add(tally.excused, ago);
    }
}

/// What became of settlements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Tally {
    pub(super) settled: u32,
    pub(super) explained: u32,
    pub(super) explained_only: u32,
    pub(super) delivered: u32,
    pub(super) excused: u32,
    /// Known not to be delivered, and the agent's to answer for.
    pub(super) failed: u32,
}

impl Tally {
    pub(super) fn add(&mut self, more: &Self) {
        self.settled = self.settled.saturating_add(more.settled);
        self.explained = self.explained.saturating_add(more.explained);
        self.explained_only = self.explained_only.saturating_add(more.explained_only);
        self.delivered = self.delivered.saturating_add(more.delivered);
        self.excused = self.excused.saturating_add(more.excused);
        self.failed = self.failed.saturating_add(more.failed);
    }
}
