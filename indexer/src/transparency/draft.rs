//! What is logged of each thing that comes in: hashes of what is kept, and nothing of what it says.

use alloy::primitives::{Address, B256, Bytes};
use bursar_sdk::{
    decision::DecisionRecord,
    outcome::OutcomeRecord,
    transparency::{self, Entry, LogKind},
};
use serde_json::json;

use super::append::broken;
use crate::{
    db::DbError,
    query::{
        accesses::Access,
        approvals::{Answer, Request},
        erasures::{Place, Tombstone},
    },
};

/// An entry before it is known where it comes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Draft {
    pub(crate) kind: LogKind,
    pub(crate) treasury: Address,
    pub(crate) envelope: Option<u32>,
    pub(crate) subject: B256,
    pub(crate) content: Option<B256>,
    pub(crate) fact: Option<B256>,
    /// In unix seconds.
    pub(crate) at: u64,
}

impl Draft {
    /// A decision record came in at `at`; `seal` and `fact` are digests of what is kept with it.
    pub(crate) fn decision(record: &DecisionRecord, hash: B256, seal: B256, fact: B256, at: u64) -> Self {
        Self {
            kind: record.verdict.into(),
            treasury: record.treasury,
            envelope: Some(record.envelope),
            subject: hash,
            content: Some(seal),
            fact: Some(fact),
            at,
        }
    }

    /// An outcome record came in at `at`; only of the first revision the ledger takes a fact.
    pub(crate) fn outcome(
        record: &OutcomeRecord,
        hash: B256,
        seal: B256,
        fact: Option<B256>,
        at: u64,
    ) -> Self {
        let (treasury, envelope) = (record.treasury, Some(record.envelope));
        Self { kind: LogKind::Outcome, treasury, envelope, subject: hash, content: Some(seal), fact, at }
    }

    /// A payment waits for a human since `at`.
    pub(crate) fn request(request: &Request, envelope: Option<u32>, at: u64) -> Result<Self, DbError> {
        let content = request_digest(request, at)?;
        Ok(Self::of_request(LogKind::ApprovalRequest, request, envelope, content, at))
    }

    /// A human answered at `at`; only of the first answer to a request the ledger takes a fact.
    pub(crate) fn answer(
        request: &Request,
        envelope: Option<u32>,
        answer: &Answer,
        fact: Option<B256>,
        at: u64,
    ) -> Result<Self, DbError> {
        let content = answer_digest(answer, at)?;
        Ok(Self { fact, ..Self::of_request(of_answer(answer), request, envelope, content, at) })
    }

    fn of_request(kind: LogKind, request: &Request, envelope: Option<u32>, content: B256, at: u64) -> Self {
        let (treasury, subject) = (request.treasury, request.digest);
        Self { kind, treasury, envelope, subject, content: Some(content), fact: None, at }
    }

    /// A record was erased.
    pub(crate) fn erasure(stone: &Tombstone) -> Result<Self, DbError> {
        Ok(Self {
            kind: LogKind::Erasure,
            treasury: stone.treasury,
            envelope: Some(stone.envelope),
            subject: stone.note.hash,
            content: Some(tombstone_digest(stone)?),
            fact: None,
            at: stone.note.erased_at,
        })
    }

    /// Accesses of a treasury's things were kept at `at`; the digest is of all of them.
    pub(crate) fn accesses(treasury: Address, digest: B256, at: u64) -> Self {
        let (kind, subject) = (LogKind::Access, digest);
        Self { kind, treasury, envelope: None, subject, content: None, fact: None, at }
    }

    /// That a record had come which was erased before there was a log; `fact` is what the ledger took of it.
    pub(crate) fn of_erased(stone: &Tombstone, fact: Option<B256>) -> Self {
        Self {
            kind: stone.place.logged_as(),
            treasury: stone.treasury,
            envelope: Some(stone.envelope),
            subject: stone.note.hash,
            content: None,
            fact,
            at: stone.received_at,
        }
    }
}

fn of_answer(answer: &Answer) -> LogKind {
    match answer {
        Answer::Approved { .. } => LogKind::Approval,
        Answer::Rejected { .. } => LogKind::Rejection,
    }
}

/// Of the seal that a record carries; `None` where it came before seals were asked for.
pub(crate) fn seal_content(seal: Option<&Bytes>) -> Result<B256, DbError> {
    transparency::seal_content(seal).map_err(broken)
}

/// Of a request as it is kept, which came at `at`. Times are text: JSON's numbers end at 2^53.
pub(crate) fn request_digest(request: &Request, at: u64) -> Result<B256, DbError> {
    let Request {
        digest: payment,
        treasury,
        purse,
        payee,
        amount,
        valid_after,
        valid_before,
        nonce,
        rail,
        decision_hash,
        agent,
        seal,
    } = request;
    digest(&json!({
        "digest": payment,
        "treasury": treasury,
        "purse": purse,
        "payee": payee,
        "amount": amount.to_string(),
        "validAfter": valid_after.to_string(),
        "validBefore": valid_before.to_string(),
        "nonce": nonce,
        "rail": rail.code(),
        "facilitator": rail.facilitator(),
        "decisionHash": decision_hash,
        "agent": agent,
        "seal": seal,
        "requestedAt": at.to_string(),
    }))
}

/// Of an answer as it is kept, which came at `at`.
pub(crate) fn answer_digest(answer: &Answer, at: u64) -> Result<B256, DbError> {
    let at = at.to_string();
    digest(&match answer {
        Answer::Approved { approver, signature, contract } => json!({
            "answer": "approved", "by": approver, "signature": signature, "contract": contract, "answeredAt": at,
        }),
        Answer::Rejected { by, reason, signature } => json!({
            "answer": "rejected", "by": by, "reason": reason, "signature": signature, "answeredAt": at,
        }),
    })
}

/// Of what is left of a record.
pub(crate) fn tombstone_digest(stone: &Tombstone) -> Result<B256, DbError> {
    let place = match stone.place {
        Place::Decision { seq, prev_hash, verdict } => {
            json!({ "seq": seq.to_string(), "prevHash": prev_hash, "verdict": verdict.code() })
        }
        Place::Outcome { decision_hash, revision } => {
            json!({ "decisionHash": decision_hash, "revision": revision })
        }
    };
    digest(&json!({
        "hash": stone.note.hash,
        "place": place,
        "treasury": stone.treasury,
        "envelope": stone.envelope,
        "agent": stone.agent,
        "purse": stone.purse,
        "nonce": stone.nonce,
        "createdAt": stone.created_at.to_string(),
        "receivedAt": stone.received_at.to_string(),
        "erasedAt": stone.note.erased_at.to_string(),
        "erasedBy": stone.note.erased_by,
        "category": stone.note.category.code(),
        "signature": stone.note.signature,
        "contract": stone.contract,
    }))
}

/// Of an access as it is kept.
pub(crate) fn access_digest(access: &Access) -> Result<B256, DbError> {
    let Access { request, at, by, role, scope, treasury, method, route, asked, status } = access;
    digest(&json!({
        "request": request,
        "at": at.to_string(),
        "by": by,
        "role": role.map(|role| role.code()),
        "scope": scope,
        "treasury": treasury,
        "method": method,
        "route": route,
        "asked": asked,
        "status": status,
    }))
}

pub(crate) fn digest(kept: &serde_json::Value) -> Result<B256, DbError> {
    Entry::digest(kept).map_err(broken)
}
