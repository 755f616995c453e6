//! Approval requests: asked, answered, and never answered wrongly.

use alloy::{
    hex,
    primitives::B256,
    providers::{Provider as _, ProviderBuilder, mock::Asserter},
    signers::{SignerSync, local::PrivateKeySigner},
    sol_types::SolStruct,
};
use bursar_indexer::{db::Query, query::treasuries::ROLE_APPROVER};
use bursar_sdk::{
    amount::Amount,
    approval::asking_digest,
    payment::{Authorization, Rail, treasury_domain},
};
use bursar_test_stores::{Stores, on_both_stores};
use serde_json::{Value, json};

use crate::{
    client::{Api, api, config, state},
    sealed,
    seed::{self, payee, purse, treasury},
};

on_both_stores!(
    a_request_waits_is_approved_and_carries_the_signature,
    who_may_not_approve_may_not_answer,
    an_approval_by_one_who_lost_the_role_gives_way,
    signatures_that_are_not_the_approvers_are_refused,
    contracts_are_asked,
    a_rejection_is_final_and_says_why,
    a_request_nobody_answered_expires,
    requests_that_do_not_show_what_is_signed_are_refused,
    nobody_asks_in_an_agents_name,
    a_payment_on_every_rail_may_be_asked_for_and_on_no_other,
);

pub(crate) fn authorization(units: u64) -> Authorization {
    Authorization {
        purse: purse(1),
        payee: payee(1),
        amount: Amount::new(units),
        valid_after: 0,
        valid_before: seed::NOW + 600,
        nonce: B256::repeat_byte(0x42),
    }
}

/// As the agent of the purse would ask.
pub(crate) fn submission(payment: &Authorization) -> Value {
    submission_by(&sealed::key(1), payment)
}

/// As the agent of the purse would ask, for a decision.
pub(crate) fn submission_of(payment: &Authorization, decision: B256) -> Value {
    let mut body = submission(payment);
    body["decisionHash"] = json!(decision);
    body
}

/// As anybody might ask.
pub(crate) fn submission_by(agent: &PrivateKeySigner, payment: &Authorization) -> Value {
    let digest = payment.digest(Rail::Eip3009, &seed::token_domain());
    let seal = agent.sign_hash_sync(&asking_digest(seed::CHAIN_ID, treasury(), digest)).unwrap();
    json!({
        "treasury": treasury(), "chainId": seed::CHAIN_ID, "purse": payment.purse, "payee": payment.payee,
        "amount": payment.amount, "validAfter": payment.valid_after, "validBefore": payment.valid_before,
        "nonce": payment.nonce, "decisionHash": B256::repeat_byte(0x43), "digest": digest,
        "seal": hex::encode_prefixed(seal.as_bytes()),
    })
}

/// Somebody who holds the approver role.
pub(crate) async fn approver(api: &Api) -> anyhow::Result<PrivateKeySigner> {
    let approver = PrivateKeySigner::random();
    seed::role_of(api.seeded.store.db(), approver.address(), ROLE_APPROVER).await?;
    Ok(approver)
}

fn signature(signer: &PrivateKeySigner, typed: &impl SolStruct) -> String {
    let digest = typed.eip712_signing_hash(&treasury_domain(seed::CHAIN_ID, treasury()));
    hex::encode_prefixed(signer.sign_hash_sync(&digest).unwrap().as_bytes())
}

fn answer(signer: &PrivateKeySigner, payment: &Authorization) -> Value {
    answer_to(signer, payment, B256::repeat_byte(0x43))
}

/// As the agent would ask for a payment on another rail.
fn submission_on(rail: Rail, payment: &Authorization) -> Value {
    let mut body = submission(payment);
    let digest = payment.digest(rail, &seed::token_domain());
    let seal = sealed::key(1).sign_hash_sync(&asking_digest(seed::CHAIN_ID, treasury(), digest)).unwrap();
    body["rail"] = json!(rail.code());
    body["facilitator"] = json!(rail.facilitator());
    body["digest"] = json!(digest);
    body["seal"] = json!(hex::encode_prefixed(seal.as_bytes()));
    body
}

async fn a_payment_on_every_rail_may_be_asked_for_and_on_no_other(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    let (payment, facilitator) = (authorization(3_000_000), payee(4));
    let upto = Rail::Permit2Upto { facilitator };
    for rail in [Rail::Eip3009, Rail::Permit2Exact, upto] {
        let answer = api.post("/v1/approval-requests", &submission_on(rail, &payment)).await?;
        assert_eq!(answer.status, 201, "{}", answer.text());
        assert_eq!(answer.json()["rail"], rail.code());
        assert_eq!(answer.json()["facilitator"], json!(rail.facilitator().map(|it| it.to_checksum(None))));
        let digest = payment.digest(rail, &seed::token_domain());
        let page = api.get(&format!("/approvals/{digest}")).await?.text();
        assert_eq!(page.contains("at most: facilitator"), rail == upto, "{rail:?}");
    }
    let with = |field: &str, value: Value| {
        let mut body = submission_on(upto, &authorization(2_000_000));
        body[field] = value;
        body
    };
    for (body, code) in [
        (with("rail", json!("permit2")), "rail_unknown"),
        (with("rail", json!("permit2_exact")), "rail_unknown"),
        (with("facilitator", Value::Null), "rail_unknown"),
        (with("facilitator", json!(payee(3))), "digest_mismatch"),
        (with("amount", json!("1999999")), "digest_mismatch"),
    ] {
        let answer = api.post("/v1/approval-requests", &body).await?;
        assert_eq!((answer.status.as_u16(), answer.json()["code"].clone()), (422, json!(code)), "{body}");
    }
    Ok(())
}

/// An EOA's approval of a payment under a decision.
pub(crate) fn answer_to(signer: &PrivateKeySigner, payment: &Authorization, decision: B256) -> Value {
    let typed = payment.approval(decision, payment.digest(Rail::Eip3009, &seed::token_domain()));
    json!({"approver": signer.address(), "signature": signature(signer, &typed), "kind": "eoa"})
}

/// An EOA's rejection of a payment.
pub(crate) fn refusal(signer: &PrivateKeySigner, payment: &Authorization, reason: &str) -> Value {
    let typed = payment.rejection(payment.digest(Rail::Eip3009, &seed::token_domain()), reason);
    json!({"by": signer.address(), "reason": reason, "signature": signature(signer, &typed), "kind": "eoa"})
}

async fn asked(api: &Api, payment: &Authorization) -> anyhow::Result<String> {
    let answer = api.post("/v1/approval-requests", &submission(payment)).await?;
    anyhow::ensure!(answer.status == 201, "{}", answer.text());
    Ok(format!("/v1/approval-requests/{}", payment.digest(Rail::Eip3009, &seed::token_domain())))
}

async fn a_request_waits_is_approved_and_carries_the_signature(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    let payment = authorization(3_000_000);
    let path = asked(&api, &payment).await?;
    assert_eq!(api.post("/v1/approval-requests", &submission(&payment)).await?.status, 200);
    let waiting = api.items("/v1/approval-requests?state=pending").await?;
    assert_eq!(waiting.len(), 1);
    assert_eq!((&waiting[0]["state"], &waiting[0]["approval"]), (&json!("pending"), &Value::Null));

    let signer = approver(&api).await?;
    let yes = answer(&signer, &payment);
    let approved = api.post(&format!("{path}/approval"), &yes).await?;
    assert_eq!(approved.status, 200, "{}", approved.text());
    let request = api.json(&path).await?;
    assert_eq!(request, approved.json());
    assert_eq!(request["state"], "approved");
    assert_eq!(request["approver"], signer.address().to_checksum(None));
    assert_eq!(request["approval"], yes["signature"]);
    assert_eq!(request["approvalKind"], "eoa");
    assert_eq!(api.post(&format!("{path}/approval"), &yes).await?.status, 200, "again changes nothing");
    assert_eq!(api.items("/v1/approval-requests?state=pending").await?.len(), 0);
    assert_eq!(api.items("/v1/approval-requests?state=approved").await?.len(), 1);
    Ok(())
}

async fn who_may_not_approve_may_not_answer(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    let db = api.seeded.store.db();
    let payment = authorization(3_000_000);
    let path = asked(&api, &payment).await?;
    // The agent, its session key and an author of policies are no approvers, even where they hold the role.
    let (stranger, key, author) =
        (PrivateKeySigner::random(), PrivateKeySigner::random(), PrivateKeySigner::random());
    for somebody in [&sealed::key(1), &key, &author] {
        seed::role_of(db, somebody.address(), ROLE_APPROVER).await?;
    }
    Query::new("UPDATE session SET key = $1").bind(key.address()).execute(db).await?;
    Query::new("UPDATE policy SET set_by = $1").bind(author.address()).execute(db).await?;
    for somebody in [&stranger, &sealed::key(1), &key, &author] {
        let (yes, no) = (answer(somebody, &payment), refusal(somebody, &payment, "because"));
        for (route, body) in [("approval", &yes), ("rejection", &no)] {
            let told = api.post(&format!("{path}/{route}"), body).await?;
            let got = (told.status.as_u16(), told.json()["code"].clone());
            assert_eq!(got, (409, json!("approver_unfit")), "{}", told.text());
        }
    }
    assert_eq!(api.json(&path).await?["state"], "pending");
    Query::new("UPDATE treasury SET separation = FALSE").execute(db).await?;
    assert_eq!(api.post(&format!("{path}/approval"), &answer(&author, &payment)).await?.status, 200);
    Ok(())
}

async fn an_approval_by_one_who_lost_the_role_gives_way(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    let payment = authorization(3_000_000);
    let path = format!("{}/approval", asked(&api, &payment).await?);
    let (first, second) = (approver(&api).await?, approver(&api).await?);
    assert_eq!(api.post(&path, &answer(&first, &payment)).await?.status, 200);
    let late = api.post(&path, &answer(&second, &payment)).await?;
    assert_eq!((late.status.as_u16(), late.json()["code"].clone()), (409, json!("approved")));
    Query::new("DELETE FROM role WHERE account = $1")
        .bind(first.address())
        .execute(api.seeded.store.db())
        .await?;
    assert_eq!(api.post(&path, &answer(&second, &payment)).await?.status, 200);
    let request = api.json(path.trim_end_matches("/approval")).await?;
    assert_eq!(request["approver"], second.address().to_checksum(None));
    Ok(())
}

async fn signatures_that_are_not_the_approvers_are_refused(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    let payment = authorization(3_000_000);
    let path = asked(&api, &payment).await?;
    let (signer, other) = (approver(&api).await?, approver(&api).await?);
    let mut of_another = answer(&signer, &payment);
    of_another["approver"] = json!(other.address());
    let of_other_payment = answer(&signer, &authorization(1));
    let short = json!({"approver": signer.address(), "signature": "0x1234", "kind": "eoa"});
    let long = json!({"approver": signer.address(), "signature": hex::encode_prefixed([1; 5000]), "kind": "contract"});
    let mut other_reason = refusal(&signer, &payment, "too dear");
    other_reason["reason"] = json!("for no reason");
    let mut yes_as_no = refusal(&signer, &payment, "no");
    yes_as_no["signature"] = answer(&signer, &payment)["signature"].clone();
    for (route, body, code) in [
        ("approval", of_another, "approver_mismatch"),
        ("approval", of_other_payment, "approver_mismatch"),
        ("approval", short, "signature_malformed"),
        ("approval", long, "signature_too_long"),
        ("rejection", other_reason, "approver_mismatch"),
        ("rejection", yes_as_no, "approver_mismatch"),
    ] {
        let answer = api.post(&format!("{path}/{route}"), &body).await?;
        assert_eq!((answer.status.as_u16(), answer.json()["code"].clone()), (422, json!(code)));
    }
    assert_eq!(api.items("/v1/approval-requests?state=pending").await?.len(), 1);
    Ok(())
}

/// Answers of a node: code at the account, and what its contract says.
async fn contracts_are_asked(stores: Stores) -> anyhow::Result<()> {
    let asserter = Asserter::new();
    let node = ProviderBuilder::new().connect_mocked_client(asserter.clone()).erased();
    let mut api = api(stores).await?;
    let payment = authorization(3_000_000);
    let path = format!("{}/approval", asked(&api, &payment).await?);
    let wallet = approver(&api).await?.address();
    let body = json!({"approver": wallet, "signature": "0x1234", "kind": "contract"});
    let told = api.post(&path, &body).await?;
    assert_eq!((told.status.as_u16(), told.json()["code"].clone()), (503, json!("node_unavailable")));

    api.router = bursar_api::router(state(&api.seeded, config()).with_node(node));
    let (code, magic) = (json!("0x6001"), json!(format!("0x1626ba7e{:0>56}", "")));
    let nobody =
        json!({"approver": PrivateKeySigner::random().address(), "signature": "0x1234", "kind": "contract"});
    assert_eq!(
        api.post(&path, &nobody).await?.json()["code"],
        "approver_unfit",
        "who is no approver is not asked"
    );
    for (answers, status, code) in [
        (vec![json!("0x")], 422, json!("approver_no_contract")),
        (vec![code.clone(), json!(format!("0xffffffff{:0>56}", ""))], 422, json!("approver_mismatch")),
        (vec![code.clone(), json!("0x")], 422, json!("approver_mismatch")),
        (vec![code, magic], 200, Value::Null),
    ] {
        answers.iter().for_each(|answer| asserter.push_success(answer));
        let told = api.post(&path, &body).await?;
        assert_eq!((told.status.as_u16(), told.json()["code"].clone()), (status, code), "{}", told.text());
    }
    assert_eq!(api.json(path.trim_end_matches("/approval")).await?["approvalKind"], "contract");
    Ok(())
}

async fn a_rejection_is_final_and_says_why(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    let payment = authorization(3_000_000);
    let path = asked(&api, &payment).await?;
    let signer = approver(&api).await?;
    let no = refusal(&signer, &payment, "ask me on Monday");
    assert_eq!(api.post(&format!("{path}/rejection"), &no).await?.status, 200);
    assert_eq!(api.post(&format!("{path}/rejection"), &no).await?.status, 200, "again changes nothing");
    let request = api.json(&path).await?;
    assert_eq!((&request["state"], &request["reason"]), (&json!("rejected"), &json!("ask me on Monday")));
    assert_eq!(request["rejection"], no["signature"]);
    let yes = answer(&signer, &payment);
    let late = api.post(&format!("{path}/approval"), &yes).await?;
    assert_eq!((late.status.as_u16(), late.json()["code"].clone()), (409, json!("rejected")));
    for (reason, code) in [("x".repeat(1001), "reason_too_long"), ("nul\0".into(), "reason_malformed")] {
        let refused = refusal(&signer, &payment, &reason);
        let refused = api.post(&format!("{path}/rejection"), &refused).await?;
        assert_eq!((refused.status.as_u16(), refused.json()["code"].clone()), (422, json!(code)));
    }
    Ok(())
}

async fn a_request_nobody_answered_expires(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    let payment = authorization(3_000_000);
    let path = asked(&api, &payment).await?;
    Query::new("UPDATE approval_request SET valid_before = $1")
        .bind(seed::NOW)
        .execute(api.seeded.store.db())
        .await?;
    assert_eq!(api.json(&path).await?["state"], "expired");
    assert_eq!(api.items("/v1/approval-requests?state=expired").await?.len(), 1);
    let no = refusal(&approver(&api).await?, &payment, "late");
    let late = api.post(&format!("{path}/rejection"), &no).await?;
    assert_eq!((late.status.as_u16(), late.json()["got"].clone()), (409, json!("expired")));
    Ok(())
}

async fn requests_that_do_not_show_what_is_signed_are_refused(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    let good = submission(&authorization(3_000_000));
    for (field, value, status, code) in [
        ("amount", json!("1"), 422, "digest_mismatch"),
        ("payee", json!(payee(2)), 422, "digest_mismatch"),
        ("digest", json!(B256::ZERO), 422, "digest_mismatch"),
        ("chainId", json!(1), 422, "chain_mismatch"),
        ("treasury", json!(payee(2)), 422, "treasury_mismatch"),
        ("validBefore", json!(seed::NOW), 422, "payment_expired"),
        ("purse", json!(payee(2)), 409, "purse_unknown"),
        ("amount", json!(3), 422, "invalid_body"),
        ("purse", json!("0x1"), 422, "invalid_body"),
    ] {
        let mut body = good.clone();
        body[field] = value;
        let answer = api.post("/v1/approval-requests", &body).await?;
        let got = (answer.status.as_u16(), answer.json()["code"].clone());
        assert_eq!(got, (status, json!(code)), "{field}: {}", answer.text());
    }
    assert_eq!(api.items("/v1/approval-requests").await?.len(), 0);
    Ok(())
}

async fn nobody_asks_in_an_agents_name(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    let payment = authorization(3_000_000);
    let mut of_other_payment = submission(&payment);
    of_other_payment["seal"] = submission(&authorization(1))["seal"].clone();
    let mut none = submission(&payment);
    none["seal"] = json!("0x");
    for body in [
        of_other_payment,
        none,
        submission_by(&PrivateKeySigner::random(), &payment),
        submission_by(&sealed::key(2), &payment),
    ] {
        let told = api.post("/v1/approval-requests", &body).await?;
        assert_eq!((told.status.as_u16(), told.json()["code"].clone()), (422, json!("seal_invalid")));
    }
    assert_eq!(api.items("/v1/approval-requests").await?.len(), 0);
    Ok(())
}
