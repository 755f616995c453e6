//! Erasing records: only by whom the treasury lets, and what is left is told.

use alloy::{
    hex,
    primitives::{Address, B256},
    providers::{Provider as _, ProviderBuilder, mock::Asserter},
    signers::{SignerSync as _, local::PrivateKeySigner},
};
use bursar_indexer::{db::Query, query::scores};
use bursar_sdk::{
    erasure::{ErasureCategory, erasure_digest},
    role::Role,
};
use bursar_test_stores::{Stores, on_both_stores};
use serde_json::{Value, json};

use crate::{
    client::{Answer, Api, api, config, state},
    sealed::{self, outcome_of},
    seed::{self, treasury},
};

on_both_stores!(
    an_owner_has_a_decision_erased_and_what_is_left_is_told,
    nobody_else_can_and_a_signature_is_good_for_one_record,
    a_safe_that_owns_the_treasury_is_asked,
    an_outcome_is_erased_alone,
);

const WHY: ErasureCategory = ErasureCategory::SubjectRequest;

async fn owner(api: &Api) -> anyhow::Result<PrivateKeySigner> {
    let owner = PrivateKeySigner::random();
    seed::role_of(api.seeded.store.db(), owner.address(), Role::Owner.bit()).await?;
    Ok(owner)
}

fn signed(by: &PrivateKeySigner, digest: B256) -> Value {
    json!({
        "by": by.address(), "category": WHY.code(), "kind": "eoa",
        "signature": hex::encode_prefixed(by.sign_hash_sync(&digest).unwrap().as_bytes()),
    })
}

fn order(by: &PrivateKeySigner, record: B256) -> Value {
    signed(by, erasure_digest(seed::CHAIN_ID, treasury(), record, WHY))
}

async fn erase(api: &Api, record: B256, order: &Value) -> anyhow::Result<Answer> {
    api.post(&format!("/v1/records/{record}/erasure"), order).await
}

fn code(answer: &Answer) -> (u16, String) {
    (answer.status.as_u16(), answer.json()["code"].as_str().unwrap_or_default().to_owned())
}

async fn an_owner_has_a_decision_erased_and_what_is_left_is_told(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    let owner = owner(&api).await?;
    let decision = api.seeded.decisions[0].clone();
    let (hash, nonce) = (decision.hash()?, decision.nonce()?.unwrap());
    let told = sealed::body(&sealed::outcome(&outcome_of(&decision)));
    assert_eq!(api.post("/v1/outcomes", &told).await?.status, 201);
    let db = api.seeded.store.db().clone();
    let score = scores::get(&db, (treasury(), 1)).await?;

    // As a wallet is asked.
    let typed = api.json(&format!("/v1/records/{hash}/erasure/typed-data?category={WHY}")).await?;
    assert_eq!(
        (&typed["primaryType"], &typed["message"]["recordHash"]),
        (&json!("RecordErasure"), &json!(hash))
    );

    let answer = erase(&api, hash, &order(&owner, hash)).await?;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let left = answer.json();
    assert_eq!((&left["hash"], &left["kind"]), (&json!(hash), &json!("decision")));
    assert_eq!((&left["erasedAt"], &left["category"]), (&json!(seed::NOW), &json!("subject_request")));
    assert_eq!(left["erasedBy"], owner.address().to_checksum(None));

    let get = api.get(&format!("/v1/decisions/{hash}")).await?;
    assert_eq!((code(&get), &get.json()["erased"]), ((410, "erased".into()), &left));
    let payment = api.json(&format!("/v1/payments/{}/{nonce}", decision.purse)).await?;
    assert_eq!((&payment["erased"], &payment["explained"]), (&left, &json!(false)));
    assert_eq!((&payment["decision"], &payment["outcome"]), (&Value::Null, &Value::Null));
    assert_eq!(payment["decisionHash"], json!(hash), "the chain's hash stays");
    for explained in [true, false] {
        let list = api.items(&format!("/v1/payments?explained={explained}")).await?;
        assert!(list.iter().all(|other| other["nonce"] != payment["nonce"]), "neither known nor never told");
    }
    let at = payment["timestamp"].as_u64().unwrap_or_default();
    let why = api.json(&format!("/v1/agents/{}/why?at={at}&limit=1", decision.agent)).await?;
    assert_eq!(
        (&why["payments"][0]["payment"]["erased"], &why["payments"][0]["opening"]),
        (&left, &Value::Null)
    );
    let everything = api.json("/v1/decisions?limit=200").await?.to_string();
    assert!(!everything.contains(&decision.rationale));
    assert_eq!(scores::get(&db, (treasury(), 1)).await?, score, "what was told counts as before");

    // It does not come back, and nothing comes of it.
    let again = api.post("/v1/decisions", &sealed::body(&sealed::decision(&decision))).await?;
    assert_eq!((code(&again), &again.json()["erased"]), ((410, "erased".into()), &left));
    assert_eq!(code(&api.post("/v1/outcomes", &told).await?), (410, "erased".into()));
    // Ordered again, it is as it was.
    assert_eq!(erase(&api, hash, &order(&owner, hash)).await?.json(), left);
    let told = api.items("/v1/events?kinds=record.erased").await?;
    assert_eq!((told.len(), &told[0]["body"]["category"]), (1, &json!("subject_request")));
    Ok(())
}

async fn nobody_else_can_and_a_signature_is_good_for_one_record(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    let owner = owner(&api).await?;
    let (one, other) = (api.seeded.decisions[0].hash()?, api.seeded.decisions[1].hash()?);
    let digest = |chain, treasury, record, why| erasure_digest(chain, treasury, record, why);
    let ours = |record| digest(seed::CHAIN_ID, treasury(), record, WHY);
    for (what, digest) in [
        ("another record's", ours(other)),
        ("another chain's", digest(seed::CHAIN_ID + 1, treasury(), one, WHY)),
        ("another treasury's", digest(seed::CHAIN_ID, seed::token(), one, WHY)),
        ("another category's", digest(seed::CHAIN_ID, treasury(), one, ErasureCategory::Mistake)),
        (
            "a decision's seal",
            bursar_sdk::record::seal_digest(
                bursar_sdk::record::RecordKind::Decision,
                seed::CHAIN_ID,
                treasury(),
                one,
            ),
        ),
    ] {
        let answer = erase(&api, one, &signed(&owner, digest)).await?;
        assert_eq!(code(&answer), (422, "eraser_mismatch".into()), "{what}");
    }
    // Whoever is no owner: a stranger, the agent itself, every other role.
    let mut others = vec![PrivateKeySigner::random(), sealed::key(1)];
    for role in Role::ALL.into_iter().filter(|role| *role != Role::Owner) {
        let holder = PrivateKeySigner::random();
        seed::role_of(api.seeded.store.db(), holder.address(), role.bit()).await?;
        others.push(holder);
    }
    for by in &others {
        assert_eq!(code(&erase(&api, one, &order(by, one)).await?), (409, "eraser_unfit".into()));
        let mut theirs = order(by, one);
        theirs["by"] = json!(owner.address());
        assert_eq!(
            code(&erase(&api, one, &theirs).await?),
            (422, "eraser_mismatch".into()),
            "in the owner's name"
        );
    }
    // An owner of another treasury.
    let stranger = PrivateKeySigner::random();
    Query::new("INSERT INTO role (treasury, account, role) VALUES ($1, $2, 1)")
        .bind(Address::repeat_byte(0x72))
        .bind(stranger.address())
        .execute(api.seeded.store.db())
        .await?;
    assert_eq!(code(&erase(&api, one, &order(&stranger, one)).await?), (409, "eraser_unfit".into()));

    let nothing = B256::repeat_byte(0x99);
    assert_eq!(code(&erase(&api, nothing, &order(&owner, nothing)).await?), (404, "not_found".into()));
    let typed = format!("/v1/records/{nothing}/erasure/typed-data");
    assert_eq!(code(&api.get(&typed).await?), (404, "not_found".into()));
    for (field, bad) in [("category", "because"), ("signature", "0x00"), ("kind", "human")] {
        let mut order = order(&owner, one);
        order[field] = json!(bad);
        assert_eq!(erase(&api, one, &order).await?.status, 422, "{field}");
    }
    assert_eq!(api.get(&format!("/v1/decisions/{one}")).await?.status, 200, "nothing was erased");
    Ok(())
}

async fn a_safe_that_owns_the_treasury_is_asked(stores: Stores) -> anyhow::Result<()> {
    let seeded = seed::seeded(stores).await?;
    let safe = Address::repeat_byte(0x5a);
    seed::role_of(seeded.store.db(), safe, Role::Owner.bit()).await?;
    let record = seeded.decisions[0].hash()?;
    let asserter = Asserter::new();
    let node = ProviderBuilder::new().connect_mocked_client(asserter.clone()).erased();
    let without = bursar_api::router(state(&seeded, config()));
    let router = bursar_api::router(state(&seeded, config()).with_node(node));
    let order = json!({ "by": safe, "category": WHY.code(), "kind": "contract", "signature": "0x1234" });
    let api = Api { router: without, seeded };
    assert_eq!(code(&erase(&api, record, &order).await?), (503, "node_unavailable".into()));
    let api = Api { router, seeded: api.seeded };
    for (answer, expected) in [
        ("0xffffffff00000000000000000000000000000000000000000000000000000000", (422, "eraser_mismatch")),
        ("0x1626ba7e00000000000000000000000000000000000000000000000000000000", (200, "")),
    ] {
        // Code at the account, then what its contract says.
        asserter.push_success(&"0x6001");
        asserter.push_success(&answer);
        let got = code(&erase(&api, record, &order).await?);
        assert_eq!(got, (expected.0, expected.1.to_owned()), "{answer}");
    }
    Ok(())
}

async fn an_outcome_is_erased_alone(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    let owner = owner(&api).await?;
    let decision = api.seeded.decisions[0].clone();
    let outcome = sealed::outcome(&outcome_of(&decision));
    assert_eq!(api.post("/v1/outcomes", &sealed::body(&outcome)).await?.status, 201);
    let answer = erase(&api, outcome.hash, &order(&owner, outcome.hash)).await?;
    assert_eq!((answer.status.as_u16(), &answer.json()["kind"]), (200, &json!("outcome")));
    let kept = api.json(&format!("/v1/decisions/{}", decision.hash()?)).await?;
    assert_eq!(kept["outcome"], Value::Null);
    assert_eq!(api.get(&format!("/v1/decisions/{}", outcome.hash)).await?.status, 404, "it was no decision");
    let again = api.post("/v1/outcomes", &sealed::body(&outcome)).await?;
    assert_eq!(
        (code(&again), &again.json()["erased"]["hash"]),
        ((410, "erased".into()), &json!(outcome.hash))
    );
    Ok(())
}
