//! What was erased is gone: from the rows, from the file, and for good. What rests on its hash stays as it was.

use std::time::Duration;

use alloy::primitives::{Address, B256, U256, hex, keccak256};
use anyhow::{Result, ensure};
use bursar_indexer::{
    Inserted, OutcomeError, Store,
    db::Query,
    outbox::Kind,
    query::{decisions, erasures, events, outcomes, refusals},
    store::{Erased, Order},
};
use bursar_sdk::{
    amount::Amount,
    decision::{DecisionRecord, Verdict},
    delivery::SealedRecord,
    erasure::ErasureCategory,
    outcome::{OutcomeRecord, SCHEMA, SettlementReference},
    record::RecordKind,
    refusal::Refusal,
};
use bursar_test_stores::{Stores, on_both_stores};

use crate::{
    ledger::{open, rows},
    record::{record, sealed},
};

on_both_stores!(
    an_erased_decision_leaves_its_place_and_nothing_else,
    an_erased_outcome_keeps_its_number,
    what_is_not_there_cannot_be_erased,
    refusals_are_counted_while_they_are_there,
);

/// Words and salt that can be looked for.
fn telling(seq: u64) -> DecisionRecord {
    let mut decision = record();
    decision.seq = seq;
    decision.prev_hash = B256::from(U256::from(seq - 1));
    decision.rationale = format!("canary-rationale-{seq} {}", "because ".repeat(300));
    decision.trigger = format!("canary-trigger-{seq}.");
    decision.salt = keccak256(format!("canary salt {seq}"));
    decision
}

pub fn came_of(
    decision: &DecisionRecord,
    revision: u32,
    prev_hash: B256,
) -> Result<(OutcomeRecord, SealedRecord)> {
    let decision_hash = decision.hash()?;
    let outcome = OutcomeRecord {
        schema: SCHEMA.into(),
        decision_hash,
        revision,
        prev_hash,
        chain_id: decision.chain_id,
        treasury: decision.treasury,
        envelope: decision.envelope,
        agent: decision.agent,
        nonce: decision.nonce_of(decision_hash),
        purse: decision.purse,
        settlement: Some(SettlementReference {
            success: false,
            transaction: None,
            error_reason: Some(format!("canary-outcome-{revision}.")),
        }),
        receipt: None,
        receipt_check: None,
        http_status: Some(200),
        result_hash: None,
        result_bytes: None,
        delivered: true,
        task_done: None,
        created_at: decision.created_at + 5,
    };
    let sealed = sealed_outcome(&outcome)?;
    Ok((outcome, sealed))
}

/// As it came in; the store keeps what the API has checked.
fn sealed_outcome(outcome: &OutcomeRecord) -> Result<SealedRecord> {
    let canonical = outcome.canonical()?;
    let hash = keccak256(&canonical);
    Ok(SealedRecord { kind: RecordKind::Outcome, hash, canonical, seal: [7; 65].into(), trace: None })
}

fn order() -> Order {
    Order {
        by: Address::repeat_byte(0x0a),
        category: ErasureCategory::SubjectRequest,
        signature: [9; 65].into(),
        contract: false,
    }
}

async fn gone(store: &Store, hash: B256, now: u64) -> Result<erasures::Tombstone> {
    match store.erase_record(hash, &order(), now).await? {
        Erased::Gone(stone) => Ok(*stone),
        Erased::Unknown => anyhow::bail!("there is no record {hash}"),
    }
}

/// Everything there is: the file with its log, byte by byte; or every row of every table that could hold a record's words.
async fn everything(stores: &Stores, store: &Store) -> Result<Vec<u8>> {
    let url = stores.url("ledger").await?;
    let mut all = Vec::new();
    if let Some(path) = url.strip_prefix("sqlite:") {
        for file in [path.to_owned(), format!("{path}-wal")] {
            all.extend(std::fs::read(file).unwrap_or_default());
        }
        return Ok(all);
    }
    for sql in [
        "SELECT decision::TEXT AS row FROM decision",
        "SELECT outcome::TEXT AS row FROM outcome",
        "SELECT erasure::TEXT AS row FROM erasure",
        "SELECT intake::TEXT AS row FROM intake",
        "SELECT outbox::TEXT AS row FROM outbox",
    ] {
        for row in rows(store, sql).await? {
            all.extend(row.text("row")?.into_bytes());
        }
    }
    Ok(all)
}

fn holds(all: &[u8], canary: &str) -> bool {
    all.windows(canary.len()).any(|window| window == canary.as_bytes())
}

async fn an_erased_decision_leaves_its_place_and_nothing_else(stores: Stores) -> Result<()> {
    let store = open(&stores, "ledger").await?;
    // Enough of them that pages are filled, split and moved.
    for seq in 1..=60 {
        let decision = telling(seq);
        store.insert_decision(&decision, &sealed(&decision)?, 1_000 + seq).await?;
    }
    let decision = telling(30);
    let hash = decision.hash()?;
    let (outcome, outcome_sealed) = came_of(&decision, 1, B256::ZERO)?;
    store.insert_outcome(&outcome, &outcome_sealed, 2_000).await?;
    let of_intake =
        "SELECT block_number, seq, subject, fact, treasury, envelope FROM intake ORDER BY block_number, seq";
    let taken_in = async || -> Result<Vec<B256>> {
        rows(&store, of_intake).await?.iter().map(|row| Ok(row.hash("subject")?)).collect()
    };
    let before = taken_in().await?;
    let canaries = |seq: u64| {
        let salt = hex::encode(keccak256(format!("canary salt {seq}")));
        [format!("canary-rationale-{seq} "), format!("canary-trigger-{seq}."), salt]
    };
    let words = "canary-outcome-1.".to_owned();
    let all = everything(&stores, &store).await?;
    for canary in canaries(30).iter().chain([&words]) {
        ensure!(holds(&all, canary), "{canary} is not where it is looked for");
    }

    let stone = gone(&store, hash, 3_000).await?;
    assert_eq!((stone.note.hash, stone.note.erased_at), (hash, 3_000));
    let place =
        erasures::Place::Decision { seq: 30, prev_hash: decision.prev_hash, verdict: decision.verdict };
    assert_eq!((stone.place, stone.purse, stone.nonce), (place, decision.purse, decision.nonce()?));
    assert_eq!(stone.received_at, 1_030);
    let all = everything(&stores, &store).await?;
    for canary in canaries(30).iter().chain([&words]) {
        ensure!(!holds(&all, canary), "{canary} is still there");
    }
    for seq in [1, 29, 31, 60] {
        for canary in canaries(seq) {
            ensure!(holds(&all, &canary), "{canary} went as well");
        }
    }
    assert!(decisions::get(store.db(), hash).await?.is_none());
    assert_eq!(taken_in().await?, before, "what scores rest on holds no words, and stays");

    // It does not come back, nor does anything come of it.
    assert_eq!(store.insert_decision(&decision, &sealed(&decision)?, 4_000).await?, Inserted::Erased);
    assert_eq!(store.insert_outcome(&outcome, &outcome_sealed, 4_000).await?, Inserted::Erased);
    let (later, sealed_later) = came_of(&decision, 2, outcome_sealed.hash)?;
    assert_eq!(store.insert_outcome(&later, &sealed_later, 4_000).await?, Inserted::Erased);
    ensure!(!holds(&everything(&stores, &store).await?, &canaries(30)[0]), "it came back");

    // By the hashes alone, the purse's chain has no gap.
    let mut chain: Vec<(u64, B256)> = Vec::new();
    for seq in 1..=60 {
        let hash = telling(seq).hash()?;
        match decisions::get(store.db(), hash).await? {
            Some(kept) => chain.push((kept.record.seq, kept.record.prev_hash)),
            None => match erasures::get(store.db(), hash).await?.map(|stone| stone.place) {
                Some(erasures::Place::Decision { seq, prev_hash, .. }) => chain.push((seq, prev_hash)),
                other => anyhow::bail!("{seq}: {other:?}"),
            },
        }
    }
    let expected: Vec<_> = (1..=60).map(|seq| (seq, B256::from(U256::from(seq - 1)))).collect();
    assert_eq!(chain, expected);

    // Told once, without words; and ordered again, it is as it was.
    let again =
        store.erase_record(hash, &Order { category: ErasureCategory::Mistake, ..order() }, 5_000).await?;
    assert_eq!(again, Erased::Gone(Box::new(stone)));
    let filter = events::Filter { kinds: vec![Kind::RecordErased], ..Default::default() };
    let events::Page::Events { events, .. } = events::after(store.db(), &filter, None, 9).await? else {
        anyhow::bail!("no events")
    };
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].event.body["hash"], serde_json::json!(hash));
    Ok(())
}

async fn an_erased_outcome_keeps_its_number(stores: Stores) -> Result<()> {
    let store = open(&stores, "ledger").await?;
    let decision = telling(1);
    store.insert_decision(&decision, &sealed(&decision)?, 1_000).await?;
    let (first, sealed_first) = came_of(&decision, 1, B256::ZERO)?;
    store.insert_outcome(&first, &sealed_first, 2_000).await?;
    let stone = gone(&store, sealed_first.hash, 3_000).await?;
    let place = erasures::Place::Outcome { decision_hash: decision.hash()?, revision: 1 };
    assert_eq!((stone.place, stone.purse), (place, decision.purse));
    assert!(outcomes::get(store.db(), sealed_first.hash).await?.is_none());
    assert!(decisions::get(store.db(), decision.hash()?).await?.is_some(), "the decision stays");
    assert!(!holds(&everything(&stores, &store).await?, "canary-outcome-1."));

    assert_eq!(store.insert_outcome(&first, &sealed_first, 4_000).await?, Inserted::Erased);
    let mut other = first.clone();
    other.delivered = false;
    let sealed_other = sealed_outcome(&other)?;
    let forked = store.insert_outcome(&other, &sealed_other, 4_000).await;
    ensure!(
        matches!(forked, Err(OutcomeError::Forked { revision: 1, expected, .. }) if expected == sealed_first.hash),
        "what was told is not told otherwise: {forked:?}"
    );
    // The next one names it by its hash.
    let (wrong, sealed_wrong) = came_of(&decision, 2, B256::repeat_byte(1))?;
    ensure!(matches!(
        store.insert_outcome(&wrong, &sealed_wrong, 5_000).await,
        Err(OutcomeError::Forked { .. })
    ));
    let (second, sealed_second) = came_of(&decision, 2, sealed_first.hash)?;
    assert_eq!(store.insert_outcome(&second, &sealed_second, 5_000).await?, Inserted::New);
    Ok(())
}

async fn refusals_are_counted_while_they_are_there(stores: Stores) -> Result<()> {
    let store = open(&stores, "ledger").await?;
    let most = "79228162514264337593543950335".parse()?;
    let refusal = |seq, envelope, amount| DecisionRecord {
        envelope,
        amount,
        verdict: Verdict::Denied,
        reason_codes: vec![Refusal::PayeeNotListed],
        ..telling(seq)
    };
    let refusals = [
        refusal(1, 1, Amount::new(7)),
        refusal(2, 1, Amount::new(u64::MAX)),
        refusal(3, 2, most),
        refusal(4, 2, Amount::new(1)),
    ];
    for record in &refusals {
        for again in [Inserted::New, Inserted::Existing] {
            assert_eq!(store.insert_decision(record, &sealed(record)?, 1).await?, again);
        }
    }
    // What is to be paid is no refusal.
    store.insert_decision(&telling(5), &sealed(&telling(5))?, 1).await?;
    let counted = async || -> Result<Vec<(u64, U256)>> {
        let found = rows(&store, "SELECT count, amount FROM refused ORDER BY treasury, envelope").await?;
        found.iter().map(|row| Ok((row.number("count")?, row.total("amount")?))).collect()
    };
    let (seven, large, beyond) = (U256::from(7), U256::from(u64::MAX), Amount::to_u256(most) + U256::from(1));
    assert_eq!(counted().await?, [(2, large + seven), (2, beyond)]);
    assert_eq!(refusals::count(store.db(), None, 9).await?, 4);
    assert!(refusals::count(store.db(), None, 1).await? >= 1);

    for _ in 0..2 {
        gone(&store, refusals[1].hash()?, 2).await?;
        assert_eq!(counted().await?, [(1, seven), (2, beyond)]);
    }
    assert_eq!(store.insert_decision(&refusals[1], &sealed(&refusals[1])?, 3).await?, Inserted::Erased);
    gone(&store, telling(5).hash()?, 2).await?;
    gone(&store, refusals[0].hash()?, 2).await?;
    assert_eq!(counted().await?, [(0, U256::ZERO), (2, beyond)]);
    assert_eq!(refusals::count(store.db(), None, 9).await?, 2);
    Ok(())
}

async fn what_is_not_there_cannot_be_erased(stores: Stores) -> Result<()> {
    let store = open(&stores, "ledger").await?;
    let unknown = store.erase_record(B256::repeat_byte(1), &order(), 1).await?;
    assert_eq!(unknown, Erased::Unknown);
    // Nor is anything kept out for it.
    let decision = telling(1);
    assert_eq!(store.insert_decision(&decision, &sealed(&decision)?, 2).await?, Inserted::New);
    Ok(())
}

/// An indexer of another process brings the log into the file, again and again: nobody who has a record erased is turned away for that.
#[tokio::test]
async fn records_go_while_an_indexer_empties_the_log() -> Result<()> {
    let stores = Stores::sqlite()?;
    let store = open(&stores, "ledger").await?;
    let indexer = open(&stores, "ledger").await?;
    let emptying = tokio::spawn(async move {
        while Query::new("PRAGMA wal_checkpoint(PASSIVE)").row(indexer.db()).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    });
    for seq in 1..=20 {
        let decision = telling(seq);
        store.insert_decision(&decision, &sealed(&decision)?, 1_000 + seq).await?;
        gone(&store, decision.hash()?, 2_000).await?;
    }
    emptying.abort();
    Ok(())
}
