//! Charts as SVG, from the tables beside them: the same numbers, no others.

use bursar_sdk::readable::decimal;
use plotters::prelude::*;
use serde::Serialize;

use crate::{
    ReportError,
    document::{Cell, Report, Section, Table},
    figure::Unit,
};

const SIZE: (u32, u32) = (960, 280);
const INK: RGBColor = RGBColor(0x1b, 0x1f, 0x24);
const LINE: RGBColor = RGBColor(0xd0, 0xd4, 0xd9);
const BAR: RGBColor = RGBColor(0x0b, 0x5c, 0xad);

/// A chart, and what it shows in words.
#[derive(Debug, Serialize)]
pub(super) struct Chart {
    pub(super) says: String,
    pub(super) svg: String,
}

/// Bars: what each is called, and how much it is.
struct Bars {
    says: String,
    bars: Vec<(String, u128)>,
    decimals: u8,
}

/// The charts of a section.
pub(super) fn of(report: &Report, section: &Section) -> Result<Vec<Chart>, ReportError> {
    let mut charts = Vec::new();
    for table in &section.tables {
        let bars = match table.title.as_str() {
            "By day (UTC)" => by_day(report, table),
            "Their money" => vec![labelled(report, table, 0, 3, "Paid by envelope")],
            "Refusals by reason" => vec![labelled(report, table, 0, 1, "Refusals by reason")],
            _ => continue,
        };
        for bars in bars.into_iter().filter(|bars| bars.bars.len() > 1) {
            charts.push(Chart { svg: draw(&bars)?, says: bars.says });
        }
    }
    Ok(charts)
}

fn by_day(report: &Report, table: &Table) -> Vec<Bars> {
    let mut tokens = Vec::<Bars>::new();
    for row in &table.rows {
        let [Cell::Text(token), Cell::Text(day), _, paid] = row.as_slice() else { continue };
        let (value, decimals, symbol) = amount(report, paid);
        let says = format!("Paid per day, in {}", if symbol.is_empty() { token } else { &symbol });
        match tokens.last_mut().filter(|bars| bars.says == says) {
            Some(bars) => bars.bars.push((day.clone(), value)),
            None => tokens.push(Bars { says, bars: vec![(day.clone(), value)], decimals }),
        }
    }
    tokens
}

fn labelled(report: &Report, table: &Table, name: usize, value: usize, says: &str) -> Bars {
    let mut bars = Bars { says: says.to_owned(), bars: Vec::new(), decimals: 0 };
    for row in &table.rows {
        let (Some(Cell::Text(name)), Some(cell)) = (row.get(name), row.get(value)) else { continue };
        let (value, decimals, _) = amount(report, cell);
        bars.decimals = decimals;
        bars.bars.push((name.clone(), value));
    }
    bars
}

/// A number, how many decimals it is read with, and the symbol of its token.
fn amount(report: &Report, cell: &Cell) -> (u128, u8, String) {
    let Cell::Figure(figure) = cell else { return (0, 0, String::new()) };
    let value = figure.value.parse().unwrap_or_default();
    match figure.unit {
        Unit::Asset(asset) => match report.subject.asset(asset) {
            Some(name) => (value, name.decimals, name.symbol.clone()),
            None => (value, 0, String::new()),
        },
        _ => (value, 0, String::new()),
    }
}

fn draw(of: &Bars) -> Result<String, ReportError> {
    let failed = |error: &dyn std::fmt::Display| ReportError::Drawing(error.to_string());
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
        area.fill(&WHITE).map_err(|error| failed(&error))?;
        let most = of.bars.iter().map(|(_, value)| *value).max().unwrap_or_default().max(1);
        let count = i32::try_from(of.bars.len()).unwrap_or(i32::MAX);
        let mut chart = ChartBuilder::on(&area)
            .margin(12)
            .x_label_area_size(28)
            .y_label_area_size(96)
            .build_cartesian_2d((0..count).into_segmented(), 0..most)
            .map_err(|error| failed(&error))?;
        let name = |place: &SegmentValue<i32>| match place {
            SegmentValue::CenterOf(i) => {
                let bar = usize::try_from(*i).ok().and_then(|i| of.bars.get(i));
                bar.map(|(name, _)| name.clone()).unwrap_or_default()
            }
            _ => String::new(),
        };
        chart
            .configure_mesh()
            .disable_x_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(LINE)
            .axis_style(LINE)
            .x_labels(8)
            .y_labels(5)
            .x_label_formatter(&name)
            .y_label_formatter(&|value| decimal(&value.to_string(), of.decimals))
            .label_style(("sans-serif", 13).into_font().color(&INK))
            .draw()
            .map_err(|error| failed(&error))?;
        let bars = (0..count).zip(&of.bars).map(|(i, (_, value))| {
            let corners = [(SegmentValue::Exact(i), 0), (SegmentValue::Exact(i + 1), *value)];
            let mut bar = Rectangle::new(corners, BAR.filled());
            bar.set_margin(0, 0, 6, 6);
            bar
        });
        chart.draw_series(bars).map_err(|error| failed(&error))?;
        area.present().map_err(|error| failed(&error))?;
    }
    Ok(svg)
}
