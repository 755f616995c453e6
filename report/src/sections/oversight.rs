//! S7: who approved, who may do what, and who stopped what.

use bursar_sdk::role::Role;

use super::{Material, tx};
use crate::{
    ReportError,
    annex::Annex,
    books::role_name,
    document::{Cell, Section, Table},
    trial::duties,
};

pub(super) fn oversight(of: &Material<'_>) -> Result<Section, ReportError> {
    let books = of.books;
    let mut roles = Table::new("Roles", &["account", "role", "granted at", "transaction"]);
    for ((account, role), place) in &books.roles {
        roles.row(vec![
            Cell::text(account),
            Cell::text(role_name(*role)),
            Cell::Time(place.time),
            tx(*place),
        ]);
    }
    Ok(Section::new("S7", "Approvals, segregation of duties, overrides, freezes")
        .say(format!(
            "Separation of duties is {}: the contract {} an approval by somebody who ever set a policy. A loosening \
             waits {} s, in which a guardian can cancel it.",
            if books.organisation.separation { "on" } else { "off" },
            if books.organisation.separation { "refuses" } else { "takes" },
            books.organisation.delay
        ))
        .say("Every freeze, release and review is a row of stops.csv, with who did it and the transaction; a release \
              and a cleared review are overrides. A freeze takes effect in the block of its transaction: nothing \
              signed before it settles after it.")
        .with(conflicts(of))
        .with(roles.short(Annex::Roles))
        .with(approvals(of)?)
        .with(asked(of)?)
        .with(stops(of)?))
}

/// Who creates, approves and spends, each against each.
pub(super) fn conflicts(of: &Material<'_>) -> Table {
    let names = [Role::PolicyManager.code(), Role::Approver.code(), "agent"];
    let mut table =
        Table::new("Conflict matrix: accounts that are both", &["", names[0], names[1], names[2]]);
    let held = duties(of.books);
    for row in names {
        let mut cells = vec![Cell::text(row)];
        for column in names {
            let both = held.values().filter(|duties| {
                let has = |name| duties.iter().any(|(duty, _)| *duty == name);
                has(row) && has(column)
            });
            cells.push(Cell::text(if row == column {
                format!("({})", both.count())
            } else {
                both.count().to_string()
            }));
        }
        table.row(cells);
    }
    table
}

pub(super) fn approvals(of: &Material<'_>) -> Result<Table, ReportError> {
    let mut approvals = Table::new("Approvals on chain, by approver", &["approver", "payments"]);
    for key in of.tally.groups(Annex::Payments, &["approver"])?.keys() {
        let approver = key.first().map(String::as_str).unwrap_or_default();
        let name = if approver.is_empty() { "none was asked for" } else { approver };
        approvals.row(vec![Cell::text(name), of.count(Annex::Payments, &[("approver", approver)])?]);
    }
    Ok(approvals.short(Annex::Payments))
}

pub(super) fn asked(of: &Material<'_>) -> Result<Table, ReportError> {
    let mut asked = Table::new("Requests for approval", &["answer", "number"]);
    for (words, code) in
        [("approved", "eoa"), ("approved by a contract", "contract"), ("rejected", "rejected"), ("none", "")]
    {
        asked.row(vec![Cell::text(words), of.count(Annex::Approvals, &[("answer", code)])?]);
    }
    Ok(asked)
}

pub(super) fn stops(of: &Material<'_>) -> Result<Table, ReportError> {
    let mut stops = Table::new("Freezes and reviews", &["level", "stopped", "released"]);
    for level in ["organisation", "group", "envelope", "session", "review"] {
        let number = |change| of.count(Annex::Stops, &[("change", change), ("level", level)]);
        stops.row(vec![Cell::text(level), number("stopped")?, number("released")?]);
    }
    Ok(stops)
}
