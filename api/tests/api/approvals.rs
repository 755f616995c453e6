//! Approval requests: asked, answered, and never answered wrongly.

use alloy::{
    hex,
    primitives::{Address, B256},
    signers::{SignerSync, local::PrivateKeySigner},
    sol_types::SolStruct,
};
use bursar_indexer::db::Query;
use bursar_sdk::{
    amount::Amount,
    payment::{Authorization, treasury_domain},
};
use bursar_test_stores::{Stores, on_both_stores};
use serde_json::{Value, json};

use crate::{
    client::{Api, api},
    seed::{self, payee, purse, treasury},
};

on_both_stores!(
    a_request_waits_is_approved_and_carries_the_signature,
    an_approval_by_the_role_stands_and_one_without_gives_way,
    signatures_that_are_not_the_approvers_are_refused,
    a_rejection_is_final_and_says_why,
    a_request_nobody_answered_expires,
    requests_that_do_not_show_what_is_signed_are_refused,
);

fn authorization(units: u64) -> Authorization {
    Authorization {
        purse: purse(1),
        payee: payee(1),
        amount: Amount::new(units),
        valid_after: 0,
        valid_before: seed::NOW + 600,
        nonce: B256::repeat_byte(0x42),
    }
}

fn submission(payment: &Authorization) -> Value {
    json!({
        "treasury": treasury(), "chainId": seed::CHAIN_ID, "purse": payment.purse, "payee": payment.payee,
        "amount": payment.amount, "validAfter": payment.valid_after, "validBefore": payment.valid_before,
        "nonce": payment.nonce, "decisionHash": B256::repeat_byte(0x43),
        "digest": payment.digest(&seed::token_domain()),
    })
}

/// An EOA's approval of a payment.
fn answer(signer: &PrivateKeySigner, payment: &Authorization) -> anyhow::Result<Value> {
    let digest = payment
        .approval(B256::repeat_byte(0x43), payment.digest(&seed::token_domain()))
        .eip712_signing_hash(&treasury_domain(seed::CHAIN_ID, treasury()));
    let signature = signer.sign_hash_sync(&digest)?;
    Ok(
        json!({"approver": signer.address(), "signature": hex::encode_prefixed(signature.as_bytes()), "kind": "eoa"}),
    )
}

async fn asked(api: &Api, payment: &Authorization) -> anyhow::Result<String> {
    let answer = api.post("/v1/approval-requests", &submission(payment)).await?;
    anyhow::ensure!(answer.status == 201, "{}", answer.text());
    Ok(format!("/v1/approval-requests/{}", payment.digest(&seed::token_domain())))
}

async fn a_request_waits_is_approved_and_carries_the_signature(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    let payment = authorization(3_000_000);
    let path = asked(&api, &payment).await?;
    assert_eq!(api.post("/v1/approval-requests", &submission(&payment)).await?.status, 200);
    let waiting = api.items("/v1/approval-requests?state=pending").await?;
    assert_eq!(waiting.len(), 1);
    assert_eq!((&waiting[0]["state"], &waiting[0]["approval"]), (&json!("pending"), &Value::Null));

    let signer = PrivateKeySigner::random();
    let yes = answer(&signer, &payment)?;
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

async fn an_approval_by_the_role_stands_and_one_without_gives_way(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    let payment = authorization(3_000_000);
    let path = format!("{}/approval", asked(&api, &payment).await?);
    let (stranger, approver, other) =
        (PrivateKeySigner::random(), PrivateKeySigner::random(), PrivateKeySigner::random());
    seed::role_of(api.seeded.store.db(), approver.address(), 8).await?;
    assert_eq!(api.post(&path, &answer(&stranger, &payment)?).await?.status, 200);
    assert_eq!(api.post(&path, &answer(&approver, &payment)?).await?.status, 200);
    let late = api.post(&path, &answer(&other, &payment)?).await?;
    assert_eq!((late.status.as_u16(), late.json()["code"].clone()), (409, json!("approved")));
    let request = api.json(path.trim_end_matches("/approval")).await?;
    assert_eq!(request["approver"], approver.address().to_checksum(None));
    Ok(())
}

async fn signatures_that_are_not_the_approvers_are_refused(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    let payment = authorization(3_000_000);
    let path = format!("{}/approval", asked(&api, &payment).await?);
    let signer = PrivateKeySigner::random();
    let mut of_another = answer(&signer, &payment)?;
    of_another["approver"] = json!(Address::repeat_byte(1));
    let of_other_payment = answer(&signer, &authorization(1))?;
    let short = json!({"approver": signer.address(), "signature": "0x1234", "kind": "eoa"});
    let long = json!({"approver": signer.address(), "signature": hex::encode_prefixed([1; 5000]), "kind": "contract"});
    for (body, code) in [
        (of_another, "approver_mismatch"),
        (of_other_payment, "approver_mismatch"),
        (short, "signature_malformed"),
        (long, "signature_too_long"),
    ] {
        let answer = api.post(&path, &body).await?;
        assert_eq!((answer.status.as_u16(), answer.json()["code"].clone()), (422, json!(code)));
    }
    assert_eq!(api.items("/v1/approval-requests?state=pending").await?.len(), 1);
    let contract = json!({"approver": signer.address(), "signature": "0x1234", "kind": "contract"});
    assert_eq!(api.post(&path, &contract).await?.json()["approvalKind"], "contract");
    Ok(())
}

async fn a_rejection_is_final_and_says_why(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    let payment = authorization(3_000_000);
    let path = asked(&api, &payment).await?;
    let no = json!({"by": seed::address(4), "reason": "ask me on Monday"});
    assert_eq!(api.post(&format!("{path}/rejection"), &no).await?.status, 200);
    assert_eq!(api.post(&format!("{path}/rejection"), &no).await?.status, 200, "again changes nothing");
    let request = api.json(&path).await?;
    assert_eq!((&request["state"], &request["reason"]), (&json!("rejected"), &json!("ask me on Monday")));
    let yes = answer(&PrivateKeySigner::random(), &payment)?;
    let late = api.post(&format!("{path}/approval"), &yes).await?;
    assert_eq!((late.status.as_u16(), late.json()["code"].clone()), (409, json!("rejected")));
    for (reason, code) in [("x".repeat(1001), "reason_too_long"), ("nul\0".into(), "reason_malformed")] {
        let refused = json!({"by": seed::address(4), "reason": reason});
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
    let no = json!({"by": seed::address(4), "reason": "late"});
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
