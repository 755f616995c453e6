//! S9: what was tested, what came of it, and what frameworks make of that.

use super::Material;
use crate::{
    ReportError,
    annex::Annex,
    document::{Cell, Section, Table},
    trial::Verdict,
};

pub(super) fn tests(of: &Material<'_>) -> Result<Section, ReportError> {
    let mut trials = Table::new(
        "Control tests",
        &["rule", "what has to hold", "of", "looked at", "exceptions", "verdict", "evidence"],
    );
    for trial in of.trials {
        let verdict = match &trial.because {
            Some(why) => format!("{}: {why}", trial.verdict.words()),
            None => trial.verdict.words().to_owned(),
        };
        trials.row(vec![
            Cell::text(&trial.id),
            Cell::text(&trial.rule),
            Cell::text(&trial.of),
            Cell::text(trial.population),
            of.count(Annex::Exceptions, &[("trial", &trial.id)])?,
            Cell::text(verdict),
            Cell::text(trial.evidence.join(", ")),
        ]);
    }
    let mut summary = Table::new(
        "Controls by framework",
        &[
            "framework",
            "applies",
            "no exceptions",
            "partly tested",
            "not tested",
            "exceptions",
            "outside the ledger",
        ],
    );
    for framework in of.frameworks {
        let count = |verdict: Option<Verdict>| {
            Cell::text(framework.controls.iter().filter(|control| control.verdict == verdict).count())
        };
        summary.row(vec![
            Cell::text(&framework.name),
            Cell::text(framework.applicability.applies.words()),
            count(Some(Verdict::NoExceptions)),
            count(Some(Verdict::PartlyTested)),
            count(Some(Verdict::NotTested)),
            count(Some(Verdict::Exceptions)),
            count(None),
        ]);
    }
    Ok(Section::new("S9", "Control tests")
        .say("All of them were looked at, nothing was sampled. Each exception is a row of exceptions.csv with the \
              transaction, what was expected and what came.")
        .say("What a framework asks for is paraphrased; a control is supported by the evidence named, not certified.")
        .with(trials)
        .with(summary))
}
