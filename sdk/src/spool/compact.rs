//! Rewriting a spool that has grown, with what still matters: the chain's head, what keys stand for, what waits, and
//! the last outcomes.

use std::collections::{HashMap, HashSet};

use alloy::primitives::B256;

use super::{PendingRecord, Spool, SpoolError, line::Line};
use crate::{outcome::OutcomeRecord, record::RecordKind, telemetry::TraceParent};

impl Spool {
    pub(super) fn compact(&mut self) -> Result<(), SpoolError> {
        let mut text = Line::Head { seq: self.chain.seq, hash: self.chain.last }.render();
        let mut kept = HashSet::new();
        for spooled in self.keyed.values() {
            let (hash, intent) = (spooled.hash, spooled.intent.clone());
            let record = spooled.record.canonical()?;
            text.push_str(
                &Line::Decided { hash, record, intent: intent.clone(), trace: self.trace(hash) }.render(),
            );
            if let (Some(payload), Some(key)) = (&spooled.payload, intent.and_then(|intent| intent.key)) {
                text.push_str(&Line::Signed { hash, key, payload: payload.clone() }.render());
            }
            kept.insert(hash);
        }
        // Decisions go out before outcomes, and a revision after the one before it.
        for waiting in self.waiting(RecordKind::Decision).filter(|waiting| !kept.contains(&waiting.hash)) {
            let (hash, record) = (waiting.hash, waiting.canonical.clone());
            text.push_str(&Line::Decided { hash, record, intent: None, trace: waiting.trace }.render());
        }
        let mut revisions: HashMap<B256, Vec<&PendingRecord>> = HashMap::new();
        for waiting in self.waiting(RecordKind::Outcome) {
            let record = OutcomeRecord::from_canonical(&waiting.canonical)?;
            revisions.entry(record.decision_hash).or_default().push(waiting);
        }
        for (last, outcome) in self.outcomes.all() {
            let waiting = revisions.remove(&outcome.decision_hash).unwrap_or_default();
            for earlier in waiting.into_iter().filter(|waiting| waiting.hash != *last) {
                text.push_str(&outcome_line(earlier));
            }
            text.push_str(&Line::Outcome { hash: *last, record: outcome.canonical()? }.render());
            kept.insert(*last);
        }
        let mut forgotten: Vec<&PendingRecord> = revisions.into_values().flatten().collect();
        forgotten.sort_by_key(|waiting| self.place_of.get(&waiting.hash));
        for waiting in forgotten {
            text.push_str(&outcome_line(waiting));
        }
        for hash in kept.into_iter().filter(|hash| !self.place_of.contains_key(hash)) {
            text.push_str(&Line::Delivered { hash }.render());
        }
        self.file.replace(&text)
    }

    fn trace(&self, hash: B256) -> Option<TraceParent> {
        self.pending.get(self.place_of.get(&hash)?)?.trace
    }

    fn waiting(&self, kind: RecordKind) -> impl Iterator<Item = &PendingRecord> {
        self.pending.values().filter(move |waiting| waiting.kind == kind)
    }
}

fn outcome_line(waiting: &PendingRecord) -> String {
    Line::Outcome { hash: waiting.hash, record: waiting.canonical.clone() }.render()
}
