//! A decision record that stands on no chain, for tests to change what they are about.

use alloy::primitives::{Address, B256};
use anyhow::Result;
use bursar_sdk::{
    amount::Amount,
    decision::{DecisionRecord, Resource, SCHEMA, Verdict},
    delivery::SealedRecord,
    payment::session_id,
    record::RecordKind,
};

/// A decision to pay 5 units.
pub fn record() -> DecisionRecord {
    DecisionRecord {
        schema: SCHEMA.into(),
        id: "0198c0de-0000-7000-8000-000000000001".into(),
        seq: 1,
        prev_hash: B256::ZERO,
        chain_id: 31337,
        treasury: Address::repeat_byte(1),
        envelope: 1,
        agent: Address::repeat_byte(2),
        agent_ref: B256::ZERO,
        stamp_hash: B256::ZERO,
        purse: Address::repeat_byte(3),
        session: session_id(Address::repeat_byte(3), 4),
        policy_version: 1,
        epoch: 0,
        policy_hash: B256::repeat_byte(5),
        trigger: "a task".into(),
        resource: Resource { url: "https://example.com".into(), method: "GET".into(), body_hash: B256::ZERO },
        requirement_hash: B256::ZERO,
        offer: None,
        payee: Address::repeat_byte(6),
        asset: Address::repeat_byte(7),
        amount: Amount::new(5),
        alternatives: vec![],
        rules: vec![],
        rationale: "needed".into(),
        model: None,
        verdict: Verdict::Approved,
        reason_codes: vec![],
        created_at: 1_767_787_200,
        salt: B256::repeat_byte(8),
    }
}

/// As it came in, with bytes in place of a seal: the store keeps what the API has checked.
pub fn sealed(record: &DecisionRecord) -> Result<SealedRecord> {
    let (hash, canonical) = (record.hash()?, record.canonical()?);
    Ok(SealedRecord { kind: RecordKind::Decision, hash, canonical, seal: [7; 65].into(), trace: None })
}
