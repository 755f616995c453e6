//! From rows to words.

use alloy::primitives::{Address, B256};
use bursar_indexer::{
    ledger::Severity,
    query::{
        alerts, approvals, checkpoint::Settled, decisions, envelopes, headroom, heard, ledger, payments,
        refusals, scores, stops,
    },
};
use bursar_sdk::score::{CEILING, CLEARING, FLOOR, State};

use super::{
    links,
    text::{counted, money, per_mille, said, short, short_hash, span, when, window},
    view::{
        Agent, Alert, Heard, Limit, Named, Payment, Reason, Refusal, Request, Score, Standing, Stop, Total,
        Transaction,
    },
};
use crate::{
    Config,
    model::{
        payment::PaymentState,
        score::{self, Gate, PastScore, ScoreBrief},
    },
};

/// Most characters of a rationale that fit a table.
pub(super) const MAX_WORDS: usize = 180;
/// Most characters of a rejection's reason that are shown: all that is taken.
const MAX_REASON: usize = 1_000;

impl From<heard::Span> for Heard {
    fn from(heard::Span { payments, blocks: (first, last), since }: heard::Span) -> Self {
        Self { payments: counted(payments), since: when(since), first, last }
    }
}

/// Where an explorer has it.
pub(super) fn explore(config: &Config, path: &str) -> Option<String> {
    config.explorer.as_ref().map(|base| format!("{}/{path}", base.as_str().trim_end_matches('/')))
}

/// Where transactions are looked at, with a slash at its end; empty where nowhere.
pub(super) fn explorer(config: &Config) -> String {
    explore(config, "").unwrap_or_default()
}

pub(super) fn named(config: &Config, address: Address) -> Named {
    let label = || config.label(address).map(|label| label.symbol.clone());
    let name = config.names.get(&address).cloned().or_else(label);
    Named {
        name: name.unwrap_or_else(|| short(address)),
        address: address.to_checksum(None),
        link: explore(config, &format!("address/{}", address.to_checksum(None))),
    }
}

/// A transaction, where the explorer shows it.
pub(super) fn transaction(config: &Config, hash: B256) -> Transaction {
    Transaction {
        name: short_hash(hash),
        hash: format!("{hash:#x}"),
        link: explore(config, &format!("tx/{hash:#x}")),
    }
}

pub(super) fn total(config: &Config, asset: Address, total: &ledger::Total) -> Total {
    Total {
        asset: named(config, asset),
        funded: money(config, asset, total.funded),
        paid: money(config, asset, total.paid),
        left: money(config, asset, total.left()),
        payments: total.payments,
        envelopes: total.envelopes,
        paid_share: per_mille(total.paid, total.funded),
    }
}

pub(super) fn agent(
    config: &Config,
    row: &envelopes::Envelope,
    rooms: &[headroom::Headroom],
    refused: refusals::Refused,
    score: Option<&State>,
    alerts: &[alerts::Alert],
    now: u64,
) -> Agent {
    let show = |amount: bursar_sdk::amount::Amount| money(config, row.asset, amount.to_u256());
    Agent {
        agent: named(config, row.agent),
        treasury: named(config, row.treasury),
        number: row.number,
        href: links::envelope(row.treasury, row.number),
        frozen: row.frozen,
        organisation_frozen: row.organisation_frozen,
        group_frozen: row.group_frozen,
        under_review: row.under_review,
        funded: show(row.funded),
        paid: show(row.paid),
        in_purses: show(row.in_purses()),
        left: show(row.left()),
        payments: row.payments,
        refused: refused.count,
        policy_version: row.policy_version,
        limits: rooms.iter().map(|room| limit(config, row.asset, room, now)).collect(),
        score: score.map(|state| scored(row, ScoreBrief::new(row, state, now))),
        curve: None,
        alerts: alerts.iter().map(|of| alert(config, of)).collect(),
    }
}

pub(super) fn alert(config: &Config, alert: &alerts::Alert) -> Alert {
    let row = &alert.row;
    Alert {
        at: when(row.raised_at),
        what: row.kind.code().replace('_', " "),
        help: row.kind.help(),
        level: match row.severity {
            Severity::Critical => "stop",
            Severity::Warning => "warn",
            Severity::Notice => "",
        },
        envelope: row.envelope,
        whose: row.treasury.map(|treasury| named(config, treasury)),
        times: (row.count > 1).then_some(row.count),
    }
}

fn scored(row: &envelopes::Envelope, score: ScoreBrief) -> Score {
    let above = u64::from(score.value.saturating_sub(FLOOR));
    let (level, gate) = match score.gate {
        Gate::Review => ("full", Some("A human has to look before the next session.".into())),
        Gate::Stale => ("full", Some("No reviewer has reported a score lately: no session opens.".into())),
        Gate::Open if score.value < CLEARING => ("near", None),
        Gate::Open => ("ok", None),
    };
    let reason = |it: score::Reason| Reason { code: it.code, help: it.help, cost: cost(&it) };
    Score {
        value: score.value,
        level,
        share: above * 1000 / u64::from(CEILING - FLOOR),
        gate,
        reasons: score.reasons.into_iter().map(reason).collect(),
        href: format!("/v1/envelopes/{}/{}/score", row.treasury.to_checksum(None), row.number),
    }
}

/// A score as it stood at a height.
pub(super) fn score_then(row: &envelopes::Envelope, past: scores::Past, height: u64) -> Score {
    let past = PastScore::from(past);
    let above = u64::from(past.value.saturating_sub(FLOOR));
    let reason = |it: score::Reason| Reason { code: it.code, help: it.help, cost: cost(&it) };
    Score {
        value: past.value,
        level: match past.review {
            Some(_) => "full",
            None if past.value < CLEARING => "near",
            None => "ok",
        },
        share: above * 1000 / u64::from(CEILING - FLOOR),
        gate: past.review.map(|_| "A human had to look before the next session.".into()),
        reasons: past.reasons.into_iter().map(reason).collect(),
        href: format!("/v1/envelopes/{}/{}/score?block={height}", row.treasury.to_checksum(None), row.number),
    }
}

/// What a reason costs, in words.
pub(super) fn cost(reason: &score::Reason) -> String {
    match (reason.cap, reason.lost_micropoints) {
        (Some(cap), _) => format!("at most {cap}"),
        (None, lost) => {
            let tenths = lost.unwrap_or_default() / 100_000;
            format!("\u{2212}{}.{}", tenths / 10, tenths % 10)
        }
    }
}

pub(super) fn limit(config: &Config, asset: Address, room: &headroom::Headroom, now: u64) -> Limit {
    let share = per_mille(room.used.to_u256(), room.limit.to_u256());
    Limit {
        name: window(room.period),
        used: money(config, asset, room.used.to_u256()),
        limit: money(config, asset, room.limit.to_u256()),
        left: money(config, asset, room.left().to_u256()),
        share,
        level: match share {
            0..800 => "ok",
            800..1000 => "near",
            _ => "full",
        },
        ends: room.ends_at.map(|end| span(end.saturating_sub(now))),
    }
}

pub(super) fn request(
    config: &Config,
    row: &approvals::Approval,
    asset: Option<Address>,
    rationale: Option<&str>,
    now: u64,
) -> Request {
    let request = &row.request;
    let (state, level) = match row.state(now) {
        approvals::State::Pending => ("Pending", "warn"),
        approvals::State::Approved => ("Approved", "good"),
        approvals::State::Rejected => ("Rejected", "stop"),
        approvals::State::Expired => ("Expired", ""),
    };
    let (by, reason) = match &row.answer {
        None => (None, None),
        Some(approvals::Answer::Approved { approver, .. }) => (Some(*approver), None),
        Some(approvals::Answer::Rejected { by, reason, .. }) => (Some(*by), Some(said(reason, MAX_REASON))),
    };
    Request {
        state,
        level,
        amount: money(config, asset.unwrap_or_default(), request.amount.to_u256()),
        payee: named(config, request.payee),
        agent: request.agent.map(|agent| named(config, agent)),
        treasury: named(config, request.treasury),
        valid_before: request.valid_before,
        until: when(request.valid_before),
        rationale: rationale.map(|text| said(text, MAX_WORDS)),
        by: by.map(|by| named(config, by)),
        reason,
        href: format!("/approvals/{:#x}", request.digest),
    }
}

pub(super) fn payment(config: &Config, row: &payments::Payment, settled: Option<Settled>) -> Payment {
    Payment {
        at: when(row.timestamp),
        agent: named(config, row.agent),
        payee: named(config, row.payee),
        amount: money(config, row.asset, row.amount.to_u256()),
        policy_version: row.policy_version,
        policy_href: links::policy(row.treasury, row.envelope, row.policy_version),
        rationale: match (&row.decision, &row.erased) {
            (Some(record), _) => Some(said(&record.rationale, MAX_WORDS)),
            (None, Some(note)) => Some(format!("(erased: {})", note.category)),
            (None, None) => None,
        },
        resource: row.decision.as_ref().map(|record| said(&record.resource.url, MAX_WORDS)),
        disagrees: !row.disagreements().is_empty(),
        approver: row.approver.map(|approver| named(config, approver)),
        tx: short_hash(row.tx_hash),
        tx_href: explore(config, &format!("tx/{:#x}", row.tx_hash)),
        href: links::payment(row),
        state: state(row.position.block, settled),
    }
}

/// Whether the chain may still take back what stands in a block.
pub(super) fn state(block: u64, settled: Option<Settled>) -> Standing {
    match PaymentState::at(block, settled) {
        PaymentState::Final => Standing { name: "Final", mark: "good", help: "" },
        PaymentState::Safe => {
            Standing { name: "Safe", mark: "", help: "the chain is unlikely to take it back" }
        }
        PaymentState::Seen => Standing { name: "Seen", mark: "", help: "the chain may still take it back" },
    }
}

pub(super) fn refusal(config: &Config, row: &decisions::Decision) -> Refusal {
    let record = &row.record;
    let reason = record.reason_codes.first();
    Refusal {
        at: when(record.created_at),
        agent: named(config, record.agent),
        payee: named(config, record.payee),
        amount: money(config, record.asset, record.amount.to_u256()),
        reason: reason.map_or("unknown", |reason| reason.code()).replace('_', " "),
        help: reason.map_or("", |reason| reason.help()),
        rationale: said(&record.rationale, MAX_WORDS),
        href: links::decision(row.hash),
    }
}

pub(super) fn stop(config: &Config, row: &stops::Stop) -> Stop {
    let organisation = || named(config, row.treasury).name;
    let envelope = row.envelope.unwrap_or_default();
    let what = match (row.level.as_str(), row.stopped) {
        ("organisation", true) => format!("Organisation {} frozen", organisation()),
        ("organisation", false) => format!("Organisation {} released", organisation()),
        ("group", true) => format!("Group {} of {} frozen", row.group.unwrap_or_default(), organisation()),
        ("group", false) => format!("Group {} of {} released", row.group.unwrap_or_default(), organisation()),
        ("envelope", true) => format!("Envelope {envelope} frozen"),
        ("envelope", false) => format!("Envelope {envelope} released"),
        ("session", true) => format!("A session of envelope {envelope} frozen"),
        ("review", true) => format!("Envelope {envelope} put under review"),
        ("review", false) => format!("Envelope {envelope} cleared after review"),
        (other, _) => format!("{other} of envelope {envelope}"),
    };
    let (at, by) = (when(row.timestamp), named(config, row.by));
    Stop { at, what, stopped: row.stopped, by, tx: transaction(config, row.tx_hash) }
}
