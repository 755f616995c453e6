//! From rows to what one request's page says.

use alloy::primitives::Address;
use bursar_indexer::query::{
    approvals, decisions::Decision, envelopes, headroom, payments, policies, sessions::Session,
};
use bursar_sdk::{amount::Amount, decision::Verdict};

use super::{
    super::{
        links,
        text::{money, said, when, window},
    },
    view::{Envelope, Limit, Policy, Rule, Why},
};
use crate::Config;

/// Most characters shown of the rationale, of what is shorter by nature, and of a number.
const MAX_RATIONALE: usize = 4_000;
const MAX_PHRASE: usize = 500;
const MAX_NUMBER: usize = 80;
/// Most alternatives and rules shown.
const MAX_LINES: usize = 24;

pub(in crate::web) fn why(decision: &Decision) -> Why {
    let record = &decision.record;
    let model = record.model.as_ref();
    let rules = record.rules.iter().take(MAX_LINES).map(|rule| Rule {
        name: rule.id.code().replace('_', " "),
        input: said(&rule.input, MAX_NUMBER),
        limit: said(&rule.limit, MAX_NUMBER),
        pass: rule.pass,
    });
    let alternatives = record.alternatives.iter().take(MAX_LINES);
    Why {
        rationale: said(&record.rationale, MAX_RATIONALE),
        trigger: said(&record.trigger, MAX_PHRASE),
        method: said(&record.resource.method, MAX_NUMBER),
        resource: said(&record.resource.url, MAX_PHRASE),
        alternatives: alternatives.map(|text| said(text, MAX_PHRASE)).collect(),
        model: model.map(|it| said(&format!("{} {} {}", it.provider, it.name, it.version), MAX_PHRASE)),
        rules: rules.collect(),
        at: when(record.created_at),
        href: links::decision(decision.hash),
    }
}

/// What the record names otherwise than what is to be paid.
pub(super) fn disagreements(
    decision: &Decision,
    request: &approvals::Request,
    asset: Option<Address>,
) -> Vec<&'static str> {
    let record = &decision.record;
    let held = [
        ("verdict", record.verdict == Verdict::Approved),
        ("payee", record.payee == request.payee),
        ("amount", record.amount == request.amount),
        ("asset", asset.is_none_or(|asset| record.asset == asset)),
        ("purse", record.purse == request.purse),
        ("treasury", record.treasury == request.treasury),
        ("nonce", decision.nonce == Some(request.nonce)),
    ];
    held.into_iter().filter_map(|(what, agrees)| (!agrees).then_some(what)).collect()
}

pub(super) fn envelope(row: &envelopes::Envelope) -> Envelope {
    Envelope { number: row.number, href: links::envelope(row.treasury, row.number) }
}

pub(super) fn policy(config: &Config, asset: Address, row: &policies::Policy) -> Policy {
    Policy {
        version: row.version,
        threshold: money(config, asset, row.rules.approval_threshold.to_u256()),
        cap: money(config, asset, row.rules.payment_cap.to_u256()),
        href: links::policy(row.treasury, row.envelope, row.version),
    }
}

/// What the payment itself takes from: the open session, and the envelope as a whole.
pub(super) fn of_session(
    config: &Config,
    envelope: &envelopes::Envelope,
    session: Option<&Session>,
    amount: Amount,
) -> Vec<Limit> {
    let taken = |name: String, allowed: Amount, left: Amount| {
        let show = |amount: Amount| money(config, envelope.asset, amount.to_u256());
        Limit {
            name,
            allowed: show(allowed),
            left: show(left),
            after: show(left.saturating_sub(amount)),
            short: left < amount,
        }
    };
    let open = session.filter(|session| session.closed_at.is_none());
    let session = open.map(|session| {
        let left = session.budget.saturating_sub(session.paid);
        taken(format!("Session {}", session.sequence), session.budget, left)
    });
    let whole = taken(format!("Envelope {}", envelope.number), envelope.funded, envelope.left());
    session.into_iter().chain([whole]).collect()
}

/// A limit over time. The payment was counted in it when its session opened, so nothing more is taken.
pub(super) fn of_window(
    config: &Config,
    asset: Address,
    group: Option<u32>,
    room: &headroom::Headroom,
) -> Limit {
    let show = |amount: Amount| money(config, asset, amount.to_u256());
    let name = window(room.period);
    Limit {
        name: group.map_or_else(|| name.clone(), |group| format!("{name}, group {group}")),
        allowed: show(room.limit),
        left: show(room.left()),
        after: show(room.left()),
        short: false,
    }
}

/// What was paid to a payee before, newest first; at most `counted` of it was asked for.
pub(super) fn before(rows: &[payments::Payment], counted: u32) -> Option<String> {
    let last = rows.first()?;
    let many = usize::try_from(counted).is_ok_and(|counted| rows.len() >= counted);
    let count = if many { format!("at least {counted}") } else { rows.len().to_string() };
    let times = if rows.len() == 1 { "time" } else { "times" };
    Some(format!("Paid {count} {times} before, the last at {} UTC.", when(last.timestamp).full))
}
