//! What records and people tell: that they did, and by which hash; never what is in a record.

use alloy::primitives::{Address, B256};
use bursar_sdk::{
    decision::{DecisionRecord, Verdict},
    outcome::OutcomeRecord,
};
use serde_json::{Value, json};

use super::{Event, Kind};
use crate::query::{
    approvals::{Answer, Request},
    erasures::{Place, Tombstone},
};

fn event(
    kind: Kind,
    at: u64,
    (treasury, envelope): (Address, Option<u32>),
    subject: String,
    body: Value,
) -> Event {
    Event { kind, at, treasury: Some(treasury), envelope, subject, origin: None, retracts: None, body }
}

/// A decision record came in at `at` (unix seconds).
pub(crate) fn decided(record: &DecisionRecord, hash: B256, at: u64) -> Event {
    let mut body = json!({ "hash": hash, "agent": record.agent.to_checksum(None) });
    if let Some((purse, _)) = record.purse() {
        body["purse"] = purse.to_checksum(None).into();
        body["nonce"] = json!(record.nonce_of(hash));
    }
    let kind = match record.verdict {
        Verdict::Approved => Kind::DecisionStored,
        Verdict::Denied => {
            let codes: Vec<&str> = record.reason_codes.iter().map(|reason| reason.code()).collect();
            body["reasons"] = codes.into();
            Kind::PaymentRefused
        }
    };
    event(kind, at, (record.treasury, Some(record.envelope)), format!("decisions/{hash}"), body)
}

/// An outcome record came in at `at` (unix seconds).
pub(crate) fn outcome(record: &OutcomeRecord, hash: B256, at: u64) -> Event {
    let body = json!({
        "hash": hash,
        "decisionHash": record.decision_hash,
        "purse": record.purse.to_checksum(None),
        "nonce": record.nonce,
        "revision": record.revision,
        "delivered": record.delivered,
    });
    let place = (record.treasury, Some(record.envelope));
    event(Kind::OutcomeStored, at, place, format!("decisions/{}", record.decision_hash), body)
}

/// A record was erased.
pub(crate) fn erased(stone: &Tombstone) -> Event {
    let body = json!({
        "hash": stone.note.hash,
        "kind": stone.place.kind(),
        "by": stone.note.erased_by.to_checksum(None),
        "category": stone.note.category.code(),
    });
    let decision = match stone.place {
        Place::Decision { .. } => stone.note.hash,
        Place::Outcome { decision_hash, .. } => decision_hash,
    };
    let place = (stone.treasury, Some(stone.envelope));
    event(Kind::RecordErased, stone.note.erased_at, place, format!("decisions/{decision}"), body)
}

/// A payment waits for a human since `at` (unix seconds).
pub(crate) fn asked(request: &Request, envelope: Option<u32>, at: u64) -> Event {
    of_request(Kind::ApprovalRequested, request, envelope, at)
}

/// Nobody answered until `at` (unix seconds).
pub(super) fn expired(request: &Request, envelope: Option<u32>, at: u64) -> Event {
    of_request(Kind::ApprovalExpired, request, envelope, at)
}

/// A human answered at `at` (unix seconds).
pub(crate) fn answered(request: &Request, envelope: Option<u32>, answer: &Answer, at: u64) -> Event {
    let (kind, by) = match answer {
        Answer::Approved { approver, .. } => (Kind::ApprovalGranted, approver),
        Answer::Rejected { by, .. } => (Kind::ApprovalRejected, by),
    };
    let mut event = of_request(kind, request, envelope, at);
    event.body["by"] = by.to_checksum(None).into();
    event
}

fn of_request(kind: Kind, request: &Request, envelope: Option<u32>, at: u64) -> Event {
    let body = json!({
        "digest": request.digest,
        "agent": request.agent.map(|agent| agent.to_checksum(None)),
        "purse": request.purse.to_checksum(None),
        "payee": request.payee.to_checksum(None),
        "amount": request.amount.to_string(),
        "validBefore": request.valid_before,
        "decisionHash": request.decision_hash,
    });
    event(kind, at, (request.treasury, envelope), format!("approval-requests/{}", request.digest), body)
}
