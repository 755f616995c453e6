//! The underwriter's pack as a file of its own: a part of the report, with what names that report.

use serde::Serialize;
use uuid::Uuid;

use super::digest;
use crate::{
    ReportError,
    document::{Report, Section, canonical},
    subject::Subject,
};

/// The schema of the pack.
const SCHEMA: &str = "bursar.underwriting/1";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Pack<'a> {
    schema: &'static str,
    producer: &'a str,
    report: Uuid,
    /// SHA-256 of `report.json`, in hex.
    digest: String,
    subject: &'a Subject,
    sections: &'a [Section],
}

/// Its canonical JSON (RFC 8785).
///
/// # Errors
/// When it cannot be written as JSON.
pub(super) fn pack(report: &Report) -> Result<String, ReportError> {
    canonical(&Pack {
        schema: SCHEMA,
        producer: &report.producer,
        report: report.id,
        digest: digest(report.canonical()?.as_bytes()),
        subject: &report.subject,
        sections: &report.underwriting,
    })
}
