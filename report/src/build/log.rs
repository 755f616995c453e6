//! The transparency log, as a report takes it.

use std::io::Write;

use alloy::primitives::B256;
use bursar_sdk::transparency::{Entry, SignedCheckpoint};

use super::Builder;
use crate::ReportError;

impl<W: Write> Builder<W> {
    /// Begins with the transparency log. After everything else.
    ///
    /// # Errors
    /// When an anchor does not read, or the log could not be so large.
    pub fn log(&mut self) -> Result<(), ReportError> {
        self.log.begin(self.subject.log_size, &self.books.anchors)
    }

    /// Takes the log's next entry.
    ///
    /// # Errors
    /// When it is not the next one, or another treasury's, or cannot be written.
    pub fn logged(&mut self, number: u64, entry: &Entry) -> Result<(), ReportError> {
        let of = (self.subject.treasury, self.subject.records_until);
        let row = self.log.entry(number, entry, of, &mut self.trials)?;
        self.put(row)?;
        self.found()
    }

    /// Takes what the log's keeper has signed of it.
    pub fn signed(&mut self, checkpoint: Option<SignedCheckpoint>) {
        self.signed = checkpoint;
    }

    /// The size and the root of the log as it was taken.
    ///
    /// # Errors
    /// Never: its edge is there.
    pub fn log_root(&self) -> Result<(u64, B256), ReportError> {
        self.log.root()
    }
}
