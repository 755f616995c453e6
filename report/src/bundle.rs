//! A report as it is handed over: a folder with the report, its annexes, and how it looks.

use std::{
    fs::{self, File},
    io::{self, BufWriter},
    path::{Path, PathBuf},
};

use bursar_indexer::Store;
use bursar_sdk::transparency::Keeper;

use crate::{
    ReportError,
    annex::Annexes,
    build::Builder,
    document::Report,
    gather::{self, Question},
    render,
};

/// The report itself.
pub const REPORT: &str = "report.json";

/// Where a report was written.
#[derive(Debug)]
pub struct Written {
    /// The folder.
    pub folder: PathBuf,
    /// The report.
    pub report: Report,
    /// SHA-256 of `report.json`, in hex: what names this very report.
    pub digest: String,
    /// The names of the files that it can be looked at in: those that this build draws.
    pub renderings: Vec<&'static str>,
}

/// Writes the report of a store to a folder that is not there yet; `keeper` signs the root of the transparency log in it.
///
/// # Errors
/// When the folder is there, the store cannot answer ([`gather`]), or something cannot be written.
pub async fn write(
    store: &Store,
    question: Question,
    keeper: Option<&Keeper>,
    folder: &Path,
) -> Result<Written, ReportError> {
    let subject = gather::subject(store, question).await?;
    let (chain_id, treasury) = (subject.chain_id, subject.treasury);
    let mut builder = gather::report(store, subject, open(folder)?).await?;
    let (size, root) = builder.log_root()?;
    let signed = keeper.map(|keeper| keeper.sign(chain_id, treasury, size, root)).transpose();
    builder.signed(signed.map_err(|error| ReportError::Unknown(error.to_string()))?);
    close(folder, builder)
}

/// Opens the annexes of a report in a folder that is not there yet.
///
/// # Errors
/// When it is there, or cannot be written.
pub fn open(folder: &Path) -> Result<Annexes<BufWriter<File>>, ReportError> {
    if let Some(parent) = folder.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        fs::create_dir_all(parent)?;
    }
    fs::create_dir(folder).map_err(|error| {
        let expected = format!("expected a folder that is not there yet, got {}: {error}", folder.display());
        io::Error::new(error.kind(), expected)
    })?;
    Annexes::open(|name| Ok(BufWriter::new(File::create_new(folder.join(name))?)))
}

/// Writes the report once everything was taken. `report.json` comes last: without it, there is no report.
///
/// # Errors
/// When something cannot be written.
pub fn close(folder: &Path, builder: Builder<BufWriter<File>>) -> Result<Written, ReportError> {
    let (report, files) = builder.finish()?;
    for (_, writer) in files {
        writer.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
    }
    let mut renderings = Vec::new();
    for rendering in &render::ALL {
        if let Some(bytes) = rendering.draw(&report)? {
            fs::write(folder.join(rendering.name), bytes)?;
            renderings.push(rendering.name);
        }
    }
    let canonical = report.canonical()?;
    fs::write(folder.join(REPORT), &canonical)?;
    let digest = render::digest(canonical.as_bytes());
    Ok(Written { folder: folder.to_owned(), report, digest, renderings })
}
