//! S8: scores, what was refused and why, and what stands out.

use super::{Material, tx};
use crate::{
    ReportError,
    annex::Annex,
    document::{Cell, Section, Table},
    figure::Source,
};

pub(super) fn behaviour(of: &Material<'_>) -> Result<Section, ReportError> {
    Ok(Section::new("S8", "Score, alerts, denials, incidents")
        .say("A refusal is the agent's own record of what it was not allowed: kept like a payment's, sealed, and in the \
              same chain. The chain refuses, too; what it refused left no trace there.")
        .say("Alerts are not kept in the ledger, and incident records are outside it: neither was tested. Freezes and \
              reviews, which contain an incident, are in S7.")
        .with(refusals(of)?)
        .with(scores(of)))
}

pub(super) fn scores(of: &Material<'_>) -> Table {
    let mut scores = Table::new("Last score reported", &["envelope", "score", "at", "transaction"]);
    for (number, envelope) in &of.books.envelopes {
        if let Some((score, place)) = envelope.score {
            scores.row(vec![Cell::text(number), Cell::text(score), Cell::Time(place.time), tx(place)]);
        }
    }
    scores.short(Annex::Scores)
}

pub(super) fn refusals(of: &Material<'_>) -> Result<Table, ReportError> {
    let mut refusals = Table::new("Refusals by reason", &["reason", "number", "of all"]);
    for key in of.tally.groups(Annex::Decisions, &["reason", "verdict"])?.keys() {
        let [reason, verdict] = key.as_slice() else { continue };
        if verdict != "denied" {
            continue;
        }
        let by = [("reason", reason.as_str()), ("verdict", "denied")];
        let whole = Source::count(Annex::Decisions, &[("verdict", "denied")]);
        refusals.row(vec![
            Cell::text(reason),
            of.count(Annex::Decisions, &by)?,
            of.share(Source::count(Annex::Decisions, &by), whole)?,
        ]);
    }
    Ok(refusals)
}
