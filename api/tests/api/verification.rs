//! A payment held against the chain by the service's node: what it says where it cannot, and what of the store it holds.

use alloy::{
    primitives::B256,
    providers::{Provider as _, ProviderBuilder, mock::Asserter},
};
use bursar_indexer::db::Query;
use bursar_sdk::decision::DecisionRecord;
use bursar_test_stores::{Stores, on_both_stores};
use serde_json::{Value, json};

use crate::{
    client::{Api, api, config, state},
    seed::purse,
};

on_both_stores!(
    without_a_node_only_what_is_here_is_checked,
    a_record_that_was_changed_fails,
    a_node_of_another_chain_or_in_trouble_is_no_yes,
    evidence_is_what_is_kept_and_where_the_chain_has_it,
    what_is_no_payment_is_told,
);

fn path(decision: &DecisionRecord, what: &str) -> String {
    let nonce = decision.nonce().unwrap().unwrap();
    format!("/v1/payments/{}/{nonce:#x}/{what}", decision.purse.to_checksum(None))
}

/// How each link came out.
async fn outcomes(api: &Api, decision: &DecisionRecord) -> anyhow::Result<Vec<(String, String, Value)>> {
    let told = api.json(&path(decision, "verification")).await?;
    let text = |check: &Value, name: &str| check[name].as_str().unwrap_or_default().to_owned();
    let checks = told["checks"].as_array().cloned().unwrap_or_default();
    let outcomes = checks.iter().map(|it| (text(it, "link"), text(it, "outcome"), it["why"].clone()));
    Ok(outcomes.collect())
}

fn that(outcomes: &[(String, String, Value)], wanted: &str) -> Vec<String> {
    outcomes.iter().filter(|(_, outcome, _)| outcome == wanted).map(|(link, ..)| link.clone()).collect()
}

async fn without_a_node_only_what_is_here_is_checked(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    let found = outcomes(&api, &api.seeded.decisions[0]).await?;
    assert_eq!(found.len(), 16);
    assert_eq!(that(&found, "holds"), ["record", "words", "log"]);
    assert_eq!(that(&found, "fails"), [""; 0]);
    let (_, _, why) = &found[0];
    assert_eq!(why, "this service has no node");
    assert!(found.iter().all(|(_, outcome, why)| (outcome == "unchecked") == why.is_string()), "{found:?}");
    Ok(())
}

async fn a_record_that_was_changed_fails(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    let decision = api.seeded.decisions[0].clone();
    Query::new("UPDATE decision SET record = $1 WHERE hash = $2")
        .bind(decision.canonical()?.replace("cached ones", "hidden ones"))
        .bind(decision.hash()?)
        .execute(api.seeded.store.db())
        .await?;
    assert_eq!(that(&outcomes(&api, &decision).await?, "fails"), ["record", "log"]);
    Ok(())
}

async fn a_node_of_another_chain_or_in_trouble_is_no_yes(stores: Stores) -> anyhow::Result<()> {
    let mut api = api(stores).await?;
    let asserter = Asserter::new();
    let node = ProviderBuilder::new().connect_mocked_client(asserter.clone()).erased();
    api.router = bursar_api::router(state(&api.seeded, config()).with_node(node));
    let decision = api.seeded.decisions[0].clone();
    asserter.push_success(&json!("0x1"));
    let found = outcomes(&api, &decision).await?;
    assert_eq!(found[0].2, "the node is on chain 1, not 31337");
    assert_eq!(that(&found, "holds"), ["record", "words", "log"]);
    // Whatever a provider says about itself, a key among it, stays here.
    asserter.push_failure_msg("https://rpc.example/secret-key is over its quota");
    let answer = api.get(&path(&decision, "verification")).await?;
    assert!(answer.text().contains("the node does not answer") && !answer.text().contains("secret"));
    // It knows its chain, and has nothing of it.
    asserter.push_success(&json!("0x7a69"));
    for _ in 0..4 {
        asserter.push_success(&Value::Null);
    }
    let found = outcomes(&api, &decision).await?;
    assert_eq!(that(&found, "fails")[..3], ["block", "settlement", "nonce"]);
    Ok(())
}

async fn evidence_is_what_is_kept_and_where_the_chain_has_it(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    let decision = api.seeded.decisions[0].clone();
    let told = api.json(&path(&decision, "evidence")).await?;
    assert_eq!(told["decision"]["canonical"], decision.canonical()?);
    assert_eq!(told["payment"]["decisionHash"], format!("{:#x}", decision.hash()?));
    assert_eq!(told["session"]["sequence"], 2);
    assert_eq!(told["log"]["entries"][0]["kind"], "decision");
    assert_eq!((&told["policy"]["text"], &told["log"]["checkpoint"]), (&Value::Null, &Value::Null));
    // Nobody knows why this one was paid.
    let told = api.json(&path(&api.seeded.decisions[2], "evidence")).await?;
    assert_eq!((&told["decision"], &told["outcomes"]), (&Value::Null, &json!([])));
    Ok(())
}

async fn what_is_no_payment_is_told(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    for what in ["evidence", "verification"] {
        let none = api.get(&format!("/v1/payments/{}/{}/{what}", purse(1), B256::ZERO)).await?;
        assert_eq!((none.status.as_u16(), none.json()["code"].clone()), (404, json!("not_found")));
        assert_eq!(api.get(&format!("/v1/payments/0x12/0x34/{what}")).await?.status, 400);
    }
    Ok(())
}
