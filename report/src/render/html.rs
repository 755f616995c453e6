//! The report as one page that needs nothing else: no script, no font, no picture from elsewhere.

use askama::Template;
use bursar_sdk::readable;

use super::{chart, digest};
use crate::{
    ReportError,
    document::{self, Report},
    figure::{Figure, Rows, Source, Unit},
    text,
};

const STYLE: &str = include_str!("../../templates/report.css");

#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    report: &'a Report,
    style: &'static str,
    digest: String,
    at: String,
    sections: Vec<Section<'a>>,
}

struct Section<'a> {
    it: &'a document::Section,
    text: Vec<Vec<Words<'a>>>,
    charts: Vec<chart::Chart>,
    tables: Vec<Table<'a>>,
}

/// Words, or what is typed as it stands.
struct Words<'a> {
    code: bool,
    text: &'a str,
}

struct Table<'a> {
    it: &'a document::Table,
    /// Headings, and whether numbers stand below them.
    columns: Vec<(&'a str, bool)>,
    rows: Vec<Vec<Cell>>,
}

/// A cell as it is shown.
struct Cell {
    class: &'static str,
    text: String,
    /// Where it is from, for whoever asks.
    from: String,
}

/// The page.
///
/// # Errors
/// When it does not render.
pub fn html(report: &Report) -> Result<String, ReportError> {
    let mut sections = Vec::with_capacity(report.sections.len());
    for it in &report.sections {
        let tables = it.tables.iter().map(|it| table(report, it)).collect();
        let text = it.text.iter().map(|text| words(text)).collect();
        sections.push(Section { charts: chart::of(report, it)?, tables, text, it });
    }
    let page = Page {
        digest: digest(report.canonical()?.as_bytes()),
        at: text::moment(report.subject.block_time),
        style: STYLE,
        sections,
        report,
    };
    page.render().map_err(|error| ReportError::Drawing(error.to_string()))
}

/// What stands between backticks is code.
fn words(text: &str) -> Vec<Words<'_>> {
    text.split('`').enumerate().map(|(i, text)| Words { code: i % 2 == 1, text }).collect()
}

fn table<'a>(report: &Report, it: &'a document::Table) -> Table<'a> {
    let rows: Vec<Vec<Cell>> =
        it.rows.iter().map(|row| row.iter().map(|cell| shown(report, cell)).collect()).collect();
    let numbers =
        |place: usize| rows.iter().any(|row| row.get(place).is_some_and(|cell| cell.class == "number"));
    let columns =
        it.columns.iter().enumerate().map(|(place, name)| (name.as_str(), numbers(place))).collect();
    Table { it, columns, rows }
}

fn shown(report: &Report, cell: &document::Cell) -> Cell {
    match cell {
        document::Cell::Text(text) if is_hex(text) => {
            Cell { class: "hex", text: text.clone(), from: String::new() }
        }
        document::Cell::Text(text) => Cell { class: "", text: text.clone(), from: String::new() },
        document::Cell::Time(at) => {
            Cell { class: "time", text: format!("{} UTC", text::moment(*at)), from: at.to_string() }
        }
        document::Cell::Limit(value, asset) => {
            Cell { class: "number", text: money(report, value, *asset), from: format!("{value} units") }
        }
        document::Cell::Figure(figure) => {
            Cell { class: "number", text: number(report, figure), from: followed(figure) }
        }
    }
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
            format!("{} - ({})", all(plus), all(minus))
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
