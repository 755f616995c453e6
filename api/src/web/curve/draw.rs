//! A curve as SVG: the inside of the element, which the template opens with what it says in words.
//!
//! What is drawn carries its meaning in its colour, and the style sheet gives every colour another one where the reader
//! wants it dark. What it says it says in the table beside it too.

use bursar_sdk::readable::decimal;
use jiff::Timestamp;
use plotters::{coord::combinators::WithKeyPoints, coord::types::RangedCoordu64, prelude::*};

use super::Curve;

/// These stand in `assets/desk.css` as well.
const INK: RGBColor = RGBColor(0x1b, 0x1f, 0x24);
const GRID: RGBColor = RGBColor(0xd0, 0xd4, 0xd9);
const PAID: RGBColor = RGBColor(0x1a, 0x8a, 0x72);
const IN_STEP: RGBColor = RGBColor(0x0b, 0x5c, 0xad);
const LIMIT: RGBColor = RGBColor(0xc0, 0x33, 0x1f);
const NOW: RGBColor = RGBColor(0x6a, 0x74, 0x6e);

/// How large, in pixels of its own: the page scales it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::web) enum Size {
    /// With axes.
    Full,
    /// The line alone, to see which way it goes.
    Small,
}

impl Size {
    /// Width and height.
    pub(in crate::web) fn pixels(self) -> (u32, u32) {
        match self {
            Self::Full => (640, 260),
            Self::Small => (320, 72),
        }
    }
}

/// What goes wrong in drawing.
#[derive(Debug, thiserror::Error)]
#[error("a curve cannot be drawn: {0}")]
pub(in crate::web) struct DrawError(String);

fn failed(error: impl std::fmt::Display) -> DrawError {
    DrawError(error.to_string())
}

/// Draws a curve; `decimals` is the token's.
pub(in crate::web) fn draw(curve: &Curve, size: Size, decimals: u8) -> Result<String, DrawError> {
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, size.pixels()).into_drawing_area();
        lines(&area, curve, size, decimals)?;
        area.present().map_err(failed)?;
    }
    let inside = svg.split_once(">\n").and_then(|(_, rest)| rest.trim_end().strip_suffix("</svg>"));
    inside.map(str::to_owned).ok_or_else(|| failed("there is no element"))
}

type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;
type Times = WithKeyPoints<RangedCoordu64>;

fn lines(area: &Area<'_>, curve: &Curve, size: Size, decimals: u8) -> Result<(), DrawError> {
    let span = &curve.span;
    let limits = span.limits.iter().map(|(_, limit)| limit.to_u128());
    let most = limits.chain([curve.paid().to_u128()]).max().unwrap_or_default().max(1);
    // Room above, so that no line hides under the edge.
    let top = most.saturating_add((most / 16).max(1));
    let (step, marks) = span.marks();
    let times: Times = (span.from..span.until).with_key_points(marks);
    let mut builder = ChartBuilder::on(area);
    match size {
        Size::Full => builder.margin(10).margin_right(24).x_label_area_size(26).y_label_area_size(76),
        Size::Small => builder.margin(3),
    };
    let mut chart = builder.build_cartesian_2d(times, 0..top).map_err(failed)?;
    if size == Size::Full {
        chart
            .configure_mesh()
            .disable_x_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(GRID)
            .axis_style(GRID)
            .y_labels(5)
            .x_label_formatter(&|at| mark(*at, step))
            .y_label_formatter(&|units| decimal(&units.to_string(), decimals))
            .label_style(("sans-serif", 16).into_font().color(&INK))
            .draw()
            .map_err(failed)?;
    }
    let line: Vec<(u64, u128)> = curve.corners().into_iter().map(|(at, paid)| (at, paid.to_u128())).collect();
    let ground = [line.last(), line.first()].into_iter().flatten().map(|(at, _)| (*at, 0));
    let area: Vec<(u64, u128)> = line.iter().copied().chain(ground).collect();
    chart.draw_series([Polygon::new(area, PAID.mix(0.14))]).map_err(failed)?;
    if span.even {
        let even = [(span.from, 0), (span.until, span.limit().to_u128())];
        chart.draw_series([PathElement::new(even, IN_STEP.stroke_width(2))]).map_err(failed)?;
    }
    chart.draw_series([PathElement::new(limit(curve), LIMIT.stroke_width(2))]).map_err(failed)?;
    let now = curve.now.clamp(span.from, span.until);
    chart.draw_series([PathElement::new([(now, 0), (now, top)], NOW.stroke_width(1))]).map_err(failed)?;
    chart.draw_series([PathElement::new(line, PAID.stroke_width(3))]).map_err(failed)?;
    Ok(())
}

/// The corners of the limit, which changes with its policy.
fn limit(curve: &Curve) -> Vec<(u64, u128)> {
    let span = &curve.span;
    let mut held = span.limit_at(span.from).to_u128();
    let mut corners = vec![(span.from, held)];
    for (since, limit) in span.limits.iter().filter(|(since, _)| *since > span.from && *since < span.until) {
        corners.extend([(*since, held), (*since, limit.to_u128())]);
        held = limit.to_u128();
    }
    corners.push((span.until, held));
    corners
}

/// What stands under a mark: the day where marks are days or more apart, else the time; UTC.
fn mark(at: u64, step: u64) -> String {
    let at = i64::try_from(at).ok().and_then(|at| Timestamp::from_second(at).ok());
    let format = match step {
        86_400 => "%a",
        86_401.. => "%-d %b",
        _ => "%H:%M",
    };
    at.map(|at| at.strftime(format).to_string()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use bursar_sdk::amount::Amount;

    use super::{super::Span, *};

    fn curve(steps: &[(u64, u64)]) -> Curve {
        let limits = vec![(0, Amount::new(40_000_000))];
        // The week from Monday 2026-11-16 00:00 UTC.
        let span =
            Span { name: "Week".into(), from: 1_794_787_200, until: 1_795_392_000, limits, even: true };
        Curve {
            now: span.from + 400_000,
            begins: (span.from, Amount::ZERO),
            steps: steps.iter().map(|(at, units)| (span.from + at, Amount::new(*units))).collect(),
            span,
        }
    }

    #[test]
    fn a_curve_has_its_lines_its_days_and_its_money() -> Result<(), DrawError> {
        let svg = draw(&curve(&[(1_000, 5_000_000), (90_000, 30_000_000)]), Size::Full, 6)?;
        for text in ["Mon", "Sun", "40.00", "#1A8A72", "#0B5CAD", "#C0331F"] {
            assert!(svg.contains(text), "{text} is not drawn:\n{svg}");
        }
        assert!(!svg.contains("<svg") && !svg.contains("</svg>") && !svg.contains("style="));
        assert_eq!(svg, draw(&curve(&[(1_000, 5_000_000), (90_000, 30_000_000)]), Size::Full, 6)?);
        Ok(())
    }

    #[test]
    fn what_was_overspent_and_what_is_empty_is_drawn_too() -> Result<(), DrawError> {
        let over = draw(&curve(&[(1_000, u64::MAX)]), Size::Small, 6)?;
        assert!(over.contains("#1A8A72") && !over.contains("Mon"));
        let mut nothing = curve(&[]);
        nothing.span.limits = vec![(0, Amount::ZERO)];
        draw(&nothing, Size::Full, 18)?;
        nothing.span.limits = vec![(0, Amount::MAX)];
        draw(&nothing, Size::Full, 0)?;
        Ok(())
    }
}
