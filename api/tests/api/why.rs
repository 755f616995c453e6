//! "Why did this agent pay then?"

use bursar_indexer::db::Query;
use bursar_test_stores::{Stores, on_both_stores};
use serde_json::{Value, json};

use crate::{
    client::{Api, api},
    sealed::{body, outcome, outcome_of},
    seed::{self, agent},
};

on_both_stores!(
    the_payment_of_that_moment_is_explained_in_full,
    the_nearest_come_first_from_both_sides,
    a_nonce_that_commits_to_something_else_is_told,
    only_that_agents_payments_are_asked_about,
);

fn settled(block: u64) -> u64 {
    seed::MIDNIGHT + block * 10
}

async fn why(api: &Api, query: String) -> anyhow::Result<Vec<Value>> {
    let answer = api.json(&format!("/v1/agents/{}/why?{query}", agent(1))).await?;
    Ok(answer["payments"].as_array().cloned().unwrap_or_default())
}

async fn the_payment_of_that_moment_is_explained_in_full(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    let decision = api.seeded.decisions[6].clone();
    let told = outcome(&outcome_of(&decision));
    assert_eq!(api.post("/v1/outcomes", &body(&told)).await?.status, 201);

    let found = why(&api, format!("at={}&limit=1", settled(1_000))).await?;
    assert_eq!(found.len(), 1);
    let (payment, opening) = (&found[0]["payment"], &found[0]["opening"]);
    assert_eq!(payment["timestamp"], settled(1_000));
    assert_eq!(payment["decision"]["rationale"], decision.rationale);
    assert_eq!(payment["approver"], seed::address(0x04).to_checksum(None));
    assert_eq!(payment["outcome"]["hash"], json!(told.hash));
    assert_eq!(found[0]["policy"]["policyHash"], json!(decision.policy_hash));
    assert_eq!(found[0]["policy"]["version"], 2);
    assert_eq!(found[0]["policy"]["rules"]["paymentCap"], "5000000");
    let expected = json!({
        "epoch": 0, "policyVersion": 2, "session": decision.session, "decisionHash": decision.hash()?,
        "nonce": decision.nonce()?, "matches": true,
    });
    assert_eq!(opening, &expected);
    assert_eq!(payment["nonce"], opening["nonce"]);
    Ok(())
}

async fn the_nearest_come_first_from_both_sides(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    let blocks = async |query: String| -> anyhow::Result<Vec<u64>> {
        let found = why(&api, query).await?;
        Ok(found.iter().filter_map(|one| one["payment"]["blockNumber"].as_u64()).collect())
    };
    // Envelope 1 paid in blocks 940, 950, 960, 980, 990 and 1000, ten seconds a block.
    assert_eq!(blocks(format!("at={}", settled(980))).await?, [980, 990, 1_000]);
    assert_eq!(blocks(format!("at={}", settled(980) - 1)).await?, [980, 990, 960]);
    assert_eq!(blocks(format!("at={}&limit=2", settled(970))).await?, [980, 960], "the later of two as near");
    assert_eq!(blocks(format!("at={}&limit=1", settled(955) - 1)).await?, [950]);
    assert_eq!(blocks(format!("at={}&limit=1", settled(955) + 1)).await?, [960]);
    assert_eq!(blocks("at=0&limit=2".into()).await?, [940, 950]);
    assert_eq!(blocks(format!("at={}&limit=20", i64::MAX)).await?, [1_000, 990, 980, 960, 950, 940]);
    assert_eq!(blocks("limit=1".into()).await?, [1_000], "now is after all of them");
    for query in ["limit=0", "limit=21", "at=-1", "at=tuesday", "on=tuesday"] {
        assert_eq!(api.get(&format!("/v1/agents/{}/why?{query}", agent(1))).await?.status, 400, "{query}");
    }
    Ok(())
}

async fn a_nonce_that_commits_to_something_else_is_told(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    Query::new("UPDATE payment SET policy_version = 1 WHERE block_number = 940")
        .execute(api.seeded.store.db())
        .await?;
    let found = why(&api, "at=0&limit=3".into()).await?;
    let matches: Vec<&Value> = found.iter().map(|one| &one["opening"]["matches"]).collect();
    assert_eq!(matches, [&json!(false), &json!(true), &Value::Null], "the third came without its record");
    assert_ne!(found[0]["opening"]["nonce"], found[0]["payment"]["nonce"]);
    assert_eq!((&found[2]["opening"], &found[2]["policy"]["version"]), (&Value::Null, &json!(2)));
    Ok(())
}

async fn only_that_agents_payments_are_asked_about(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    let answer = api.json(&format!("/v1/agents/{}/why?at={}", agent(2), settled(940))).await?;
    assert_eq!(answer["payments"].as_array().map(Vec::len), Some(1));
    assert_eq!(answer["payments"][0]["payment"]["blockNumber"], 970);
    let none = api.json(&format!("/v1/agents/{}/why", agent(3))).await?;
    assert_eq!(none["payments"], json!([]));
    assert_eq!(api.get(&format!("/v1/agents/{}/why", seed::address(0x99))).await?.status, 404);
    Ok(())
}
