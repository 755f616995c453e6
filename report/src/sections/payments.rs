//! S6: what was paid, to whom, when, and how much of it is explained.

use std::cmp::Reverse;

use alloy::primitives::Address;

use super::Material;
use crate::{
    ReportError,
    annex::Annex,
    document::{Cell, MOST_ROWS, More, Section, Table},
    figure::Source,
};

pub(super) fn payments(of: &Material<'_>) -> Result<Section, ReportError> {
    let mut coverage =
        Table::new("Coverage by envelope", &["envelope", "payments", "explained", "share explained"]);
    for number in of.books.envelopes.keys() {
        let text = number.to_string();
        let (by, explained) =
            ([("envelope", text.as_str())], [("envelope", text.as_str()), ("explained", "yes")]);
        coverage.row(vec![
            Cell::text(number),
            of.count(Annex::Payments, &by)?,
            of.count(Annex::Payments, &explained)?,
            of.share(Source::count(Annex::Payments, &explained), Source::count(Annex::Payments, &by))?,
        ]);
    }
    Ok(Section::new("S6", "Payment traces and coverage")
        .say("Each payment's whole story is a row of payments.csv: agent, purse, session, policy version, decision, \
              approver, transaction; its reasons in records.jsonl, by the hash of its decision.")
        .with(coverage.short(Annex::Payments))
        .with(outcomes(of)?)
        .with(by_day(of)?)
        .with(by_payee(of, MOST_ROWS)?)
        .with(by_facilitator(of)?))
}

pub(super) fn outcomes(of: &Material<'_>) -> Result<Table, ReportError> {
    let mut outcomes = Table::new("What came of them", &["outcome", "payments", "of all"]);
    for (words, code) in [("delivered", "yes"), ("not delivered", "no"), ("unknown", "unknown")] {
        let by = [("delivered", code)];
        outcomes.row(vec![
            Cell::text(words),
            of.count(Annex::Payments, &by)?,
            of.share(Source::count(Annex::Payments, &by), Source::count(Annex::Payments, &[]))?,
        ]);
    }
    Ok(outcomes)
}

fn by_day(of: &Material<'_>) -> Result<Table, ReportError> {
    let mut table = Table::new("By day (UTC)", &["token", "day", "payments", "paid"]);
    for key in of.tally.groups(Annex::Payments, &["asset", "day"])?.keys() {
        let [asset, day] = key.as_slice() else { continue };
        let by = [("asset", asset.as_str()), ("day", day.as_str())];
        table.row(vec![
            Cell::text(asset),
            Cell::text(day),
            of.count(Annex::Payments, &by)?,
            of.sum(Annex::Payments, &by, address(asset)?)?,
        ]);
    }
    Ok(table)
}

/// As many of the largest payees.
pub(super) fn by_payee(of: &Material<'_>, most: usize) -> Result<Table, ReportError> {
    let groups = of.tally.groups(Annex::Payments, &["asset", "payee"])?;
    let mut largest: Vec<_> = groups.iter().collect();
    largest.sort_by_key(|(key, count)| (Reverse(count.sum), (*key).clone()));
    let mut table = Table::new("By payee, largest first", &["token", "payee", "payments", "paid", "of all"]);
    for (key, _) in largest.iter().take(most) {
        let [asset, payee] = key.as_slice() else { continue };
        let by = [("asset", asset.as_str()), ("payee", payee.as_str())];
        let whole = Source::sum(Annex::Payments, &[("asset", asset)]);
        table.row(vec![
            Cell::text(asset),
            Cell::text(payee),
            of.count(Annex::Payments, &by)?,
            of.sum(Annex::Payments, &by, address(asset)?)?,
            of.share(Source::sum(Annex::Payments, &by), whole)?,
        ]);
    }
    if let Some(rows) = largest.len().checked_sub(most).filter(|rows| *rows != 0) {
        let rows = u64::try_from(rows).unwrap_or(u64::MAX);
        table.more = Some(More { rows, annex: Annex::Payees.name().to_owned() });
    }
    Ok(table)
}

fn by_facilitator(of: &Material<'_>) -> Result<Table, ReportError> {
    let mut table = Table::new("By who sent the settling transaction", &["facilitator", "payments"]);
    for key in of.tally.groups(Annex::Payments, &["facilitator"])?.keys() {
        let facilitator = key.first().map(String::as_str).unwrap_or_default();
        let number = of.count(Annex::Payments, &[("facilitator", facilitator)])?;
        table.row(vec![Cell::text(facilitator), number]);
    }
    Ok(table.short(Annex::Payments))
}

/// An address, as the annexes spell it.
pub(super) fn address(text: &str) -> Result<Address, ReportError> {
    text.parse().map_err(|_| ReportError::row(Annex::Payments, format!("expected an address, got {text:?}")))
}
