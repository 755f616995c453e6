//! Credentials that are none, or none any more.

use axum::{
    body::Body,
    http::{Method, Request},
};
use bursar_api::access::key::Key;
use bursar_indexer::{access::Role, db::Query, store::ApiKey};
use bursar_test_stores::{Stores, on_both_stores};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::clients::{asked, get, guarded, made, new_key, refusal};
use crate::{
    client::{Answer, Api, config, state},
    seed::{self, seeded},
};

on_both_stores!(
    what_is_no_credential_is_refused_and_says_what_would_be,
    a_key_is_taken_to_the_second_it_runs_out_in,
    a_revoked_key_is_refused_at_once_and_for_good,
    a_tampered_key_is_no_key,
    what_is_kept_is_no_key,
    a_key_that_was_tampered_with_in_the_store_is_nobodys,
    without_a_key_only_what_is_nobodys_is_told,
    methods_and_routes_that_are_none_open_nothing,
    an_open_service_is_not_served_to_others,
    a_failing_store_lets_nobody_in,
);

async fn auditor(api: &Api) -> anyhow::Result<String> {
    made(&api.seeded.store, Role::Auditor, None, None).await
}

fn challenge(answer: &Answer) -> &str {
    answer.headers.get("www-authenticate").and_then(|value| value.to_str().ok()).unwrap_or_default()
}

async fn what_is_no_credential_is_refused_and_says_what_would_be(stores: Stores) -> anyhow::Result<()> {
    let api = guarded(stores).await?;
    let key = auditor(&api).await?;
    let answer = api.get("/v1/payments").await?;
    assert_eq!(refusal(&answer), (401, "credential_missing".into()));
    assert_eq!(challenge(&answer), "Bearer realm=\"bursar\"");
    for header in [
        "Bearer".to_owned(),
        "Bearer ".to_owned(),
        key.clone(),
        format!("Basic {key}"),
        format!("Bearer  {key}"),
        format!("Bearer {key} "),
        format!("Bearer {key}0"),
        format!("Bearer {}", key.to_uppercase()),
        "Bearer eyJhbGciOiJub25lIn0.e30.".to_owned(),
        "Bearer bursar_é".to_owned(),
    ] {
        let request = Request::get("/v1/payments").header("authorization", header.as_bytes());
        let answer = api.send(request.body(Body::empty())?).await?;
        assert_eq!(refusal(&answer), (401, "credential_malformed".into()), "{header}");
        assert_eq!(challenge(&answer), "Bearer realm=\"bursar\", error=\"invalid_token\"");
        assert!(!answer.text().contains(&key[7..]), "the answer repeats the key");
    }
    let twice = Request::get("/v1/payments").header("authorization", format!("Bearer {key}"));
    let twice = twice.header("authorization", format!("Bearer {key}")).body(Body::empty())?;
    assert_eq!(refusal(&api.send(twice).await?), (401, "credential_malformed".into()));
    let lower = Request::get("/v1/payments").header("authorization", format!("bearer {key}"));
    assert_eq!(api.send(lower.body(Body::empty())?).await?.status, 200, "schemes have no case");
    Ok(())
}

async fn a_key_is_taken_to_the_second_it_runs_out_in(stores: Stores) -> anyhow::Result<()> {
    let api = guarded(stores).await?;
    for (expires_at, taken) in [(seed::NOW - 1, false), (seed::NOW, false), (seed::NOW + 1, true)] {
        let (key, kept) = new_key(Role::Auditor, None, None)?;
        api.seeded.store.add_api_key(&ApiKey { expires_at: Some(expires_at), ..kept }).await?;
        let answer = get(&api, &key.shown(), "/v1/payments").await?;
        if taken {
            assert_eq!(answer.status, 200);
        } else {
            assert_eq!(refusal(&answer), (401, "credential_expired".into()));
            assert_eq!(answer.json()["expected"], format!("before {expires_at} (unix seconds)"));
            assert_eq!(answer.json()["got"], seed::NOW.to_string());
        }
    }
    Ok(())
}

async fn a_revoked_key_is_refused_at_once_and_for_good(stores: Stores) -> anyhow::Result<()> {
    let api = guarded(stores).await?;
    let store = &api.seeded.store;
    let (key, kept) = new_key(Role::Auditor, None, None)?;
    store.add_api_key(&kept).await?;
    assert_eq!(get(&api, &key.shown(), "/v1/payments").await?.status, 200);
    // Clocks differ: what is revoked in somebody's future is revoked.
    assert_eq!(store.revoke_api_key(key.id(), seed::NOW + 50).await?, Some(seed::NOW + 50));
    let refused = (401, "credential_revoked".to_owned());
    assert_eq!(refusal(&get(&api, &key.shown(), "/v1/payments").await?), refused);
    assert_eq!(
        store.revoke_api_key(key.id(), seed::NOW + 99).await?,
        Some(seed::NOW + 50),
        "it stays as it was"
    );
    assert_eq!(store.revoke_api_key("0000000000000000", seed::NOW).await?, None);
    assert!(store.add_api_key(&kept).await.is_err(), "an id is given once");
    assert_eq!(refusal(&get(&api, &key.shown(), "/v1/payments").await?), refused);
    // Whoever has the id alone cannot tell it from one that never was.
    let other = format!("bursar_{}_{}", key.id(), "0".repeat(64));
    let none = format!("bursar_{}_{}", "0".repeat(16), "0".repeat(64));
    let [other, none] = [get(&api, &other, "/v1/payments").await?, get(&api, &none, "/v1/payments").await?];
    assert_eq!(refusal(&none), (401, "credential_unknown".into()));
    assert_eq!((other.status, other.text()), (none.status, none.text()));
    Ok(())
}

async fn a_tampered_key_is_no_key(stores: Stores) -> anyhow::Result<()> {
    let api = guarded(stores).await?;
    let (mine, theirs) = (auditor(&api).await?, auditor(&api).await?);
    for place in (7..23).chain(24..88).step_by(3) {
        let mut tampered = mine.clone().into_bytes();
        tampered[place] = if tampered[place] == b'0' { b'1' } else { b'0' };
        let answer = get(&api, &String::from_utf8(tampered)?, "/v1/payments").await?;
        assert_eq!(refusal(&answer), (401, "credential_unknown".into()), "digit {place}");
    }
    let mixed = format!("{}{}", &mine[..24], &theirs[24..]);
    assert_eq!(refusal(&get(&api, &mixed, "/v1/payments").await?), (401, "credential_unknown".into()));
    Ok(())
}

async fn what_is_kept_is_no_key(stores: Stores) -> anyhow::Result<()> {
    let api = guarded(stores).await?;
    let key: Key = auditor(&api).await?.parse()?;
    let kept = api.seeded.store.api_key(key.id()).await?.unwrap();
    let stolen = format!("bursar_{}_{}", kept.id, &kept.hash.to_string()[2..]);
    assert_eq!(refusal(&get(&api, &stolen, "/v1/payments").await?), (401, "credential_unknown".into()));
    assert!(!format!("{kept:?}").contains(&key.shown()[24..]));
    Ok(())
}

async fn a_key_that_was_tampered_with_in_the_store_is_nobodys(stores: Stores) -> anyhow::Result<()> {
    let api = guarded(stores).await?;
    let key = auditor(&api).await?;
    for sql in [
        "UPDATE api_key SET role = 'owner'",
        "UPDATE api_key SET role = 'treasury'",
        "UPDATE api_key SET role = 'auditor', account = hash",
    ] {
        Query::new(sql).execute(api.seeded.store.db()).await?;
        assert_eq!(refusal(&get(&api, &key, "/v1/payments").await?), (500, "internal".into()), "{sql}");
    }
    Ok(())
}

async fn without_a_key_only_what_is_nobodys_is_told(stores: Stores) -> anyhow::Result<()> {
    let api = guarded(stores).await?;
    for path in [
        "/health/live",
        "/health/ready",
        "/openapi.json",
        "/docs/",
        "/assets/page.css",
        "/assets/icon.svg",
        "/sign-in",
    ] {
        assert!(api.get(path).await?.status.is_success(), "{path}");
    }
    for path in ["/", "/approvals", "/v1/status", "/v1/ledger"] {
        assert_eq!(refusal(&api.get(path).await?), (401, "credential_missing".into()), "{path}");
    }
    Ok(())
}

async fn methods_and_routes_that_are_none_open_nothing(stores: Stores) -> anyhow::Result<()> {
    let api = guarded(stores).await?;
    let key = auditor(&api).await?;
    for (method, path, with, without) in [
        (Method::GET, "/v1/nothing", (404, "no_such_route"), (404, "no_such_route")),
        (Method::DELETE, "/v1/payments", (405, "method_not_allowed"), (401, "credential_missing")),
        (Method::OPTIONS, "/v1/payments", (405, "method_not_allowed"), (401, "credential_missing")),
        (Method::PUT, "/v1/decisions", (405, "method_not_allowed"), (401, "credential_missing")),
        (Method::GET, "/v1/outcomes", (405, "method_not_allowed"), (401, "credential_missing")),
    ] {
        let answer = api.send(asked(&method, path, Some(&key), &Value::Null)?).await?;
        assert_eq!(refusal(&answer), (with.0, with.1.into()), "{method} {path}");
        let answer = api.send(asked(&method, path, None, &Value::Null)?).await?;
        assert_eq!(refusal(&answer), (without.0, without.1.into()), "{method} {path}");
    }
    let head = api.send(asked(&Method::HEAD, "/v1/payments", Some(&key), &Value::Null)?).await?;
    assert_eq!(head.status, 200);
    let head = api.send(asked(&Method::HEAD, "/v1/payments", None, &Value::Null)?).await?;
    assert_eq!(head.status, 401);
    Ok(())
}

async fn an_open_service_is_not_served_to_others(stores: Stores) -> anyhow::Result<()> {
    let seeded = seeded(stores).await?;
    let listener = tokio::net::TcpListener::bind("0.0.0.0:0").await?;
    let served = bursar_api::serve(listener, state(&seeded, config()), CancellationToken::new()).await;
    let error = served.err().map(|error| error.to_string()).unwrap_or_default();
    assert!(error.contains("0.0.0.0") && error.contains("bursar key create"), "{error:?}");
    Ok(())
}

async fn a_failing_store_lets_nobody_in(stores: Stores) -> anyhow::Result<()> {
    let api = guarded(stores).await?;
    let key = auditor(&api).await?;
    Query::new("DROP TABLE api_key").execute(api.seeded.store.db()).await?;
    assert_eq!(refusal(&get(&api, &key, "/v1/status").await?), (500, "internal".into()));
    Ok(())
}
