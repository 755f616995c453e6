//! How a report looks: a page, and what assessment tools read. All of it follows from the report alone.

mod chart;
mod html;
mod oscal;

use sha2::{Digest as _, Sha256};

use crate::{ReportError, document::Report};

pub use self::{
    html::html,
    oscal::{assessment_results, catalog},
};

/// How the files of renderings are called.
pub const NAMES: [&str; 3] = [HTML, RESULTS, CATALOG];

const HTML: &str = "report.html";
const RESULTS: &str = "oscal-assessment-results.json";
const CATALOG: &str = "oscal-catalog.json";

/// Every rendering, by the name of its file.
///
/// # Errors
/// When one cannot be drawn.
pub fn all(report: &Report) -> Result<Vec<(&'static str, Vec<u8>)>, ReportError> {
    Ok(vec![
        (HTML, html(report)?.into_bytes()),
        (RESULTS, assessment_results(report)?.into_bytes()),
        (CATALOG, catalog(report)?.into_bytes()),
    ])
}

/// SHA-256, in hex.
pub(crate) fn digest(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}
