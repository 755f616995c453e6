//! Policies as people read them: kept by their hash, and beside what the contract enforces.

use alloy::primitives::Address;
use bursar_indexer::db::Query;
use bursar_sdk::{
    amount::Amount,
    policy::{PolicyDocument, SCHEMA, WindowLimit},
};
use bursar_test_stores::{Stores, on_both_stores};
use serde_json::{Value, json};

use crate::{
    client::{Api, api},
    seed::{self, treasury},
};

on_both_stores!(
    a_document_is_kept_by_its_hash_and_told_with_its_policy,
    a_document_of_no_policy_is_not_kept,
    what_the_contract_enforces_otherwise_is_named,
    what_is_no_document_is_refused,
);

/// As the seeded rules have it.
pub(crate) fn document() -> PolicyDocument {
    let window = |period, limit| WindowLimit { period, limit: Amount::new(limit) };
    PolicyDocument {
        schema: SCHEMA.into(),
        name: "Research".into(),
        purpose: "Buys market data; nothing else, \u{202e}whatever it says".into(),
        chain_id: seed::CHAIN_ID,
        asset: seed::token(),
        payment_cap: Amount::new(5_000_000),
        approval_threshold: Amount::new(2_000_000),
        session_limit: Amount::new(6_000_000),
        max_session_seconds: 86_400,
        payee_list: 1,
        lifetime_limit: Amount::new(500_000_000),
        windows: vec![window(86_400, 10_000_000), window(604_800, 40_000_000)],
        notes: vec![],
    }
}

/// An API whose first envelope's policy has the document's hash.
async fn with_policy(stores: Stores) -> anyhow::Result<Api> {
    let api = api(stores).await?;
    Query::new("UPDATE policy SET policy_hash = $1 WHERE envelope = 1 AND version = 2")
        .bind(document().hash()?)
        .execute(api.seeded.store.db())
        .await?;
    Ok(api)
}

async fn policy(api: &Api) -> anyhow::Result<Value> {
    api.json(&format!("/v1/policies/{}/1/2", treasury())).await
}

async fn hand_in(api: &Api, document: &Value) -> anyhow::Result<(u16, Value)> {
    let answer = api.post("/v1/policy-documents", document).await?;
    Ok((answer.status.as_u16(), answer.json()))
}

async fn a_document_is_kept_by_its_hash_and_told_with_its_policy(stores: Stores) -> anyhow::Result<()> {
    let api = with_policy(stores).await?;
    let before = policy(&api).await?;
    assert_eq!((&before["document"], &before["drift"]), (&Value::Null, &Value::Null));
    let (told, hash) = (serde_json::to_value(document())?, document().hash()?);
    assert_eq!(hand_in(&api, &told).await?, (201, json!({ "hash": hash, "stored": true })));
    assert_eq!(hand_in(&api, &told).await?, (200, json!({ "hash": hash, "stored": false })));
    let after = policy(&api).await?;
    assert_eq!((&after["document"], &after["drift"]), (&told, &Value::Null));
    assert_eq!(after["policyHash"], json!(hash));
    let envelope = api.json(&format!("/v1/envelopes/{}/1", treasury())).await?;
    assert_eq!(envelope["policy"]["document"]["purpose"], told["purpose"]);
    let why = api.json(&format!("/v1/agents/{}/why", envelope["agent"].as_str().unwrap())).await?;
    assert_eq!(why["payments"][0]["policy"]["document"], told);
    Ok(())
}

async fn a_document_of_no_policy_is_not_kept(stores: Stores) -> anyhow::Result<()> {
    let api = with_policy(stores).await?;
    let mut other = document();
    other.purpose.push('.');
    let (status, told) = hand_in(&api, &serde_json::to_value(&other)?).await?;
    assert_eq!((status, &told["code"]), (409, &json!("policy_unknown")));
    assert_eq!(policy(&api).await?["document"], Value::Null);
    Ok(())
}

async fn what_the_contract_enforces_otherwise_is_named(stores: Stores) -> anyhow::Result<()> {
    let api = with_policy(stores).await?;
    assert_eq!(hand_in(&api, &serde_json::to_value(document())?).await?.0, 201);
    let rules = policy(&api).await?["rules"].clone();
    let mut loose = rules.clone();
    loose["windows"][0]["limit"] = json!("10000001");
    Query::new("UPDATE policy SET rules = $1 WHERE envelope = 1 AND version = 2")
        .bind(loose.to_string())
        .execute(api.seeded.store.db())
        .await?;
    let drift = policy(&api).await?["drift"].clone();
    assert_eq!(drift, "limit of window 0 on chain: expected 10000000, got 10000001");
    Ok(())
}

async fn what_is_no_document_is_refused(stores: Stores) -> anyhow::Result<()> {
    let api = with_policy(stores).await?;
    let with = |field: &str, value: Value| {
        let mut document = serde_json::to_value(document()).unwrap();
        document[field] = value;
        document
    };
    for bad in [
        json!(null),
        json!([]),
        with("schema", json!("bursar.policy/2")),
        with("paymentCap", json!("0")),
        with("paymentCap", json!(5_000_000)),
        with("extra", json!(1)),
        with("asset", json!(Address::ZERO.to_string().trim_end_matches('0'))),
    ] {
        let (status, told) = hand_in(&api, &bad).await?;
        assert_eq!((status, &told["code"]), (422, &json!("policy_document_invalid")), "{bad}");
    }
    let huge = with("notes", json!(["x".repeat(200_000)]));
    assert_eq!(hand_in(&api, &huge).await?.0, 413);
    Ok(())
}
