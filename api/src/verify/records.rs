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
    settled::{opening_told, other_version, policy_set, somebody},
    stamps,
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
        Check::of(Link::Issuers, treasury.clone(), stamps::issuers(evidence, facts)),
        Check::of(Link::Policy, set.unwrap_or_default(), policy(evidence, facts)),
        Check::of(Link::Record, KEPT, record(evidence)),
        Check::of(Link::Words, KEPT, words(evidence)),
        Check::of(Link::Seal, treasury, seal(evidence, facts)),
    ]
}

fn stamp(evidence: &Evidence, facts: &Facts) -> Compared {
    let said = evidence.session.as_ref().ok_or("the ledger does not know the session")?;
    let opened = opening_told(evidence, facts)?;
    let shown = |hash: B256| if hash.is_zero() { "none shown".to_owned() } else { hash.to_string() };
    let (expected, found) = (shown(said.stamp_hash.0), shown(opened.stampHash));
    if said.stamp_hash.0 != opened.stampHash {
        return Ok(Pair::of(false, expected, found));
    }
    if said.stamp_hash.0.is_zero() {
        return Err("no stamp was shown".into());
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
    let Some(set) = set else {
        return Ok(Pair::of(false, "a policy of this version", "none in that transaction"));
    };
    if let Some(other) = other_version(evidence, &opening_told(evidence, facts)?) {
        return Ok(other);
    }
    Ok(Pair::same(set.policy.policyHash, keccak256(text)))
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
        Err(_) => Pair::of(false, expected, "a record that does not read"),
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
    Ok(Pair::of(others.is_empty(), "the same", found))
}

fn seal(evidence: &Evidence, facts: &Facts) -> Compared {
    held(evidence, facts, RecordKind::Decision, kept(evidence)?)
}

/// Whose seal it is: the agent's as the treasury named it then, or the session key's as it logged it.
fn held(evidence: &Evidence, facts: &Facts, kind: RecordKind, kept: &SealedText) -> Compared {
    let payment = &evidence.payment;
    let seal = kept.seal.as_ref().ok_or("it carries no seal")?;
    let hash = keccak256(&kept.canonical);
    let by = sealed_by(kind, evidence.chain_id, payment.treasury.0, hash, &seal.0);
    let (either, found) = ("the agent's, or the session key's", somebody(by));
    let Some(by) = by else { return Ok(Pair::of(false, either, found)) };
    let key = opening_told(evidence, facts).map(|opened| opened.key);
    if key.as_ref().is_ok_and(|key| *key == by) {
        return Ok(Pair::of(true, either, found));
    }
    let agent = facts.agent.clone()?;
    if !agent.then && (by == agent.value || by == payment.agent.0) {
        return Err("the node does not tell who the agent was then".into());
    }
    if by == agent.value {
        return Ok(Pair::of(true, agent.value, found));
    }
    // Whether the session's key made it is not known.
    key?;
    Ok(Pair::of(false, agent.value, found))
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
        if decision.is_none() || about.ok() != decision {
            let expected = "an outcome of this payment's decision";
            return Ok(Pair::of(false, expected, "one of another, or none"));
        }
        last = held(evidence, facts, RecordKind::Outcome, kept);
        if !last.as_ref().is_ok_and(Pair::holds) {
            break;
        }
    }
    last
}
