//! The rule for compromise: narrow, and provable by anybody from the chain and one record.

use bursar_indexer::query::payments::Payment;
use bursar_sdk::decision::Verdict;

/// What a payment did otherwise than the decision record says that its nonce commits to: `verdict`, `payee`, `amount`,
/// `agent`, `envelope` or `treasury`; nothing where there is no such record.
///
/// The nonce is on chain and opens to the record's hash, and the record carries its agent's seal. So whoever held the
/// session's key signed for something that the agent had decided otherwise. Who does not hold that key cannot bring it
/// about: no record fits a nonce that was there before it.
pub fn contradiction(payment: &Payment) -> Vec<&'static str> {
    let Some(record) = &payment.decision else { return Vec::new() };
    let denied = (record.verdict == Verdict::Denied).then_some("verdict");
    // What the agent thought of its policy or its token moved no money.
    let moved = ["payee", "amount", "agent", "envelope", "treasury"];
    let otherwise = payment.disagreements().into_iter().filter(|field| moved.contains(field));
    denied.into_iter().chain(otherwise).collect()
}

#[cfg(test)]
mod tests {
    use alloy::primitives::{Address, B256};
    use bursar_indexer::query::Position;
    use bursar_sdk::{
        Amount,
        decision::{DecisionRecord, Resource, SCHEMA},
    };

    use super::*;

    fn record() -> DecisionRecord {
        DecisionRecord {
            schema: SCHEMA.into(),
            id: "one".into(),
            seq: 1,
            prev_hash: B256::ZERO,
            chain_id: 1,
            treasury: Address::repeat_byte(1),
            envelope: 1,
            agent: Address::repeat_byte(2),
            agent_ref: B256::ZERO,
            stamp_hash: B256::ZERO,
            purse: Address::repeat_byte(3),
            session: B256::repeat_byte(3),
            policy_version: 1,
            epoch: 0,
            policy_hash: B256::repeat_byte(4),
            trigger: String::new(),
            resource: Resource { url: String::new(), method: "GET".into(), body_hash: B256::ZERO },
            requirement_hash: B256::ZERO,
            offer: None,
            payee: Address::repeat_byte(6),
            asset: Address::repeat_byte(7),
            amount: Amount::new(10),
            alternatives: Vec::new(),
            rules: Vec::new(),
            rationale: String::new(),
            model: None,
            verdict: Verdict::Approved,
            reason_codes: Vec::new(),
            created_at: 1,
            salt: B256::ZERO,
        }
    }

    /// The payment that the record decided, with whatever record beside it.
    fn paid(beside: Option<DecisionRecord>) -> Payment {
        let of = record();
        Payment {
            position: Position { block: 1, log: 1 },
            block_hash: B256::ZERO,
            tx_hash: B256::ZERO,
            timestamp: 1,
            treasury: of.treasury,
            envelope: of.envelope,
            agent: of.agent,
            purse: of.purse,
            session: of.session,
            policy_version: of.policy_version,
            policy_hash: Some(of.policy_hash),
            asset: of.asset,
            payee: of.payee,
            amount: of.amount,
            rail: "eip3009".into(),
            nonce: Some(B256::repeat_byte(9)),
            decision_hash: None,
            approver: None,
            facilitator: Address::ZERO,
            decision: beside,
            outcome: None,
            erased: None,
        }
    }

    #[test]
    fn what_was_decided_otherwise_is_named_and_nothing_else_is() {
        let changed = |change: fn(&mut DecisionRecord)| {
            let mut record = record();
            change(&mut record);
            contradiction(&paid(Some(record)))
        };
        let nothing: [&str; 0] = [];
        assert_eq!(contradiction(&paid(None)), nothing, "unexplained is no contradiction");
        assert_eq!(changed(|_| {}), nothing);
        assert_eq!(changed(|it| it.policy_hash = B256::ZERO), nothing);
        assert_eq!(changed(|it| it.asset = Address::ZERO), nothing);
        assert_eq!(changed(|it| it.verdict = Verdict::Denied), ["verdict"]);
        assert_eq!(changed(|it| it.payee = Address::ZERO), ["payee"]);
        assert_eq!(changed(|it| it.amount = Amount::new(9)), ["amount"]);
        assert_eq!(changed(|it| it.amount = Amount::new(11)), ["amount"]);
        assert_eq!(changed(|it| it.agent = Address::ZERO), ["agent"]);
        assert_eq!(changed(|it| it.envelope = 2), ["envelope"]);
        assert_eq!(changed(|it| it.treasury = Address::ZERO), ["treasury"]);
    }

    #[test]
    fn charging_less_than_decided_is_what_upto_is_for() {
        let mut payment = paid(Some(record()));
        payment.rail = "permit2_upto".into();
        payment.amount = Amount::new(9);
        assert!(contradiction(&payment).is_empty());
        payment.amount = Amount::new(11);
        assert_eq!(contradiction(&payment), ["amount"]);
    }
}
