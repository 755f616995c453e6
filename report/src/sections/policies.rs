//! S4: what each agent may do, who said so, and who owns what.

use alloy::primitives::Address;
use bursar_sdk::{amount::Amount, readable::decimal};

use super::{Material, tx};
use crate::{
    ReportError,
    annex::Annex,
    books::Envelope,
    document::{Cell, Section, Table},
    text::window,
};

pub(super) fn policies(of: &Material<'_>) -> Result<Section, ReportError> {
    let mut limits = Table::new("Limits in force", &["budget", "window", "at most", "transaction"]);
    for (number, envelope) in &of.books.envelopes {
        let Some(policy) = envelope.policy() else { continue };
        for (period, most) in policy.limits() {
            limits.row(vec![
                Cell::text(format!("envelope {number}")),
                Cell::text(window(period)),
                Cell::Limit(most.to_string(), envelope.asset),
                tx(policy.place),
            ]);
        }
    }
    for (number, group) in &of.books.groups {
        for (period, most) in &group.limits {
            limits.row(vec![
                Cell::text(format!("group {number}")),
                Cell::text(window(*period)),
                Cell::Limit(most.to_string(), group.asset),
                tx(group.created),
            ]);
        }
    }
    let mut payees = Table::new("Payee lists", &["list", "payee", "listed by"]);
    for ((list, payee), place) in &of.books.payees {
        payees.row(vec![Cell::text(list), Cell::text(payee), tx(*place)]);
    }
    let mut tree =
        Table::new("Decision tree of a payment", &["envelope", "asked in this order", "otherwise"]);
    for (number, envelope) in &of.books.envelopes {
        for (question, otherwise) in questions(of, envelope) {
            tree.row(vec![Cell::text(number), Cell::text(question), Cell::text(otherwise)]);
        }
    }
    Ok(Section::new("S4", "Policies, decision trees, owners")
        .say("Rules as the contract has them. The document that a human reads has the hash shown; `bursar policy compare` \
              holds one against the chain, and `bursar policy tree` draws it whole.")
        .with(rules(of))
        .with(limits.short(Annex::Policies))
        .with(tree.short(Annex::Policies))
        .with(payees.short(Annex::Events)))
}

/// Policies in force.
pub(super) fn rules(of: &Material<'_>) -> Table {
    let mut rules = Table::new(
        "Policies in force",
        &[
            "envelope",
            "version",
            "cap per payment",
            "approval above",
            "limit per session",
            "longest session",
            "payee list",
            "document",
            "set by",
            "transaction",
        ],
    );
    for (number, envelope) in &of.books.envelopes {
        let Some(policy) = envelope.policy() else { continue };
        let limit = |amount: Amount| Cell::Limit(amount.to_string(), envelope.asset);
        let it = &policy.rules;
        rules.row(vec![
            Cell::text(number),
            Cell::text(envelope.version),
            limit(it.payment_cap),
            if it.approval_threshold == it.payment_cap {
                Cell::text("never")
            } else {
                limit(it.approval_threshold)
            },
            limit(it.session_limit),
            Cell::text(format!("{} s", it.max_session_seconds)),
            Cell::text(if it.payee_list == 0 { "anybody".to_owned() } else { it.payee_list.to_string() }),
            Cell::text(it.policy_hash),
            Cell::text(policy.by),
            tx(policy.place),
        ]);
    }
    rules.short(Annex::Policies)
}

/// What a payment is asked, in words.
fn questions(of: &Material<'_>, envelope: &Envelope) -> Vec<(String, &'static str)> {
    let Some(policy) = envelope.policy() else { return Vec::new() };
    let it = &policy.rules;
    let units = |amount: Amount, asset: Address| match of.subject.asset(asset) {
        Some(name) => format!("{} {}", decimal(&amount.to_string(), name.decimals), name.symbol),
        None => format!("{amount} units"),
    };
    let mut all = vec![
        ("neither organisation, groups, envelope nor session frozen?".to_owned(), "refused"),
        ("session open, its key's signature, its policy still in force?".to_owned(), "refused"),
        (format!("at most {}?", units(it.payment_cap, envelope.asset)), "refused"),
    ];
    if it.payee_list != 0 {
        all.push((format!("payee on list {}?", it.payee_list), "refused"));
    }
    if it.approval_threshold < it.payment_cap {
        let above = units(it.approval_threshold, envelope.asset);
        all.push((format!("at most {above}, or approved by a human?"), "refused until somebody approves"));
    }
    all.push(("does the purse hold it?".to_owned(), "refused: a session spends what it has drawn"));
    all
}
