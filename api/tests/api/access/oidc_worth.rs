//! What tokens of an issuer are worth: a role, an account, a name in the list of accesses, a limit, and an end.

use std::{cell::Cell, time::Duration};

use axum::http::Method;
use bursar_indexer::{access::Role, query::accesses};
use bursar_test_stores::{Stores, on_both_stores};
use futures::StreamExt as _;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::{
    clients::{asked, get, made, stranger},
    issuer::{KEY, Pair, Served, service, serving},
};
use crate::seed::{self, NOW, treasury};

on_both_stores!(
    a_token_without_one_clear_role_has_none,
    a_token_speaks_for_its_own_account,
    who_asked_is_kept_as_the_issuer_calls_them_and_nothing_else,
    holders_of_tokens_are_limited_as_holders_of_keys_are,
    a_stream_ends_with_its_token,
    where_the_issuer_is_away_nobody_is_let_in_but_by_key,
    without_an_issuer_tokens_are_nothing,
);

async fn a_token_without_one_clear_role_has_none(stores: Stores) -> anyhow::Result<()> {
    let service = serving(stores).await?;
    let said = |groups: Value| service.issuer.saying("ours-auditor", &json!({ "groups": groups }));
    for groups in
        [json!([]), json!(null), json!("OURS-AUDITOR"), json!(["auditor"]), json!({ "ours-auditor": 1 })]
    {
        service.refused(&said(groups)?, 403, "token_no_role").await?;
    }
    for groups in [
        json!(["ours-auditor", "theirs-auditor"]),
        json!(["operator", "ours-auditor"]),
        json!(["ours-treasury", "ours-approver"]),
    ] {
        service.refused(&said(groups)?, 403, "token_several_roles").await?;
    }
    service.taken(&said(json!("ours-auditor"))?).await?;
    let other = service.issuer.token("theirs-treasury")?;
    let path = format!("/v1/treasuries/{}", treasury());
    assert_eq!(service.says(&other, &path).await?, (403, "other_treasury".into()));
    assert_eq!(service.says(&other, &format!("/v1/treasuries/{}", stranger())).await?.0, 200);
    assert_eq!(service.says(&other, "/v1/access").await?, (403, "role_not_allowed".into()));
    Ok(())
}

async fn a_token_speaks_for_its_own_account(stores: Stores) -> anyhow::Result<()> {
    let service = serving(stores).await?;
    let said =
        |group: &str, account: Value| service.issuer.saying(group, &json!({ "bursar_account": account }));
    for account in [
        json!(null),
        json!(""),
        json!("0x12"),
        json!(["0x12"]),
        json!(seed::agent(2).to_string().to_uppercase()),
    ] {
        for group in ["ours-agent", "ours-approver"] {
            service.refused(&said(group, account.clone())?, 403, "token_no_account").await?;
        }
        // Who speaks for nobody is asked for no account.
        service.taken(&said("ours-auditor", account)?).await?;
    }
    let other = said("ours-agent", json!(seed::agent(2)))?;
    let path = format!("/v1/agents/{}", seed::agent(1));
    assert_eq!(service.says(&other, &path).await?, (403, "other_agent".into()));
    assert_eq!(service.says(&service.issuer.token("ours-agent")?, &path).await?.0, 200);
    Ok(())
}

async fn who_asked_is_kept_as_the_issuer_calls_them_and_nothing_else(stores: Stores) -> anyhow::Result<()> {
    let service = serving(stores).await?;
    let issuer = &service.issuer;
    service.taken(&issuer.token("ours-auditor")?).await?;
    // Refused ones too, where it is known whose they are.
    service
        .refused(&issuer.saying("ours-auditor", &json!({ "exp": NOW - 60 }))?, 401, "token_expired")
        .await?;
    service.refused(&issuer.saying("ours-auditor", &json!({ "groups": [] }))?, 403, "token_no_role").await?;
    // Others could fill the log.
    service.refused(&Pair::ec()?.token(KEY, &issuer.claims("operator"))?, 401, "token_signature").await?;
    service.refused(&issuer.saying("operator", &json!({ "aud": "other" }))?, 401, "token_audience").await?;
    service.state.keep_accesses().await?;
    let all = accesses::list(&service.state.db, &accesses::Filter::default(), None, 1_000).await?;
    let told: Vec<_> = all
        .iter()
        .rev()
        .map(|kept| (kept.access.by.as_str(), kept.access.role, kept.access.scope, kept.access.status))
        .collect();
    let (by, auditor) = ("oidc:f:ours-auditor", Some(Role::Auditor));
    assert_eq!(
        told,
        [
            (by, auditor, Some(treasury()), Some(200)),
            (by, auditor, Some(treasury()), Some(401)),
            (by, None, None, Some(403)),
        ]
    );
    let operator = issuer.token("operator")?;
    let list = get(&service.api, &operator, "/v1/access?by=oidc%3Af%3Aours-auditor").await?;
    assert_eq!(list.json()["items"].as_array().map(Vec::len), Some(3));
    // Names and addresses of people stay with the issuer.
    assert!(!list.text().contains("Ada") && !list.text().contains("acme.example"), "{}", list.text());
    Ok(())
}

async fn holders_of_tokens_are_limited_as_holders_of_keys_are(stores: Stores) -> anyhow::Result<()> {
    let hour = Duration::from_secs(3_600);
    let service = service(stores, Served::begin().await?, |config| {
        config.key_rate = bursar_api::access::Rate::new(2, hour);
        config.unknown_rate = bursar_api::access::Rate::new(4, hour);
    })
    .await?;
    let issuer = &service.issuer;
    let (mine, theirs) = (issuer.token("ours-auditor")?, issuer.token("ours-treasury")?);
    service.taken(&mine).await?;
    // Another token is nobody else.
    service.taken(&issuer.saying("ours-auditor", &json!({ "jti": "2" }))?).await?;
    service.refused(&mine, 429, "too_many_requests").await?;
    service.taken(&theirs).await?;
    let forged = Pair::ec()?.token(KEY, &issuer.claims("operator"))?;
    service.refused(&forged, 401, "token_signature").await?;
    service.refused(&forged, 429, "too_many_unknown").await?;
    service.refused(&issuer.token("ours-approver")?, 429, "too_many_unknown").await?;
    service.taken(&theirs).await
}

async fn a_stream_ends_with_its_token(stores: Stores) -> anyhow::Result<()> {
    thread_local!(static CLOCK: Cell<u64> = const { Cell::new(NOW) });
    let service = service(stores, Served::begin().await?, |config| {
        config.stream_recheck = Duration::from_millis(10);
    })
    .await?;
    // A test has its thread to itself.
    let router = bursar_api::router(service.state.clone().with_clock(|| CLOCK.get()));
    let token = service.issuer.saying("ours-auditor", &json!({ "exp": NOW + 60 }))?;
    let follow = asked(&Method::GET, "/v1/events/stream?cursor=0", Some(&token), &Value::Null)?;
    let response = router.oneshot(follow).await?;
    assert_eq!(response.status(), 200);
    let mut stream = response.into_body().into_data_stream();
    let first = stream.next().await.transpose()?.unwrap_or_default();
    assert!(String::from_utf8(first.to_vec())?.contains("event:"), "there is something to follow");
    CLOCK.set(NOW + 90);
    // Ends: else this would wait for ever.
    while let Some(chunk) = stream.next().await {
        chunk?;
    }
    Ok(())
}

async fn where_the_issuer_is_away_nobody_is_let_in_but_by_key(stores: Stores) -> anyhow::Result<()> {
    let issuer = Served::begin().await?;
    let token = issuer.token("ours-auditor")?;
    let settings = issuer.issuer()?;
    drop(issuer);
    let service = service(stores, Served::begin().await?, |config| config.issuer = settings).await?;
    service.refused(&token, 503, "issuer_away").await?;
    service.taken(&made(&service.api.seeded.store, Role::Auditor, None, None).await?).await
}

async fn without_an_issuer_tokens_are_nothing(stores: Stores) -> anyhow::Result<()> {
    let service = service(stores, Served::begin().await?, |config| config.issuer = None).await?;
    service.refused(&service.issuer.token("ours-auditor")?, 401, "credential_malformed").await?;
    assert_eq!(service.issuer.asked(), 0);
    Ok(())
}
