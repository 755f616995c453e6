//! What was written down about the payment, against what the chain commits to.

use alloy::primitives::{Address, B256, keccak256};
use bursar_sdk::{
    decision::DecisionRecord,
    outcome::OutcomeRecord,
    payment::{Rail, commitment, terms},
    record::{RecordKind, sealed_by},
};

use super::{
    facts::{Facts, Stood, Told},
    settled::{opening, policy_set},
};
use crate::model::{
    evidence::{Evidence, SealedText},
    verification::{Check, Compared, Link, Pair},
};

const KEPT: &str = "the record that this service keeps";

pub(super) fn checks(evidence: &Evidence, facts: &Facts) -> Vec<Check> {
    let treasury = format!("treasury {}", evidence.payment.treasury);
    let set = evidence.policy.as_ref().map(|policy| format!("receipt of {}", policy.set_tx));
    vec![
        Check::of(Link::Stamp, treasury.clone(), stamp(evidence, facts)),
        Check::of(Link::Policy, set.unwrap_or_default(), policy(evidence, facts)),
        Check::of(Link::Record, KEPT, record(evidence)),
        Check::of(Link::Words, KEPT, words(evidence)),
        Check::of(Link::Seal, treasury, seal(evidence, facts)),
    ]
}

fn stamp(evidence: &Evidence, facts: &Facts) -> Compared {
    let said = evidence.session.as_ref().ok_or("the ledger does not know the session")?;
    let opened = facts.receipt(said.opened_tx.0)?.and_then(|receipt| opening(evidence, receipt));
    let opened = opened.ok_or("the chain does not tell of the session")?;
    let shown = |hash: B256| if hash.is_zero() { "none shown".to_owned() } else { hash.to_string() };
    let (expected, found) = (shown(said.stamp_hash.0), shown(opened.stampHash));
    if expected != found || said.stamp_hash.0.is_zero() {
        return Ok(Pair::same(expected, found));
    }
    // What is revoked stays so.
    let standing = match facts.stamp_revoked.clone()? {
        Stood { value: false, .. } => "not revoked",
        Stood { then: true, .. } => "revoked",
        Stood { .. } => return Err("it is revoked now; the node does not tell whether it was then".into()),
    };
    Ok(Pair::same(format!("{expected}, not revoked"), format!("{found}, {standing}")))
}

fn policy(evidence: &Evidence, facts: &Facts) -> Compared {
    let said = evidence.policy.as_ref().ok_or("the ledger has not got the policy")?;
    let text = said.text.as_ref().ok_or("nobody has handed in its text")?;
    let set = facts.receipt(said.set_tx.0)?.and_then(|receipt| policy_set(evidence, receipt));
    let expected = set.map(|event| event.policy.policyHash.to_string());
    Ok(Pair::same(expected.unwrap_or_else(|| "no such policy".into()), keccak256(text)))
}

/// The record that is kept.
fn kept(evidence: &Evidence) -> Told<&SealedText> {
    let why = || match evidence.payment.erased {
        Some(_) => "it was erased",
        None => "no record is known that the nonce commits to",
    };
    evidence.decision.as_ref().ok_or_else(|| why().to_owned())
}

fn record(evidence: &Evidence) -> Compared {
    let (payment, kept) = (&evidence.payment, kept(evidence)?);
    let expected = payment.nonce.as_ref().map_or("none".into(), ToString::to_string);
    Ok(match DecisionRecord::from_canonical(&kept.canonical) {
        Ok(record) => {
            let terms = terms(record.epoch, payment.policy_version);
            Pair::same(expected, commitment(terms, payment.session.0, keccak256(&kept.canonical)))
        }
        Err(_) => Pair::same(expected, "a record that does not read"),
    })
}

fn words(evidence: &Evidence) -> Compared {
    let payment = &evidence.payment;
    let record = DecisionRecord::from_canonical(&kept(evidence)?.canonical);
    let record = record.map_err(|_| "the record does not read")?;
    // There, the record's amount is the most that may be charged.
    let most = Rail::Permit2Upto { facilitator: Address::ZERO }.code();
    let less = payment.rail == most && record.amount > payment.amount.0;
    let others: Vec<&str> = [
        ("treasury", record.treasury == payment.treasury.0),
        ("envelope", record.envelope == payment.envelope),
        ("agent", record.agent == payment.agent.0),
        ("purse", record.purse == payment.purse.0),
        ("payee", record.payee == payment.payee.0),
        ("asset", record.asset == payment.asset.0),
        ("amount", record.amount == payment.amount.0 || less),
    ]
    .into_iter()
    .filter_map(|(field, agrees)| (!agrees).then_some(field))
    .collect();
    let found =
        if others.is_empty() { "the same".to_owned() } else { format!("another {}", others.join(", ")) };
    Ok(Pair::same("the same", found))
}

fn seal(evidence: &Evidence, facts: &Facts) -> Compared {
    held(evidence, facts, RecordKind::Decision, kept(evidence)?)
}

/// Whose seal it is: the agent's as the treasury names it, or the session key's.
fn held(evidence: &Evidence, facts: &Facts, kind: RecordKind, kept: &SealedText) -> Compared {
    let payment = &evidence.payment;
    let seal = kept.seal.as_ref().ok_or("it carries no seal")?;
    let hash = keccak256(&kept.canonical);
    let by = sealed_by(kind, evidence.chain_id, payment.treasury.0, hash, &seal.0);
    let found = by.map_or("nobody".into(), |by| by.to_checksum(None));
    if by.is_some() && by == evidence.session.as_ref().map(|session| session.key.0) {
        return Ok(Pair::of(true, "the agent's, or the session key's", found));
    }
    let agent = facts.agent.clone()?;
    if by != Some(agent.value) && !agent.then && by == Some(payment.agent.0) {
        return Err("the envelope has another agent now; the node does not tell who it was then".into());
    }
    Ok(Pair::same(agent.value, found))
}

/// What came of it: every revision, about this record and sealed.
pub(super) fn outcome(evidence: &Evidence, facts: &Facts) -> Check {
    Check::of(Link::Outcome, format!("treasury {}", evidence.payment.treasury), revisions(evidence, facts))
}

fn revisions(evidence: &Evidence, facts: &Facts) -> Compared {
    let mut last = Err("the agent has not said".to_owned());
    for kept in &evidence.outcomes {
        let about = OutcomeRecord::from_canonical(&kept.canonical).map(|record| record.decision_hash);
        let decision = evidence.payment.decision_hash.as_ref().map(|hash| hash.0);
        if about.ok() != decision {
            return Ok(Pair::same("an outcome of this payment's decision", "one of another, or none"));
        }
        last = held(evidence, facts, RecordKind::Outcome, kept);
        if !last.as_ref().is_ok_and(Pair::holds) {
            break;
        }
    }
    last
}
