//! Who asked what is kept, and in the log of whose things they asked for; what cannot be kept is not answered.

use std::{collections::BTreeMap, time::Duration};

use axum::{body::Body, http::Request};
use bursar_api::{AppState, access::Mode};
use bursar_indexer::{
    access::Role,
    db::Query,
    query::{accesses, log},
};
use bursar_sdk::transparency::LogKind;
use bursar_test_stores::{Stores, on_both_stores};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use super::clients::{agents, asked, get, guarded, made, of_role, refusal, stranger};
use crate::{
    client::{Answer, Api, config, state},
    plans::about,
    seed::{seeded, treasury},
};

on_both_stores!(
    whoever_asks_is_kept_with_what_they_asked_and_were_told,
    what_asks_for_one_treasurys_things_is_in_its_log,
    an_auditor_is_told_of_their_own_treasury_alone,
    without_a_credential_nothing_is_kept,
    who_hangs_up_is_kept_as_well,
    what_cannot_be_kept_is_not_answered,
    a_service_keeps_what_it_was_asked_and_the_last_when_it_ends,
);

/// A service that asks for keys, and what it has to keep.
struct Recorded {
    api: Api,
    state: AppState,
}

async fn recorded(stores: Stores, set: impl FnOnce(&mut bursar_api::Config)) -> anyhow::Result<Recorded> {
    let Api { seeded, .. } = guarded(stores).await?;
    let mut config = config();
    config.access = Mode::Keys;
    set(&mut config);
    let state = state(&seeded, config);
    Ok(Recorded { api: Api { router: bursar_api::router(state.clone()), seeded }, state })
}

impl Recorded {
    /// What was asked of the routes, the oldest first: not what was done to keys.
    async fn told(&self) -> anyhow::Result<Vec<accesses::Kept>> {
        self.state.keep_accesses().await?;
        let all = accesses::list(&self.state.db, &accesses::Filter::default(), None, 1_000).await?;
        Ok(all.into_iter().rev().filter(|kept| kept.access.method != "RUN").collect())
    }
}

fn id_of(answer: &Answer) -> &str {
    answer.headers.get("x-request-id").and_then(|id| id.to_str().ok()).unwrap_or_default()
}

fn by(key: &str) -> String {
    format!("key:{}", &key[7..23])
}

async fn whoever_asks_is_kept_with_what_they_asked_and_were_told(stores: Stores) -> anyhow::Result<()> {
    let recorded = recorded(stores, |_| {}).await?;
    let (api, store) = (&recorded.api, &recorded.api.seeded.store);
    let auditor = of_role(store, Role::Auditor, treasury()).await?;
    let agent = agents(store).await?;
    let payments = format!("/v1/payments?treasury={}&limit=2", treasury());
    let session = format!("/v1/sessions/0x{}", "9".repeat(64));
    let long = format!("/v1/payments?x={}", "y".repeat(600));
    let mut expected = Vec::new();
    for (key, role, path, route, status) in [
        (&auditor, Role::Auditor, payments.as_str(), "/v1/payments", 200),
        (&auditor, Role::Auditor, "/", "/", 200),
        (&auditor, Role::Auditor, &session, "/v1/sessions/{id}", 404),
        (&auditor, Role::Auditor, "/v1/settlements", "/v1/settlements", 403),
        (&auditor, Role::Auditor, &long, "/v1/payments", 400),
        (&auditor, Role::Auditor, "/v1/outcomes", "/v1/outcomes", 405),
        (&agent, Role::Agent, "/v1/alerts", "/v1/alerts", 403),
        (&agent, Role::Agent, "/v1/status", "/v1/status", 200),
    ] {
        let answer = get(api, key, path).await?;
        assert_eq!(answer.status, status, "{path}: {}", answer.text());
        let cut: String = path.chars().take(500).collect();
        expected.push((by(key), Some(role), route.to_owned(), cut, Some(status), id_of(&answer).to_owned()));
    }
    // Neither a key that is revoked nor what is handed in goes by unseen.
    store.revoke_api_key(&agent[7..23], 1).await?;
    let answer =
        api.send(asked(&axum::http::Method::POST, "/v1/decisions", Some(&agent), &json!({}))?).await?;
    assert_eq!(refusal(&answer), (401, "credential_revoked".into()));
    let path = "/v1/decisions".to_owned();
    let id = id_of(&answer).to_owned();
    expected.push((by(&agent), Some(Role::Agent), path.clone(), path, Some(401), id));
    let told = recorded.told().await?;
    assert_eq!(told.len(), expected.len());
    let mut methods = BTreeMap::new();
    for (kept, expected) in told.into_iter().zip(expected) {
        let it = kept.access;
        assert_eq!((it.scope, it.treasury), (Some(treasury()), Some(treasury())), "{}", it.asked);
        assert_eq!(it.at, crate::seed::NOW);
        *methods.entry(it.method).or_insert(0) += 1;
        assert_eq!((it.by, it.role, it.route, it.asked, it.status, it.request), expected);
    }
    assert_eq!(methods, BTreeMap::from([("GET".to_owned(), 8), ("POST".to_owned(), 1)]));
    Ok(())
}

async fn what_asks_for_one_treasurys_things_is_in_its_log(stores: Stores) -> anyhow::Result<()> {
    let recorded = recorded(stores, |_| {}).await?;
    let (api, store) = (&recorded.api, &recorded.api.seeded.store);
    let about = about(api)?;
    let operator = made(store, Role::Auditor, None, None).await?;
    let theirs = of_role(store, Role::Auditor, stranger()).await?;
    let (ours, nobodys) = (treasury(), "0x9999999999999999999999999999999999999999");
    let mut expected = Vec::new();
    // The operator's auditor: what names a treasury, or something of it, is told to that treasury.
    for (path, of) in [
        (format!("/v1/treasuries/{ours}"), Some(ours)),
        (format!("/v1/envelopes/{ours}/1"), Some(ours)),
        (format!("/v1/sessions/{}", about.session), Some(ours)),
        (format!("/v1/payments/{}/{}", about.purse, about.nonce), Some(ours)),
        (format!("/v1/decisions/{}", about.decision), Some(ours)),
        (format!("/v1/payments?treasury={ours:#x}"), Some(ours)),
        (format!("/v1/payments?limit=1&treasury={}", stranger()), Some(stranger())),
        (format!("/v1/treasuries/{}", stranger()), Some(stranger())),
        ("/v1/payments".to_owned(), None),
        ("/v1/status".to_owned(), None),
        ("/v1/settlements".to_owned(), None),
        ("/v1/payments?treasury=x".to_owned(), None),
        ("/v1/sessions/x".to_owned(), None),
        (format!("/v1/sessions/0x{}", "9".repeat(64)), None),
        (format!("/v1/treasuries/{nobodys}"), None),
        (format!("/v1/payments?treasury={nobodys}"), None),
    ] {
        get(api, &operator, &path).await?;
        expected.push((path, of));
    }
    // Of one treasury: all that they ask is told to theirs, whatever they ask for.
    for path in [format!("/v1/treasuries/{ours}"), format!("/v1/decisions/{}", about.decision)] {
        let answer = get(api, &theirs, &path).await?;
        assert!(answer.status == 403 || answer.status == 404, "{path}: {}", answer.status);
        expected.push((path, Some(stranger())));
    }
    let told = recorded.told().await?;
    let got: Vec<_> = told.iter().map(|kept| (kept.access.asked.clone(), kept.access.treasury)).collect();
    assert_eq!(got, expected);
    for of in [ours, stranger()] {
        let audit = store.audit_log(of, &[]).await?;
        assert_eq!(audit.findings, []);
        let filter = log::Filter { treasury: of, subject: None };
        let leaves = log::list(store.db(), filter, None, 1_000).await?;
        let named = told.iter().filter(|kept| kept.access.treasury == Some(of));
        for kept in named {
            let logged = leaves.iter().find(|leaf| Some(leaf.entry.subject) == kept.batch);
            assert_eq!(logged.map(|leaf| leaf.entry.kind), Some(LogKind::Access), "{}", kept.access.asked);
        }
    }
    assert!(told.iter().all(|kept| kept.batch.is_some() == kept.access.treasury.is_some()));
    // And what somebody takes out of them is missed.
    Query::new("DELETE FROM access WHERE route = '/v1/sessions/{id}'").execute(store.db()).await?;
    assert_ne!(store.audit_log(ours, &[]).await?.findings, []);
    Ok(())
}

async fn an_auditor_is_told_of_their_own_treasury_alone(stores: Stores) -> anyhow::Result<()> {
    let recorded = recorded(stores, |_| {}).await?;
    let (api, store) = (&recorded.api, &recorded.api.seeded.store);
    let operator = made(store, Role::Auditor, None, None).await?;
    let [ours, theirs] =
        [of_role(store, Role::Auditor, treasury()).await?, of_role(store, Role::Auditor, stranger()).await?];
    for (key, path) in [
        (&ours, "/v1/payments".to_owned()),
        (&theirs, "/v1/sessions".to_owned()),
        (&operator, format!("/v1/treasuries/{}", treasury())),
        (&operator, "/v1/agents".to_owned()),
    ] {
        assert_eq!(get(api, key, &path).await?.status, 200, "{path}");
    }
    recorded.state.keep_accesses().await?;
    let list = async |key: &str, query: &str| -> anyhow::Result<Vec<String>> {
        let answer = get(api, key, &format!("/v1/access{query}")).await?;
        anyhow::ensure!(answer.status == 200, "{query}: {}", answer.text());
        let items = answer.json()["items"].as_array().cloned().unwrap_or_default();
        Ok(items.iter().map(|item| item["route"].as_str().unwrap_or_default().to_owned()).collect())
    };
    let created = "bursar key create";
    let of_treasury = "/v1/treasuries/{address}";
    assert_eq!(list(&ours, "").await?, [of_treasury, "/v1/payments", created]);
    assert_eq!(list(&theirs, "").await?, ["/v1/sessions", created]);
    let all = ["/v1/agents", of_treasury, "/v1/sessions", "/v1/payments", created, created, created];
    assert_eq!(list(&operator, "").await?, all);
    assert_eq!(list(&operator, &format!("?treasury={}", stranger())).await?, ["/v1/sessions", created]);
    assert_eq!(list(&operator, &format!("?by={}", by(&ours))).await?, ["/v1/payments"]);
    assert_eq!(list(&ours, &format!("?by={}", by(&theirs))).await?, Vec::<String>::new());
    let other = get(api, &ours, &format!("/v1/access?treasury={}", stranger())).await?;
    assert_eq!(refusal(&other), (403, "other_treasury".into()));
    // By the id that came with an answer.
    let answer = get(api, &ours, "/v1/policies").await?;
    recorded.state.keep_accesses().await?;
    let query = format!("?request={}", id_of(&answer));
    assert_eq!(list(&ours, &query).await?, ["/v1/policies"]);
    assert_eq!(list(&theirs, &query).await?, Vec::<String>::new());
    let item = get(api, &ours, &format!("/v1/access{query}")).await?.json()["items"][0].clone();
    assert_eq!((&item["by"], &item["role"]), (&json!(by(&ours)), &json!("auditor")));
    assert_eq!((&item["status"], &item["scope"]), (&json!(200), &json!(treasury())));
    assert!(item["logged"].is_string() && !item.to_string().contains(&ours[24..]), "{item}");
    // Page by page, nothing twice.
    let first = get(api, &operator, "/v1/access?limit=2").await?.json();
    let next = format!("/v1/access?limit=2&cursor={}", first["next"].as_str().unwrap_or_default());
    let second = get(api, &operator, &next).await?.json();
    let seq = |page: &Value| [page["items"][0]["seq"].as_u64(), page["items"][1]["seq"].as_u64()];
    assert!(seq(&first)[1] > seq(&second)[0] && seq(&second)[1].is_some(), "{first} {second}");
    Ok(())
}

async fn without_a_credential_nothing_is_kept(stores: Stores) -> anyhow::Result<()> {
    let recorded = recorded(stores, |_| {}).await?;
    let key = made(&recorded.api.seeded.store, Role::Auditor, None, None).await?;
    for path in ["/v1/payments", "/health/live", "/openapi.json", "/nowhere"] {
        recorded.api.get(path).await?;
    }
    // Others could fill the log.
    let forged = format!("{}{}", &key[..24], "0".repeat(64));
    assert_eq!(get(&recorded.api, &forged, "/v1/payments").await?.status, 401);
    assert_eq!(recorded.told().await?, []);
    let open = state(&recorded.api.seeded, config());
    let router = bursar_api::router(open.clone());
    assert_eq!(
        router.oneshot(asked(&axum::http::Method::GET, "/v1/payments", None, &Value::Null)?).await?.status(),
        200
    );
    open.keep_accesses().await?;
    assert_eq!(recorded.told().await?, [], "an open service knows nobody");
    Ok(())
}

async fn who_hangs_up_is_kept_as_well(stores: Stores) -> anyhow::Result<()> {
    let recorded = recorded(stores, |config| config.request_timeout = Duration::from_millis(50)).await?;
    let key = agents(&recorded.api.seeded.store).await?;
    let endless = || Body::from_stream(futures::stream::pending::<Result<Vec<u8>, std::io::Error>>());
    let request = || {
        Request::post("/v1/decisions")
            .header("content-type", "application/json")
            .header("authorization", format!("Bearer {key}"))
            .body(endless())
    };
    assert_eq!(recorded.api.send(request()?).await?.status, 503);
    let told = recorded.told().await?;
    assert_eq!(told.len(), 1);
    assert_eq!((told[0].access.status, told[0].access.route.as_str()), (None, "/v1/decisions"));
    assert_eq!(recorded.api.seeded.store.audit_log(treasury(), &[]).await?.findings, []);
    Ok(())
}

async fn what_cannot_be_kept_is_not_answered(stores: Stores) -> anyhow::Result<()> {
    let recorded = recorded(stores, |config| config.accesses = 2).await?;
    let (api, store) = (&recorded.api, &recorded.api.seeded.store);
    let key = of_role(store, Role::Auditor, treasury()).await?;
    for _ in 0..2 {
        assert_eq!(get(api, &key, "/v1/payments").await?.status, 200);
    }
    let refused = get(api, &key, "/v1/payments").await?;
    assert_eq!(refusal(&refused), (503, "accesses_waiting".into()));
    assert_eq!(refused.headers.get("retry-after").and_then(|it| it.to_str().ok()), Some("1"));
    assert_eq!(api.get("/health/live").await?.status, 204, "what is nobody's is told");
    // The store comes to grief, and back: nothing is lost, nothing is twice.
    Query::new("ALTER TABLE access RENAME TO elsewhere").execute(store.db()).await?;
    assert!(recorded.state.keep_accesses().await.is_err());
    Query::new("ALTER TABLE elsewhere RENAME TO access").execute(store.db()).await?;
    recorded.state.keep_accesses().await?;
    assert_eq!(get(api, &key, "/v1/sessions").await?.status, 200);
    let told = recorded.told().await?;
    let routes: Vec<&str> = told.iter().map(|kept| kept.access.route.as_str()).collect();
    assert_eq!(routes, ["/v1/payments", "/v1/payments", "/v1/sessions"]);
    assert_eq!(store.audit_log(treasury(), &[]).await?.findings, []);
    Ok(())
}

async fn a_service_keeps_what_it_was_asked_and_the_last_when_it_ends(stores: Stores) -> anyhow::Result<()> {
    let seeded = seeded(stores).await?;
    let store = &seeded.store;
    let key = of_role(store, Role::Auditor, treasury()).await?;
    let of_key = || accesses::Filter { by: Some(by(&key)), ..Default::default() };
    let many = async || anyhow::Ok(accesses::list(store.db(), &of_key(), None, 10).await?.len());
    for (every, waits) in [(Duration::from_millis(10), true), (Duration::from_secs(3_600), false)] {
        let before = many().await?;
        let mut config = config();
        (config.access, config.accesses_every) = (Mode::Keys, every);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}/v1/payments", listener.local_addr()?);
        let cancel = CancellationToken::new();
        let service = tokio::spawn(bursar_api::serve(listener, state(&seeded, config), cancel.clone()));
        let status = reqwest::Client::new().get(&url).bearer_auth(&key).send().await?.status();
        assert_eq!(status, 200);
        // Kept without an end: else this would wait for ever.
        while waits && many().await? == before {
            tokio::task::yield_now().await;
        }
        cancel.cancel();
        service.await??;
        assert_eq!(many().await?, before + 1);
    }
    assert_eq!(store.audit_log(treasury(), &[]).await?.findings, []);
    Ok(())
}
