//! A payment of which every link holds, with the keys that signed it.

use std::collections::BTreeMap;

use alloy::{
    primitives::{
        Address, B256, Bytes, LogData, U256,
        aliases::{U24, U96},
        keccak256,
    },
    signers::{SignerSync as _, local::PrivateKeySigner},
    sol_types::{SolCall as _, SolEvent, SolStruct as _},
};
use bursar_indexer::query::stamps::Chain;
use bursar_sdk::{
    abi::{
        Eip3009::{AuthorizationUsed, Transfer, transferWithAuthorizationCall},
        Treasury::{self, Anchored, PolicySet, SessionOpened},
    },
    amount::Amount,
    decision::{DecisionRecord, Resource, Verdict},
    payment::{Approval, Authorization, PaymentBlob, Rail, Token, session_id, treasury_domain},
    record::{RecordKind, seal_digest},
    stamp::{Scope, StampBundle, StampDomain, StampTerms, UnsignedStamp, Windows},
    transparency::{CheckpointKey, Entry, Growth, Keeper, LogKind, leaf_hash},
};

use futures::executor::block_on;

use super::super::facts::{Facts, Receipt, Stood};
use crate::{
    model::{
        evidence::{
            AnchorEvidence, EntryEvidence, Evidence, LogEvidence, PolicyEvidence, SealedText, SessionEvidence,
        },
        payment::{Payment, PaymentState},
        stamp::StampChain,
    },
    wire::{Hash, Hex},
};

const CHAIN: u64 = 31_337;
pub(super) const TREASURY: Address = Address::repeat_byte(0x11);
pub(super) const TOKEN: Address = Address::repeat_byte(0x22);
pub(super) const PURSE: Address = Address::repeat_byte(0x33);
pub(super) const PAYEE: Address = Address::repeat_byte(0x44);
pub(super) const UNITS: u64 = 15_000_000;
pub(super) const SETTLED: B256 = B256::repeat_byte(0xa1);
pub(super) const OPENED: B256 = B256::repeat_byte(0xa2);
pub(super) const SET: B256 = B256::repeat_byte(0xa3);
pub(super) const ANCHORED: B256 = B256::repeat_byte(0xa4);
const BLOCK: B256 = B256::repeat_byte(0xb0);
pub(super) const AT: u64 = 1_700_000_100;
const DOMAIN: B256 = B256::repeat_byte(0xd0);
const POLICY: &str = "{\"name\":\"research\"}";

pub(super) fn key(name: u8) -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&B256::repeat_byte(name)).unwrap()
}

/// What the agent's stamp allows.
pub(super) fn allowed() -> StampTerms {
    StampTerms {
        subject: key(1).address(),
        agent_ref: B256::ZERO,
        scope: Scope::any().payees([PAYEE]).assets([TOKEN]),
        per_payment_max: Amount::new(UNITS),
        total_max: Amount::new(10 * UNITS),
        windows: Windows::default(),
        not_before: AT,
        not_after: AT + 2,
        depth_left: 0,
        policy_hash: B256::ZERO,
        httpsig_jkt: B256::ZERO,
        workload_hash: B256::ZERO,
        epoch: 6,
    }
}

/// A stamp that a stamper, key 4, gave to key 5, and which that one delegated to the agent.
pub(super) fn stamp(terms: &StampTerms) -> StampBundle {
    let wide = StampTerms {
        subject: key(5).address(),
        scope: Scope::any(),
        per_payment_max: Amount::new(20 * UNITS),
        total_max: Amount::new(20 * UNITS),
        not_before: 0,
        not_after: u64::MAX,
        depth_left: 1,
        ..terms.clone()
    };
    let domain = StampDomain::new(CHAIN, TREASURY);
    let root = UnsignedStamp::root(domain, &wide, key(4).address(), B256::ZERO).unwrap();
    let root = block_on(root.sign(&key(4))).unwrap();
    block_on(UnsignedStamp::child(&root, terms, B256::ZERO).unwrap().sign(&key(5))).unwrap()
}

/// The same as somebody handed it in.
pub(super) fn handed_in(stamp: &StampBundle) -> StampChain {
    let bundle = stamp.encode().unwrap().into();
    let (hash, subject) = (stamp.hash(), stamp.leaf().unwrap().stamp.subject);
    StampChain::read(&Chain { hash, treasury: TREASURY, subject, bundle, received_at: 0 }).unwrap()
}

pub(super) fn record() -> DecisionRecord {
    DecisionRecord {
        schema: bursar_sdk::decision::SCHEMA.into(),
        id: "01990000-0000-7000-8000-000000000001".into(),
        seq: 1,
        prev_hash: B256::ZERO,
        chain_id: CHAIN,
        treasury: TREASURY,
        envelope: 1,
        agent: key(1).address(),
        agent_ref: B256::ZERO,
        stamp_hash: stamp(&allowed()).hash(),
        purse: PURSE,
        session: session_id(PURSE, 7),
        policy_version: 3,
        epoch: 2,
        policy_hash: keccak256(POLICY),
        trigger: "brief".into(),
        resource: Resource {
            url: "https://api.example/".into(),
            method: "GET".into(),
            body_hash: B256::ZERO,
        },
        requirement_hash: B256::ZERO,
        offer: None,
        payee: PAYEE,
        asset: TOKEN,
        amount: Amount::new(UNITS),
        alternatives: vec![],
        rules: vec![],
        rationale: "The filing is asked for.".into(),
        model: None,
        verdict: Verdict::Approved,
        reason_codes: vec![],
        created_at: 1_700_000_000,
        salt: B256::repeat_byte(9),
    }
}

pub(super) fn log<E: SolEvent>(index: u64, by: Address, event: &E) -> (u64, Address, LogData) {
    (index, by, event.encode_log_data())
}

pub(super) fn receipt(logs: Vec<(u64, Address, LogData)>) -> Receipt {
    Receipt { success: true, block_hash: BLOCK, logs }
}

/// The input of a transaction in which the session's key pays, with a human's approval or without.
pub(super) fn input(
    record: &DecisionRecord,
    by: &PrivateKeySigner,
    approver: Option<&PrivateKeySigner>,
) -> Bytes {
    let hash = record.hash().unwrap();
    let paying = Authorization {
        purse: PURSE,
        payee: PAYEE,
        amount: record.amount,
        valid_after: 0,
        valid_before: 2_000_000_000,
        nonce: record.nonce_of(hash),
    };
    let digest =
        paying.digest(Rail::Eip3009, Token { chain_id: CHAIN, address: TOKEN, domain_separator: DOMAIN });
    let approval = paying.approval(hash, digest).eip712_signing_hash(&treasury_domain(CHAIN, TREASURY));
    let blob = PaymentBlob {
        rail: Rail::Eip3009,
        payee: PAYEE,
        amount: record.amount,
        valid_after: 0,
        valid_before: 2_000_000_000,
        decision_hash: hash,
        signature: by.sign_hash_sync(&digest).unwrap(),
        approval: approver.map(|approver| Approval::Eoa(approver.sign_hash_sync(&approval).unwrap())),
    };
    let call = transferWithAuthorizationCall {
        from: PURSE,
        to: PAYEE,
        value: record.amount.to_u256(),
        validAfter: U256::ZERO,
        validBefore: U256::from(2_000_000_000u64),
        nonce: paying.nonce,
        signature: blob.encode().unwrap(),
    };
    call.abi_encode().into()
}

pub(super) fn sealed(record: &DecisionRecord, by: &PrivateKeySigner) -> SealedText {
    let digest = seal_digest(RecordKind::Decision, CHAIN, TREASURY, record.hash().unwrap());
    let seal = Bytes::from(by.sign_hash_sync(&digest).unwrap().as_bytes());
    SealedText { canonical: record.canonical().unwrap(), seal: Some(Hex(seal)) }
}

/// A log whose last entry tells of the record, as that kind, and its root.
pub(super) fn logged(record: &DecisionRecord, kind: LogKind) -> (LogEvidence, B256) {
    let entry = Entry {
        schema: bursar_sdk::transparency::SCHEMA.into(),
        kind,
        treasury: TREASURY,
        envelope: Some(1),
        subject: record.hash().unwrap(),
        content: None,
        fact: None,
        at: 1_700_000_000,
        height: 99,
    };
    let (leaf, before) = (entry.canonical().unwrap(), leaf_hash(b"another"));
    let mut growth = Growth::from(0, []).unwrap();
    growth.push(before).unwrap();
    growth.push(leaf_hash(leaf.as_bytes())).unwrap();
    let root = growth.root().unwrap();
    let keeper = Keeper::new("log.example", CheckpointKey::from_seed(&[7; 32])).unwrap();
    let anchor = AnchorEvidence { size: 2, tx_hash: Hash(ANCHORED), path: vec![Hash(before)] };
    let entry = EntryEvidence { number: 1, kind, leaf, path: vec![Hash(before)], anchor: Some(anchor) };
    let checkpoint = Some(keeper.sign(CHAIN, TREASURY, 2, root).unwrap().into());
    (LogEvidence { size: 2, root: Hash(root), checkpoint, entries: vec![entry] }, root)
}

/// What the treasury logged when the session was opened, without a threshold of its own.
pub(super) fn opened() -> SessionOpened {
    SessionOpened {
        envelope: U24::from(1),
        purse: PURSE,
        sequence: U24::from(7),
        key: key(2).address(),
        budget: U96::from(UNITS),
        expiry: 2_000_000_000,
        policyVersion: 3,
        scope: Treasury::Scope::default(),
        stampHash: stamp(&allowed()).hash(),
    }
}

/// A payment of which every link holds, but that nobody said what came of it.
pub(super) fn whole() -> (Evidence, Facts) {
    let record = record();
    let hash = record.hash().unwrap();
    let nonce = record.nonce_of(hash);
    let (log_evidence, root) = logged(&record, LogKind::Decision);
    let amount = U256::from(UNITS);
    let moved = Transfer { from: PURSE, to: PAYEE, value: amount };
    let used = AuthorizationUsed { authorizer: PURSE, nonce };
    let policy = Treasury::Policy {
        approvalThreshold: U96::from(10_000_000),
        policyHash: keccak256(POLICY),
        ..Default::default()
    };
    let set = PolicySet { envelope: U24::from(1), version: 3, policy, by: Address::ZERO };
    let anchored = Anchored { root, size: 2, by: Address::ZERO };
    let receipts = BTreeMap::from([
        (SETTLED, Ok(Some(receipt(vec![log(4, TOKEN, &used), log(5, TOKEN, &moved)])))),
        (OPENED, Ok(Some(receipt(vec![log(1, TREASURY, &opened())])))),
        (SET, Ok(Some(receipt(vec![log(2, TREASURY, &set)])))),
        (ANCHORED, Ok(Some(receipt(vec![log(0, TREASURY, &anchored)])))),
    ]);
    let facts = Facts {
        block: Ok(Some((BLOCK, 1_700_000_100))),
        receipts,
        input: Ok(Some(input(&record, &key(2), Some(&key(3))))),
        domain_separator: Ok(DOMAIN),
        agent: Ok(Stood { value: key(1).address(), then: true }),
        asset: Ok(TOKEN),
        may_approve: Ok(Stood { value: true, then: true }),
        stamp_epoch: Ok(Stood { value: 6, then: true }),
        may_stamp: Ok(Stood { value: true, then: true }),
        parents_revoked: Ok(Stood { value: false, then: true }),
        stamp_revoked: Ok(Stood { value: false, then: true }),
        ..Facts::none("not asked")
    };
    let payment = Payment {
        treasury: TREASURY.into(),
        envelope: 1,
        agent: key(1).address().into(),
        purse: PURSE.into(),
        session: session_id(PURSE, 7).into(),
        payee: PAYEE.into(),
        asset: TOKEN.into(),
        amount: Amount::new(UNITS).into(),
        state: PaymentState::Final,
        policy_version: 3,
        policy_hash: Some(Hash(keccak256(POLICY))),
        approver: Some(key(3).address().into()),
        facilitator: Address::repeat_byte(0x55).into(),
        explained: true,
        disagreements: vec![],
        decision_hash: Some(Hash(hash)),
        decision: None,
        erased: None,
        outcome: None,
        rail: "eip3009".into(),
        nonce: Some(Hash(nonce)),
        timestamp: AT,
        block_number: 100,
        block_hash: BLOCK.into(),
        log_index: 4,
        tx_hash: SETTLED.into(),
    };
    let evidence = Evidence {
        chain_id: CHAIN,
        payment,
        session: Some(SessionEvidence {
            sequence: 7,
            key: key(2).address().into(),
            stamp_hash: stamp(&allowed()).hash().into(),
            opened_tx: OPENED.into(),
        }),
        stamps: Some(handed_in(&stamp(&allowed()))),
        policy: Some(PolicyEvidence { text: Some(POLICY.into()), set_tx: SET.into() }),
        decision: Some(sealed(&record, &key(1))),
        outcomes: vec![],
        log: Some(log_evidence),
    };
    (evidence, facts)
}
