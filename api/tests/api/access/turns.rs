//! Whose turn it is to be answered, and who takes none.

use std::time::Duration;

use axum::http::Method;
use bursar_api::access::Mode;
use bursar_indexer::{access::Role, query::accesses};
use bursar_test_stores::{Stores, on_both_stores};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::{
    at_issuer::{answers, begins, comes_back, with_pages},
    clients::{agents, asked, get, made, post, refusal},
    issuer::{Served, service},
};
use crate::client::{config, state};

on_both_stores!(
    questions_wait_for_their_turn_and_nothing_else_does,
    whoever_waits_for_an_issuer_to_sign_them_in_holds_no_turn,
    whoever_waits_for_an_issuers_keys_holds_no_turn,
);

async fn questions_wait_for_their_turn_and_nothing_else_does(stores: Stores) -> anyhow::Result<()> {
    let service = service(stores, Served::begin().await?, |config| {
        (config.at_once, config.waiting) = (0, 0);
    })
    .await?;
    let api = &service.api;
    let key = made(&api.seeded.store, Role::Auditor, None, None).await?;
    let overloaded = (503, "overloaded".to_owned());
    for credential in [&key, &service.issuer.token("ours-auditor")?] {
        assert_eq!(refusal(&get(api, credential, "/v1/status").await?), overloaded);
    }
    for path in ["/openapi.json", "/docs/", "/assets/page.css", "/nowhere"] {
        assert_eq!(refusal(&api.get(path).await?), overloaded, "{path}");
    }
    // Who is turned away before they are known has asked nothing.
    service.state.keep_accesses().await?;
    let told = accesses::list(&service.state.db, &accesses::Filter::default(), None, 10).await?;
    assert!(told.iter().all(|kept| kept.access.method == "RUN"), "{told:?}");
    for (path, status) in [("/health/live", 204), ("/sign-in", 200), ("/v1/status", 401)] {
        assert_eq!(api.get(path).await?.status, status, "{path}");
    }
    let agent = agents(&api.seeded.store).await?;
    assert_eq!(post(api, &agent, "/v1/decisions", &json!({})).await?.status, 422);
    let mut config = config();
    (config.access, config.at_once, config.waiting) = (Mode::Open, 0, 0);
    let open = bursar_api::router(state(&api.seeded, config));
    let answer = open.oneshot(asked(&Method::GET, "/v1/status", None, &Value::Null)?).await?;
    assert_eq!(answer.status(), 503);
    Ok(())
}

async fn whoever_waits_for_an_issuer_to_sign_them_in_holds_no_turn(stores: Stores) -> anyhow::Result<()> {
    let service = with_pages(stores, |config| (config.at_once, config.waiting) = (1, 0)).await?;
    let (api, issuer) = (&service.api, &service.issuer);
    let key = made(&api.seeded.store, Role::Auditor, None, None).await?;
    let begun = begins(api, "/audit").await?;
    let query = answers(issuer, &begun, "ours-auditor", &json!({}))?;
    let shut = issuer.door.lock().await;
    let came = issuer.came();
    let others = async {
        while issuer.came() == came {
            tokio::task::yield_now().await;
        }
        let answer = get(api, &key, "/v1/status").await;
        drop(shut);
        answer
    };
    let (waits, others) = tokio::join!(comes_back(api, Some(&begun.cookie), &query), others);
    assert_eq!(others?.status, 200);
    assert_eq!(waits?.status, 200);
    Ok(())
}

async fn whoever_waits_for_an_issuers_keys_holds_no_turn(stores: Stores) -> anyhow::Result<()> {
    let service = service(stores, Served::begin().await?, |config| {
        (config.at_once, config.waiting, config.patience) = (1, 1, Duration::from_secs(60));
    })
    .await?;
    let (api, issuer) = (&service.api, &service.issuer);
    let (key, token) =
        (made(&api.seeded.store, Role::Auditor, None, None).await?, issuer.token("ours-auditor")?);
    let shut = issuer.door.lock().await;
    let others = async {
        while issuer.came() == 0 {
            tokio::task::yield_now().await;
        }
        let answer = get(api, &key, "/v1/status").await;
        drop(shut);
        answer
    };
    let (first, second, others) =
        tokio::join!(get(api, &token, "/v1/payments"), get(api, &token, "/v1/sessions"), others);
    assert_eq!(others?.status, 200);
    // And then take theirs, one after the other.
    assert_eq!([first?.status, second?.status], [200, 200]);
    Ok(())
}
