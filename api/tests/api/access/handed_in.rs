//! What is handed in: a key does not stand in for a seal or a signature, nor they for a key.

use bursar_indexer::{access::Role, db::Query};
use bursar_test_stores::{Stores, on_both_stores};
use serde_json::{Value, json};

use super::clients::{agents, guarded, made, of_role, post, refusal, stranger};
use crate::{
    approvals::{self, answer_to, authorization, submission},
    client::Api,
    policy_documents::document,
    sealed::{body, decision, outcome, outcome_of},
    seed::{self, payee, record, treasury},
};

on_both_stores!(
    an_agent_hands_in_its_own_records_and_no_other,
    an_agent_asks_in_its_own_name_and_no_other,
    an_approver_answers_in_its_own_name_and_no_other,
    what_is_another_treasurys_is_not_answered_nor_erased,
    a_policys_document_is_handed_in_by_its_own_treasury,
    a_transaction_is_prepared_for_its_own_treasury,
);

/// Keys of the agent in another treasury, and of another agent.
async fn others(api: &Api) -> anyhow::Result<[(String, &'static str); 2]> {
    let store = &api.seeded.store;
    let elsewhere = of_role(store, Role::Agent, stranger()).await?;
    let other = made(store, Role::Agent, Some(treasury()), Some(seed::agent(2))).await?;
    Ok([(elsewhere, "other_treasury"), (other, "other_agent")])
}

async fn refused_to_others(api: &Api, path: &str, body: &Value) -> anyhow::Result<()> {
    for (key, code) in others(api).await? {
        assert_eq!(refusal(&post(api, &key, path, body).await?), (403, code.into()), "{path}");
    }
    Ok(())
}

async fn an_agent_hands_in_its_own_records_and_no_other(stores: Stores) -> anyhow::Result<()> {
    let api = guarded(stores).await?;
    let key = agents(&api.seeded.store).await?;
    let made = record(1, 40, payee(1), 50_000, "Quotes for the weekly brief.");
    let told = body(&decision(&made));
    refused_to_others(&api, "/v1/decisions", &told).await?;
    let outcome = body(&outcome(&outcome_of(&made)));
    let answer = post(&api, &key, "/v1/outcomes", &outcome).await?;
    assert_eq!(refusal(&answer), (409, "decision_unknown".into()), "nothing was kept");
    assert_eq!(post(&api, &key, "/v1/decisions", &told).await?.status, 201);
    refused_to_others(&api, "/v1/outcomes", &outcome).await?;
    assert_eq!(post(&api, &key, "/v1/outcomes", &outcome).await?.status, 201);
    // A key is no seal.
    let mut forged = body(&decision(&record(1, 41, payee(1), 50_000, "Quotes for the weekly brief.")));
    forged["seal"] = told["seal"].clone();
    assert_eq!(refusal(&post(&api, &key, "/v1/decisions", &forged).await?), (422, "seal_invalid".into()));
    Ok(())
}

async fn an_agent_asks_in_its_own_name_and_no_other(stores: Stores) -> anyhow::Result<()> {
    let api = guarded(stores).await?;
    let asked = submission(&authorization(3_000_000));
    refused_to_others(&api, "/v1/approval-requests", &asked).await?;
    let key = agents(&api.seeded.store).await?;
    assert_eq!(post(&api, &key, "/v1/approval-requests", &asked).await?.status, 201, "nothing was kept");
    Ok(())
}

async fn an_approver_answers_in_its_own_name_and_no_other(stores: Stores) -> anyhow::Result<()> {
    let api = guarded(stores).await?;
    let store = &api.seeded.store;
    let (payment, agent) = (authorization(3_000_000), agents(store).await?);
    let request = post(&api, &agent, "/v1/approval-requests", &submission(&payment)).await?;
    let path = format!("/v1/approval-requests/{}", request.json()["digest"].as_str().unwrap_or_default());
    let (approver, other) = (approvals::approver(&api).await?, approvals::approver(&api).await?);
    let key = made(store, Role::Approver, Some(treasury()), Some(approver.address())).await?;
    let theirs = made(store, Role::Approver, Some(treasury()), Some(other.address())).await?;
    let hash = alloy::primitives::B256::repeat_byte(0x43);
    let (approval, rejection) =
        (answer_to(&approver, &payment, hash), approvals::refusal(&approver, &payment, "no"));
    for (verb, answer) in [("approval", &approval), ("rejection", &rejection)] {
        let got = post(&api, &theirs, &format!("{path}/{verb}"), answer).await?;
        assert_eq!(refusal(&got), (403, "other_account".into()), "{verb}");
    }
    // A key is no signature.
    let mut forged = answer_to(&other, &payment, hash);
    forged["approver"] = json!(approver.address());
    let got = post(&api, &key, &format!("{path}/approval"), &forged).await?;
    assert_eq!(refusal(&got), (422, "approver_mismatch".into()));
    let got = post(&api, &key, &format!("{path}/approval"), &approval).await?;
    assert_eq!(got.status, 200, "{}", got.text());
    Ok(())
}

async fn what_is_another_treasurys_is_not_answered_nor_erased(stores: Stores) -> anyhow::Result<()> {
    let api = guarded(stores).await?;
    let store = &api.seeded.store;
    let agent = agents(store).await?;
    let request = post(&api, &agent, "/v1/approval-requests", &submission(&authorization(3_000_000))).await?;
    let digest = request.json()["digest"].as_str().unwrap_or_default().to_owned();
    let record = api.seeded.decisions[0].hash()?;
    for (role, path) in [
        (Role::Approver, format!("/v1/approval-requests/{digest}/approval")),
        (Role::Approver, format!("/v1/approval-requests/{digest}/rejection")),
        (Role::Treasury, format!("/v1/records/{record}/erasure")),
    ] {
        let theirs = of_role(store, role, stranger()).await?;
        assert_eq!(
            refusal(&post(&api, &theirs, &path, &json!({})).await?),
            (404, "not_found".into()),
            "{path}"
        );
        let ours = of_role(store, role, treasury()).await?;
        assert_eq!(
            refusal(&post(&api, &ours, &path, &json!({})).await?),
            (422, "invalid_body".into()),
            "{path}"
        );
    }
    Ok(())
}

async fn a_policys_document_is_handed_in_by_its_own_treasury(stores: Stores) -> anyhow::Result<()> {
    let api = guarded(stores).await?;
    Query::new("UPDATE policy SET policy_hash = $1 WHERE envelope = 1 AND version = 2")
        .bind(document().hash()?)
        .execute(api.seeded.store.db())
        .await?;
    let handed = serde_json::to_value(document())?;
    let theirs = of_role(&api.seeded.store, Role::Treasury, stranger()).await?;
    let answer = post(&api, &theirs, "/v1/policy-documents", &handed).await?;
    assert_eq!(refusal(&answer), (409, "policy_unknown".into()));
    let ours = of_role(&api.seeded.store, Role::Treasury, treasury()).await?;
    assert_eq!(post(&api, &ours, "/v1/policy-documents", &handed).await?.status, 201);
    Ok(())
}

async fn a_transaction_is_prepared_for_its_own_treasury(stores: Stores) -> anyhow::Result<()> {
    let api = guarded(stores).await?;
    let wish = json!({ "treasury": treasury(), "from": seed::address(1),
                       "action": { "kind": "freeze_envelope", "envelope": 1 } });
    let theirs = of_role(&api.seeded.store, Role::Treasury, stranger()).await?;
    let answer = post(&api, &theirs, "/v1/transactions", &wish).await?;
    assert_eq!(refusal(&answer), (403, "other_treasury".into()));
    let ours = of_role(&api.seeded.store, Role::Treasury, treasury()).await?;
    assert_eq!(post(&api, &ours, "/v1/transactions", &wish).await?.status, 200);
    Ok(())
}
