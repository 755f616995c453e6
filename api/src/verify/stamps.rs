//! Who vouched for the agent: the stamps that its session was opened under, from a stamper of the treasury on.

use alloy::primitives::B256;
use bursar_sdk::stamp::{Link, Linked, StampBundle};

use super::{
    facts::{Facts, Stood, Told},
    settled::opening_told,
};
use crate::model::{
    evidence::Evidence,
    verification::{Compared, Pair},
};

const EXPECTED: &str = "from a stamper to this agent, for payments like this one";

/// From the stamp that the treasury logged back to a root that a stamper issued.
pub(super) fn issuers(evidence: &Evidence, facts: &Facts) -> Compared {
    let opened = opening_told(evidence, facts)?;
    if opened.stampHash.is_zero() {
        return Err("no stamp was shown".into());
    }
    let kept = evidence.stamps.as_ref().ok_or("nobody has handed in what the stamp is delegated from")?;
    let agent = then(&facts.agent, "who the agent was")?;
    let linked = match linked(&kept.bundle) {
        Ok(linked) => linked,
        Err(wrong) => return Ok(Pair::of(false, EXPECTED, wrong)),
    };
    if let Some(wrong) = other(evidence, &linked, opened.stampHash) {
        return Ok(Pair::of(false, EXPECTED, wrong));
    }
    let links = &linked.bundle.links;
    let (Some(root), Some(leaf)) = (links.first(), links.last()) else {
        return Ok(Pair::of(false, EXPECTED, "no link"));
    };
    if leaf.stamp.subject != agent {
        return Ok(Pair::same(agent, leaf.stamp.subject));
    }
    if let Some(at) = linked.by_contracts.first() {
        return Err(format!("link {at} is signed by a contract, which alone can tell"));
    }
    // What is revoked stays so.
    if facts.parents_revoked.clone()?.value && then(&facts.parents_revoked, "whether a link was revoked")? {
        return Ok(Pair::of(false, EXPECTED, "a link was revoked"));
    }
    let (epoch, of) = (then(&facts.stamp_epoch, "which the stamp epoch was")?, leaf.stamp.epoch);
    if epoch != of {
        return Ok(Pair::of(false, format!("stamp epoch {epoch}"), format!("stamp epoch {of}")));
    }
    let issuer = root.stamp.issuer;
    if !then(&facts.may_stamp, "who the stampers were")? {
        return Ok(Pair::of(false, "a root by a stamper", issuer));
    }
    Ok(Pair::of(true, EXPECTED, format!("{} links from {issuer}", links.len())))
}

/// As it stood at the payment's block, and at no other.
fn then<T: Clone>(told: &Told<Stood<T>>, what: &str) -> Told<T> {
    match told.clone()? {
        Stood { value, then: true } => Ok(value),
        Stood { then: false, .. } => Err(format!("the node does not tell {what} then")),
    }
}

/// What is kept, where its links hold together.
fn linked(bundle: &str) -> Result<Linked, String> {
    let read = StampBundle::from_text(bundle).and_then(|bundle| bundle.encode());
    let bytes = read.map_err(|_| "what does not read")?;
    Linked::read(&bytes).map_err(|refused| refused.to_string())
}

/// What of the chain is of something else than this payment.
fn other(evidence: &Evidence, linked: &Linked, leaf: B256) -> Option<String> {
    let domain = linked.bundle.domain;
    let of = (evidence.chain_id, evidence.payment.treasury.0);
    if (domain.chain_id, domain.treasury) != of {
        return Some("stamps of another treasury".into());
    }
    if linked.hashes.last() != Some(&leaf) {
        return Some("another stamp than the session was opened under".into());
    }
    let wrong = |link| beside(evidence, link);
    linked.bundle.links.iter().enumerate().find_map(|(at, link)| Some(format!("link {at} {}", wrong(link)?)))
}

/// What of the payment a link does not allow.
fn beside(evidence: &Evidence, Link { stamp, scope, .. }: &Link) -> Option<&'static str> {
    let payment = &evidence.payment;
    let lacks = |list: &Option<Vec<_>>, one| list.as_ref().is_some_and(|list| !list.contains(one));
    if !(stamp.not_before..stamp.not_after).contains(&payment.timestamp) {
        Some("was not valid then")
    } else if payment.amount.0 > stamp.per_payment_max {
        Some("allows less for one payment")
    } else if lacks(&scope.assets, &payment.asset.0) {
        Some("does not allow this token")
    } else if lacks(&scope.payees, &payment.payee.0) {
        Some("does not allow this payee")
    } else {
        None
    }
}
