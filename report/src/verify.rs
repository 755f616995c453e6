//! What anyone can hold a report against, without us: itself and its files, and the chain.

mod again;
mod chain;
mod compare;
mod files;
mod log;
mod read;

use std::path::Path;

use serde::Serialize;

use crate::{
    ReportError,
    bundle::REPORT,
    document::{Report, SCHEMA},
    render,
};

pub use self::chain::{anchors, on_chain};

/// How many places one check names.
const MOST_PLACES: usize = 20;

/// One thing that was checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Check {
    /// What has to hold.
    pub what: String,
    /// Whether it does.
    pub outcome: Outcome,
    /// Where it does not, with what was expected and what is there; or why it was not checked.
    pub places: Vec<String>,
}

/// What a check comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It holds.
    Holds,
    /// It does not.
    Broken,
    /// It could not be checked.
    NotChecked,
}

impl Check {
    fn holds(what: impl Into<String>) -> Self {
        Self { what: what.into(), outcome: Outcome::Holds, places: Vec::new() }
    }

    /// Broken where there are places.
    fn of(what: impl Into<String>, places: Vec<String>) -> Self {
        let outcome = if places.is_empty() { Outcome::Holds } else { Outcome::Broken };
        Self { what: what.into(), outcome, places: the_first(places) }
    }

    /// Cannot be checked, and why, place by place.
    fn left_out(what: impl Into<String>, places: Vec<String>) -> Self {
        Self { what: what.into(), outcome: Outcome::NotChecked, places: the_first(places) }
    }

    fn not_checked(what: impl Into<String>, why: impl Into<String>) -> Self {
        Self { what: what.into(), outcome: Outcome::NotChecked, places: vec![why.into()] }
    }
}

/// As many places as one check names, and how many more there are.
fn the_first(mut places: Vec<String>) -> Vec<String> {
    let hidden = places.len().saturating_sub(MOST_PLACES);
    if hidden != 0 {
        places.truncate(MOST_PLACES);
        places.push(format!("and {hidden} more"));
    }
    places
}

/// Everything that was checked.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Verification {
    /// SHA-256 of `report.json`, in hex.
    pub digest: String,
    /// One after the other.
    pub checks: Vec<Check>,
}

impl Verification {
    /// Whether nothing is broken.
    pub fn holds(&self) -> bool {
        self.checks.iter().all(|check| check.outcome != Outcome::Broken)
    }
}

/// Holds a report against itself and its files, without a network; and gives it, where it reads.
///
/// # Errors
/// When there is no `report.json`, or a file cannot be read.
pub fn offline(folder: &Path) -> Result<(Verification, Option<Report>), ReportError> {
    let text = std::fs::read(folder.join(REPORT))?;
    let mut verification = Verification { digest: render::digest(&text), checks: Vec::new() };
    let report = match itself(&text) {
        Ok(report) => report,
        Err(place) => {
            verification.checks.push(Check::of("report.json is a report in canonical form", vec![place]));
            return Ok((verification, None));
        }
    };
    let checks = &mut verification.checks;
    checks.push(Check::holds("report.json is a report in canonical form"));
    let id = report.subject.id()?;
    let named = if id == report.id { vec![] } else { vec![format!("expected id {id}, got {}", report.id)] };
    checks.push(Check::of("its id follows from what it is about", named));
    checks.push(files::unchanged(folder, &report)?);
    checks.push(files::adds_up(folder, &report)?);
    checks.push(log::root(folder, &report)?);
    checks.extend(again::made_again(folder, &report)?);
    checks.extend(files::renderings(folder, &report)?);
    Ok((verification, Some(report)))
}

/// The report, or what is wrong with its text.
fn itself(text: &[u8]) -> Result<Report, String> {
    let report: Report = serde_json::from_slice(text).map_err(|error| format!("report.json: {error}"))?;
    if report.schema != SCHEMA {
        return Err(format!("expected schema {SCHEMA:?}, got {:?}", report.schema));
    }
    let canonical = report.canonical().map_err(|error| error.to_string())?;
    if canonical.as_bytes() != text {
        let at = canonical.bytes().zip(text).take_while(|(a, b)| a == *b).count();
        return Err(format!("report.json, byte {at}: not the canonical form (RFC 8785) of what it says"));
    }
    Ok(report)
}
