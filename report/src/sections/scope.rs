//! S1, S2 and S12: what is reported, whether all of it is there, and what the report cannot say.

use super::{Material, tx};
use crate::{
    ReportError,
    annex::Annex,
    document::{Cell, Section, Table},
    figure::Source,
    gather::GRACE,
    trial::Verdict,
};

pub(super) fn scope(of: &Material<'_>) -> Result<Section, ReportError> {
    let subject = of.subject;
    let mut facts = Table::new("What is reported", &["", "", "known from"]);
    let mut fact = |name: &str, value: Cell, from: Cell| {
        facts.row(vec![Cell::text(name), value, from]);
    };
    let nothing = || Cell::text("");
    fact("chain", Cell::text(format!("eip155:{}", subject.chain_id)), nothing());
    let created = of.books.organisation.created;
    let from = created.map_or_else(nothing, |(place, ..)| tx(place));
    fact("treasury", Cell::text(subject.treasury), from.clone());
    if let Some((place, factory, owner)) = created {
        fact("created", Cell::Time(place.time), from.clone());
        fact("by the factory", Cell::text(factory), from.clone());
        fact("for the owner", Cell::text(owner), from);
    }
    fact("up to block", Cell::text(subject.height), nothing());
    fact("as of", Cell::Time(subject.block_time), Cell::text(subject.block_hash));
    fact("with records received until", Cell::Time(subject.records_until), nothing());
    let mut frameworks = Table::new("Applicability", &["framework", "applies", "because"]);
    for framework in of.frameworks {
        let says = &framework.applicability;
        frameworks.row(vec![
            Cell::text(&framework.name),
            Cell::text(says.applies.words()),
            Cell::text(&says.because),
        ]);
    }
    let mut totals = Table::new(
        "Totals",
        &[
            "token",
            "symbol",
            "topped up",
            "withdrawn",
            "donated",
            "paid",
            "payments",
            "in escrow",
            "in purses",
        ],
    );
    for asset in of.books.assets.keys() {
        let text = asset.to_string();
        let by = [("asset", text.as_str())];
        let moved = |kind| of.sum(Annex::Movements, &[("asset", &text), ("kind", kind)], *asset);
        let [escrow, purses] = of.held(&by, *asset)?;
        let symbol = subject.asset(*asset).map_or("", |name| name.symbol.as_str());
        totals.row(vec![
            Cell::text(asset),
            Cell::text(symbol),
            moved("topped_up")?,
            moved("withdrawn")?,
            moved("donated")?,
            of.sum(Annex::Payments, &by, *asset)?,
            of.count(Annex::Payments, &by)?,
            escrow,
            purses,
        ]);
    }
    Ok(Section::new("S1", "Scope, applicability, opinion")
        .say(opinion(of))
        .say("Applicability is the organisation's own statement. An agent that pays is not high-risk by that alone \
              under the EU AI Act; its duties for high-risk systems apply from 2 December 2027 (Annex III) and \
              2 August 2028 (Annex I).")
        .with(facts)
        .with(totals)
        .with(frameworks))
}

/// What the trials come to, in a sentence that claims no more.
fn opinion(of: &Material<'_>) -> String {
    let count = |verdict| of.trials.iter().filter(|trial| trial.verdict == verdict).count();
    let (clean, bad, untested) =
        (count(Verdict::NoExceptions), count(Verdict::Exceptions), count(Verdict::NotTested));
    format!(
        "{} rules were held against every payment, session and record up to block {}: {clean} without exceptions, \
         {bad} with exceptions, {untested} not tested. This is what the ledger shows; it is no auditor's opinion.",
        of.trials.len(),
        of.subject.height
    )
}

pub(super) fn completeness(of: &Material<'_>) -> Result<Section, ReportError> {
    let mut read = Table::new("What was read", &["", "number"]);
    for (name, annex) in [
        ("events", Annex::Events),
        ("payments", Annex::Payments),
        ("decision records", Annex::Decisions),
        ("outcome records", Annex::Outcomes),
        ("records erased since", Annex::Erasures),
        ("approval requests", Annex::Approvals),
        ("logs set aside", Annex::SetAside),
    ] {
        read.row(vec![Cell::text(name), of.count(annex, &[])?]);
    }
    Ok(Section::new("S2", "Completeness")
        .say("The ledger follows every log of the treasury, and every settlement of its purses. That none was left \
              out is not for it to say: `bursar verify --rpc URL` asks a node of your own for the same logs, \
              settlements, roles and balances, without our database.")
        .with(read)
        .with(missing(of)?))
}

/// What is not there, of what should be.
pub(super) fn missing(of: &Material<'_>) -> Result<Table, ReportError> {
    let mut missing = Table::new("What is missing", &["", "number", "of all", "means"]);
    let payments = || Source::count(Annex::Payments, &[]);
    let unexplained = [("explained", "no")];
    missing.row(vec![
        Cell::text("payments without the record of their decision"),
        of.count(Annex::Payments, &unexplained)?,
        of.share(Source::count(Annex::Payments, &unexplained), payments())?,
        Cell::text("not handed in by then"),
    ]);
    let erased = [("explained", "erased")];
    missing.row(vec![
        Cell::text("payments whose record the treasury had erased"),
        of.count(Annex::Payments, &erased)?,
        of.share(Source::count(Annex::Payments, &erased), payments())?,
        Cell::text(
            "it was there; without it, the hash on chain means nothing, and S9 holds nothing against it",
        ),
    ]);
    let unknown = [("delivered", "unknown")];
    missing.row(vec![
        Cell::text("payments without an outcome"),
        of.count(Annex::Payments, &unknown)?,
        of.share(Source::count(Annex::Payments, &unknown), payments())?,
        Cell::text("the agent has not said what came of it"),
    ]);
    let unsettled = [("settled", "no"), ("verdict", "approved")];
    missing.row(vec![
        Cell::text("decisions to pay that did not settle"),
        of.count(Annex::Decisions, &unsettled)?,
        of.share(Source::count(Annex::Decisions, &unsettled), Source::count(Annex::Decisions, &[]))?,
        Cell::text("given up, refused by the chain, or settled later"),
    ]);
    let unsealed = [("sealed_by", "")];
    missing.row(vec![
        Cell::text("decision records without a seal"),
        of.count(Annex::Decisions, &unsealed)?,
        of.share(Source::count(Annex::Decisions, &unsealed), Source::count(Annex::Decisions, &[]))?,
        Cell::text("from before seals were asked for, or not of the agent"),
    ]);
    Ok(missing)
}

pub(super) fn limits(of: &Material<'_>) -> Section {
    let subject = of.subject;
    let mut section = Section::new("S12", "Limits of this report");
    if !subject.is_final {
        section = section.say(format!(
            "NOT FINAL: a reorganisation may still take back block {} and those right before it.",
            subject.height
        ));
    }
    section
        .say(format!(
            "Records reach the ledger after the fact. Those received after {} (unix seconds) are not in this report; \
             by default {GRACE} s after the last block. The same height with a later time may show more of them.",
            subject.records_until
        ))
        .say("A seal proves who handed a record in, a hash that it was not changed since, a nonce that it was written \
              before the payment. Nothing proves that what an agent wrote as its reason was its reason.")
        .say("Times are those of blocks, and of our clock where a record was received; amounts are atomic units. Names \
              and decimals of tokens are configuration.")
        .say("Answers to approval requests are as they stand: one that was given and replaced is not shown. An \
              approval that counted is on chain, and so in the payments.")
        .say(format!(
            "The control mapping (version {}, {}): {}",
            of.mapping.version, of.mapping.as_of, of.mapping.source
        ))
        .say("\"Not tested\" is no pass: there was nothing to test, or the evidence is outside the ledger.")
}
