//! Annexes as they are written: hashed and counted on their way, wherever they go.

use std::{
    collections::BTreeMap,
    io::{self, Write},
};

use sha2::{Digest as _, Sha256};

use super::{Annex, Summary, guarded};
use crate::ReportError;

/// The records of agents, as they were handed in: a line of JSON for each decision.
pub const RECORDS: &str = "records.jsonl";

/// Counts and hashes what passes.
struct Hashing<W> {
    to: W,
    bytes: u64,
    hash: Sha256,
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let written = self.to.write(buffer)?;
        self.hash.update(buffer.get(..written).unwrap_or_default());
        self.bytes = self.bytes.saturating_add(u64::try_from(written).unwrap_or(u64::MAX));
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

impl<W: Write> Hashing<W> {
    fn new(to: W) -> Self {
        Self { to, bytes: 0, hash: Sha256::new() }
    }

    fn summary(mut self, name: &str, file: String, rows: u64) -> Result<(Summary, W), ReportError> {
        self.flush()?;
        let sha256 = hex::encode(self.hash.finalize());
        Ok((Summary { name: name.to_owned(), file, rows, bytes: self.bytes, sha256 }, self.to))
    }
}

/// Every file beside the report, open.
pub struct Annexes<W: Write> {
    tables: BTreeMap<Annex, (csv::Writer<Hashing<W>>, u64)>,
    records: (Hashing<W>, u64),
}

impl<W: Write> std::fmt::Debug for Annexes<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Annexes").finish_non_exhaustive()
    }
}

impl<W: Write> Annexes<W> {
    /// Opens every file by its name and writes headings.
    ///
    /// # Errors
    /// When a file cannot be opened or written.
    pub fn open(mut file: impl FnMut(&str) -> io::Result<W>) -> Result<Self, ReportError> {
        let mut tables = BTreeMap::new();
        for annex in Annex::ALL {
            let mut writer = csv::Writer::from_writer(Hashing::new(file(&annex.file())?));
            writer.write_record(annex.columns())?;
            tables.insert(*annex, (writer, 0));
        }
        Ok(Self { tables, records: (Hashing::new(file(RECORDS)?), 0) })
    }

    /// Writes a row.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn row(&mut self, annex: Annex, cells: &[String]) -> Result<(), ReportError> {
        let Some((writer, rows)) = self.tables.get_mut(&annex) else { return Ok(()) };
        for cell in cells {
            writer.write_field(guarded(cell).as_bytes())?;
        }
        writer.write_record(None::<&[u8]>)?;
        *rows = rows.saturating_add(1);
        Ok(())
    }

    /// Writes a line of records.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn record(&mut self, line: &str) -> Result<(), ReportError> {
        let (writer, rows) = &mut self.records;
        writer.write_all(line.as_bytes())?;
        writer.write_all(b"\n")?;
        *rows = rows.saturating_add(1);
        Ok(())
    }

    /// What was written, and where to.
    ///
    /// # Errors
    /// When it cannot be written to the end.
    pub fn close(self) -> Result<Vec<(Summary, W)>, ReportError> {
        let mut all = Vec::with_capacity(self.tables.len() + 1);
        for (annex, (writer, rows)) in self.tables {
            let hashing = writer.into_inner().map_err(csv::IntoInnerError::into_error)?;
            all.push(hashing.summary(annex.name(), annex.file(), rows)?);
        }
        let (records, rows) = self.records;
        all.push(records.summary("records", RECORDS.to_owned(), rows)?);
        Ok(all)
    }
}
