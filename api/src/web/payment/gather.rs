//! From rows to what one payment's page says.

use alloy::primitives::B256;
use bursar_indexer::query::{
    approvals::{self, Answer},
    envelopes::Envelope,
    payments::Payment,
    policies,
    scores::Past,
    sessions::Session,
    stamps::Revocation,
};
use bursar_sdk::amount::Amount;

use super::{
    super::{
        gather::{cost, named, transaction},
        links,
        text::{money, said, when},
        view::Reason,
    },
    rules::threshold,
    view::{Approval, Grant, Moved, Policy, PolicyText, Request, Score, Stamp, Vouched, Who},
};
use crate::{
    Config,
    model::{
        score::PastScore,
        stamp::{StampChain, StampLink, StampScope},
    },
    wire::Units,
};

/// Most characters shown of a policy's words, and of a line.
const MAX_TEXT: usize = 4_000;
pub(super) const MAX_LINE: usize = 500;
/// Most notes shown of a policy.
const MAX_NOTES: usize = 24;
/// Most hosts of a stamp that are named.
const MAX_HOSTS: usize = 4;

pub(super) fn spelled(hash: B256) -> String {
    format!("{hash:#x}")
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
    let grant = |session: &Session| Grant {
        sequence: session.sequence,
        key: named(config, session.key),
        opened: when(session.opened_at),
        expiry: when(session.expiry),
        live: (session.opened_at..session.expiry).contains(&row.timestamp),
        budget: money(config, row.asset, session.budget.to_u256()),
        tx: transaction(config, session.opened_tx),
    };
    Who {
        treasury: named(config, row.treasury),
        envelope: row.envelope,
        envelope_href: links::envelope(row.treasury, row.envelope),
        purse: named(config, row.purse),
        session: spelled(row.session),
        session_href: links::session(row.session),
        grant: session.map(grant),
    }
}

pub(super) fn stamp(
    config: &Config,
    what: &'static str,
    hash: B256,
    revoked: Option<&Revocation>,
    chain: Option<&StampChain>,
    row: &Payment,
) -> Stamp {
    let revoked = revoked.map(|revoked| {
        let before = revoked.position <= row.position;
        (when(revoked.timestamp), named(config, revoked.by), before)
    });
    let links = chain.map(|chain| chain.links.iter().map(|link| vouched(config, link, row)).collect());
    Stamp { what, hash: spelled(hash), revoked, links: links.unwrap_or_default() }
}

fn vouched(config: &Config, link: &StampLink, row: &Payment) -> Vouched {
    let show = |units: &Units| money(config, row.asset, units.0.to_u256());
    Vouched {
        issuer: named(config, link.issuer.0),
        subject: named(config, link.subject.0),
        hash: link.hash.to_string(),
        most: show(&link.per_payment_max),
        in_all: show(&link.total_max),
        scope: scope(&link.scope),
        from: when(link.not_before),
        until: when(link.not_after),
        live: (link.not_before..link.not_after).contains(&row.timestamp),
        by_contract: link.by_contract,
    }
}

/// What a stamp lets be paid, in words.
fn scope(scope: &StampScope) -> String {
    let list = |many: Option<usize>, what: &str| match many {
        None => format!("any {what}"),
        Some(1) => format!("1 {what}"),
        Some(many) => format!("{many} {what}s"),
    };
    let hosts = match scope.hosts.as_deref() {
        Some(hosts @ [_, ..]) if hosts.len() <= MAX_HOSTS => said(&hosts.join(", "), MAX_LINE),
        hosts => list(hosts.map(<[_]>::len), "host"),
    };
    let (assets, payees) = (scope.assets.as_ref().map(Vec::len), scope.payees.as_ref().map(Vec::len));
    format!("{}, {}, {hosts}", list(assets, "token"), list(payees, "payee"))
}

pub(super) fn policy(config: &Config, row: &Payment, policy: &policies::Policy) -> Policy {
    let text = policy.document.as_ref().map(|document| PolicyText {
        name: said(&document.name, MAX_LINE),
        purpose: said(&document.purpose, MAX_TEXT),
        notes: document.notes.iter().take(MAX_NOTES).map(|note| said(note, MAX_LINE)).collect(),
        matches: document.hash().is_ok_and(|hash| hash == policy.policy_hash),
        canonical: said(&document.canonical().unwrap_or_default(), MAX_TEXT),
    });
    Policy {
        version: policy.version,
        href: links::policy(row.treasury, row.envelope, policy.version),
        hash: spelled(policy.policy_hash),
        set_by: named(config, policy.set_by),
        set_at: when(policy.timestamp),
        block: policy.block_number,
        tx: transaction(config, policy.tx_hash),
        text,
        drift: crate::model::policy::Policy::from(policy.clone()).drift,
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
    paid: Option<(Amount, u64)>,
) -> Moved {
    let show = |amount: Amount| money(config, row.asset, amount.to_u256());
    let of = |session: &Session| {
        let budget = session.budget;
        let (paid, nth) = paid?;
        Some((show(paid), show(budget), show(budget.saturating_sub(paid)), nth))
    };
    Moved {
        tx: transaction(config, row.tx_hash),
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
        session: session.and_then(of),
        left: envelope.map(|envelope| show(envelope.left())),
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
