//! U3: what went wrong, and what nearly did.

use super::{Material, behaviour, oversight, payments, scope};
use crate::{
    ReportError,
    annex::Annex,
    document::{Cell, Section, Table},
    trial::Verdict,
};

pub(super) fn losses(of: &Material<'_>) -> Result<Section, ReportError> {
    Ok(Section::new("U3", "Loss events and near misses")
        .say(
            "A payment that broke a rule, or that nothing explains, is a loss event until somebody says otherwise; a refusal, \
             a rejected approval and a freeze are what was held. What was paid for and did not come is as the agent told.",
        )
        .say(
            "Payments that agents made past their treasury (ungoverned payments) are not in a report: it tells of the \
             treasury's purses alone. How many there were is not known here.",
        )
        .with(in_question(of)?)
        .with(broken(of)?)
        .with(scope::missing(of)?)
        .with(payments::outcomes(of)?)
        .with(behaviour::refusals(of)?)
        .with(oversight::stops(of)?))
}

fn in_question(of: &Material<'_>) -> Result<Table, ReportError> {
    let mut table = Table::new(
        "Money in question",
        &["token", "paid without a record of why", "paid for, and not delivered"],
    );
    for asset in of.books.assets.keys() {
        let text = asset.to_string();
        table.row(vec![
            Cell::text(asset),
            of.sum(Annex::Payments, &[("asset", &text), ("explained", "no")], *asset)?,
            of.sum(Annex::Payments, &[("asset", &text), ("delivered", "no")], *asset)?,
        ]);
    }
    Ok(table)
}

fn broken(of: &Material<'_>) -> Result<Table, ReportError> {
    let mut table =
        Table::new("Rules with exceptions", &["rule", "what has to hold", "of", "looked at", "exceptions"]);
    for trial in of.trials.iter().filter(|trial| trial.verdict == Verdict::Exceptions) {
        table.row(vec![
            Cell::text(&trial.id),
            Cell::text(&trial.rule),
            Cell::text(&trial.of),
            Cell::text(trial.population),
            of.count(Annex::Exceptions, &[("trial", &trial.id)])?,
        ]);
    }
    Ok(table)
}
