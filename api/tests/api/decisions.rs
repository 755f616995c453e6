//! Decision records as they come in.

use alloy::primitives::{B256, Bytes};
use bursar_indexer::db::Query;
use bursar_sdk::{decision::DecisionRecord, delivery::SealedRecord, record::RecordKind};
use bursar_test_stores::{Stores, on_both_stores};
use serde_json::{Value, json};

use crate::{
    client::api,
    sealed::{self, body, key, seal},
    seed::{self, payee, record},
};

on_both_stores!(
    a_record_is_stored_once_and_read_back_to_the_byte,
    a_late_record_explains_its_payment,
    records_that_do_not_match_are_refused_and_not_kept,
    a_seal_that_is_not_the_agents_is_refused,
    records_of_what_is_not_indexed_yet_may_come_again,
    records_may_be_64_kib_and_no_more,
);

fn submission(record: &DecisionRecord) -> Value {
    body(&sealed::decision(record))
}

async fn a_record_is_stored_once_and_read_back_to_the_byte(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    let decision = record(1, 50, payee(1), 1_000, "Zoë wants \"quotes\" — 引用\n");
    let submitted = submission(&decision);
    assert_eq!(api.post("/v1/decisions", &submitted).await?.status, 201);
    let again = api.post("/v1/decisions", &submitted).await?;
    assert_eq!((again.status.as_u16(), again.json()["stored"].clone()), (200, json!(false)));
    let detail = api.json(&format!("/v1/decisions/{}", decision.hash()?)).await?;
    assert_eq!(detail["canonical"], submitted["record"]);
    assert_eq!(detail["nonce"], json!(decision.nonce()?));
    assert_eq!(detail["record"]["rationale"], decision.rationale);
    assert_eq!(detail["receivedAt"], seed::NOW);
    Ok(())
}

async fn a_late_record_explains_its_payment(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    assert_eq!(api.items("/v1/payments?explained=false").await?.len(), 2);
    let late = api.seeded.decisions[2].clone();
    assert_eq!(api.post("/v1/decisions", &submission(&late)).await?.status, 201);
    assert_eq!(api.items("/v1/payments?explained=false").await?.len(), 1);
    let detail = api.json(&format!("/v1/decisions/{}", late.hash()?)).await?;
    assert_eq!(detail["payment"]["blockNumber"], 960);
    Ok(())
}

async fn records_that_do_not_match_are_refused_and_not_kept(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    let good = record(1, 60, payee(1), 1_000, "fine");
    let any = sealed::decision(&good).seal;
    let canonical = good.canonical()?;
    let mut elsewhere = good.clone();
    elsewhere.chain_id = 1;
    let mut torn = good.clone();
    torn.seq = 0;
    let mut dated = good.clone();
    dated.schema = "bursar.decision/9".into();
    let spaced = canonical.replacen(':', ": ", 1);
    let hash_of = |text: &str| alloy::primitives::keccak256(text);
    for (hash, text, code) in [
        (B256::repeat_byte(1), canonical.clone(), "hash_mismatch"),
        (hash_of(&spaced), spaced.clone(), "not_canonical"),
        (elsewhere.hash()?, elsewhere.canonical()?, "chain_mismatch"),
        (torn.hash()?, torn.canonical()?, "record_inconsistent"),
        (dated.hash()?, dated.canonical()?, "schema_unknown"),
        (hash_of("{}"), "{}".into(), "record_malformed"),
        (hash_of("not json"), "not json".into(), "record_malformed"),
    ] {
        let answer = api.post("/v1/decisions", &json!({"hash": hash, "record": text, "seal": any})).await?;
        assert_eq!(
            (answer.status.as_u16(), answer.json()["code"].clone()),
            (422, json!(code)),
            "{}",
            answer.text()
        );
        assert_eq!(api.get(&format!("/v1/decisions/{hash}")).await?.status, 404);
    }
    let mismatch = api
        .post("/v1/decisions", &json!({"hash": B256::repeat_byte(1), "record": canonical, "seal": any}))
        .await?;
    assert_eq!(mismatch.json()["expected"], json!(B256::repeat_byte(1)));
    assert_eq!(mismatch.json()["got"], json!(good.hash()?));
    Ok(())
}

/// Only the agent itself can say what it decided.
async fn a_seal_that_is_not_the_agents_is_refused(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    let decision = record(1, 60, payee(1), 1_000, "fine");
    let (hash, treasury, kind) = (decision.hash()?, decision.treasury, RecordKind::Decision);
    for wrong in [
        seal(&key(2), kind, treasury, hash),
        seal(&key(1), RecordKind::Outcome, treasury, hash),
        seal(&key(1), kind, treasury, B256::repeat_byte(1)),
        seal(&key(1), kind, seed::address(0x99), hash),
        Bytes::new(),
    ] {
        let sealed = SealedRecord { seal: wrong, ..sealed::decision(&decision) };
        let answer = api.post("/v1/decisions", &body(&sealed)).await?;
        assert_eq!((answer.status.as_u16(), answer.json()["code"].clone()), (422, json!("seal_invalid")));
        assert_eq!(answer.json()["expected"], json!(decision.agent.to_checksum(None)));
    }
    let unsealed = json!({ "hash": hash, "record": decision.canonical()? });
    let answer = api.post("/v1/decisions", &unsealed).await?;
    assert_eq!((answer.status.as_u16(), answer.json()["code"].clone()), (422, json!("invalid_body")));
    assert_eq!(api.post("/v1/decisions", &submission(&decision)).await?.status, 201);
    let query = Query::new("SELECT seal FROM decision WHERE hash = $1").bind(hash);
    let row = query.row(api.seeded.store.db()).await?.unwrap();
    assert_eq!(row.bytes("seal")?, seal(&key(1), kind, treasury, hash));
    Ok(())
}

async fn records_of_what_is_not_indexed_yet_may_come_again(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    let mut nowhere = record(1, 61, payee(1), 1_000, "fine");
    nowhere.treasury = seed::address(0x99);
    let mut unknown = record(1, 62, payee(1), 1_000, "fine");
    unknown.envelope = 99;
    unknown.agent = seed::agent(99);
    for (decision, code) in [(nowhere, "treasury_unknown"), (unknown, "envelope_unknown")] {
        let answer = api.post("/v1/decisions", &submission(&decision)).await?;
        assert_eq!((answer.status.as_u16(), answer.json()["code"].clone()), (409, json!(code)));
        assert!(answer.headers.contains_key("retry-after"));
    }
    Ok(())
}

async fn records_may_be_64_kib_and_no_more(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    let empty = record(1, 63, payee(1), 1_000, "").canonical()?.len();
    let most = bursar_sdk::record::MAX_BYTES - empty;
    // Quotes are the worst case: escaped in the record, and escaped again in the body.
    let largest = record(1, 63, payee(1), 1_000, &"\"".repeat(most / 2));
    assert_eq!(api.post("/v1/decisions", &submission(&largest)).await?.status, 201);
    let text = largest.canonical()? + &" ".repeat(bursar_sdk::record::MAX_BYTES);
    let answer =
        api.post("/v1/decisions", &json!({"hash": B256::ZERO, "record": text, "seal": "0x"})).await?;
    assert_eq!(answer.status, 413, "{}", answer.text());
    Ok(())
}
