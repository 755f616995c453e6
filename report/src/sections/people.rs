//! S3 and S5: who spends, for whom, and how it is known.

use std::collections::BTreeMap;

use super::{Material, tx};
use crate::{
    ReportError,
    annex::Annex,
    books::{Books, Envelope},
    document::{Cell, Section, Table},
    figure::Source,
};

pub(super) fn agents(of: &Material<'_>) -> Result<Section, ReportError> {
    let books = of.books;
    let mut register = Table::new(
        "Agents",
        &["envelope", "agent", "group", "status", "policy", "purses", "sessions", "registered by"],
    );
    let mut money = Table::new(
        "Their money",
        &["envelope", "topped up", "withdrawn", "paid", "payments", "refusals", "in escrow", "in purses"],
    );
    for (number, envelope) in &books.envelopes {
        let text = number.to_string();
        let by = [("envelope", text.as_str())];
        let purses = books.purses.values().filter(|purse| purse.envelope == *number).count();
        register.row(vec![
            Cell::text(number),
            Cell::text(envelope.agent),
            Cell::text(if envelope.group == 0 { String::new() } else { envelope.group.to_string() }),
            Cell::text(status(books, envelope)),
            Cell::text(format!("version {}", envelope.version)),
            Cell::text(purses),
            of.count(Annex::Sessions, &by)?,
            tx(envelope.created),
        ]);
        let moved = |kind| of.sum(Annex::Movements, &[("envelope", &text), ("kind", kind)], envelope.asset);
        let [escrow, in_purses] = of.held(&by, envelope.asset)?;
        money.row(vec![
            Cell::text(number),
            moved("topped_up")?,
            moved("withdrawn")?,
            of.sum(Annex::Payments, &by, envelope.asset)?,
            of.count(Annex::Payments, &by)?,
            of.count(Annex::Decisions, &[("envelope", &text), ("verdict", "denied")])?,
            escrow,
            in_purses,
        ]);
    }
    Ok(Section::new("S3", "Agents and delegation")
        .say("Every agent that may spend has an envelope, with its identity key as the chain has it. Delegation to \
              sub-agents is by stamps, which sessions name; S5 counts them.")
        .with(register.short(Annex::Events))
        .with(money.short(Annex::Movements)))
}

/// Whether an agent may spend, and why not.
pub(super) fn status(books: &Books, envelope: &Envelope) -> &'static str {
    match books.stopped(envelope) {
        Some(why) => why,
        None if envelope.under_review => "under review",
        None => "active",
    }
}

pub(super) fn identity(of: &Material<'_>) -> Result<Section, ReportError> {
    let mut proofs = Table::new("How it is known who paid", &["", "number", "of all"]);
    let payments = || Source::count(Annex::Payments, &[]);
    let explained = [("explained", "yes")];
    proofs.row(vec![
        Cell::text(
            "payments signed by the key of a session that their agent opened: the chain takes no other",
        ),
        of.count(Annex::Payments, &[])?,
        of.share(payments(), payments())?,
    ]);
    proofs.row(vec![
        Cell::text("payments whose nonce names a record that the agent has handed in"),
        of.count(Annex::Payments, &explained)?,
        of.share(Source::count(Annex::Payments, &explained), payments())?,
    ]);
    let agent = [("sealed_by", "agent")];
    proofs.row(vec![
        Cell::text("records sealed by the agent's identity key"),
        of.count(Annex::Decisions, &agent)?,
        of.share(Source::count(Annex::Decisions, &agent), Source::count(Annex::Decisions, &[]))?,
    ]);
    let mut revoked = Table::new("Stamps revoked", &["stamp", "at", "transaction"]);
    for (stamp, place) in &of.books.revoked {
        revoked.row(vec![Cell::text(stamp), Cell::Time(place.time), tx(*place)]);
    }
    let rails: BTreeMap<_, _> = of.tally.groups(Annex::Payments, &["rail"])?;
    let mut rail = Table::new("How payments settled", &["rail", "payments"]);
    for key in rails.keys() {
        let code = key.first().map(String::as_str).unwrap_or_default();
        rail.row(vec![Cell::text(code), of.count(Annex::Payments, &[("rail", code)])?]);
    }
    Ok(Section::new("S5", "Identity")
        .say(format!("Stamps of before epoch {} are revoked.", of.books.organisation.stamp_epoch))
        .with(proofs)
        .with(rail)
        .with(revoked.short(Annex::Events)))
}
