//! U1: what is authorized, what was spent, and what could still be lost.

use alloy::primitives::Address;
use bursar_sdk::windows::end_at;

use super::{Material, people::status};
use crate::{
    ReportError,
    annex::Annex,
    books::Budget,
    document::{Cell, Section, Table},
    exposure::DAYS,
    figure::{Source, Unit},
    text::window,
};

pub(super) fn exposure(of: &Material<'_>) -> Result<Section, ReportError> {
    Ok(Section::new("U1", "Exposure")
        .say(
            "Worst case: what agents could pay from the last block on until the current windows of their limits end, if \
             nobody stopped them, every key were lost and every payment stayed below the approval threshold. It is what the \
             purses of open sessions hold (a purse pays no more, whatever its balance came from), and what could be drawn \
             anew: idle purses, and of the escrow the least that any limit of the agent and of the groups above it leaves.",
        )
        .say(
            "It assumes that a human stops them before a window turns: each turn allows that window's limit again. Agents \
             who share the limit of a group are each counted as if it were theirs alone, so that the sum is an upper bound. \
             A frozen agent can pay nothing; one under review, what its open sessions hold.",
        )
        .say(format!(
            "\"Lately\" is the last {DAYS} days (UTC), that of the last block among them. Limits count what sessions draw, \
             less what they give back. Every row is in exposure.csv; the most in one payment is in U2."
        ))
        .with(in_all(of)?)
        .with(by_agent(of)?)
        .with(authorized(of)?)
        .with(limits(of)?))
}

/// What rows of those kinds come to.
fn kinds(by: &[(&str, &str)], kinds: &[&str]) -> Source {
    let sum = |kind: &&str| {
        let filter: Vec<_> = by.iter().copied().chain([("kind", *kind)]).collect();
        Source::sum(Annex::Exposure, &filter)
    };
    match kinds {
        [one] => sum(one),
        all => Source::Balance { plus: all.iter().map(sum).collect(), minus: Vec::new() },
    }
}

/// What may be paid in open sessions, drawn anew, and both.
const AT_RISK: [&[&str]; 3] = [&["open"], &["idle", "anew"], &["open", "idle", "anew"]];

fn at_risk(of: &Material<'_>, by: &[(&str, &str)], asset: Address) -> Result<Vec<Cell>, ReportError> {
    AT_RISK.iter().map(|of_kinds| of.figure(Unit::Asset(asset), kinds(by, of_kinds))).collect()
}

fn in_all(of: &Material<'_>) -> Result<Table, ReportError> {
    let mut table = Table::new(
        "In all",
        &[
            "token",
            "agents",
            "paid lately",
            "paid ever",
            "in escrow",
            "in purses",
            "open sessions may pay",
            "may be drawn anew",
            "worst case",
        ],
    );
    for asset in of.books.assets.keys() {
        let text = asset.to_string();
        let by = [("asset", text.as_str())];
        let agents = of.books.envelopes.values().filter(|envelope| envelope.asset == *asset).count();
        let [escrow, purses] = of.held(&by, *asset)?;
        let mut cells = vec![
            Cell::text(asset),
            Cell::text(agents),
            of.figure(Unit::Asset(*asset), kinds(&by, &["paid_lately"]))?,
            of.sum(Annex::Payments, &by, *asset)?,
            escrow,
            purses,
        ];
        cells.extend(at_risk(of, &by, *asset)?);
        table.row(cells);
    }
    Ok(table)
}

fn by_agent(of: &Material<'_>) -> Result<Table, ReportError> {
    let mut table = Table::new(
        "By agent",
        &[
            "envelope",
            "agent",
            "status",
            "paid lately",
            "in escrow",
            "in purses",
            "open sessions may pay",
            "may be drawn anew",
            "worst case",
        ],
    );
    for (number, envelope) in &of.books.envelopes {
        let text = number.to_string();
        let by = [("level", "envelope"), ("number", text.as_str())];
        let [escrow, purses] = of.held(&[("envelope", &text)], envelope.asset)?;
        let mut cells = vec![
            Cell::text(number),
            Cell::text(envelope.agent),
            Cell::text(status(of.books, envelope)),
            of.figure(Unit::Asset(envelope.asset), kinds(&by, &["paid_lately"]))?,
            escrow,
            purses,
        ];
        cells.extend(at_risk(of, &by, envelope.asset)?);
        table.row(cells);
    }
    Ok(table.short(Annex::Exposure))
}

/// What all agents together may draw in windows of one length.
fn authorized(of: &Material<'_>) -> Result<Table, ReportError> {
    let mut table = Table::new(
        "Authorized to all agents, by window",
        &["token", "window", "authorized", "drawn in the current one"],
    );
    let mut periods: Vec<(Address, u32)> = Vec::new();
    for (number, envelope) in &of.books.envelopes {
        let windows = of.books.windows(Budget::Envelope(*number));
        periods.extend(windows.iter().map(|window| (envelope.asset, window.period)));
    }
    // The lifetime, which has no seconds, comes last.
    periods.sort_unstable_by_key(|(asset, period)| (*asset, *period == 0, *period));
    periods.dedup();
    for (asset, period) in periods {
        let (text, seconds) = (asset.to_string(), period.to_string());
        let by = [("asset", text.as_str()), ("level", "envelope"), ("period", seconds.as_str())];
        table.row(vec![
            Cell::text(asset),
            Cell::text(window(period)),
            of.figure(Unit::Asset(asset), kinds(&by, &["limit"]))?,
            of.figure(Unit::Asset(asset), kinds(&by, &["drawn"]))?,
        ]);
    }
    Ok(table.short(Annex::Exposure))
}

fn limits(of: &Material<'_>) -> Result<Table, ReportError> {
    let mut table = Table::new(
        "Limits in force",
        &["budget", "window", "authorized", "drawn in the current one", "left of it", "it ends"],
    );
    let envelopes = of.books.envelopes.iter().map(|(number, of)| ("envelope", *number, of.asset));
    let groups = of.books.groups.iter().map(|(number, of)| ("group", *number, of.asset));
    for (level, number, asset) in envelopes.chain(groups) {
        let budget = if level == "group" { Budget::Group(number) } else { Budget::Envelope(number) };
        for limit in of.books.windows(budget) {
            let (text, seconds) = (number.to_string(), limit.period.to_string());
            let by = [("level", level), ("number", text.as_str()), ("period", seconds.as_str())];
            let (most, drawn) = (kinds(&by, &["limit"]), kinds(&by, &["drawn"]));
            let left = Source::Balance { plus: vec![most.clone()], minus: vec![drawn.clone()] };
            let unit = Unit::Asset(asset);
            table.row(vec![
                Cell::text(format!("{level} {number}")),
                Cell::text(window(limit.period)),
                of.figure(unit, most)?,
                of.figure(unit, drawn)?,
                of.figure(unit, left)?,
                end_at(limit.period, of.subject.block_time).map_or_else(|| Cell::text("never"), Cell::Time),
            ]);
        }
    }
    Ok(table.short(Annex::Exposure))
}
