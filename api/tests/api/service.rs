//! Health, headers, and the service as a process runs it.

use std::time::Duration;

use axum::{body::Body, http::Request};
use bursar_api::AppState;
use bursar_indexer::db::Query;
use bursar_indexer::{Phase, Status};
use bursar_test_stores::{Stores, on_both_stores};
use serde_json::json;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use crate::{
    client::{api, config},
    seed::{self, seeded},
};

on_both_stores!(
    the_status_tells_how_far_the_ledger_is,
    a_ledger_that_is_behind_is_not_ready,
    an_indexer_in_trouble_is_told_without_its_words,
    a_store_that_fails_says_nothing_about_itself,
    a_row_that_makes_no_sense_fails_its_request_only,
    every_answer_has_an_id_of_its_own_and_the_headers,
    a_body_that_never_ends_is_cut_off,
    it_serves_until_it_is_cancelled,
);

async fn the_status_tells_how_far_the_ledger_is(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    let status = api.json("/v1/status").await?;
    assert_eq!(status["head"], seed::HEAD);
    assert_eq!(status["indexed"], seed::HEAD);
    assert_eq!((&status["finalBlock"], &status["safeBlock"]), (&json!(seed::FINAL), &json!(seed::SAFE)));
    assert_eq!((&status["lag"], &status["ready"]), (&json!(0), &json!(true)));
    assert_eq!(api.get("/health/live").await?.status, 204);
    assert_eq!(api.get("/health/ready").await?.status, 200);
    Ok(())
}

async fn a_ledger_that_is_behind_is_not_ready(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    Query::new("UPDATE checkpoint SET number = head - 9").execute(api.seeded.store.db()).await?;
    let answer = api.get("/health/ready").await?;
    assert_eq!((answer.status.as_u16(), answer.json()["code"].clone()), (503, json!("not_ready")));
    assert_eq!(api.json("/v1/status").await?["lag"], 9);
    assert_eq!(api.get("/health/live").await?.status, 204);
    Ok(())
}

async fn an_indexer_in_trouble_is_told_without_its_words(stores: Stores) -> anyhow::Result<()> {
    let seeded = seeded(stores).await?;
    let (sender, receiver) = watch::channel(Status { phase: Phase::Following, ..Default::default() });
    let router = bursar_api::router(AppState::new(seeded.store.clone(), config(), Some(receiver)));
    let ready = async || -> anyhow::Result<(u16, String)> {
        let request = Request::get("/health/ready").body(Body::empty())?;
        let response = router.clone().oneshot(request).await?;
        let status = response.status().as_u16();
        let body = axum::body::to_bytes(response.into_body(), usize::MAX).await?;
        Ok((status, String::from_utf8(body.to_vec())?))
    };
    assert_eq!(ready().await?.0, 200);
    sender.send_modify(|status| {
        status.phase = Phase::Waiting;
        status.error = Some("https://rpc.example/secret-key does not answer".into());
    });
    let (status, body) = ready().await?;
    assert_eq!(status, 503);
    assert!(body.contains("waits for its provider") && !body.contains("secret"), "{body}");
    sender.send_modify(|status| {
        *status = Status { phase: Phase::Following, head: Some(2_000), ..Default::default() }
    });
    assert!(ready().await?.1.contains("1000 blocks behind"));
    Ok(())
}

async fn a_store_that_fails_says_nothing_about_itself(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    Query::new("DROP TABLE payment").execute(api.seeded.store.db()).await?;
    let answer = api.get("/v1/payments").await?;
    assert_eq!((answer.status.as_u16(), answer.json()["code"].clone()), (500, json!("internal")));
    assert!(!answer.text().contains("payment") && !answer.text().contains("SQL"), "{}", answer.text());
    Ok(())
}

async fn a_row_that_makes_no_sense_fails_its_request_only(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    Query::new("UPDATE payment SET amount = 'a lot' WHERE block_number = 1000")
        .execute(api.seeded.store.db())
        .await?;
    assert_eq!(api.get("/v1/payments").await?.status, 500);
    assert_eq!(api.get(&format!("/v1/payments?agent={}", seed::agent(2))).await?.status, 200);
    Ok(())
}

async fn every_answer_has_an_id_of_its_own_and_the_headers(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    let mut ids = std::collections::BTreeSet::new();
    for path in ["/", "/v1/payments", "/v1/nothing", "/v1/payments?limit=0", "/docs/", "/openapi.json"] {
        let request = Request::get(path).header("x-request-id", "forged").body(Body::empty())?;
        let answer = api.send(request).await?;
        let header =
            |name: &str| answer.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        assert!(ids.insert(header("x-request-id").to_owned()), "{path}");
        assert_eq!(header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(header("x-frame-options"), "DENY", "{path}");
        assert!(header("content-security-policy").contains("frame-ancestors 'none'"), "{path}");
    }
    assert!(!ids.contains("forged") && !ids.contains(""));
    Ok(())
}

async fn a_body_that_never_ends_is_cut_off(stores: Stores) -> anyhow::Result<()> {
    let seeded = seeded(stores).await?;
    let mut config = config();
    config.request_timeout = Duration::from_millis(50);
    let router = bursar_api::router(AppState::new(seeded.store.clone(), config, None));
    let endless = Body::from_stream(futures::stream::pending::<Result<Vec<u8>, std::io::Error>>());
    let request = Request::post("/v1/decisions").header("content-type", "application/json").body(endless)?;
    let response = router.oneshot(request).await?;
    assert_eq!(response.status(), 503);
    let body = axum::body::to_bytes(response.into_body(), usize::MAX).await?;
    assert_eq!(serde_json::from_slice::<serde_json::Value>(&body)?["code"], "timeout");
    Ok(())
}

async fn it_serves_until_it_is_cancelled(stores: Stores) -> anyhow::Result<()> {
    let seeded = seeded(stores).await?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/v1/status", listener.local_addr()?);
    let cancel = CancellationToken::new();
    let state = AppState::new(seeded.store.clone(), config(), None);
    let service = tokio::spawn(bursar_api::serve(listener, state, cancel.clone()));
    let status: serde_json::Value = reqwest::get(&url).await?.json().await?;
    assert_eq!(status["chainId"], seed::CHAIN_ID);
    cancel.cancel();
    service.await??;
    assert!(reqwest::get(&url).await.is_err());
    Ok(())
}
