//! U4 to U7: whom was paid, who approved, how fast somebody stopped it, and how things stand.

use std::{cmp::Reverse, collections::BTreeMap};

use bursar_sdk::score::REVIEW;

use super::{Material, behaviour, oversight, payments, people::status};
use crate::{
    ReportError,
    annex::Annex,
    document::{Cell, Section, Table},
    exposure::DAYS,
    figure::{Source, Unit},
    sections::tx,
    text::moment,
    trial::{Rule, Verdict},
};

/// How many of the largest payees are shown.
const LARGEST: usize = 10;

pub(super) fn concentration(of: &Material<'_>) -> Result<Section, ReportError> {
    let groups = of.tally.groups(Annex::Payments, &["asset", "payee"])?;
    let columns = ["token", "payees", "new lately", "the largest, of all", "the five largest, of all"];
    let mut table = Table::new("Payees", &columns);
    for asset in of.books.assets.keys() {
        let text = asset.to_string();
        let by = [("asset", text.as_str())];
        let of_asset = groups.iter().filter(|(key, _)| key.first() == Some(&text));
        let mut largest: Vec<_> =
            of_asset.filter_map(|(key, count)| Some((key.get(1)?, count.sum))).collect();
        largest.sort_by_key(|(payee, sum)| (Reverse(*sum), *payee));
        let paid_to = |(payee, _): &(&String, _)| {
            Source::sum(Annex::Payments, &[("asset", text.as_str()), ("payee", payee.as_str())])
        };
        let share = |most: usize| {
            let plus = largest.iter().take(most).map(paid_to).collect::<Vec<_>>();
            // Nothing is no share of nothing.
            if plus.is_empty() {
                return Ok(Cell::text("nobody was paid"));
            }
            of.share(Source::Balance { plus, minus: Vec::new() }, Source::sum(Annex::Payments, &by))
        };
        table.row(vec![
            Cell::text(asset),
            of.count(Annex::Payees, &by)?,
            of.count(Annex::Payees, &[("asset", &text), ("new", "yes")])?,
            share(1)?,
            share(5)?,
        ]);
    }
    Ok(Section::new("U4", "Concentration")
        .say(format!(
            "A payee is new lately where the first payment to it is of the last {DAYS} days. payees.csv has all of them, each \
             with the transaction of that payment."
        ))
        .with(table)
        .with(payments::by_payee(of, LARGEST)?))
}

pub(super) fn approvals(of: &Material<'_>) -> Result<Section, ReportError> {
    let trial = |rule: Rule| of.trials.iter().find(|trial| trial.id == rule.id());
    let looked = |rule: Rule| Cell::text(trial(rule).map(|trial| trial.population).unwrap_or_default());
    let exceptions = |rule: Rule| of.count(Annex::Exceptions, &[("trial", rule.id())]);
    let approvers = of.tally.groups(Annex::Payments, &["approver"])?;
    let people =
        approvers.keys().filter(|key| key.first().is_some_and(|approver| !approver.is_empty())).count();
    let mut table = Table::new("Approvals and duties", &["", "number"]);
    let mut line = |what: &str, number: Cell| {
        table.row(vec![Cell::text(what), number]);
    };
    line("payments above the threshold", looked(Rule::Approved));
    line("of them, not approved by an approver", exceptions(Rule::Approved)?);
    let approved = Source::Balance {
        plus: vec![Source::count(Annex::Payments, &[])],
        minus: vec![Source::count(Annex::Payments, &[("approver", "")])],
    };
    line("payments with an approval", of.figure(Unit::Count, approved)?);
    line("accounts that approved them", Cell::text(people));
    line("approvals by somebody who spends or writes policies", exceptions(Rule::ApproverApart)?);
    line("accounts with a role", looked(Rule::RolesApart));
    line("accounts with two roles that should be apart", exceptions(Rule::RolesApart)?);
    Ok(Section::new("U5", "Approvals, segregation of duties")
        .say("The contract takes no approval by the agent itself or by the key of its session.")
        .with(table)
        .with(oversight::approvals(of)?)
        .with(oversight::asked(of)?)
        .with(oversight::conflicts(of)))
}

pub(super) fn response(of: &Material<'_>) -> Result<Section, ReportError> {
    let stopped = |signal: &str| Source::count(Annex::Stops, &[("change", "stopped"), ("signal", signal)]);
    let mut numbers = Table::new("Freezes by what came before", &["", "freezes"]);
    numbers.row(vec![Cell::text("after a review"), of.figure(Unit::Count, stopped("review"))?]);
    numbers.row(vec![Cell::text("after an exception"), of.figure(Unit::Count, stopped("exception"))?]);
    let levels = ["organisation", "group", "envelope", "session"];
    let level = |level: &&str| Source::count(Annex::Stops, &[("change", "stopped"), ("level", level)]);
    let unknown = Source::Balance {
        plus: levels.iter().map(level).collect(),
        minus: vec![stopped("review"), stopped("exception")],
    };
    numbers.row(vec![Cell::text("not known"), of.figure(Unit::Count, unknown)?]);
    let columns =
        ["level", "envelope", "first signal", "at", "its transaction", "frozen at", "transaction", "took"];
    let mut table = Table::new("Freezes, slowest first", &columns);
    let mut slowest: Vec<_> = of.books.responses.iter().collect();
    slowest.sort_by_key(|response| (Reverse(response.after()), response.place.position));
    for response in slowest {
        let signal = response.signal;
        let unknown = || Cell::text("not known");
        table.row(vec![
            Cell::text(response.level),
            Cell::text(crate::books::cell(response.envelope)),
            signal.map_or_else(unknown, |signal| Cell::text(signal.what)),
            signal.map_or_else(unknown, |signal| Cell::Time(signal.place.time)),
            signal.map_or_else(unknown, |signal| tx(signal.place)),
            Cell::Time(response.place.time),
            tx(response.place),
            response.after().map_or_else(unknown, |after| Cell::text(format!("{after} s"))),
        ]);
    }
    Ok(Section::new("U6", "Response")
        .say(
            "From the first signal since an agent was last stopped or looked at (a review, or a payment that broke a rule on \
             the chain) to the freeze that stopped it, block to block. Alerts are not kept in the ledger: what a freeze \
             answered that has neither is not known. A freeze takes effect in its own block.",
        )
        .with(numbers)
        .with(table.short(Annex::Stops)))
}

pub(super) fn standing(of: &Material<'_>) -> Result<Section, ReportError> {
    let mut bands = BTreeMap::<(bool, u16), usize>::new();
    for envelope in of.books.envelopes.values() {
        let band = envelope.score.map(|(score, _)| if score < REVIEW { 0 } else { score / 100 * 100 });
        *bands.entry((band.is_none(), band.unwrap_or_default())).or_default() += 1;
    }
    let mut scores = Table::new("Agents by last score", &["score", "agents"]);
    for ((none, from), agents) in bands {
        let words = match (none, from) {
            (true, _) => "none reported".to_owned(),
            (false, 0) => format!("below {REVIEW}: a human has to look"),
            (false, from) => format!("{from} to {}", from.saturating_add(99)),
        };
        scores.row(vec![Cell::text(words), Cell::text(agents)]);
    }
    Ok(Section::new("U7", "Standing and open items")
        .say(format!("As of {} UTC.", moment(of.subject.block_time)))
        .with(scores)
        .with(behaviour::scores(of))
        .with(held(of))
        .with(open(of)?))
}

/// Agents that somebody has to look at.
fn held(of: &Material<'_>) -> Table {
    let mut table =
        Table::new("Agents stopped or under review", &["envelope", "agent", "status", "under review"]);
    for (number, envelope) in &of.books.envelopes {
        let status = status(of.books, envelope);
        if status != "active" {
            let review = if envelope.under_review { "yes" } else { "no" };
            let cells =
                [number.to_string(), envelope.agent.to_string(), status.to_owned(), review.to_owned()];
            table.row(cells.map(Cell::text).into());
        }
    }
    table.short(Annex::Stops)
}

fn open(of: &Material<'_>) -> Result<Table, ReportError> {
    let mut table = Table::new("Open items", &["", "number"]);
    for (what, annex, by) in [
        ("requests for approval without an answer", Annex::Approvals, ("answer", "")),
        ("payments without the record of their decision", Annex::Payments, ("explained", "no")),
        ("payments without an outcome", Annex::Payments, ("delivered", "unknown")),
        ("sessions not closed", Annex::Sessions, ("state", "open")),
    ] {
        table.row(vec![Cell::text(what), of.count(annex, &[by])?]);
    }
    table.row(vec![Cell::text("logs set aside"), of.count(Annex::SetAside, &[])?]);
    for verdict in [Verdict::Exceptions, Verdict::NotTested] {
        let number = of.trials.iter().filter(|trial| trial.verdict == verdict).count();
        table.row(vec![Cell::text(format!("rules: {}", verdict.words())), Cell::text(number)]);
    }
    Ok(table)
}
