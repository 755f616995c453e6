//! The approver's inbox and the page of one request.

use alloy::primitives::B256;
use bursar_sdk::{
    decision::{DecisionRecord, Model, Resource},
    payment::{Authorization, Rail},
};
use bursar_test_stores::{Stores, on_both_stores};
use serde_json::{Value, json};

use crate::{
    approvals::{answer_to, approver, authorization, refusal, submission_of},
    client::{Api, api},
    pages::keeps_to_itself,
    sealed,
    seed::{self, payee},
};

on_both_stores!(
    a_request_shows_what_why_and_what_is_left,
    what_agents_write_on_a_request_is_text_and_bounded,
    a_record_that_names_something_else_is_told_so,
    a_request_without_its_record_says_so,
    answered_and_expired_requests_offer_no_signing,
    the_pages_run_nothing_inline_and_load_only_from_here,
    what_is_no_request_is_not_found,
    a_wallet_is_given_what_the_api_checks,
);

/// A decision that was handed in, and the request for its payment.
async fn asked(api: &Api, decision: &DecisionRecord) -> anyhow::Result<Authorization> {
    api.seeded.store.insert_decision(decision, &sealed::decision(decision), seed::NOW).await?;
    let payment = Authorization {
        payee: decision.payee,
        amount: decision.amount,
        nonce: decision.nonce()?.unwrap(),
        ..authorization(1)
    };
    let told = api.post("/v1/approval-requests", &submission_of(&payment, decision.hash()?)).await?;
    anyhow::ensure!(told.status == 201, "{}", told.text());
    Ok(payment)
}

fn decision() -> DecisionRecord {
    seed::record(1, 30, payee(2), 2_500_000, "The archive has the filing that the brief is about.")
}

fn path(payment: &Authorization) -> String {
    format!("/approvals/{}", payment.digest(Rail::Eip3009, &seed::token_domain()))
}

async fn page(api: &Api, payment: &Authorization) -> anyhow::Result<String> {
    let page = api.get(&path(payment)).await?;
    anyhow::ensure!(page.status == 200, "{}", page.text());
    Ok(page.text())
}

fn shows(html: &str, texts: &[&str]) {
    for text in texts {
        assert!(html.contains(text), "the page does not show {text:?}:\n{html}");
    }
}

async fn a_request_shows_what_why_and_what_is_left(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    let payment = asked(&api, &decision()).await?;
    let html = page(&api, &payment).await?;
    shows(
        &html,
        &[
            "2.50 USDC",
            "(2500000 atomic units)",
            &payee(2).to_checksum(None),
            &seed::token().to_checksum(None),
            "Local chain, chain id 31337",
            "The archive has the filing that the brief is about.",
            "task 4711: weekly market brief",
            "GET https://api.example/v1/quotes?symbols=ABC,DEF",
            "use yesterday&#39;s quotes",
            "example planner 1",
            "a human above 2.00 USDC, at most 5.00 USDC a payment",
            "Session 2",
            "3.40 USDC",
            "Lifetime",
            "Buy the whole archive at once.",
            "lets its purse pay <strong>2.50 USDC</strong>",
            &seed::address(4).to_checksum(None),
        ],
    );
    assert!(!html.contains("Never paid before") && html.contains("times before, the last at"));
    let inbox = api.get("/approvals").await?.text();
    shows(&inbox, &["2.50 USDC", "The archive has the filing", &format!("href=\"{}\"", path(&payment))]);
    let overview = api.get("/").await?.text();
    shows(&overview, &[&format!("href=\"{}\"", path(&payment))]);
    Ok(())
}

async fn what_agents_write_on_a_request_is_text_and_bounded(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    let evil = "<script>alert(1)</script><img src=x onerror=alert(2)>\u{202e}\"'&<!-- {{ now }}";
    let mut decision = seed::record(1, 30, payee(3), 2_500_000, &format!("{evil}{}", "a".repeat(30_000)));
    decision.trigger = evil.into();
    decision.alternatives = vec![evil.into(); 200];
    decision.resource =
        Resource { url: format!("javascript:alert(3)//{evil}"), method: evil.into(), body_hash: B256::ZERO };
    decision.model = Some(Model {
        provider: evil.into(),
        name: evil.into(),
        version: evil.into(),
        prompt_hash: B256::ZERO,
    });
    decision.rules[0].input = evil.into();
    decision.rules[0].limit = evil.into();
    let payment = asked(&api, &decision).await?;
    let signer = approver(&api).await?;
    for answered in [false, true] {
        if answered {
            let no = refusal(&signer, &payment, evil);
            let route = format!("/v1{}/rejection", path(&payment).replace("approvals", "approval-requests"));
            assert_eq!(api.post(&route, &no).await?.status, 200);
        }
        for html in [page(&api, &payment).await?, api.get("/approvals").await?.text()] {
            assert!(
                !html.contains("<script>alert") && !html.contains("<img src=x") && !html.contains("<!-- ")
            );
            assert!(!html.contains('\u{202e}') && !html.contains("href=\"javascript"));
            assert!(html.contains("alert(1)") && !html.contains(&"a".repeat(5_000)));
            assert!(html.matches("alert(1)").count() < 60 && html.len() < 60_000, "{}", html.len());
        }
    }
    Ok(())
}

async fn a_record_that_names_something_else_is_told_so(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    let decision = decision();
    api.seeded.store.insert_decision(&decision, &sealed::decision(&decision), seed::NOW).await?;
    for (payment, what) in [
        (Authorization { payee: payee(4), ..authorization(2_500_000) }, "another payee than"),
        (Authorization { payee: payee(2), ..authorization(4_000_000) }, "another amount than"),
        (Authorization { payee: payee(2), ..authorization(2_500_000) }, "another nonce than"),
    ] {
        let told = api.post("/v1/approval-requests", &submission_of(&payment, decision.hash()?)).await?;
        assert_eq!(told.status, 201);
        shows(&page(&api, &payment).await?, &["The decision record disagrees", what, "Do not approve"]);
    }
    Ok(())
}

async fn a_request_without_its_record_says_so(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    let payment = Authorization { payee: payee(9), ..authorization(2_500_000) };
    let told = api.post("/v1/approval-requests", &submission_of(&payment, B256::repeat_byte(0x43))).await?;
    assert_eq!(told.status, 201);
    shows(&page(&api, &payment).await?, &["The decision record has not arrived", "Never paid before"]);
    shows(&api.get("/approvals").await?.text(), &["No decision record yet"]);
    Ok(())
}

async fn answered_and_expired_requests_offer_no_signing(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    let payment = asked(&api, &decision()).await?;
    let signer = approver(&api).await?;
    shows(
        &page(&api, &payment).await?,
        &["/assets/approval.js", "id=\"approve\"", &signer.address().to_checksum(None)],
    );
    let route = format!("/v1{}", path(&payment).replace("approvals", "approval-requests"));
    let yes = answer_to(&signer, &payment, decision().hash()?);
    assert_eq!(api.post(&format!("{route}/approval"), &yes).await?.status, 200);
    let html = page(&api, &payment).await?;
    shows(&html, &["<strong>Approved</strong> by", "Not settled yet: the agent goes on by itself."]);
    assert!(!html.contains("id=\"approve\"") && !html.contains("approval.js"));
    assert!(api.get("/approvals").await?.text().contains("Nothing waits for approval"));

    let late = Authorization { valid_before: seed::NOW + 5, ..authorization(2_100_000) };
    let told = api.post("/v1/approval-requests", &submission_of(&late, B256::repeat_byte(0x43))).await?;
    assert_eq!(told.status, 201);
    bursar_indexer::db::Query::new("UPDATE checkpoint SET timestamp = $1")
        .bind(seed::NOW + 5)
        .execute(api.seeded.store.db())
        .await?;
    let html = page(&api, &late).await?;
    shows(&html, &["Nobody answered in time"]);
    assert!(!html.contains("id=\"approve\""));
    Ok(())
}

async fn the_pages_run_nothing_inline_and_load_only_from_here(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    let payment = asked(&api, &decision()).await?;
    for route in ["/approvals".to_owned(), path(&payment)] {
        keeps_to_itself(&api, &api.get(&route).await?, "'none'").await?;
    }
    Ok(())
}

async fn what_is_no_request_is_not_found(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    assert_eq!(api.get(&format!("/approvals/{}", B256::ZERO)).await?.status, 404);
    assert_eq!(api.get("/approvals/0x12").await?.status, 400);
    assert_eq!(api.get(&format!("/v1/approval-requests/{}/typed-data", B256::ZERO)).await?.status, 404);
    Ok(())
}

async fn a_wallet_is_given_what_the_api_checks(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    let payment = asked(&api, &decision()).await?;
    let route = format!("/v1{}/typed-data", path(&payment).replace("approvals", "approval-requests"));
    let typed: Value = api.json(&route).await?;
    assert_eq!(typed["primaryType"], "PaymentApproval");
    assert_eq!(typed["message"]["amount"], "2500000");
    assert_eq!(typed["domain"]["chainId"], json!(seed::CHAIN_ID));
    let typed: Value = api.json(&format!("{route}?rejecting=too%20dear")).await?;
    assert_eq!(
        (&typed["primaryType"], &typed["message"]["reason"]),
        (&json!("PaymentRejection"), &json!("too dear"))
    );
    let long = api.get(&format!("{route}?rejecting={}", "x".repeat(1001))).await?;
    assert_eq!((long.status.as_u16(), long.json()["code"].clone()), (422, json!("reason_too_long")));
    Ok(())
}
