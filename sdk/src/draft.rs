//! From a payment's facts to its decision record. Pure.

use alloy::primitives::{Address, B256};

use crate::{
    chain::ChainView,
    challenge::Requirement,
    client::Context,
    decision::{DecisionRecord, Resource, RuleCheck, SCHEMA, Verdict},
    refusal::Refusal,
    session::SessionHandle,
};

/// What a decision record is made of, but for its place in the chain of records.
#[derive(Debug)]
pub(crate) struct Draft<'a> {
    pub(crate) view: &'a ChainView,
    pub(crate) agent: Address,
    pub(crate) purse: Address,
    pub(crate) session: Option<&'a SessionHandle>,
    pub(crate) context: &'a Context,
    pub(crate) requirement: &'a Requirement,
    pub(crate) rules: Vec<RuleCheck>,
    pub(crate) refusal: Option<Refusal>,
    /// As the chain told it just before.
    pub(crate) epoch: u64,
    pub(crate) now: u64,
    pub(crate) salt: B256,
}

impl Draft<'_> {
    pub(crate) fn record(self, seq: u64, prev_hash: B256) -> DecisionRecord {
        let purpose = &self.context.purpose;
        let session = self.session;
        DecisionRecord {
            schema: SCHEMA.to_owned(),
            id: identifier(self.now, self.salt),
            seq,
            prev_hash,
            chain_id: self.view.chain_id(),
            treasury: self.view.treasury(),
            envelope: self.view.envelope(),
            agent: self.agent,
            agent_ref: purpose.agent_ref,
            stamp_hash: session.map(|session| session.stamp_hash).unwrap_or_default(),
            purse: self.purse,
            session: session.map(SessionHandle::id).unwrap_or_default(),
            policy_version: session.map_or(0, |session| session.policy_version),
            epoch: session.map_or(0, |_| self.epoch),
            policy_hash: session.map(|session| session.policy_hash).unwrap_or_default(),
            trigger: purpose.trigger.clone(),
            resource: self.resource(),
            requirement_hash: self.requirement.hash,
            offer: self.requirement.offer.as_ref().map(|offer| offer.signed.clone()),
            payee: self.requirement.payee,
            asset: self.view.asset().address,
            amount: self.requirement.amount,
            alternatives: purpose.alternatives.clone(),
            rules: self.rules,
            rationale: purpose.rationale.clone(),
            model: purpose.model.clone(),
            verdict: if self.refusal.is_some() { Verdict::Denied } else { Verdict::Approved },
            reason_codes: self.refusal.into_iter().collect(),
            created_at: self.now,
            salt: self.salt,
        }
    }

    /// The request as it was made where the caller knows it; else as the server names it.
    fn resource(&self) -> Resource {
        self.context.resource.clone().unwrap_or_else(|| Resource {
            url: self.requirement.resource.as_ref().map(|info| info.url.clone()).unwrap_or_default(),
            method: "unknown".to_owned(),
            body_hash: B256::ZERO,
        })
    }
}

/// A UUIDv7. Its random part is hashed, so that the identifier tells nothing about the salt.
fn identifier(now: u64, salt: B256) -> String {
    let mut random = [0u8; 10];
    random.copy_from_slice(&alloy::primitives::keccak256(salt)[..10]);
    uuid::Builder::from_unix_timestamp_millis(now.saturating_mul(1000), &random).into_uuid().to_string()
}
