//! How a report looks: a page, paper, and what assessment tools read. All of it follows from the report alone.

mod chart;
mod html;
mod oscal;
#[cfg(feature = "pdf")]
mod pdf;
mod underwriting;
mod view;

use sha2::{Digest as _, Sha256};

use crate::{ReportError, document::Report};

use self::view::View;
pub use self::{
    html::html,
    oscal::{assessment_results, catalog},
};

/// One way in which a report looks.
#[derive(Debug)]
pub struct Rendering {
    /// The name of its file.
    pub name: &'static str,
    draw: fn(&Report) -> Result<Option<Vec<u8>>, ReportError>,
}

/// Every rendering.
pub const ALL: [Rendering; 6] = [
    Rendering { name: "report.html", draw: |report| Ok(Some(html(report)?.into_bytes())) },
    Rendering { name: "report.pdf", draw: |report| paper(report, View::of(report)?) },
    Rendering {
        name: "underwriting.json",
        draw: |report| Ok(Some(underwriting::pack(report)?.into_bytes())),
    },
    Rendering { name: "underwriting.pdf", draw: |report| paper(report, View::underwriting(report)?) },
    Rendering {
        name: "oscal-assessment-results.json",
        draw: |report| Ok(Some(assessment_results(report)?.into_bytes())),
    },
    Rendering { name: "oscal-catalog.json", draw: |report| Ok(Some(catalog(report)?.into_bytes())) },
];

impl Rendering {
    /// What is in its file; `None` where this build cannot draw it.
    ///
    /// # Errors
    /// When it cannot be drawn.
    pub fn draw(&self, report: &Report) -> Result<Option<Vec<u8>>, ReportError> {
        (self.draw)(report)
    }
}

#[cfg(feature = "pdf")]
fn paper(report: &Report, view: View<'_>) -> Result<Option<Vec<u8>>, ReportError> {
    pdf::pdf(report, view).map(Some)
}

#[cfg(not(feature = "pdf"))]
fn paper(_report: &Report, _view: View<'_>) -> Result<Option<Vec<u8>>, ReportError> {
    Ok(None)
}

/// SHA-256, in hex.
pub(crate) fn digest(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}
