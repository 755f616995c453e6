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

    /// Takes the next revision of an outcome.
    ///
    /// # Errors
    /// When it does not follow the one before.
    pub(super) fn push(&mut self, hash: B256, record: OutcomeRecord) -> Result<(), String> {
        let decision = record.decision_hash;
        let before = self.last(decision).map(|(hash, record)| (*hash, record.revision));
        // After a compaction, a later revision may be the first one there is.
        let follows = match before {
            None => true,
            Some((hash, revision)) => record.prev_hash == hash && record.revision == revision + 1,
        };
        if !follows {
            let (hash, revision) = before.unwrap_or_default();
            return Err(format!(
                "expected an outcome after revision {revision}, {hash}, of decision {decision}"
            ));
        }
        if before.is_none() {
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
