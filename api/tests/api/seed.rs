//! A store with a small organisation in it: three agents, one of them frozen, one under review.

use alloy::{
    primitives::{Address, B256, U256, keccak256},
    sol_types::Eip712Domain,
};
use bursar_indexer::{
    Store,
    db::{Db, Query},
    store::PARTITION_BLOCKS,
};
use bursar_sdk::{
    amount::Amount,
    decision::{DecisionRecord, Model, Resource, RuleCheck, SCHEMA, Verdict},
    payment::session_id,
    refusal::Refusal,
};
use bursar_test_stores::Stores;

use crate::sealed;

pub(crate) const CHAIN_ID: u64 = 31_337;
/// Saturday 2026-11-21 00:00 UTC.
pub(crate) const MIDNIGHT: u64 = 1_795_219_200;
pub(crate) const NOW: u64 = MIDNIGHT + 3 * 3600;
pub(crate) const HEAD: u64 = 1_000;
/// Before its decisions came.
pub(crate) const FIRST: u64 = 10;
pub(crate) const FINAL: u64 = 960;
pub(crate) const SAFE: u64 = 980;
const DAY: u64 = 86_400;
const WEEK: u64 = 7 * DAY;

pub(crate) fn address(byte: u8) -> Address {
    Address::repeat_byte(byte)
}

pub(crate) fn treasury() -> Address {
    address(0x71)
}

pub(crate) fn token() -> Address {
    address(0x05)
}

pub(crate) fn agent(envelope: u32) -> Address {
    sealed::key(envelope).address()
}

pub(crate) fn purse(envelope: u32) -> Address {
    address(0xb0 + u8::try_from(envelope).unwrap())
}

pub(crate) fn payee(n: u8) -> Address {
    address(0xc0 + n)
}

pub(crate) fn token_domain() -> Eip712Domain {
    Eip712Domain::new(Some("USDC".into()), Some("2".into()), Some(U256::from(CHAIN_ID)), Some(token()), None)
}

/// When a block was, of ten seconds each; but the last.
pub(crate) fn time(block: u64) -> u64 {
    MIDNIGHT + block * 10
}

pub(crate) fn padded(units: u64) -> String {
    format!("{units:0>29}")
}

/// A store that goes away with this.
pub(crate) struct Seeded {
    pub(crate) store: Store,
    pub(crate) decisions: Vec<DecisionRecord>,
    _stores: Stores,
}

pub(crate) async fn seeded(stores: Stores) -> anyhow::Result<Seeded> {
    let store = Store::connect(&stores.url("ledger").await?.parse()?).await?;
    store.make_room(&[FIRST, HEAD], PARTITION_BLOCKS).await?;
    let db = store.db();
    chain(db).await?;
    organisation(db).await?;
    for (envelope, paid, frozen, review) in
        [(1, 6_150_000, false, false), (2, 420_000, true, false), (3, 0, false, true)]
    {
        self::envelope(db, envelope, paid, frozen, review).await?;
    }
    let decisions = payments(db, &store).await?;
    refusals(&store).await?;
    stops(db).await?;
    Ok(Seeded { store, decisions, _stores: stores })
}

async fn chain(db: &Db) -> anyhow::Result<()> {
    Query::new(
        "INSERT INTO checkpoint (id, number, hash, timestamp, head, final_number, safe_number, then_hash) \
         VALUES (1, $1, $2, $3, $4, $5, $6, $2)",
    )
    .bind(HEAD)
    .bind(B256::repeat_byte(0xee))
    .bind(NOW - 2)
    .bind(HEAD)
    .bind(FINAL)
    .bind(SAFE)
    .execute(db)
    .await?;
    for block in std::iter::once(FIRST).chain((930..HEAD).step_by(10)) {
        Query::new("INSERT INTO block (number, hash, timestamp) VALUES ($1, $2, $3)")
            .bind(block)
            .bind(keccak256(block.to_be_bytes()))
            .bind(time(block))
            .execute(db)
            .await?;
    }
    Ok(())
}

async fn organisation(db: &Db) -> anyhow::Result<()> {
    Query::new(
        "INSERT INTO treasury (address, factory, owner, delay, separation, created_block) VALUES ($1, $2, $3, 3600, TRUE, 10)",
    )
    .bind(treasury())
    .bind(address(0x0f))
    .bind(address(0x01))
    .execute(db)
    .await?;
    for (account, role) in [(0x01u8, 1u8), (0x02, 2), (0x03, 4), (0x04, 8), (0x06, 16)] {
        role_of(db, address(account), role).await?;
    }
    Query::new("INSERT INTO asset (treasury, address, idx, domain_separator) VALUES ($1, $2, 0, $3)")
        .bind(treasury())
        .bind(token())
        .bind(token_domain().separator())
        .execute(db)
        .await?;
    for n in 1..=4u8 {
        Query::new("INSERT INTO payee (treasury, list, payee) VALUES ($1, 1, $2)")
            .bind(treasury())
            .bind(payee(n))
            .execute(db)
            .await?;
    }
    Ok(())
}

pub(crate) async fn role_of(db: &Db, account: Address, role: u8) -> anyhow::Result<()> {
    Query::new("INSERT INTO role (treasury, account, role) VALUES ($1, $2, $3)")
        .bind(treasury())
        .bind(account)
        .bind(role)
        .execute(db)
        .await?;
    Ok(())
}

/// A treasury of somebody else, with an envelope that names an agent of ours.
pub(crate) async fn named_by_a_stranger(db: &Db, treasury: Address, agent: Address) -> anyhow::Result<()> {
    Query::new(
        "INSERT INTO treasury (address, factory, owner, delay, separation, created_block) VALUES ($1, $2, $1, 0, FALSE, 10)",
    )
    .bind(treasury)
    .bind(address(0x0f))
    .execute(db)
    .await?;
    Query::new(
        "INSERT INTO envelope (treasury, number, agent, asset, policy_version, approval_threshold, \
         funded, withdrawn, drawn, returned, paid, donated, created_block) \
         VALUES ($1, 1, $2, $3, 1, $4, $4, $4, $4, $4, $4, $4, 20)",
    )
    .bind(treasury)
    .bind(agent)
    .bind(token())
    .bind(padded(0))
    .execute(db)
    .await?;
    Ok(())
}

async fn envelope(db: &Db, number: u32, paid: u64, frozen: bool, review: bool) -> anyhow::Result<()> {
    let versions: u64 = if number == 1 { 2 } else { 1 };
    Query::new(
        "INSERT INTO envelope (treasury, number, agent, asset, frozen, under_review, policy_version, \
         approval_threshold, purses, funded, withdrawn, drawn, returned, paid, donated, payments, created_block) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 1, $9, $10, $11, $12, $13, $14, $15, 20)",
    )
    .bind(treasury())
    .bind(number)
    .bind(agent(number))
    .bind(token())
    .bind(frozen)
    .bind(review)
    .bind(versions)
    .bind(padded(2_000_000))
    .bind(padded(50_000_000))
    .bind(padded(1_000_000))
    .bind(padded(12_000_000))
    .bind(padded(3_000_000))
    .bind(padded(paid))
    .bind(padded(0))
    .bind(if paid == 0 { 0u64 } else { 3 })
    .execute(db)
    .await?;
    for version in 1..=versions {
        policy(db, number, version).await?;
    }
    for (idx, period, limit, used) in [
        (0u64, DAY, 10_000_000u64, 9_200_000u64),
        (1, WEEK, 40_000_000, 14_000_000),
        (2, 0, 500_000_000, 31_000_000),
    ] {
        let index = (NOW - 345_600).checked_div(period).unwrap_or_default();
        Query::new(
            "INSERT INTO limit_use (treasury, envelope, idx, period, limit_amount, used, window_index) \
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(treasury())
        .bind(number)
        .bind(idx)
        .bind(period)
        .bind(padded(limit))
        .bind(padded(used / u64::from(number)))
        .bind(index)
        .execute(db)
        .await?;
    }
    Query::new("INSERT INTO purse (address, treasury, envelope, idx, sequence, open, balance) VALUES ($1, $2, $3, 0, 2, TRUE, $4)")
        .bind(purse(number))
        .bind(treasury())
        .bind(number)
        .bind(padded(0))
        .execute(db)
        .await?;
    session(db, number, 1, MIDNIGHT + 600, MIDNIGHT + 1_800, Some(MIDNIGHT + 2_000)).await?;
    session(db, number, 2, MIDNIGHT + 2_000, MIDNIGHT + 86_400, None).await
}

async fn policy(db: &Db, envelope: u32, version: u64) -> anyhow::Result<()> {
    let rules = serde_json::json!({
        "paymentCap": "5000000", "approvalThreshold": "2000000", "sessionLimit": "6000000",
        "maxSessionSeconds": 86_400, "payeeList": 1, "lifetimeLimit": "500000000",
        "windows": [{"period": DAY, "limit": "10000000"}, {"period": WEEK, "limit": "40000000"}],
    });
    Query::new(
        "INSERT INTO policy (treasury, envelope, version, policy_hash, rules, set_by, block_number, tx_hash, timestamp) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(treasury())
    .bind(envelope)
    .bind(version)
    .bind(policy_hash(version))
    .bind(rules.to_string())
    .bind(address(0x02))
    .bind(20 + version)
    .bind(B256::repeat_byte(0x20))
    .bind(MIDNIGHT - 10_000 + version)
    .execute(db)
    .await?;
    Ok(())
}

pub(crate) fn policy_hash(version: u64) -> B256 {
    keccak256(version.to_be_bytes())
}

async fn session(
    db: &Db,
    envelope: u32,
    sequence: u32,
    opened: u64,
    expiry: u64,
    closed: Option<u64>,
) -> anyhow::Result<()> {
    Query::new(
        "INSERT INTO session (purse, sequence, id, treasury, envelope, key, budget, opened_at, expiry, \
         policy_version, approval_threshold, scope, stamp_hash, closed_at, returned, unspent, paid, payments, opened_tx) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, 1, $18)",
    )
    .bind(purse(envelope))
    .bind(sequence)
    .bind(session_id(purse(envelope), sequence))
    .bind(treasury())
    .bind(envelope)
    .bind(address(0xd0))
    .bind(padded(6_000_000))
    .bind(opened)
    .bind(expiry)
    .bind(if envelope == 1 { 2u64 } else { 1 })
    .bind(padded(2_000_000))
    .bind(r#"{"paymentCap":"0","approvalThreshold":"0","payeeList":0}"#)
    .bind(B256::ZERO)
    .bind(closed)
    .bind(closed.map(|_| padded(3_000_000)))
    .bind(closed.map(|_| padded(3_000_000)))
    .bind(padded(100_000))
    .bind(B256::repeat_byte(0x30))
    .execute(db)
    .await?;
    for (at, closed) in std::iter::once((opened, false)).chain(closed.map(|at| (at, true))) {
        Query::new(
            "INSERT INTO session_then (purse, sequence, block_number, frozen, closed, paid, payments) \
             VALUES ($1, $2, $3, FALSE, $4, $5, 0)",
        )
        .bind(purse(envelope))
        .bind(sequence)
        .bind((at - MIDNIGHT) / 10)
        .bind(closed)
        .bind(padded(0))
        .execute(db)
        .await?;
    }
    Ok(())
}

/// A decision as an agent would record it; `seq` from 1.
pub(crate) fn record(envelope: u32, seq: u64, payee: Address, units: u64, why: &str) -> DecisionRecord {
    let version = if envelope == 1 { 2 } else { 1 };
    DecisionRecord {
        schema: SCHEMA.into(),
        id: format!("01990000-0000-7000-8000-{envelope:04}{seq:08}"),
        seq,
        prev_hash: if seq == 1 { B256::ZERO } else { B256::with_last_byte(seq as u8) },
        chain_id: CHAIN_ID,
        treasury: treasury(),
        envelope,
        agent: agent(envelope),
        agent_ref: B256::ZERO,
        stamp_hash: B256::ZERO,
        purse: purse(envelope),
        session: session_id(purse(envelope), 2),
        policy_version: version,
        epoch: 0,
        policy_hash: policy_hash(u64::from(version)),
        trigger: "task 4711: weekly market brief".into(),
        resource: Resource {
            url: "https://api.example/v1/quotes?symbols=ABC,DEF".into(),
            method: "GET".into(),
            body_hash: B256::ZERO,
        },
        requirement_hash: B256::repeat_byte(0x44),
        offer: None,
        payee,
        asset: token(),
        amount: Amount::new(units),
        alternatives: vec!["use yesterday's quotes".into()],
        rules: vec![RuleCheck {
            id: Refusal::PaymentCapExceeded,
            input: units.to_string(),
            limit: "5000000".into(),
            pass: true,
        }],
        rationale: why.into(),
        model: Some(Model {
            provider: "example".into(),
            name: "planner".into(),
            version: "1".into(),
            prompt_hash: B256::repeat_byte(0x55),
        }),
        verdict: Verdict::Approved,
        reason_codes: vec![],
        created_at: MIDNIGHT + 3_000 + seq * 60,
        salt: B256::with_last_byte(seq as u8),
    }
}

/// Seven payments, in blocks 940, 950, ... 1000; every third without its record. The last was approved.
async fn payments(db: &Db, store: &Store) -> anyhow::Result<Vec<DecisionRecord>> {
    let whys = [
        "Quotes for the weekly brief: the cached ones are older than the task allows.",
        "Fresh filings of the three companies in the brief.",
        "Translation of a filing that exists in one language only.",
        "Satellite image to check the inventory claim in paragraph two.",
        "A second opinion on the translated filing.",
        "Quotes again, after the market moved by more than 2 %.",
        "The full data set, as the analyst asked for: dear, so a human has to agree.",
    ];
    let mut decisions = Vec::new();
    for (i, why) in whys.iter().enumerate() {
        let i = i as u64;
        let envelope = if i == 3 { 2 } else { 1 };
        let units = if i == 6 { 4_500_000 } else { 50_000 * (i + 1) };
        let decision = record(envelope, i + 1, payee(1 + (i % 3) as u8), units, why);
        pay(db, &decision, 940 + i * 10, (i == 6).then(|| address(0x04))).await?;
        if i % 3 != 2 {
            let sealed = sealed::decision(&decision);
            store.insert_decision(&decision, &sealed, decision.created_at + 1).await?;
        }
        decisions.push(decision);
    }
    Ok(decisions)
}

/// Settles a decision in a block, one minute after it was made.
pub(crate) async fn pay(
    db: &Db,
    decision: &DecisionRecord,
    block: u64,
    approver: Option<Address>,
) -> anyhow::Result<()> {
    Query::new(
        "INSERT INTO payment (block_number, log_index, block_hash, tx_hash, timestamp, treasury, envelope, agent, \
         purse, session, policy_version, asset, payee, amount, nonce, transfer_log_index, decision_hash, approver, \
         facilitator) VALUES ($1, 3, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, 4, $15, $16, $17)",
    )
    .bind(block)
    .bind(keccak256(block.to_be_bytes()))
    .bind(keccak256((block + 1).to_be_bytes()))
    .bind(MIDNIGHT + block * 10)
    .bind(decision.treasury)
    .bind(decision.envelope)
    .bind(decision.agent)
    .bind(purse(decision.envelope))
    .bind(decision.session)
    .bind(decision.policy_version)
    .bind(decision.asset)
    .bind(decision.payee)
    .bind(format!("{:0>29}", decision.amount.to_string()))
    .bind(decision.nonce()?.unwrap())
    .bind(decision.hash()?)
    .bind(approver)
    .bind(address(0xfa))
    .execute(db)
    .await?;
    Query::new(
        "INSERT INTO unexplained (block_number, log_index, treasury, envelope) \
         SELECT block_number, log_index, treasury, envelope FROM payment p WHERE block_number = $1 \
         AND NOT EXISTS (SELECT 1 FROM decision d WHERE d.purse = p.purse AND d.nonce = p.nonce)",
    )
    .bind(block)
    .execute(db)
    .await?;
    Ok(())
}

pub(crate) fn denied(envelope: u32, seq: u64, units: u64, reason: Refusal, why: &str) -> DecisionRecord {
    let mut decision = record(envelope, seq, payee(9), units, why);
    decision.verdict = Verdict::Denied;
    decision.reason_codes = vec![reason];
    decision
}

async fn refusals(store: &Store) -> anyhow::Result<()> {
    for decision in [
        denied(1, 20, 9_000_000, Refusal::PaymentCapExceeded, "Buy the whole archive at once."),
        denied(1, 21, 100_000, Refusal::PayeeNotListed, "A cheaper source for the same quotes."),
        denied(2, 22, 50_000, Refusal::EnvelopeFrozen, "Quotes for the weekly brief."),
    ] {
        let sealed = sealed::decision(&decision);
        store.insert_decision(&decision, &sealed, decision.created_at + 1).await?;
    }
    Ok(())
}

async fn stops(db: &Db) -> anyhow::Result<()> {
    let rows = [
        (700u64, 2u32, "envelope", true),
        (710, 2, "envelope", false),
        (900, 2, "envelope", true),
        (910, 3, "review", true),
    ];
    for (block, envelope, level, stopped) in rows {
        Query::new(
            "INSERT INTO stop (block_number, log_index, tx_hash, timestamp, treasury, envelope, level, stopped, by, \
             reason) VALUES ($1, 0, $2, $3, $4, $5, $6, $7, $8, $9)",
        )
        .bind(block)
        .bind(keccak256(block.to_be_bytes()))
        .bind(MIDNIGHT + block * 10)
        .bind(treasury())
        .bind(envelope)
        .bind(level)
        .bind(stopped)
        .bind(address(if stopped { 0x03 } else { 0x01 }))
        .bind((level == "review").then(|| B256::repeat_byte(0x77)))
        .execute(db)
        .await?;
    }
    Ok(())
}
