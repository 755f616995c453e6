//! What is held against the records of agents: their content, their seals, and that none is missing.

use std::collections::BTreeMap;

use alloy::primitives::{Address, B256, keccak256};
use bursar_indexer::query::history::Kept;
use bursar_sdk::{
    decision::{DecisionRecord, Verdict as Decided},
    outcome::OutcomeRecord,
    record::{RecordError, RecordKind, sealed_by},
};

use super::{At, Rule, Trials};
use crate::{
    logbook::{Anchor, Anchored},
    subject::Subject,
};

/// A decision record, read.
#[derive(Debug, Clone)]
pub(crate) struct Told {
    pub(crate) record: DecisionRecord,
    pub(crate) hash: B256,
}

/// Reads a decision record.
pub(crate) fn told(kept: &Kept) -> Result<Told, RecordError> {
    let record = DecisionRecord::from_canonical(&kept.canonical)?;
    Ok(Told { record, hash: keccak256(&kept.canonical) })
}

/// A record in its purse's chain.
#[derive(Debug, Clone, Copy)]
struct Link {
    seq: u64,
    hash: B256,
    before: B256,
}

/// The chains of records, by purse.
#[derive(Debug, Default)]
pub(crate) struct RecordChains {
    links: BTreeMap<Address, Vec<Link>>,
}

impl RecordChains {
    /// A record of that purse, with its number and the hash of the one before; of one that was erased, no more is left.
    pub(crate) fn push(&mut self, purse: Address, seq: u64, hash: B256, before: B256) {
        self.links.entry(purse).or_default().push(Link { seq, hash, before });
    }

    /// How many purses have records.
    pub(crate) fn len(&self) -> usize {
        self.links.len()
    }
}

impl Trials {
    /// Whose seal a record carries, as `agent`, `session`, `other` or nothing; and whether that will do.
    pub(crate) fn sealed(
        &mut self,
        subject: &Subject,
        kind: RecordKind,
        hash: B256,
        kept: &Kept,
        [agent, key]: [Option<Address>; 2],
    ) -> &'static str {
        let by = kept.seal.as_ref();
        let by = by.and_then(|seal| sealed_by(kind, subject.chain_id, subject.treasury, hash, seal));
        let whose = match by {
            None => "",
            Some(signer) if Some(signer) == agent => "agent",
            Some(signer) if Some(signer) == key => "session",
            Some(_) => "other",
        };
        self.hold(Rule::Sealed, matches!(whose, "agent" | "session"), At::default(), || {
            let expected = crate::books::cell(agent);
            let got = by.map_or_else(
                || if kept.seal.is_some() { "a seal of nobody" } else { "no seal" }.to_owned(),
                |signer| signer.to_string(),
            );
            [format!("record {hash}"), expected, got]
        });
        whose
    }

    /// A decision that nothing settled under.
    pub(crate) fn unsettled(&mut self, told: &Told) {
        if told.record.verdict == Decided::Denied {
            self.tried(Rule::RefusalHeld);
        }
    }

    /// Whether an outcome is that decision's, and follows the one before it (`last`, which it becomes).
    pub(crate) fn outcome(&mut self, told: &Told, record: &OutcomeRecord, hash: B256, last: &mut B256) {
        let held = record.decision_hash == told.hash && record.prev_hash == *last;
        self.hold(Rule::RecordsChained, held, At::default(), || {
            let expected = format!("of {}, after {last}", told.hash);
            let got = format!("of {}, after {}", record.decision_hash, record.prev_hash);
            [format!("outcome {hash}"), expected, got]
        });
        *last = hash;
    }

    /// A record that does not read: it explains nothing.
    pub(crate) fn unreadable(&mut self, hash: B256, error: &RecordError) {
        self.hold(Rule::RecordsChained, false, At::default(), || {
            [format!("record {hash}"), "a record that reads".into(), error.to_string()]
        });
    }

    /// Whether an entry of the log and what the report has are the same.
    pub(crate) fn logged(
        &mut self,
        held: bool,
        about: impl FnOnce() -> String,
        says: impl FnOnce() -> [String; 2],
    ) {
        self.hold(Rule::Logged, held, At::default(), || {
            let [expected, got] = says();
            [about(), expected, got]
        });
    }

    /// Whether a root on the chain is the log's.
    pub(crate) fn anchored(&mut self, anchor: &Anchor) {
        let Anchor { place, size, root, came } = anchor;
        self.hold(Rule::LogAnchored, *came == Anchored::Fits, At::of(place.position, place.tx), || {
            let got = match came {
                Anchored::Apart(root) => root.to_string(),
                _ => "a log of fewer entries".to_owned(),
            };
            [format!("the log's first {size} entries"), root.to_string(), got]
        });
    }

    /// Whether every purse's records make one chain.
    pub(crate) fn chains(&mut self, chains: RecordChains) {
        for (purse, mut links) in chains.links {
            links.sort_unstable_by_key(|link| (link.seq, link.hash));
            let mut last = (0u64, B256::ZERO);
            for link in links {
                let expected = last.0.saturating_add(1);
                let about = || format!("record {} of purse {purse}", link.seq);
                let held = link.seq == expected && link.before == last.1;
                self.hold(Rule::RecordsChained, held, At::default(), || {
                    if link.seq > expected {
                        let missing = link.seq - 1;
                        let missing = format!("records {expected} to {missing} are missing: not handed in");
                        [about(), format!("record {expected}"), missing]
                    } else if link.seq < expected {
                        [about(), format!("record {expected}"), "another of the same number".into()]
                    } else {
                        [about(), format!("after {}", last.1), format!("after {}", link.before)]
                    }
                });
                last = (link.seq, link.hash);
            }
        }
    }
}

/// Reads an outcome record.
pub(crate) fn outcome(kept: &Kept) -> Result<(OutcomeRecord, B256), RecordError> {
    Ok((OutcomeRecord::from_canonical(&kept.canonical)?, keccak256(&kept.canonical)))
}
