//! What agents say of the payments that purses make: a record of each decision, now and then one of a refusal before
//! it, and of most payments what came of them. Records of a purse make a chain, so they are told in order.

use std::collections::HashMap;

use alloy::{
    primitives::{Address, B256, keccak256},
    signers::local::PrivateKeySigner,
};
use bursar_sdk::{
    amount::Amount,
    decision::{DecisionRecord, Model, Resource, RuleCheck, SCHEMA, Verdict},
    outcome::{OutcomeRecord, SCHEMA as OUTCOME_SCHEMA, SettlementReference},
    payment::{commitment, session_id, terms},
    record::RecordError,
    refusal::Refusal,
};

use crate::{
    body::{Body, Item},
    chain::{Chain, timestamp},
    params::Params,
    seed::{mix, word},
    setup::{self, TOKEN},
};

/// Of 100 payments, how many come after a refusal, and how many were not delivered.
const REFUSED_PCT: u64 = 4;
const FAILED_PCT: u64 = 2;

/// What was said of one payment.
#[derive(Debug, Clone)]
pub struct Story {
    /// A decision not to pay, just before.
    pub refused: Option<Told>,
    /// The decision that the payment commits to.
    pub decided: Told,
    /// What came of it.
    pub outcome: OutcomeRecord,
}

/// A decision record, and what it hashes to.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct Told {
    pub record: DecisionRecord,
    pub canonical: String,
    pub hash: B256,
}

/// The purses of a chain, and the last record of each.
#[derive(Debug, Clone, Default)]
pub struct Spools {
    /// The number of each, and its agent.
    purses: HashMap<Address, (u64, Address)>,
    last: HashMap<Address, (u64, B256)>,
}

impl Spools {
    /// Those of a chain that has yet to begin.
    pub fn new(params: &Params) -> Self {
        let all = if params.recorded { 0..params.purses() } else { 0..0 };
        let purses = all.map(|number| (setup::purse(number), (number, setup::agent_key(number).address())));
        Self { purses: purses.collect(), last: HashMap::new() }
    }

    /// What is said of the payments of a block, in order; `None` for what is no payment of a purse.
    pub(crate) fn tell(
        &mut self,
        params: &Params,
        number: u64,
        body: &Body,
    ) -> Result<Vec<Option<Story>>, RecordError> {
        let mut told = Vec::with_capacity(body.items.len());
        for (item, place) in body.items.iter().zip(0u64..) {
            let purse = item.decision.and_then(|_| self.purses.get(&item.payer).copied());
            told.push(match purse {
                None => None,
                Some(purse) => {
                    Some(self.story(params, (number, place), purse, item, body.txs[item.tx].hash)?)
                }
            });
        }
        Ok(told)
    }

    fn story(
        &mut self,
        params: &Params,
        (block, place): (u64, u64),
        (purse, agent): (u64, Address),
        item: &Item,
        tx: B256,
    ) -> Result<Story, RecordError> {
        let key = mix(mix(params.seed ^ 0x5a17) ^ (block << 20) ^ place);
        let (treasury, envelope) = (purse / params.envelopes.max(1), purse % params.envelopes.max(1) + 1);
        let at = timestamp(block);
        let record = DecisionRecord {
            schema: SCHEMA.to_owned(),
            id: id(at, key),
            seq: 0,
            prev_hash: B256::ZERO,
            chain_id: params.chain_id,
            treasury: setup::treasury(treasury),
            envelope: u32::try_from(envelope).unwrap_or(u32::MAX),
            agent,
            agent_ref: B256::ZERO,
            stamp_hash: B256::ZERO,
            purse: item.payer,
            session: session_id(item.payer, 1),
            policy_version: 1,
            epoch: 0,
            policy_hash: setup::policy_hash(),
            trigger: format!("task {}: keep the price sheet of desk {} current", key % 10_000, envelope),
            resource: Resource {
                url: format!("https://api.example/v1/quotes/{:08x}?depth=20", key >> 32),
                method: "GET".to_owned(),
                body_hash: B256::ZERO,
            },
            requirement_hash: word(key ^ 1),
            offer: None,
            payee: item.payee,
            asset: TOKEN,
            amount: Amount::new(item.value),
            alternatives: vec![
                "the copy of this morning, four hours old".to_owned(),
                "the other provider, at twice the price".to_owned(),
            ],
            rules: rules(item.value),
            rationale:
                "The sheet is older than the hour that the task allows, and this provider is the cheapest of \
                        those that the policy lists."
                    .to_owned(),
            model: Some(Model {
                provider: "example".to_owned(),
                name: "planner".to_owned(),
                version: "4".to_owned(),
                prompt_hash: word(key ^ 2),
            }),
            verdict: Verdict::Approved,
            reason_codes: Vec::new(),
            created_at: at,
            salt: word(key ^ 3),
        };
        let refused = (mix(key ^ 4) % 100 < REFUSED_PCT).then(|| DecisionRecord {
            id: id(at, key ^ 5),
            amount: Amount::new(item.value.saturating_mul(1_000)),
            verdict: Verdict::Denied,
            reason_codes: vec![Refusal::PaymentCapExceeded],
            salt: word(key ^ 5),
            ..record.clone()
        });
        let refused = refused.map(|record| self.next(record)).transpose()?;
        let decided = self.next(record)?;
        let delivered = mix(key ^ 6) % 100 >= FAILED_PCT;
        let outcome = OutcomeRecord {
            schema: OUTCOME_SCHEMA.to_owned(),
            decision_hash: decided.hash,
            revision: 1,
            prev_hash: B256::ZERO,
            chain_id: params.chain_id,
            treasury: decided.record.treasury,
            envelope: decided.record.envelope,
            agent: decided.record.agent,
            nonce: decided.record.nonce_of(decided.hash),
            purse: item.payer,
            settlement: Some(SettlementReference {
                success: true,
                transaction: Some(tx),
                error_reason: None,
            }),
            receipt: None,
            receipt_check: None,
            http_status: Some(if delivered { 200 } else { 502 }),
            result_hash: Some(word(key ^ 7)),
            result_bytes: Some(2_000 + key % 4_000),
            delivered,
            task_done: None,
            created_at: at,
        };
        Ok(Story { refused, decided, outcome })
    }

    fn next(&mut self, mut record: DecisionRecord) -> Result<Told, RecordError> {
        let last = self.last.entry(record.purse).or_default();
        (record.seq, record.prev_hash) = (last.0 + 1, last.1);
        let canonical = record.canonical()?;
        let hash = keccak256(&canonical);
        *last = (record.seq, hash);
        Ok(Told { record, canonical, hash })
    }
}

impl Body {
    /// Has the payments of purses commit to these decisions, one for each.
    pub(crate) fn decide(&mut self, decisions: &[B256]) {
        let governed = self.items.iter_mut().filter(|item| item.decision.is_some());
        for (item, hash) in governed.zip(decisions) {
            item.decision = Some(*hash);
            item.nonce = Some(commitment(terms(0, 1), session_id(item.payer, 1), *hash));
        }
    }
}

impl Chain {
    /// What is said of the payments of a block. Ask for every block, from the first: `spools` goes along.
    ///
    /// # Errors
    /// When a record is too large, which none is.
    pub fn stories(&self, spools: &mut Spools, number: u64) -> Result<Vec<Story>, RecordError> {
        let Some(block) = self.block(number).filter(|_| self.params().recorded) else {
            return Ok(Vec::new());
        };
        let told = spools.tell(self.params(), number, &self.body(block))?;
        Ok(told.into_iter().flatten().collect())
    }

    /// The keys that agents seal their records with.
    pub fn agent_keys(&self) -> impl Iterator<Item = PrivateKeySigner> {
        (0..self.params().purses()).map(setup::agent_key)
    }
}

/// As UUIDs of version 7 are written.
fn id(at: u64, key: u64) -> String {
    let (millis, tail) = (at * 1_000, mix(key));
    format!(
        "{:08x}-{:04x}-7{:03x}-a{:03x}-{:012x}",
        millis >> 16,
        millis & 0xffff,
        tail >> 52,
        (tail >> 40) & 0xfff,
        mix(tail) >> 16
    )
}

fn rules(value: u64) -> Vec<RuleCheck> {
    let held = |id, input: String, limit: &str| RuleCheck { id, input, limit: limit.to_owned(), pass: true };
    vec![
        held(Refusal::PaymentCapExceeded, value.to_string(), "1000000000000000"),
        held(Refusal::SessionBudgetExceeded, value.to_string(), "1000000000000000"),
        held(Refusal::ApprovalMissing, value.to_string(), "1000000000000000"),
        held(Refusal::SessionExpired, "open".to_owned(), "open"),
    ]
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use bursar_sdk::decision::DecisionRecord;

    use super::*;

    #[test]
    fn every_payment_of_a_purse_commits_to_a_record_that_follows_the_one_before() -> anyhow::Result<()> {
        let chain = Chain::new(Params { recorded: true, ..Params::small() });
        let mut spools = Spools::new(chain.params());
        let mut last: HashMap<Address, (u64, B256)> = HashMap::new();
        let agents: Vec<Address> = chain.agent_keys().map(|key| key.address()).collect();
        let (mut payments, mut refusals) = (0, 0);
        for number in 0..=chain.head() {
            let settled = chain.settlements(number);
            let paid: Vec<_> = settled.iter().filter(|one| one.decision.is_some()).collect();
            let stories = chain.stories(&mut spools, number)?;
            assert_eq!(paid.len(), stories.len(), "block {number}");
            for (payment, story) in paid.into_iter().zip(stories) {
                payments += 1;
                refusals += u64::from(story.refused.is_some());
                for told in story.refused.iter().chain([&story.decided]) {
                    let record = DecisionRecord::verified(&told.canonical, told.hash)?;
                    let before = last.entry(record.purse).or_default();
                    assert_eq!((record.seq, record.prev_hash), (before.0 + 1, before.1));
                    *before = (record.seq, told.hash);
                }
                let record = &story.decided.record;
                assert_eq!(payment.decision, Some(story.decided.hash));
                assert_eq!(payment.nonce, record.nonce_of(story.decided.hash));
                assert_eq!((payment.payer, payment.payee), (record.purse, record.payee));
                assert_eq!(payment.amount.to_string(), record.amount.to_string());
                assert_eq!(story.outcome.nonce, payment.nonce);
                assert!(agents.contains(&record.agent));
            }
        }
        assert!(payments > 100 && refusals > 0, "{refusals} of {payments}");
        Ok(())
    }
}
