//! U2: which controls are in force, and what came of testing them.

use super::{Material, policies};
use crate::{
    ReportError,
    annex::Annex,
    books::Envelope,
    controls::together,
    document::{Cell, Section, Table},
    event::Rules,
    figure::{Source, Unit},
    trial::{Rule, Verdict},
};

pub(super) fn safeguards(of: &Material<'_>) -> Result<Section, ReportError> {
    let mut verdicts = Table::new("Control tests", &["verdict", "rules"]);
    for verdict in [Verdict::NoExceptions, Verdict::Exceptions, Verdict::NotTested] {
        let number = of.trials.iter().filter(|trial| trial.verdict == verdict).count();
        verdicts.row(vec![Cell::text(verdict.words()), Cell::text(number)]);
    }
    Ok(Section::new("U2", "Controls in force")
        .say(
            "The treasury's contract enforces them, but that a low score makes a human look, which takes somebody who \
             reviews: an agent, whoever has its keys, changes none of them. The rules named were held against every payment and event; what was not tested has not passed.",
        )
        .say("S9 of the report has every rule with what it was held against, and S12 what none of this proves.")
        .with(in_force(of)?)
        .with(verdicts)
        .with(policies::rules(of)))
}

fn in_force(of: &Material<'_>) -> Result<Table, ReportError> {
    let envelopes = &of.books.envelopes;
    let all = |has: fn(&Rules) -> bool| {
        let rules = |envelope: &&Envelope| envelope.policy().is_some_and(|policy| has(&policy.rules));
        format!("{} of {} agents", envelopes.values().filter(rules).count(), envelopes.len())
    };
    let longest =
        envelopes.values().filter_map(Envelope::policy).map(|policy| policy.rules.max_session_seconds);
    let longest =
        longest.max().map_or_else(|| "no policy".to_owned(), |longest| format!("{longest} s at most"));
    let scored = envelopes.values().filter(|envelope| envelope.score_life != 0).count();
    let organisation = &of.books.organisation;
    let controls = [
        (
            "a human approves above a threshold",
            all(|rules| rules.approval_threshold < rules.payment_cap),
            vec![Rule::Approved, Rule::ApproverApart],
        ),
        ("payees are listed", all(|rules| rules.payee_list != 0), vec![Rule::PayeeListed]),
        (
            "limits per window or lifetime",
            all(|rules| !rules.windows.is_empty() || !rules.lifetime_limit.is_zero()),
            vec![Rule::WithinWindows],
        ),
        (
            "a cap per payment, and policies that were set by who may",
            all(|_| true),
            vec![Rule::WithinCap, Rule::PolicyInForce, Rule::SetByRole],
        ),
        ("sessions end", longest, vec![Rule::SessionLive, Rule::WithinSession]),
        ("a freeze stops payments", "always".to_owned(), vec![Rule::NotFrozen]),
        (
            "separation of duties",
            if organisation.separation { "on" } else { "off" }.to_owned(),
            vec![Rule::RolesApart, Rule::ApproverApart],
        ),
        ("a loosening waits", format!("{} s", organisation.delay), vec![]),
        (
            "a low score makes a human look",
            "where a reviewer is at work".to_owned(),
            vec![Rule::LowScoreHeld],
        ),
        (
            "sessions need a recent score",
            format!("{scored} of {} agents", envelopes.len()),
            vec![Rule::ScoreFresh],
        ),
    ];
    let mut table = Table::new("Controls", &["control", "in force", "rules", "exceptions", "result"]);
    for (control, said, rules) in controls {
        let ids: Vec<&str> = rules.iter().map(|rule| rule.id()).collect();
        let tried = of.trials.iter().filter(|trial| ids.contains(&trial.id.as_str()));
        let verdict = together(tried.map(|trial| trial.verdict)).unwrap_or(Verdict::NotTested);
        let found =
            ids.iter().map(|id| Source::count(Annex::Exceptions, &[("trial", id)])).collect::<Vec<_>>();
        let exceptions = match found.is_empty() {
            true => Cell::text(""),
            false => of.figure(Unit::Count, Source::Balance { plus: found, minus: Vec::new() })?,
        };
        table.row(vec![
            Cell::text(control),
            Cell::text(said),
            Cell::text(ids.join(", ")),
            exceptions,
            Cell::text(verdict.words()),
        ]);
    }
    Ok(table)
}
