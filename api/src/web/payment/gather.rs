//! From rows to what one payment's page says.

use alloy::primitives::{B256, Bytes, keccak256};
use bursar_indexer::query::{
    approvals::{self, Answer},
    decisions::Decision,
    envelopes::Envelope,
    erasures::Note,
    log,
    outcomes::Revision,
    payments::Payment,
    policies,
    scores::Past,
    sessions::Session,
    stamps::Revocation,
};
use bursar_sdk::{
    amount::Amount,
    record::{RecordKind, sealed_by},
    transparency::Inclusion,
};

use super::{
    super::{
        gather::{cost, explore, named},
        text::{money, said, short_hash, span, when, window},
        view::Reason,
    },
    view::{
        Approval, Entry, Erased, Grant, Held, Moved, Outcome, Policy, PolicyText, Record, Request, Score,
        Seal, Stamp, Tx, Who,
    },
};
use crate::{Config, model::score::PastScore};

/// Most characters shown of a policy's words, and of a line.
const MAX_TEXT: usize = 4_000;
const MAX_LINE: usize = 500;
/// Most notes shown of a policy.
const MAX_NOTES: usize = 24;

fn spelled(hash: B256) -> String {
    format!("{hash:#x}")
}

fn tx(config: &Config, hash: B256) -> Tx {
    Tx { hash: spelled(hash), link: explore(config, &format!("tx/{hash:#x}")) }
}

/// Where the payment's JSON is.
pub(super) fn json(row: &Payment) -> String {
    let nonce = row.nonce.unwrap_or_default();
    format!("/v1/payments/{}/{nonce:#x}", row.purse.to_checksum(None))
}

/// Where the JSON of its treasury's log is.
pub(super) fn log(row: &Payment) -> String {
    format!("/v1/treasuries/{}/log", row.treasury.to_checksum(None))
}

pub(super) fn who(config: &Config, row: &Payment, session: Option<&Session>) -> Who {
    let treasury = row.treasury.to_checksum(None);
    let grant = |session: &Session| Grant {
        sequence: session.sequence,
        key: named(config, session.key),
        opened: when(session.opened_at),
        expiry: when(session.expiry),
        live: (session.opened_at..session.expiry).contains(&row.timestamp),
        budget: money(config, row.asset, session.budget.to_u256()),
        tx: tx(config, session.opened_tx),
    };
    Who {
        treasury: named(config, row.treasury),
        envelope: row.envelope,
        envelope_href: format!("/v1/envelopes/{treasury}/{}", row.envelope),
        purse: named(config, row.purse),
        session: spelled(row.session),
        session_href: format!("/v1/sessions/{:#x}", row.session),
        grant: session.map(grant),
    }
}

pub(super) fn stamp(
    config: &Config,
    what: &'static str,
    hash: B256,
    revoked: Option<&Revocation>,
    row: &Payment,
) -> Stamp {
    let revoked = revoked.map(|revoked| {
        let before = revoked.position <= row.position;
        (when(revoked.timestamp), named(config, revoked.by), before)
    });
    Stamp { what, hash: spelled(hash), revoked }
}

pub(super) fn policy(config: &Config, row: &Payment, policy: &policies::Policy) -> Policy {
    let text = policy.document.as_ref().map(|document| PolicyText {
        name: said(&document.name, MAX_LINE),
        purpose: said(&document.purpose, MAX_TEXT),
        notes: document.notes.iter().take(MAX_NOTES).map(|note| said(note, MAX_LINE)).collect(),
        matches: document.hash().is_ok_and(|hash| hash == policy.policy_hash),
        canonical: said(&document.canonical().unwrap_or_default(), MAX_TEXT),
    });
    let treasury = row.treasury.to_checksum(None);
    Policy {
        version: policy.version,
        href: format!("/v1/policies/{treasury}/{}/{}", row.envelope, policy.version),
        hash: spelled(policy.policy_hash),
        set_by: named(config, policy.set_by),
        set_at: when(policy.timestamp),
        block: policy.block_number,
        tx: tx(config, policy.tx_hash),
        text,
        drift: crate::model::policy::Policy::from(policy.clone()).drift,
    }
}

/// Rule by rule: what the policy says, narrowed by the session, and what the payment was.
pub(super) fn rules(
    config: &Config,
    row: &Payment,
    policy: &policies::Policy,
    session: Option<&Session>,
    listed: Option<bool>,
) -> Vec<Held> {
    let show = |amount: Amount| money(config, row.asset, amount.to_u256());
    let within = |rule, limit: Amount, was: Amount| Held {
        rule,
        limit: format!("at most {}", show(limit)),
        was: show(was),
        level: if was <= limit { "good" } else { "stop" },
        verdict: if was <= limit { "held" } else { "broken" },
    };
    let rules = &policy.rules;
    let mut held = vec![within("Payment cap", rules.payment_cap, row.amount)];
    let threshold = threshold(policy, session);
    held.push(match (row.amount > threshold, row.approver.is_some()) {
        (false, _) => mark("Approval", format!("above {}", show(threshold)), "not needed", true),
        (true, approved) => {
            let was = if approved { "given" } else { "missing" };
            mark("Approval", format!("above {}", show(threshold)), was, approved)
        }
    });
    held.push(match (rules.payee_list, listed) {
        (0, _) => mark("Payees", "any".into(), "anyone", true),
        (list, Some(true)) => told("Payees", format!("on list {list}"), "on it today"),
        (list, _) => told("Payees", format!("on list {list}"), "not on it today"),
    });
    if let Some(session) = session {
        held.push(within("Session's budget", rules.session_limit, session.budget));
        let (life, most) = (session.expiry.saturating_sub(session.opened_at), rules.max_session_seconds);
        held.push(mark(
            "Session's life",
            format!("at most {}", span(u64::from(most))),
            &span(life),
            life <= u64::from(most),
        ));
        let scope = &session.scope;
        if !scope.payment_cap.is_zero() {
            held.push(within("Session's own cap", scope.payment_cap, row.amount));
        }
    }
    for limit in &rules.windows {
        let of = format!("{}: at most {}", window(limit.period), show(limit.limit));
        held.push(told("Limit", of, COUNTED));
    }
    if !rules.lifetime_limit.is_zero() {
        held.push(told("Limit", format!("Lifetime: at most {}", show(rules.lifetime_limit)), COUNTED));
    }
    held
}

/// What limits over time look at.
const COUNTED: &str = "counted when the session drew its budget";

fn mark(rule: &'static str, limit: String, was: &str, holds: bool) -> Held {
    let (level, verdict) = if holds { ("good", "held") } else { ("stop", "broken") };
    Held { rule, limit, was: was.to_owned(), level, verdict }
}

fn told(rule: &'static str, limit: String, was: &str) -> Held {
    Held { rule, limit, was: was.to_owned(), level: "", verdict: "left to the contract" }
}

/// From which amount on a human was asked.
fn threshold(policy: &policies::Policy, session: Option<&Session>) -> Amount {
    let narrowed = session.map(|session| session.scope.approval_threshold);
    let narrowed = narrowed.filter(|threshold| !threshold.is_zero());
    narrowed.map_or(policy.rules.approval_threshold, |lower| lower.min(policy.rules.approval_threshold))
}

pub(super) fn record(
    config: &Config,
    row: &Payment,
    decision: &Decision,
    seal: Option<&Bytes>,
    session: Option<&Session>,
) -> Record {
    let record = &decision.record;
    let prev = (!record.prev_hash.is_zero())
        .then(|| (short_hash(record.prev_hash), format!("/v1/decisions/{:#x}", record.prev_hash)));
    Record {
        hash: spelled(decision.hash),
        href: format!("/v1/decisions/{:#x}", decision.hash),
        seq: record.seq,
        prev,
        received: when(decision.received_at),
        hash_holds: keccak256(&decision.canonical) == decision.hash,
        opens: row.nonce == Some(record.nonce_of(keccak256(&decision.canonical))),
        epoch: record.epoch,
        nonce: row.nonce.map(spelled).unwrap_or_default(),
        seal: sealed(config, RecordKind::Decision, row, decision.hash, seal, session),
        canonical: said(&decision.canonical, MAX_CANONICAL),
    }
}

/// All of a record: none is longer.
const MAX_CANONICAL: usize = bursar_sdk::record::MAX_BYTES;

/// Whose seal a record carries: it counts where it is the agent's, or the session key's.
fn sealed(
    config: &Config,
    kind: RecordKind,
    row: &Payment,
    hash: B256,
    seal: Option<&Bytes>,
    session: Option<&Session>,
) -> Seal {
    let Some(seal) = seal else { return Seal { level: "warn", told: "It carries no seal.".into() } };
    match sealed_by(kind, config.chain_id, row.treasury, hash, seal) {
        Some(by) if by == row.agent => {
            Seal { level: "good", told: "Sealed by the agent's identity key.".into() }
        }
        Some(by) if session.is_some_and(|session| session.key == by) => {
            Seal { level: "good", told: "Sealed by the session's key.".into() }
        }
        Some(by) => {
            Seal { level: "stop", told: format!("Sealed by {by}, who is neither the agent nor its session.") }
        }
        None => Seal { level: "stop", told: "Its seal is nobody's.".into() },
    }
}

pub(super) fn erased(config: &Config, note: &Note) -> Erased {
    Erased {
        at: when(note.erased_at),
        by: named(config, note.erased_by),
        category: note.category.code(),
        hash: spelled(note.hash),
    }
}

pub(super) fn approval(
    config: &Config,
    row: &Payment,
    request: Option<&approvals::Approval>,
    policy: Option<&policies::Policy>,
    session: Option<&Session>,
) -> Approval {
    let threshold = policy.map(|policy| threshold(policy, session));
    let of = |asked: &approvals::Approval| {
        let (kind, by) = match &asked.answer {
            Some(Answer::Approved { contract: true, approver, .. }) => {
                (Some("contract (EIP-1271)"), Some(*approver))
            }
            Some(Answer::Approved { approver, .. }) => (Some("account (EOA)"), Some(*approver)),
            _ => (None, None),
        };
        Request {
            href: format!("/approvals/{:#x}", asked.request.digest),
            json: format!("/v1/approval-requests/{:#x}", asked.request.digest),
            digest: spelled(asked.request.digest),
            asked: when(asked.requested_at),
            until: when(asked.request.valid_before),
            kind,
            same: by.zip(row.approver).map(|(here, there)| here == there),
        }
    };
    Approval {
        due: threshold.map(|threshold| row.amount > threshold),
        threshold: threshold.map(|threshold| money(config, row.asset, threshold.to_u256())),
        by: row.approver.map(|approver| named(config, approver)),
        request: request.map(of),
    }
}

pub(super) fn moved(
    config: &Config,
    row: &Payment,
    session: Option<&Session>,
    envelope: Option<&Envelope>,
    (paid, nth): (Amount, u64),
) -> Moved {
    let show = |amount: Amount| money(config, row.asset, amount.to_u256());
    let of =
        |session: &Session| (show(paid), show(session.budget), show(session.budget.saturating_sub(paid)));
    Moved {
        tx: tx(config, row.tx_hash),
        block: row.position.block,
        block_hash: spelled(row.block_hash),
        log_index: row.position.log,
        rail: match row.rail.as_str() {
            "eip3009" => "EIP-3009, transferWithAuthorization",
            "permit2_exact" => "Permit2, exact",
            "permit2_upto" => "Permit2, up to",
            _ => "Permit2",
        },
        asset: named(config, row.asset),
        units: row.amount.to_string(),
        facilitator: named(config, row.facilitator),
        session: session.map(of),
        nth,
        left: envelope.map(|envelope| show(envelope.left())),
    }
}

pub(super) fn outcome(
    config: &Config,
    row: &Payment,
    revision: &Revision,
    session: Option<&Session>,
) -> Outcome {
    let (record, hash) = (&revision.outcome.record, revision.outcome.hash);
    let bytes = record.result_bytes.map(|bytes| format!("{bytes} bytes, ")).unwrap_or_default();
    Outcome {
        revision: record.revision,
        hash: spelled(hash),
        at: when(record.created_at),
        received: when(revision.received_at),
        delivered: record.delivered,
        task: match record.task_done {
            None => "not said yet",
            Some(true) => "done",
            Some(false) => "not done",
        },
        status: record.http_status,
        result: record.result_hash.map(|hash| format!("{bytes}{hash:#x}")),
        receipt: record.receipt_check.as_ref().map(|check| said(check, MAX_LINE)),
        settlement: record.settlement.as_ref().map(|told| match (told.success, &told.error_reason) {
            (true, _) => "settled".to_owned(),
            (false, None) => "not settled".to_owned(),
            (false, Some(why)) => format!("not settled: {}", said(why, MAX_LINE)),
        }),
        seal: sealed(config, RecordKind::Outcome, row, hash, revision.seal.as_ref(), session),
    }
}

pub(super) fn score(row: &Payment, past: Past) -> Score {
    let past = PastScore::from(past);
    let before = row.position.block.saturating_sub(1);
    let treasury = row.treasury.to_checksum(None);
    let reason = |it: crate::model::score::Reason| Reason { code: it.code, help: it.help, cost: cost(&it) };
    Score {
        value: past.value,
        at: when(past.at),
        block: past.block,
        review: past.review.is_some(),
        reasons: past.reasons.into_iter().map(reason).collect(),
        href: format!("/v1/envelopes/{treasury}/{}/score?block={before}", row.envelope),
    }
}

pub(super) fn entry(
    config: &Config,
    row: &Payment,
    leaf: &log::Leaf,
    proof: &Inclusion,
    size: u64,
    anchors: &[log::Anchor],
) -> Entry {
    // Whoever anchors may say any number.
    let covering = anchors.iter().find(|anchor| anchor.size > leaf.number && anchor.size <= size);
    Entry {
        number: leaf.number,
        kind: leaf.entry.kind.code().replace('_', " "),
        at: when(leaf.entry.at),
        leaf: spelled(leaf.hash()),
        path: proof.path.iter().copied().map(spelled).collect(),
        href: format!("{}/inclusion?entry={}", log(row), leaf.number),
        anchor: covering.map(|anchor| (anchor.size, when(anchor.timestamp), tx(config, anchor.tx_hash))),
    }
}
