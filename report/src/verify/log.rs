//! The transparency log of a report: its entries come to the root that the report says, and that its keeper signed.

use std::path::Path;

use alloy::primitives::B256;
use bursar_sdk::transparency::{Checkpoint, Growth, SignedCheckpoint, leaf_hash, origin};

use super::{Check, read::Table};
use crate::{ReportError, annex::Annex, document::Report};

const WHAT: &str =
    "the transparency log's entries come to its root, and to the checkpoint where one is signed";

/// Grows the tree anew.
pub(super) fn root(folder: &Path, report: &Report) -> Result<Check, ReportError> {
    let (size, root) = match grown(folder, report) {
        Ok(grown) => grown,
        Err(error) => return Ok(Check::of(WHAT, vec![error.to_string()])),
    };
    let mut places = Vec::new();
    let (expected, file) = (report.subject.log_size, Annex::Log.file());
    if size != expected {
        places.push(format!("{file}: expected {expected} entries, got {size}"));
    }
    if root != report.log.root {
        places.push(format!("{file}: expected entries of root {}, got {root}", report.log.root));
    }
    if let Some(signed) = &report.log.checkpoint
        && let Err(place) = says(signed, report, (size, root))
    {
        places.push(format!("report.json, checkpoint: {place}"));
    }
    Ok(Check::of(WHAT, places))
}

fn grown(folder: &Path, report: &Report) -> Result<(u64, B256), ReportError> {
    let broken = |error: &dyn std::fmt::Display| ReportError::row(Annex::Log, error.to_string());
    let (mut growth, mut log) = (Growth::default(), Table::open(folder, Annex::Log)?);
    while let Some(row) = log.next_row()? {
        let (number, entry) = row.logged(report.subject.treasury)?;
        if number != growth.size() {
            return Err(broken(&format!("expected entry {}, got {number}", growth.size())));
        }
        let leaf = entry.canonical().map_err(|error| broken(&error))?;
        growth.push(leaf_hash(leaf.as_bytes())).map_err(|error| broken(&error))?;
    }
    Ok((growth.size(), growth.root().map_err(|error| broken(&error))?))
}

/// Whether a checkpoint is signed with the key that it comes with, and says so of this log.
fn says(signed: &SignedCheckpoint, report: &Report, (size, root): (u64, B256)) -> Result<(), String> {
    let said = Checkpoint::open(&signed.note, &signed.verifier).map_err(|error| error.to_string())?;
    let keeper = said.origin.split('/').next().unwrap_or_default();
    let of = origin(keeper, report.subject.chain_id, report.subject.treasury);
    let of = of.map_err(|error| error.to_string())?;
    if said.origin != of {
        return Err(format!("expected one of {of}, got one of {}", said.origin));
    }
    if (said.size, said.root) != (size, root) {
        return Err(format!(
            "expected {size} entries with root {root}, got {} with {}",
            said.size, said.root
        ));
    }
    Ok(())
}
