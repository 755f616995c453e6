//! The decision spool: what an agent decided is on disk before any signature leaves, so that a crash between
//! signing and reporting loses nothing.
//!
//! One append-only file per purse; every line is fsynced before its effect is used. A line that a crash tore
//! in the middle was never acted upon: opening drops it and says so.

mod compact;
mod file;
mod line;
mod outcomes;

use std::{
    collections::{BTreeMap, HashMap},
    io,
    path::{Path, PathBuf},
};

use alloy::primitives::{B256, keccak256};

use crate::{
    decision::{DecisionRecord, RecordChain},
    outcome::OutcomeRecord,
    record::{RecordError, RecordKind},
    telemetry::TraceParent,
};

pub use self::line::Intent;
use self::{
    file::{Contents, SpoolFile},
    line::Line,
    outcomes::Outcomes,
};

/// How many undelivered records a spool takes before it refuses the next decision: about a day's worth.
pub const MAX_PENDING: usize = 100_000;

/// From this size on, opening rewrites a spool without what is delivered.
const COMPACT_FROM: u64 = 4 << 20;

/// A spool that cannot be trusted or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SpoolError {
    /// The disk said no.
    #[error("the decision spool {path:?}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another process holds it: two would fork the chain of records.
    #[error("the decision spool {path:?} is in use by another process")]
    Locked {
        /// The file.
        path: PathBuf,
    },
    /// A line in the middle is damaged.
    #[error("the decision spool {path:?} is damaged at line {line}: {what}")]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        what: String,
    },
    /// Nobody has taken records for too long.
    #[error("expected at most {limit} undelivered records, got {pending}; is the API reachable?")]
    Full {
        /// [`MAX_PENDING`].
        limit: usize,
        /// How many wait.
        pending: usize,
    },
    /// An earlier write failed and could not be undone; open the spool anew.
    #[error("the decision spool {path:?} is closed after a failed write")]
    Poisoned {
        /// The file.
        path: PathBuf,
    },
    /// The record itself is wrong.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// No outcome of that decision is kept here.
    #[error("expected a decision with an outcome, got {decision}; only the latest 10,000 are kept")]
    OutcomeUnknown {
        /// The decision.
        decision: B256,
    },
}

/// What opening found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Recovery {
    /// Decision records of earlier runs.
    pub records: u64,
    /// Records that are not delivered yet: of decisions and of outcomes.
    pub pending: usize,
    /// Bytes of a line that a crash tore; dropped, since nothing was done on their strength.
    pub torn_bytes: u64,
}

/// A decision as the spool keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spooled {
    /// keccak-256 of the canonical record.
    pub hash: B256,
    /// The record.
    pub record: DecisionRecord,
    /// What was to be signed; `None` for a denial.
    pub intent: Option<Intent>,
    /// The signed payment as it travels, once there is one.
    pub payload: Option<String>,
}

/// A record that waits for delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingRecord {
    /// What it is about.
    pub kind: RecordKind,
    /// keccak-256 of `canonical`.
    pub hash: B256,
    /// The canonical JSON.
    pub canonical: String,
    /// The span of the payment that it is about, where somebody traces it. No part of the record.
    pub trace: Option<TraceParent>,
}

/// An open spool; holds a lock on its file until dropped.
#[derive(Debug)]
pub struct Spool {
    file: SpoolFile,
    chain: RecordChain,
    /// How many records were ever waiting: what waits goes out in that order.
    count: u64,
    pending: BTreeMap<u64, PendingRecord>,
    place_of: HashMap<B256, u64>,
    keyed: HashMap<String, Spooled>,
    outcomes: Outcomes,
}

impl Spool {
    /// Opens or creates the spool at `path` and recovers the chain of records from it.
    ///
    /// # Errors
    /// When the disk fails, another process holds it, or a line other than the last is damaged.
    pub fn open(path: &Path) -> Result<(Self, Recovery), SpoolError> {
        let (file, Contents { text, torn_bytes }) = SpoolFile::open(path)?;
        let mut spool = Self {
            file,
            chain: RecordChain::default(),
            count: 0,
            pending: BTreeMap::new(),
            place_of: HashMap::new(),
            keyed: HashMap::new(),
            outcomes: Outcomes::default(),
        };
        for (number, line) in text.lines().enumerate() {
            let corrupt = |what| SpoolError::Corrupt { path: path.to_owned(), line: number + 1, what };
            spool.apply(Line::parse(line).map_err(corrupt)?).map_err(corrupt)?;
        }
        if spool.file.length() >= COMPACT_FROM {
            spool.compact()?;
        }
        let recovery = Recovery { records: spool.chain.seq, pending: spool.pending.len(), torn_bytes };
        Ok((spool, recovery))
    }

    /// Writes the next record of the chain; it is on disk when this returns.
    ///
    /// `draft` gets the record's sequence number and the hash of the one before; `trace` waits beside the record.
    ///
    /// # Errors
    /// When the record is wrong, the spool is full, or the disk fails: then nothing may be signed.
    pub fn append(
        &mut self,
        draft: impl FnOnce(u64, B256) -> DecisionRecord,
        intent: Option<Intent>,
        trace: Option<TraceParent>,
    ) -> Result<Spooled, SpoolError> {
        if self.pending.len() >= MAX_PENDING {
            return Err(SpoolError::Full { limit: MAX_PENDING, pending: self.pending.len() });
        }
        let record = draft(self.chain.seq + 1, self.chain.last);
        let canonical = record.canonical()?;
        // What the API would refuse must not be signed for either.
        DecisionRecord::from_canonical(&canonical)?;
        let hash = keccak256(&canonical);
        let mut after = self.chain;
        after.push(&record, hash).map_err(|error| RecordError::Inconsistent(error.to_string()))?;
        let line = Line::Decided { hash, record: canonical, intent: intent.clone(), trace };
        self.file.write(&line.render())?;
        self.apply(line).map_err(RecordError::Inconsistent)?;
        Ok(Spooled { hash, record, intent, payload: None })
    }

    /// Writes what came of a payment; it is on disk when this returns. Returns its hash.
    ///
    /// A full spool takes outcomes all the same: what they tell of has happened.
    ///
    /// # Errors
    /// When the record is wrong, does not follow the outcome before it, or the disk fails.
    pub fn append_outcome(&mut self, record: &OutcomeRecord) -> Result<B256, SpoolError> {
        let canonical = record.canonical()?;
        OutcomeRecord::from_canonical(&canonical)?;
        let hash = keccak256(&canonical);
        self.outcomes.follows(record).map_err(RecordError::Inconsistent)?;
        let line = Line::Outcome { hash, record: canonical };
        self.file.write(&line.render())?;
        self.apply(line).map_err(RecordError::Inconsistent)?;
        Ok(hash)
    }

    /// The last outcome of a decision, with its hash.
    ///
    /// # Errors
    /// When none is kept.
    pub fn outcome(&self, decision: B256) -> Result<&(B256, OutcomeRecord), SpoolError> {
        self.outcomes.last(decision).ok_or(SpoolError::OutcomeUnknown { decision })
    }

    /// What was decided under an idempotency key.
    pub fn by_key(&self, key: &str) -> Option<&Spooled> {
        self.keyed.get(key)
    }

    /// Keeps a signed payment; the first one kept for a decision is the one that counts, and is returned.
    ///
    /// # Errors
    /// When the disk fails: then the payment must not leave.
    pub fn signed(&mut self, spooled: &Spooled, payload: String) -> Result<String, SpoolError> {
        let key = spooled.intent.as_ref().and_then(|intent| intent.key.clone());
        let kept = key.as_ref().and_then(|key| self.keyed.get(key)).filter(|kept| kept.hash == spooled.hash);
        if let Some(first) = kept.and_then(|kept| kept.payload.clone()) {
            return Ok(first);
        }
        if let Some(key) = key {
            let line = Line::Signed { hash: spooled.hash, key: key.clone(), payload: payload.clone() };
            self.file.write(&line.render())?;
            if let Some(kept) = self.keyed.get_mut(&key) {
                kept.payload = Some(payload.clone());
            }
        }
        Ok(payload)
    }

    /// The oldest records that wait for delivery, at most `limit`.
    pub fn pending(&self, limit: usize) -> Vec<PendingRecord> {
        self.pending.values().take(limit).cloned().collect()
    }

    /// How many records wait for delivery.
    pub fn pending_count(&self) -> usize {
        self.pending.len()
    }

    /// Marks a record as taken by the API.
    ///
    /// # Errors
    /// When the disk fails: the record is then delivered again, which does no harm.
    pub fn delivered(&mut self, hash: B256) -> Result<(), SpoolError> {
        if self.place_of.contains_key(&hash) {
            self.file.write(&Line::Delivered { hash }.render())?;
            self.forget(hash);
        }
        Ok(())
    }

    fn apply(&mut self, line: Line) -> Result<(), String> {
        match line {
            Line::Head { seq, hash } => {
                self.chain = RecordChain { purse: None, seq, last: hash };
            }
            Line::Decided { hash, record: canonical, intent, trace } => {
                let record = DecisionRecord::verified(&canonical, hash).map_err(|error| error.to_string())?;
                // After a compaction old records stand before the head; only newer ones continue the chain.
                if record.seq > self.chain.seq {
                    self.chain.push(&record, hash).map_err(|error| error.to_string())?;
                }
                if let Some(key) = intent.as_ref().and_then(|intent| intent.key.clone()) {
                    self.keyed.insert(key, Spooled { hash, record, intent, payload: None });
                }
                self.remember(RecordKind::Decision, hash, canonical, trace);
            }
            Line::Signed { hash, key, payload } => {
                let kept = self.keyed.get_mut(&key).filter(|kept| kept.hash == hash);
                kept.ok_or_else(|| format!("a signature for {hash}, which was not decided"))?.payload =
                    Some(payload);
            }
            Line::Outcome { hash, record: canonical } => {
                let record = OutcomeRecord::verified(&canonical, hash).map_err(|error| error.to_string())?;
                self.outcomes.push(hash, record)?;
                self.remember(RecordKind::Outcome, hash, canonical, None);
            }
            Line::Delivered { hash } => self.forget(hash),
        }
        Ok(())
    }

    fn remember(&mut self, kind: RecordKind, hash: B256, canonical: String, trace: Option<TraceParent>) {
        self.count += 1;
        self.pending.insert(self.count, PendingRecord { kind, hash, canonical, trace });
        self.place_of.insert(hash, self.count);
    }

    fn forget(&mut self, hash: B256) {
        if let Some(place) = self.place_of.remove(&hash) {
            self.pending.remove(&place);
        }
    }
}
