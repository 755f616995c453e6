//! S10: what changed, who changed it.

use super::{Material, tx};
use crate::{
    ReportError,
    annex::Annex,
    document::{Cell, Section, Table},
};

pub(super) fn change(of: &Material<'_>) -> Result<Section, ReportError> {
    let mut numbers = Table::new("How often", &["", "number"]);
    numbers.row(vec![Cell::text("policies put in force"), of.count(Annex::Policies, &[])?]);
    numbers.row(vec![Cell::text("roles granted or revoked"), of.count(Annex::Roles, &[])?]);
    numbers.row(vec![Cell::text("scores reported"), of.count(Annex::Scores, &[])?]);
    let mut changes = Table::new("Other changes, latest first", &["at", "what", "by", "transaction"]);
    for said in of.books.changes.iter().rev() {
        let by = said.by.map(|by| by.to_string()).unwrap_or_default();
        changes.row(vec![
            Cell::Time(said.place.time),
            Cell::text(&said.what),
            Cell::text(by),
            tx(said.place),
        ]);
    }
    Ok(Section::new("S10", "Change")
        .say("Treasuries have no upgrade path: their code does not change. Rules do, by transactions of role holders: \
              policies.csv, roles.csv and events.csv have every one.")
        .with(numbers)
        .with(changes.short(Annex::Events)))
}
