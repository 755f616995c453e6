//! Who is told what was set aside: of a treasury what is its own, of nobody's the operator, agents nothing.

use bursar_indexer::access::Role;
use bursar_test_stores::{Stores, on_both_stores};
use serde_json::{Value, json};

use super::clients::{get, guarded, made, of_role, refusal, stranger};
use crate::{client::Api, seed::treasury, set_aside::some};

on_both_stores!(each_treasury_is_told_of_its_own_logs_alone,);

async fn told(api: &Api, key: &str, path: &str) -> anyhow::Result<(Vec<u64>, Value)> {
    let answer = get(api, key, path).await?;
    anyhow::ensure!(answer.status == 200, "{path}: {} {}", answer.status, answer.text());
    let json = answer.json();
    let items = json["items"].as_array().cloned().unwrap_or_default();
    let counted = get(api, key, "/v1/ledger").await?.json()["setAside"].clone();
    Ok((items.iter().filter_map(|item| item["blockNumber"].as_u64()).collect(), counted))
}

async fn each_treasury_is_told_of_its_own_logs_alone(stores: Stores) -> anyhow::Result<()> {
    let api = guarded(stores).await?;
    let store = &api.seeded.store;
    some(store.db(), stranger()).await?;
    for role in [Role::Auditor, Role::Treasury, Role::Approver] {
        for (own, other, expected) in
            [(treasury(), stranger(), &[955, 930][..]), (stranger(), treasury(), &[940])]
        {
            let key = of_role(store, role, own).await?;
            let expected = (expected.to_vec(), json!(expected.len()));
            assert_eq!(told(&api, &key, "/v1/set-aside").await?, expected, "{role}");
            assert_eq!(told(&api, &key, &format!("/v1/set-aside?treasury={own}")).await?, expected, "{role}");
            let refused = get(&api, &key, &format!("/v1/set-aside?treasury={other}")).await?;
            assert_eq!(refusal(&refused), (403, "other_treasury".into()), "{role}");
        }
    }
    let operator = made(store, Role::Auditor, None, None).await?;
    assert_eq!(told(&api, &operator, "/v1/set-aside").await?, (vec![955, 950, 940, 930], json!(4)));
    let agent = of_role(store, Role::Agent, treasury()).await?;
    let refused = get(&api, &agent, "/v1/set-aside").await?;
    assert_eq!(refusal(&refused), (403, "role_not_allowed".into()));
    assert_eq!(refusal(&api.get("/v1/set-aside").await?), (401, "credential_missing".into()));
    assert_eq!(get(&api, &agent, "/v1/ledger").await?.json()["setAside"], Value::Null);
    Ok(())
}
