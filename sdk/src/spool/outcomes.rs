//! The outcomes that a spool keeps: the last revision of each, since the next one names it.

use std::collections::{HashMap, VecDeque};

use alloy::primitives::B256;

use crate::outcome::OutcomeRecord;

/// How many decisions' outcomes are kept for a further revision, the latest ones.
pub(super) const KEPT: usize = 10_000;

/// Outcomes by decision, and in which order they came.
#[derive(Debug, Default)]
pub(super) struct Outcomes {
    last: HashMap<B256, (B256, OutcomeRecord)>,
    order: VecDeque<B256>,
}

impl Outcomes {
    /// The last revision of a decision's outcome, with its hash.
    pub(super) fn last(&self, decision: B256) -> Option<&(B256, OutcomeRecord)> {
        self.last.get(&decision)
    }

    /// In the order they came.
    pub(super) fn all(&self) -> impl Iterator<Item = &(B256, OutcomeRecord)> {
        self.order.iter().filter_map(|decision| self.last.get(decision))
    }

    /// Whether a record is the next revision of its decision's outcome.
    ///
    /// # Errors
    /// What was expected, and what came.
    pub(super) fn follows(&self, record: &OutcomeRecord) -> Result<(), String> {
        let (hash, revision) = match self.last(record.decision_hash) {
            Some((hash, last)) => (*hash, last.revision.saturating_add(1)),
            None => (B256::ZERO, 1),
        };
        if (record.prev_hash, record.revision) == (hash, revision) {
            return Ok(());
        }
        let (got, after) = (record.revision, record.prev_hash);
        Err(format!("expected outcome {revision} after {hash}, got {got} after {after}"))
    }

    /// Takes the next revision of an outcome. The first one there is may be a later one: a spool that was rewritten
    /// keeps the last only.
    ///
    /// # Errors
    /// As [`Self::follows`].
    pub(super) fn push(&mut self, hash: B256, record: OutcomeRecord) -> Result<(), String> {
        let decision = record.decision_hash;
        if self.last.contains_key(&decision) {
            self.follows(&record)?;
        } else {
            self.order.push_back(decision);
        }
        self.last.insert(decision, (hash, record));
        if self.order.len() > KEPT
            && let Some(oldest) = self.order.pop_front()
        {
            self.last.remove(&oldest);
        }
        Ok(())
    }
}
