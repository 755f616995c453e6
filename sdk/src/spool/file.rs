//! The file of a spool: locked, append-only, every line fsynced.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
    time::Duration,
};

use super::SpoolError;

/// A child process holds a copy of the lock between its fork and its exec, so a lock is asked for again a few
/// times before it counts as taken.
const LOCK_TRIES: u32 = 50;
const LOCK_PAUSE: Duration = Duration::from_millis(10);

/// An open file of lines; holds its lock until dropped.
#[derive(Debug)]
pub(super) struct SpoolFile {
    pub(super) path: PathBuf,
    file: File,
    _lock: File,
    length: u64,
    poisoned: bool,
}

/// What was in it.
pub(super) struct Contents {
    /// Whole lines.
    pub(super) text: String,
    /// Bytes of a line that a crash tore; dropped.
    pub(super) torn_bytes: u64,
}

impl SpoolFile {
    /// Opens or creates the file and reads its lines.
    pub(super) fn open(path: &Path) -> Result<(Self, Contents), SpoolError> {
        let io = |source| SpoolError::Io { path: path.to_owned(), source };
        let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        if let Some(directory) = directory {
            fs::create_dir_all(directory).map_err(io)?;
        }
        let lock = acquire_lock(path)?;
        let mut file = open_file(path).map_err(io)?;
        sync_directory(path).map_err(io)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(io)?;
        let end = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let torn_bytes = (bytes.len() - end) as u64;
        bytes.truncate(end);
        let text = String::from_utf8(bytes).map_err(|error| {
            let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
            SpoolError::Corrupt {
                path: path.to_owned(),
                line: valid.iter().filter(|byte| **byte == b'\n').count() + 1,
                what: error.utf8_error().to_string(),
            }
        })?;
        let length = end as u64;
        if torn_bytes != 0 {
            file.set_len(length).and_then(|()| file.sync_data()).map_err(io)?;
            tracing::warn!(path = %path.display(), torn_bytes, "dropped a torn line of the decision spool");
        }
        file.seek(SeekFrom::End(0)).map_err(io)?;
        let file = Self { path: path.to_owned(), file, _lock: lock, length, poisoned: false };
        Ok((file, Contents { text, torn_bytes }))
    }

    /// How long it is, in bytes.
    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// Writes a line; it is on disk when this returns.
    pub(super) fn write(&mut self, line: &str) -> Result<(), SpoolError> {
        if self.poisoned {
            return Err(SpoolError::Poisoned { path: self.path.clone() });
        }
        let written = self.file.write_all(line.as_bytes()).and_then(|()| self.file.sync_data());
        if let Err(source) = written {
            // Half a line must not be continued by the next one.
            let undone = self
                .file
                .set_len(self.length)
                .and_then(|()| self.file.seek(SeekFrom::Start(self.length)).map(drop));
            self.poisoned = undone.is_err();
            return Err(SpoolError::Io { path: self.path.clone(), source });
        }
        self.length += line.len() as u64;
        Ok(())
    }

    /// Puts other lines in place of all there are, at once or not at all.
    pub(super) fn replace(&mut self, text: &str) -> Result<(), SpoolError> {
        let io = |source| SpoolError::Io { path: self.path.clone(), source };
        let fresh = self.path.with_extension("compacting");
        let mut file = File::create(&fresh).map_err(io)?;
        file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(io)?;
        fs::rename(&fresh, &self.path).and_then(|()| sync_directory(&self.path)).map_err(io)?;
        self.file = open_file(&self.path).map_err(io)?;
        self.file.seek(SeekFrom::End(0)).map_err(io)?;
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
