//! A report as it is shown: what page and paper have in common.

use bursar_sdk::readable;
use serde::Serialize;

use super::{chart, digest};
use crate::{
    ReportError, controls,
    document::{self, Report},
    figure::{Figure, Rows, Source, Unit},
    subject::{Applicability, Subject},
    text,
    trial::Verdict,
};

/// A report, ready to be drawn.
#[derive(Debug, Serialize)]
pub(super) struct View<'a> {
    /// What kind of document it is.
    pub(super) kind: &'static str,
    pub(super) id: String,
    pub(super) producer: &'a str,
    pub(super) subject: &'a Subject,
    /// SHA-256 of `report.json`, in hex.
    pub(super) digest: String,
    /// The time of its last block.
    pub(super) at: String,
    pub(super) sections: Vec<Section<'a>>,
    pub(super) frameworks: Vec<Framework<'a>>,
}

#[derive(Debug, Serialize)]
pub(super) struct Section<'a> {
    pub(super) id: &'a str,
    pub(super) title: &'a str,
    pub(super) text: Vec<Vec<Words<'a>>>,
    pub(super) charts: Vec<chart::Chart>,
    pub(super) tables: Vec<Table<'a>>,
}

/// Words, or what is typed as it stands.
#[derive(Debug, Serialize)]
pub(super) struct Words<'a> {
    pub(super) code: bool,
    pub(super) text: &'a str,
}

#[derive(Debug, Serialize)]
pub(super) struct Table<'a> {
    pub(super) title: &'a str,
    /// Headings, and whether numbers stand below them.
    pub(super) columns: Vec<(&'a str, bool)>,
    pub(super) rows: Vec<Vec<Cell>>,
    pub(super) more: Option<&'a document::More>,
}

/// A cell as it is shown.
#[derive(Debug, Serialize)]
pub(super) struct Cell {
    pub(super) class: &'static str,
    pub(super) text: String,
    /// What stands behind it, for whoever asks: the exact value, and where it is from.
    pub(super) from: String,
    /// Whether it is a number that can be followed to rows.
    pub(super) followed: bool,
}

#[derive(Debug, Serialize)]
pub(super) struct Framework<'a> {
    pub(super) name: &'a str,
    pub(super) applies: &'static str,
    pub(super) because: &'a str,
    pub(super) controls: Vec<Control<'a>>,
}

#[derive(Debug, Serialize)]
pub(super) struct Control<'a> {
    pub(super) id: &'a str,
    pub(super) paraphrase: &'a str,
    pub(super) note: Option<&'a str>,
    pub(super) evidence: String,
    /// Sections.
    pub(super) see: &'a [String],
    pub(super) verdict: &'static str,
}

impl<'a> View<'a> {
    /// What is shown of a report.
    ///
    /// # Errors
    /// When a chart cannot be drawn.
    pub(super) fn of(report: &'a Report) -> Result<Self, ReportError> {
        let frameworks = report.frameworks.iter().map(framework).collect();
        Self::new(report, "Bursar report", &report.sections, frameworks)
    }

    /// What is shown of its underwriter's pack.
    ///
    /// # Errors
    /// As [`Self::of`].
    pub(super) fn underwriting(report: &'a Report) -> Result<Self, ReportError> {
        Self::new(report, "Bursar underwriter's pack", &report.underwriting, Vec::new())
    }

    fn new(
        report: &'a Report,
        kind: &'static str,
        of: &'a [document::Section],
        frameworks: Vec<Framework<'a>>,
    ) -> Result<Self, ReportError> {
        let mut sections = Vec::with_capacity(of.len());
        for it in of {
            sections.push(Section {
                id: &it.id,
                title: &it.title,
                text: it.text.iter().map(|text| words(text)).collect(),
                charts: chart::of(report, it)?,
                tables: it.tables.iter().map(|it| table(report, it)).collect(),
            });
        }
        Ok(Self {
            kind,
            id: report.id.to_string(),
            producer: &report.producer,
            subject: &report.subject,
            digest: digest(report.canonical()?.as_bytes()),
            at: text::moment(report.subject.block_time),
            sections,
            frameworks,
        })
    }
}

/// What stands between backticks is code.
fn words(text: &str) -> Vec<Words<'_>> {
    text.split('`').enumerate().map(|(i, text)| Words { code: i % 2 == 1, text }).collect()
}

fn framework(it: &controls::Framework) -> Framework<'_> {
    let Applicability { applies, because } = &it.applicability;
    let controls = it.controls.iter().map(control).collect();
    Framework { name: &it.name, applies: applies.words(), because, controls }
}

fn control(it: &controls::Control) -> Control<'_> {
    Control {
        id: &it.id,
        paraphrase: &it.paraphrase,
        note: it.note.as_deref(),
        evidence: it.evidence.join(", "),
        see: &it.sections,
        verdict: it.verdict.map_or("outside the ledger", Verdict::words),
    }
}

fn table<'a>(report: &Report, it: &'a document::Table) -> Table<'a> {
    let rows: Vec<Vec<Cell>> =
        it.rows.iter().map(|row| row.iter().map(|cell| shown(report, cell)).collect()).collect();
    let numbers =
        |place: usize| rows.iter().any(|row| row.get(place).is_some_and(|cell| cell.class == "number"));
    let columns =
        it.columns.iter().enumerate().map(|(place, name)| (name.as_str(), numbers(place))).collect();
    Table { title: &it.title, columns, rows, more: it.more.as_ref() }
}

fn shown(report: &Report, cell: &document::Cell) -> Cell {
    let (class, text, from) = match cell {
        document::Cell::Text(text) => (if is_hex(text) { "hex" } else { "" }, text.clone(), String::new()),
        document::Cell::Time(at) => ("time", format!("{} UTC", text::moment(*at)), at.to_string()),
        document::Cell::Limit(value, asset) => {
            ("number", money(report, value, *asset), format!("{value} units"))
        }
        document::Cell::Figure(figure) => ("number", number(report, figure), followed(figure)),
    };
    Cell { class, text, from, followed: matches!(cell, document::Cell::Figure(_)) }
}

/// Addresses, hashes and digests.
fn is_hex(text: &str) -> bool {
    let digits = text.strip_prefix("0x").unwrap_or(text);
    digits.len() >= 40 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn number(report: &Report, figure: &Figure) -> String {
    match figure.unit {
        Unit::Count => readable::grouped(&figure.value),
        Unit::Ppm => text::percent(&figure.value),
        Unit::Asset(asset) => money(report, &figure.value, asset),
    }
}

fn money(report: &Report, units: &str, asset: alloy::primitives::Address) -> String {
    match report.subject.asset(asset) {
        Some(name) => format!("{} {}", readable::decimal(units, name.decimals), name.symbol),
        None => format!("{} units", readable::grouped(units)),
    }
}

/// How a number can be followed: its exact value, and which rows it is from.
fn followed(figure: &Figure) -> String {
    format!("{} = {}", figure.value, source(&figure.from))
}

fn source(from: &Source) -> String {
    match from {
        Source::Count(rows) => format!("rows of {}", which(rows)),
        Source::Sum(rows) => format!("amounts of {}", which(rows)),
        Source::Balance { plus, minus } => {
            let all = |of: &[Source]| of.iter().map(source).collect::<Vec<_>>().join(" + ");
            if minus.is_empty() { all(plus) } else { format!("{} - ({})", all(plus), all(minus)) }
        }
        Source::Share { part, whole } => format!("millionths: {} of {}", source(part), source(whole)),
    }
}

fn which(rows: &Rows) -> String {
    let filter: Vec<String> =
        rows.filter.iter().map(|(column, value)| format!("{column}={value:?}")).collect();
    if filter.is_empty() {
        return format!("{}.csv", rows.annex);
    }
    format!("{}.csv with {}", rows.annex, filter.join(" and "))
}
