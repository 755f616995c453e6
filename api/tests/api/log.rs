//! The transparency log: roots that are signed, proofs that hold, and questions that have no answer.

use alloy::primitives::{Address, B256};
use bursar_indexer::db::Query;
use bursar_sdk::transparency::{
    Checkpoint, CheckpointError, CheckpointKey, Consistency, Inclusion, Keeper, leaf_hash, origin,
};
use bursar_test_stores::{Stores, on_both_stores};
use serde_json::{Value, json};

use crate::{
    client::{Api, api, config, state},
    seed::{self, seeded, treasury},
};

on_both_stores!(
    a_root_is_signed_and_grows_with_what_comes_in,
    what_came_in_is_proven_to_be_there,
    what_the_log_cannot_answer_is_refused,
    an_anchor_is_told,
);

const NAME: &str = "bursar.example.com";

fn path(rest: &str) -> String {
    format!("/v1/treasuries/{}/log{rest}", treasury())
}

/// With a key that signs.
async fn signing(stores: Stores) -> anyhow::Result<Api> {
    let seeded = seeded(stores).await?;
    let mut config = config();
    config.log = Some(Keeper::new(NAME, CheckpointKey::from_seed(&[7; 32]))?);
    Ok(Api { router: bursar_api::router(state(&seeded, config)), seeded })
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn hash(value: &Value) -> B256 {
    text(value).parse().unwrap()
}

fn hashes(value: &Value) -> Vec<B256> {
    value.as_array().unwrap().iter().map(hash).collect()
}

async fn a_root_is_signed_and_grows_with_what_comes_in(stores: Stores) -> anyhow::Result<()> {
    let api = signing(stores).await?;
    let before = api.json(&path("")).await?;
    let size = before["size"].as_u64().unwrap();
    assert!(size > 3, "{before}");
    assert_eq!(
        (&before["treasury"], &before["anchor"]),
        (&json!(treasury().to_checksum(None)), &Value::Null)
    );
    let (note, verifier) = (text(&before["checkpoint"]["note"]), text(&before["checkpoint"]["verifier"]));
    let said = Checkpoint::open(note, verifier)?;
    let name = origin(NAME, seed::CHAIN_ID, treasury())?;
    assert_eq!(said, Checkpoint { origin: name, size, root: hash(&before["root"]) });
    assert_eq!(api.json(&path("")).await?, before, "the same root, the same note");

    // Of another treasury's key, it is nobody's.
    let another = origin(NAME, seed::CHAIN_ID, Address::repeat_byte(9))?;
    let another = CheckpointKey::from_seed(&[7; 32]).verifier(&another);
    assert!(matches!(Checkpoint::open(note, &another), Err(CheckpointError::Origin { .. })));
    let forger = CheckpointKey::from_seed(&[8; 32]).verifier(&said.origin);
    assert!(matches!(Checkpoint::open(note, &forger), Err(CheckpointError::Unsigned { .. })));

    // One more record: another root, of the same log.
    let mut decision = api.seeded.decisions[0].clone();
    decision.rationale = "another reason".into();
    let body = crate::sealed::body(&crate::sealed::decision(&decision));
    assert_eq!(api.post("/v1/decisions", &body).await?.status, 201);
    let after = api.json(&path("")).await?;
    assert_eq!(after["size"], size + 1);
    let proof = api.json(&path(&format!("/consistency?from={size}"))).await?;
    assert_eq!((&proof["fromRoot"], &proof["root"]), (&before["root"], &after["root"]));
    let held = Consistency { from: size, size: size + 1, path: hashes(&proof["path"]) };
    held.check(said.root, hash(&after["root"]))?;
    assert!(held.check(B256::repeat_byte(1), hash(&after["root"])).is_err());
    Ok(())
}

async fn what_came_in_is_proven_to_be_there(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    let log = api.json(&path("")).await?;
    assert_eq!(log["checkpoint"], Value::Null, "without a key nobody signs");
    let size = log["size"].as_u64().unwrap();
    let mut entries = Vec::new();
    let mut next = path("/entries?limit=3");
    loop {
        let page = api.json(&next).await?;
        entries.extend(page["items"].as_array().unwrap().clone());
        let Some(cursor) = page["next"].as_str() else { break };
        next = path(&format!("/entries?limit=3&cursor={cursor}"));
    }
    let numbers: Vec<u64> = entries.iter().map(|entry| entry["number"].as_u64().unwrap()).collect();
    assert_eq!(numbers, (0..size).collect::<Vec<_>>());
    for entry in &entries {
        assert_eq!(hash(&entry["leafHash"]), leaf_hash(text(&entry["leaf"]).as_bytes()));
        for of in [format!("entry={}", entry["number"]), format!("subject={}", text(&entry["subject"]))] {
            let proof = api.json(&path(&format!("/inclusion?{of}"))).await?;
            assert_eq!((&proof["entry"], &proof["root"]), (entry, &log["root"]));
            let number = entry["number"].as_u64().unwrap();
            let held = Inclusion { number, size, path: hashes(&proof["path"]) };
            held.check(hash(&entry["leafHash"]), hash(&log["root"]))?;
        }
    }
    let last = api.json(&path("/inclusion")).await?;
    assert_eq!(Some(&last["entry"]), entries.last());
    assert_eq!(api.json(&path("/inclusion?size=2")).await?["entry"], entries[1]);
    // Below a root that was seen before.
    let (first, earlier) = (&entries[0], api.json(&path("/consistency?size=3")).await?);
    let proof = api.json(&path("/inclusion?entry=0&size=3")).await?;
    assert_eq!(proof["root"], earlier["root"]);
    Inclusion { number: 0, size: 3, path: hashes(&proof["path"]) }
        .check(hash(&first["leafHash"]), hash(&earlier["root"]))?;

    let of = api.seeded.decisions[0].hash()?;
    let about = api.items(&path(&format!("/entries?subject={of}"))).await?;
    let told: Vec<&str> = about.iter().map(|entry| text(&entry["kind"])).collect();
    assert_eq!((told, hash(&about[0]["subject"])), (vec!["decision"], of));
    let everything = api.json(&path("/entries?limit=200")).await?.to_string();
    assert!(!everything.contains(&api.seeded.decisions[0].rationale), "an entry holds no words");
    Ok(())
}

async fn what_the_log_cannot_answer_is_refused(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    let size = api.json(&path("")).await?["size"].as_u64().unwrap();
    let (more, none) = (size + 1, B256::repeat_byte(0xdd));
    let most = i64::MAX;
    for (question, status) in [
        (format!("/inclusion?entry={size}"), 404),
        (format!("/inclusion?entry=0&size={more}"), 400),
        (format!("/inclusion?entry=0&size={most}"), 400),
        ("/inclusion?entry=0&size=0".into(), 400),
        ("/inclusion?size=0".into(), 400),
        ("/inclusion?entry=2&size=2".into(), 400),
        (format!("/inclusion?entry={}", u64::MAX), 400),
        (format!("/inclusion?subject={none}"), 404),
        (format!("/inclusion?entry=0&subject={none}"), 400),
        (format!("/consistency?from={more}"), 400),
        ("/consistency?from=3&size=2".into(), 400),
        (format!("/consistency?from={most}&size={most}"), 400),
        ("/consistency?from=-1".into(), 400),
        ("/entries?subject=0x00".into(), 400),
        ("/entries?cursor=00".into(), 400),
    ] {
        let answer = api.get(&path(&question)).await?;
        assert_eq!(answer.status, status, "{question}: {}", answer.text());
    }
    assert_eq!(api.json(&path("/consistency?from=2&size=2")).await?["path"], json!([]));
    assert_eq!(api.json(&path("/consistency?size=0")).await?["size"], 0);
    let nobodys = format!("/v1/treasuries/{}/log", Address::repeat_byte(0x55));
    assert_eq!(api.get(&nobodys).await?.status, 404);
    // A tree that lacks a node is no root and no proof, and says nothing of why.
    let gone = Query::new("DELETE FROM log_node");
    gone.execute(api.seeded.store.db()).await?;
    for question in ["", "/inclusion?entry=0", "/consistency?from=2"] {
        let answer = api.get(&path(question)).await?;
        assert_eq!((answer.status.as_u16(), &answer.json()["code"]), (500, &json!("internal")), "{question}");
    }
    Ok(())
}

async fn an_anchor_is_told(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    for (block, size) in [(900u64, "2"), (910, "18446744073709551615")] {
        Query::new(
            "INSERT INTO anchor (block_number, log_index, tx_hash, timestamp, treasury, root, size, by) \
             VALUES ($1, 3, $2, $3, $4, $5, $6, $7)",
        )
        .bind(block)
        .bind(B256::repeat_byte(0xaa))
        .bind(seed::NOW - 100)
        .bind(treasury())
        .bind(B256::repeat_byte(0xbb))
        .bind(size)
        .bind(seed::address(0x06))
        .execute(api.seeded.store.db())
        .await?;
    }
    let anchor = api.json(&path("")).await?["anchor"].clone();
    let expected = json!({
        "size": "18446744073709551615", "root": B256::repeat_byte(0xbb), "by": seed::address(0x06).to_checksum(None),
        "block": 910, "timestamp": seed::NOW - 100, "txHash": B256::repeat_byte(0xaa),
    });
    assert_eq!(anchor, expected);
    Ok(())
}
