//! The transparency log as a report takes it: grown anew, held against what was anchored, and against the report's own
//! records, so that neither has what the other has not.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use alloy::primitives::{Address, B256, keccak256};
use bursar_indexer::query::{
    erasures::Tombstone,
    history::{Asked, Kept},
};
use bursar_sdk::transparency::{
    Consistency, Entry, Growth, LogKind, Nodes, ProofError, Step, leaf_hash, seal_content,
};

use crate::{
    ReportError,
    annex::Annex,
    books::{Place, Row, cell},
    trial::{Told, Trials},
};

/// When something came, and its seal where that is known, in eight bytes: there are as many as records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Due([u8; 8]);

impl Due {
    fn new(at: u64, seal: Option<B256>) -> Self {
        let seal = seal.as_ref().map(B256::as_slice).unwrap_or_default();
        let mut short = [0; 8];
        short.copy_from_slice(&keccak256([&at.to_be_bytes(), seal].concat())[..8]);
        Self(short)
    }
}

/// What came of a root on the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Anchored {
    /// It is the root of the log's first so many entries.
    Fits,
    /// That is another one.
    Apart(B256),
    /// The log has no so many entries.
    Beyond,
}

/// A root on the chain.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Anchor {
    pub(crate) place: Place,
    /// As it was said: 64 bits, of which a log fills few.
    pub(crate) size: u64,
    pub(crate) root: B256,
    pub(crate) came: Anchored,
}

/// The log, once it was taken.
#[derive(Debug)]
pub(crate) struct Taken {
    pub(crate) root: B256,
    /// In chain order.
    pub(crate) anchors: Vec<Anchor>,
    /// That the log begins with what was anchored last.
    pub(crate) since: Option<Consistency>,
}

/// The log, as it is taken.
#[derive(Debug, Default)]
pub(crate) struct LogBook {
    due: HashMap<(B256, LogKind), Due>,
    growth: Growth,
    /// Anchors by size, as places in `anchors`.
    by_size: BTreeMap<u64, Vec<usize>>,
    anchors: Vec<Anchor>,
    /// The last anchor that this log may begin with, and the nodes that show it.
    since: Option<u64>,
    wanted: BTreeSet<u64>,
    nodes: Nodes,
}

impl LogBook {
    /// A decision of the report.
    pub(crate) fn decision(&mut self, told: &Told, kept: &Kept) -> Result<(), ReportError> {
        self.record(told.hash, told.record.verdict.into(), kept)
    }

    /// An outcome or a decision of the report.
    pub(crate) fn record(&mut self, hash: B256, kind: LogKind, kept: &Kept) -> Result<(), ReportError> {
        let seal = seal_content(kept.seal.as_ref()).map_err(|error| ReportError::Json(error.to_string()))?;
        self.due.insert((hash, kind), Due::new(kept.received_at, Some(seal)));
        Ok(())
    }

    /// A record that was erased, and, where that was by then, its erasure.
    pub(crate) fn erased(&mut self, stone: &Tombstone, until: u64) {
        let hash = stone.note.hash;
        self.due.insert((hash, stone.place.logged_as()), Due::new(stone.received_at, None));
        if stone.note.erased_at <= until {
            self.due.insert((hash, LogKind::Erasure), Due::new(stone.note.erased_at, None));
        }
    }

    /// A payment that waited for a human, and the answer where there was one by then.
    pub(crate) fn asked(&mut self, asked: &Asked) {
        self.due.insert((asked.digest, LogKind::ApprovalRequest), Due::new(asked.requested_at, None));
        if let Some((answer, _, at)) = &asked.answer {
            let kind = if answer == "rejected" { LogKind::Rejection } else { LogKind::Approval };
            self.due.insert((asked.digest, kind), Due::new(*at, None));
        }
    }

    /// Begins with the entries, of which there will be `size`: all events were taken.
    pub(crate) fn begin(&mut self, size: u64, anchors: &[(Place, B256, String)]) -> Result<(), ReportError> {
        for (place, root, said) in anchors {
            let wrong =
                |_| ReportError::row(Annex::Events, format!("expected a size of 64 bits, got {said:?}"));
            let anchored: u64 = said.parse().map_err(wrong)?;
            self.by_size.entry(anchored).or_default().push(self.anchors.len());
            let came = Anchored::Beyond;
            self.anchors.push(Anchor { place: *place, size: anchored, root: *root, came });
        }
        self.since = self.anchors.iter().rev().map(|anchor| anchor.size).find(|anchored| *anchored <= size);
        if let Some(since) = self.since
            && let Step::Needs(positions) = self.nodes.consistency(since, size).map_err(broken)?
        {
            self.wanted = positions.into_iter().collect();
        }
        self.pass()
    }

    /// Takes the next entry.
    pub(crate) fn entry(
        &mut self,
        number: u64,
        entry: &Entry,
        (treasury, until): (Address, u64),
        trials: &mut Trials,
    ) -> Result<Row, ReportError> {
        let expected = self.growth.size();
        if number != expected {
            return Err(ReportError::row(Annex::Log, format!("expected entry {expected}, got {number}")));
        }
        if entry.treasury != treasury {
            let got = entry.treasury;
            return Err(ReportError::row(
                Annex::Log,
                format!("entry {number}: expected one of treasury {treasury}, got {got}"),
            ));
        }
        let leaf = entry.canonical().map_err(|error| ReportError::Json(error.to_string()))?;
        let added = self.growth.push(leaf_hash(leaf.as_bytes())).map_err(broken)?;
        self.nodes.add(added.into_iter().filter(|(position, _)| self.wanted.contains(position)));
        self.pass()?;
        self.hold(number, entry, until, trials);
        let cells = vec![
            number.to_string(),
            entry.kind.code().to_owned(),
            cell(entry.envelope),
            entry.subject.to_string(),
            cell(entry.content),
            cell(entry.fact),
            entry.at.to_string(),
            entry.height.to_string(),
        ];
        Ok(Row { annex: Annex::Log, cells })
    }

    /// Holds an entry against what the report has.
    fn hold(&mut self, number: u64, entry: &Entry, until: u64, trials: &mut Trials) {
        let key = (entry.subject, entry.kind);
        let about = || format!("entry {number} of the log, {} {}", entry.kind.code(), entry.subject);
        let due = match entry.kind {
            // An approval gives way to a later one, of which alone the report tells.
            LogKind::Approval => {
                if self.due.get(&key) == Some(&Due::new(entry.at, None)) {
                    self.due.remove(&key);
                }
                return trials.logged(true, about, Default::default);
            }
            LogKind::Decision
            | LogKind::Refusal
            | LogKind::Outcome
            | LogKind::ApprovalRequest
            | LogKind::Rejection
            | LogKind::Erasure => self.due.remove(&key),
            // Of who read what, and of kinds that a later version knows, this report has nothing.
            _ => return,
        };
        // Clocks are not all one: what came later by its own time, this report does not have.
        let Some(due) = due else {
            return trials
                .logged(entry.at > until, about, || ["it in this report".to_owned(), "nothing".to_owned()]);
        };
        let same = [None, entry.content].map(|seal| Due::new(entry.at, seal)).contains(&due);
        trials.logged(same, about, || {
            let says = format!("received at {}, seal {}", entry.at, cell(entry.content));
            [says, "received at another time, or with another seal".to_owned()]
        });
    }

    /// Holds the tree against the anchors of this size.
    fn pass(&mut self) -> Result<(), ReportError> {
        let Some(places) = self.by_size.remove(&self.growth.size()) else { return Ok(()) };
        let root = self.growth.root().map_err(broken)?;
        for place in places {
            let Some(anchor) = self.anchors.get_mut(place) else { continue };
            anchor.came = if anchor.root == root { Anchored::Fits } else { Anchored::Apart(root) };
        }
        Ok(())
    }

    /// Its size and root so far.
    pub(crate) fn root(&self) -> Result<(u64, B256), ReportError> {
        Ok((self.growth.size(), self.growth.root().map_err(broken)?))
    }

    /// The log, once all of it was taken; what it lacks is found.
    pub(crate) fn end(self, trials: &mut Trials) -> Result<Taken, ReportError> {
        let mut missing: Vec<_> = self.due.into_iter().collect();
        missing.sort_unstable_by_key(|((hash, kind), _)| (*kind, *hash));
        for ((hash, kind), _) in missing {
            let about = || format!("{} {hash}", kind.code());
            trials.logged(false, about, || ["an entry of the log".to_owned(), "none".to_owned()]);
        }
        for anchor in &self.anchors {
            trials.anchored(anchor);
        }
        let size = self.growth.size();
        let since = match self.since.filter(|since| *since <= size) {
            None => None,
            Some(since) => match self.nodes.consistency(since, size).map_err(broken)? {
                Step::Done(proof) => Some(proof),
                Step::Needs(_) => None,
            },
        };
        Ok(Taken { root: self.growth.root().map_err(broken)?, anchors: self.anchors, since })
    }
}

fn broken(error: ProofError) -> ReportError {
    ReportError::row(Annex::Log, error.to_string())
}
