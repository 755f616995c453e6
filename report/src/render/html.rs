//! The report as one page that needs nothing else: no script, no font, no picture from elsewhere.

use askama::Template;

use super::view::View;
use crate::{ReportError, document::Report};

const STYLE: &str = include_str!("../../templates/report.css");

#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    view: View<'a>,
    style: &'static str,
}

/// The page.
///
/// # Errors
/// When it does not render.
pub fn html(report: &Report) -> Result<String, ReportError> {
    let page = Page { view: View::of(report)?, style: STYLE };
    page.render().map_err(|error| ReportError::Drawing(error.to_string()))
}
