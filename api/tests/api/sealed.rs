//! Records as agents hand them in.

use alloy::{
    primitives::{Address, B256, Bytes, keccak256},
    signers::{SignerSync as _, local::PrivateKeySigner},
};
use bursar_sdk::{
    decision::DecisionRecord,
    delivery::SealedRecord,
    outcome::{OutcomeRecord, SCHEMA},
    record::{RecordKind, seal_digest},
};
use serde_json::{Value, json};

use crate::seed;

/// The identity key of an envelope's agent.
pub(crate) fn key(envelope: u32) -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&keccak256(envelope.to_be_bytes())).unwrap()
}

/// A seal over a hash, by any key and of any kind.
pub(crate) fn seal(key: &PrivateKeySigner, kind: RecordKind, treasury: Address, hash: B256) -> Bytes {
    let digest = seal_digest(kind, seed::CHAIN_ID, treasury, hash);
    key.sign_hash_sync(&digest).unwrap().as_bytes().into()
}

/// As its agent would hand it in.
pub(crate) fn decision(record: &DecisionRecord) -> SealedRecord {
    sealed(RecordKind::Decision, record.envelope, record.treasury, record.canonical().unwrap())
}

/// As its agent would hand it in.
pub(crate) fn outcome(record: &OutcomeRecord) -> SealedRecord {
    sealed(RecordKind::Outcome, record.envelope, record.treasury, record.canonical().unwrap())
}

fn sealed(kind: RecordKind, envelope: u32, treasury: Address, canonical: String) -> SealedRecord {
    let hash = keccak256(&canonical);
    SealedRecord { kind, hash, seal: seal(&key(envelope), kind, treasury, hash), canonical, trace: None }
}

/// The body it goes in.
pub(crate) fn body(record: &SealedRecord) -> Value {
    json!({ "hash": record.hash, "record": record.canonical, "seal": record.seal })
}

/// What came of a payment: all of it.
pub(crate) fn outcome_of(decision: &DecisionRecord) -> OutcomeRecord {
    let hash = decision.hash().unwrap();
    OutcomeRecord {
        schema: SCHEMA.into(),
        decision_hash: hash,
        revision: 1,
        prev_hash: B256::ZERO,
        chain_id: decision.chain_id,
        treasury: decision.treasury,
        envelope: decision.envelope,
        agent: decision.agent,
        nonce: decision.nonce_of(hash),
        purse: decision.purse,
        settlement: None,
        receipt: None,
        receipt_check: None,
        http_status: Some(200),
        result_hash: Some(B256::repeat_byte(0x66)),
        result_bytes: Some(1_234),
        delivered: true,
        task_done: None,
        created_at: decision.created_at + 5,
    }
}
