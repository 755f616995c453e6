//! The decision spool: what an agent decided is on disk before any signature leaves, so that a crash between
//! signing and reporting loses nothing.
//!
//! One append-only file per purse; every line is fsynced before its effect is used. A line that a crash tore
//! in the middle was never acted upon: opening drops it and says so.

mod line;

use std::{
    collections::{BTreeMap, HashMap},
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
    time::Duration,
};

use alloy::primitives::B256;

use crate::decision::{DecisionError, DecisionRecord};

pub use self::line::Intent;
use self::line::Line;

/// How many undelivered records a spool takes before it refuses the next: about a day's worth.
pub const MAX_PENDING: usize = 100_000;

/// From this size on, opening rewrites a spool without what is delivered.
const COMPACT_FROM: u64 = 4 << 20;

/// A child process holds a copy of the lock between its fork and its exec, so a lock is asked for again a few
/// times before it counts as taken.
const LOCK_TRIES: u32 = 50;
const LOCK_PAUSE: Duration = Duration::from_millis(10);

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
    #[error("expected at most {limit} undelivered decision records, got {pending}; is the API reachable?")]
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
    Decision(#[from] DecisionError),
}

/// What opening found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Recovery {
    /// Records of earlier runs.
    pub records: u64,
    /// Of these, not delivered yet.
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
    /// keccak-256 of `canonical`.
    pub hash: B256,
    /// The canonical JSON.
    pub canonical: String,
}

/// An open spool; holds a lock on its file until dropped.
#[derive(Debug)]
pub struct Spool {
    path: PathBuf,
    file: File,
    _lock: File,
    length: u64,
    poisoned: bool,
    last_seq: u64,
    last_hash: B256,
    pending: BTreeMap<u64, PendingRecord>,
    seq_of: HashMap<B256, u64>,
    keyed: HashMap<String, Spooled>,
}

impl Spool {
    /// Opens or creates the spool at `path` and recovers the chain of records from it.
    ///
    /// # Errors
    /// When the disk fails, another process holds it, or a line other than the last is damaged.
    pub fn open(path: &Path) -> Result<(Self, Recovery), SpoolError> {
        let io = |source| SpoolError::Io { path: path.to_owned(), source };
        let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        if let Some(directory) = directory {
            fs::create_dir_all(directory).map_err(io)?;
        }
        let lock = acquire_lock(path)?;
        let mut file = open_file(path).map_err(io)?;
        sync_directory(path).map_err(io)?;
        let mut text = String::new();
        let whole = {
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes).map_err(io)?;
            let end = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
            let torn = (bytes.len() - end) as u64;
            bytes.truncate(end);
            text.push_str(std::str::from_utf8(&bytes).map_err(|error| SpoolError::Corrupt {
                path: path.to_owned(),
                line: bytes[..error.valid_up_to()].iter().filter(|byte| **byte == b'\n').count() + 1,
                what: error.to_string(),
            })?);
            (end as u64, torn)
        };
        let (length, torn_bytes) = whole;
        if torn_bytes != 0 {
            file.set_len(length).and_then(|()| file.sync_data()).map_err(io)?;
            tracing::warn!(path = %path.display(), torn_bytes, "dropped a torn line of the decision spool");
        }
        let mut spool = Self {
            path: path.to_owned(),
            file,
            _lock: lock,
            length,
            poisoned: false,
            last_seq: 0,
            last_hash: B256::ZERO,
            pending: BTreeMap::new(),
            seq_of: HashMap::new(),
            keyed: HashMap::new(),
        };
        for (number, line) in text.lines().enumerate() {
            let corrupt = |what| SpoolError::Corrupt { path: path.to_owned(), line: number + 1, what };
            spool.apply(Line::parse(line).map_err(corrupt)?).map_err(corrupt)?;
        }
        if length >= COMPACT_FROM {
            spool.compact()?;
        }
        spool.file.seek(SeekFrom::End(0)).map_err(io)?;
        let recovery = Recovery { records: spool.last_seq, pending: spool.pending.len(), torn_bytes };
        Ok((spool, recovery))
    }

    /// Writes the next record of the chain; it is on disk when this returns.
    ///
    /// `draft` gets the record's sequence number and the hash of the one before.
    ///
    /// # Errors
    /// When the record is wrong, the spool is full, or the disk fails: then nothing may be signed.
    pub fn append(
        &mut self,
        draft: impl FnOnce(u64, B256) -> DecisionRecord,
        intent: Option<Intent>,
    ) -> Result<Spooled, SpoolError> {
        if self.pending.len() >= MAX_PENDING {
            return Err(SpoolError::Full { limit: MAX_PENDING, pending: self.pending.len() });
        }
        let record = draft(self.last_seq + 1, self.last_hash);
        if (record.seq, record.prev_hash) != (self.last_seq + 1, self.last_hash) {
            let what = format!("expected record {} after {}", self.last_seq + 1, self.last_hash);
            return Err(DecisionError::Inconsistent(what).into());
        }
        let canonical = record.canonical()?;
        // What the API would refuse must not be signed for either.
        DecisionRecord::from_canonical(&canonical)?;
        let hash = alloy::primitives::keccak256(&canonical);
        let line = Line::Decided { hash, record: canonical, intent: intent.clone() };
        self.write(&line)?;
        self.apply(line).map_err(DecisionError::Inconsistent)?;
        Ok(Spooled { hash, record, intent, payload: None })
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
            self.write(&Line::Signed { hash: spooled.hash, key: key.clone(), payload: payload.clone() })?;
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
        if let Some(seq) = self.seq_of.get(&hash).copied() {
            self.write(&Line::Delivered { hash })?;
            self.pending.remove(&seq);
            self.seq_of.remove(&hash);
        }
        Ok(())
    }

    fn apply(&mut self, line: Line) -> Result<(), String> {
        match line {
            Line::Head { seq, hash } => (self.last_seq, self.last_hash) = (seq, hash),
            Line::Decided { hash, record: canonical, intent } => {
                let record = DecisionRecord::verified(&canonical, hash).map_err(|error| error.to_string())?;
                // After a compaction old records stand before the head; only newer ones continue the chain.
                if record.seq > self.last_seq {
                    if record.seq != self.last_seq + 1 || record.prev_hash != self.last_hash {
                        return Err(format!(
                            "expected record {} after {}, got record {} after {}",
                            self.last_seq + 1,
                            self.last_hash,
                            record.seq,
                            record.prev_hash
                        ));
                    }
                    (self.last_seq, self.last_hash) = (record.seq, hash);
                }
                let seq = record.seq;
                if let Some(key) = intent.as_ref().and_then(|intent| intent.key.clone()) {
                    self.keyed.insert(key, Spooled { hash, record, intent, payload: None });
                }
                self.pending.insert(seq, PendingRecord { hash, canonical });
                self.seq_of.insert(hash, seq);
            }
            Line::Signed { hash, key, payload } => {
                let kept = self.keyed.get_mut(&key).filter(|kept| kept.hash == hash);
                kept.ok_or_else(|| format!("a signature for {hash}, which was not decided"))?.payload =
                    Some(payload);
            }
            Line::Delivered { hash } => {
                if let Some(seq) = self.seq_of.remove(&hash) {
                    self.pending.remove(&seq);
                }
            }
        }
        Ok(())
    }

    fn write(&mut self, line: &Line) -> Result<(), SpoolError> {
        if self.poisoned {
            return Err(SpoolError::Poisoned { path: self.path.clone() });
        }
        let text = line.render();
        let written = self.file.write_all(text.as_bytes()).and_then(|()| self.file.sync_data());
        if let Err(source) = written {
            // Half a line must not be continued by the next one.
            let undone = self
                .file
                .set_len(self.length)
                .and_then(|()| self.file.seek(SeekFrom::Start(self.length)).map(drop));
            self.poisoned = undone.is_err();
            return Err(SpoolError::Io { path: self.path.clone(), source });
        }
        self.length += text.len() as u64;
        Ok(())
    }

    /// Rewrites the file with what still matters: the chain's head, what waits, and what keys stand for.
    fn compact(&mut self) -> Result<(), SpoolError> {
        let mut text = Line::Head { seq: self.last_seq, hash: self.last_hash }.render();
        for spooled in self.keyed.values() {
            let canonical = spooled.record.canonical()?;
            let (hash, intent) = (spooled.hash, spooled.intent.clone());
            text.push_str(&Line::Decided { hash, record: canonical, intent: intent.clone() }.render());
            if let (Some(payload), Some(key)) = (&spooled.payload, intent.and_then(|intent| intent.key)) {
                text.push_str(&Line::Signed { hash, key, payload: payload.clone() }.render());
            }
            if !self.seq_of.contains_key(&hash) {
                text.push_str(&Line::Delivered { hash }.render());
            }
        }
        let kept: Vec<B256> = self.keyed.values().map(|spooled| spooled.hash).collect();
        for waiting in self.pending.values().filter(|waiting| !kept.contains(&waiting.hash)) {
            let (hash, record) = (waiting.hash, waiting.canonical.clone());
            text.push_str(&Line::Decided { hash, record, intent: None }.render());
        }
        let io = |source| SpoolError::Io { path: self.path.clone(), source };
        let fresh = self.path.with_extension("compacting");
        let mut file = File::create(&fresh).map_err(io)?;
        file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(io)?;
        fs::rename(&fresh, &self.path).and_then(|()| sync_directory(&self.path)).map_err(io)?;
        self.file = open_file(&self.path).map_err(io)?;
        self.length = text.len() as u64;
        Ok(())
    }
}

fn open_file(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)
}

/// A file of its own, since compaction replaces the spool's.
fn acquire_lock(path: &Path) -> Result<File, SpoolError> {
    let lock = path.with_extension("lock");
    let file = open_file(&lock).map_err(|source| SpoolError::Io { path: lock.clone(), source })?;
    for _ in 0..LOCK_TRIES {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(fs::TryLockError::WouldBlock) => std::thread::sleep(LOCK_PAUSE),
            Err(fs::TryLockError::Error(source)) => return Err(SpoolError::Io { path: lock, source }),
        }
    }
    Err(SpoolError::Locked { path: path.to_owned() })
}

/// A new name in a directory survives a crash only once the directory is synced.
fn sync_directory(path: &Path) -> io::Result<()> {
    match path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        Some(directory) => File::open(directory)?.sync_all(),
        None => Ok(()),
    }
}
