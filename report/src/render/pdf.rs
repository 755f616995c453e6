//! The report on paper, and its underwriter's pack: a PDF for archives (PDF/A-2a) and for readers of every kind (PDF/UA-1), typeset from the same
//! view as the page.
//!
//! What the report says reaches the template as data, never as markup. Nothing is of this day or this machine: fonts are
//! the build's, the date is the last block's, the document is named after the report.

mod letters;
mod world;

use jiff::{Timestamp, tz::TimeZone};
use typst::foundations::{Datetime, Smart};
use typst_layout::PagedDocument;
use typst_pdf::{PdfOptions, PdfStandard, PdfStandards};

use self::world::Sheet;
use super::view::View;
use crate::{ReportError, document::Report};

const TEMPLATE: &str = include_str!("../../templates/report.typ");
const STANDARDS: [PdfStandard; 2] = [PdfStandard::A_2a, PdfStandard::Ua_1];

/// The PDF of what is shown of a report.
///
/// # Errors
/// When it cannot be typeset.
pub(super) fn pdf(report: &Report, view: View<'_>) -> Result<Vec<u8>, ReportError> {
    let drawn = draw(report, view);
    // The typesetter remembers what it did, for whoever edits a document: nobody does here.
    typst::comemo::evict(0);
    drawn
}

fn draw(report: &Report, view: View<'_>) -> Result<Vec<u8>, ReportError> {
    let standards =
        PdfStandards::new(&STANDARDS).map_err(|error| ReportError::Drawing(error.message().to_string()))?;
    let options = PdfOptions {
        ident: Smart::Custom(format!("{} {}", view.kind, report.id)),
        creator: Smart::Custom(Some(report.producer.clone())),
        timestamp: moment(report.subject.block_time).map(typst_pdf::Timestamp::new_utc),
        standards,
        ..PdfOptions::default()
    };
    typst_pdf::pdf(&typeset(view)?, &options).map_err(|errors| told(&errors))
}

/// Its pages.
fn typeset(mut view: View<'_>) -> Result<PagedDocument, ReportError> {
    for chart in view.sections.iter_mut().flat_map(|section| &mut section.charts) {
        chart.svg = chart.svg.replace('\n', " ");
    }
    let view = serde_json::to_value(view).map_err(|error| ReportError::Json(error.to_string()))?;
    let sheet = Sheet::new(TEMPLATE, [("view.json", letters::legible(view).to_string())])?;
    typst::compile(&sheet).output.map_err(|errors| told(&errors))
}

fn moment(seconds: u64) -> Option<Datetime> {
    let at = Timestamp::from_second(i64::try_from(seconds).ok()?).ok()?.to_zoned(TimeZone::UTC);
    let part = |number: i8| u8::try_from(number).ok();
    let (month, day) = (part(at.month())?, part(at.day())?);
    let (hour, minute, second) = (part(at.hour())?, part(at.minute())?, part(at.second())?);
    Datetime::from_ymd_hms(i32::from(at.year()), month, day, hour, minute, second)
}

fn told(errors: &[typst::diag::SourceDiagnostic]) -> ReportError {
    let messages: Vec<&str> = errors.iter().map(|error| error.message.as_str()).collect();
    ReportError::Drawing(messages.join("; "))
}

#[cfg(test)]
mod tests;
