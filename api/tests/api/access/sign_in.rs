//! The sign-in page, its cookie, and what a browser is let do with it.

use axum::{
    body::Body,
    http::{Method, Request},
};
use bursar_api::access::Mode;
use bursar_indexer::{access::Role, store::ApiKey};
use bursar_test_stores::{Stores, on_both_stores};

use super::clients::{agents, guarded, made, new_key, of_role, refusal};
use crate::{
    client::{Answer, Api, config, state},
    seed::{self, seeded, treasury},
};

on_both_stores!(
    pages_without_a_key_lead_to_the_sign_in_and_back,
    a_key_that_is_handed_in_is_kept_by_the_browser_alone,
    over_tls_the_cookie_never_leaves_it,
    keys_that_are_not_taken_are_told_of_in_words,
    nobody_is_sent_elsewhere_after_signing_in,
    only_our_pages_sign_anybody_in_or_out,
    what_a_browser_hands_in_comes_from_our_pages,
    a_cookie_is_held_to_what_a_bearer_is,
    an_open_service_asks_for_no_key,
);

const HERE: &str = "http://bursar.test:8402";

fn browser(method: &Method, path: &str) -> axum::http::request::Builder {
    let request = Request::builder().method(method).uri(path).header("host", "bursar.test:8402");
    request.header("accept", "text/html,application/xhtml+xml,*/*;q=0.8")
}

fn cookie(key: &str) -> String {
    format!("bursar-{}={key}", seed::CHAIN_ID)
}

fn header<'a>(answer: &'a Answer, name: &str) -> &'a str {
    answer.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

async fn opens(api: &Api, path: &str, key: Option<&str>) -> anyhow::Result<Answer> {
    let request = browser(&Method::GET, path);
    let request = match key {
        Some(key) => request.header("cookie", format!("a=b; {}; c", cookie(key))),
        None => request,
    };
    api.send(request.body(Body::empty())?).await
}

async fn signs_in(api: &Api, origin: &str, form: &str) -> anyhow::Result<Answer> {
    let request = browser(&Method::POST, "/sign-in").header("origin", origin);
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    api.send(request.body(Body::from(form.to_owned()))?).await
}

async fn auditor(api: &Api) -> anyhow::Result<String> {
    made(&api.seeded.store, Role::Auditor, None, None).await
}

async fn pages_without_a_key_lead_to_the_sign_in_and_back(stores: Stores) -> anyhow::Result<()> {
    let api = guarded(stores).await?;
    let asked = "/audit/payments?from=1&until=2";
    let answer = opens(&api, asked, None).await?;
    assert_eq!(answer.status, 303);
    assert_eq!(header(&answer, "location"), "/sign-in?next=%2Faudit%2Fpayments%3Ffrom%3D1%26until%3D2");
    let page = opens(&api, header(&answer, "location"), None).await?;
    assert_eq!(page.status, 200);
    assert!(page.text().contains("<label for=\"key\">") && page.text().contains("action=\"/sign-in\""));
    assert!(
        page.text().contains("name=\"next\" value=\"/audit/payments?from=1&#38;until=2\""),
        "{}",
        page.text()
    );
    assert!(header(&page, "content-security-policy").contains("form-action 'self'"));
    // With `no-referrer` the form would come without its Origin.
    assert_eq!(header(&page, "referrer-policy"), "same-origin");
    let key = auditor(&api).await?;
    let next = "%2Faudit%2Fpayments%3Ffrom%3D1%26until%3D2";
    let answer = signs_in(&api, HERE, &format!("key={key}&next={next}")).await?;
    assert_eq!((answer.status.as_u16(), header(&answer, "location")), (303, asked));
    assert_eq!(opens(&api, asked, Some(&key)).await?.status, 200);
    // Programs are told, and so is whoever asks for data.
    assert_eq!(refusal(&api.get(asked).await?), (401, "credential_missing".into()));
    assert_eq!(refusal(&opens(&api, "/v1/payments", None).await?), (401, "credential_missing".into()));
    let posted = browser(&Method::POST, "/approvals").body(Body::empty())?;
    assert_eq!(refusal(&api.send(posted).await?), (401, "credential_missing".into()));
    Ok(())
}

async fn a_key_that_is_handed_in_is_kept_by_the_browser_alone(stores: Stores) -> anyhow::Result<()> {
    let api = guarded(stores).await?;
    let key = of_role(&api.seeded.store, Role::Approver, treasury()).await?;
    let answer = signs_in(&api, HERE, &format!("key=+{key}%0A&next=")).await?;
    assert_eq!((answer.status.as_u16(), header(&answer, "location")), (303, "/"));
    let kept = format!("{}; Path=/; HttpOnly; SameSite=Strict", cookie(&key));
    assert_eq!(header(&answer, "set-cookie"), kept);
    assert_eq!(header(&answer, "cache-control"), "no-store");
    assert!(!format!("{:?}", answer.headers).contains(&key[24..]), "it is shown to whoever looks at headers");
    assert!(answer.body.is_empty());
    let page = opens(&api, "/sign-in?next=/approvals", Some(&key)).await?;
    assert!(page.text().contains("approver") && page.text().contains(&key[7..23]));
    assert!(
        page.text().contains(&treasury().to_checksum(None)) && page.text().contains("action=\"/sign-out\"")
    );
    assert!(page.text().contains("href=\"/approvals\">Go on"));
    assert!(!page.text().contains(&key[24..]), "the page repeats the key");
    let out = browser(&Method::POST, "/sign-out").header("origin", HERE).header("cookie", cookie(&key));
    let out = api.send(out.body(Body::empty())?).await?;
    assert_eq!((out.status.as_u16(), header(&out, "location")), (303, "/sign-in"));
    let gone = format!("{}; Path=/; HttpOnly; SameSite=Strict; Max-Age=0", cookie(""));
    assert_eq!(header(&out, "set-cookie"), gone);
    Ok(())
}

async fn over_tls_the_cookie_never_leaves_it(stores: Stores) -> anyhow::Result<()> {
    let api = guarded(stores).await?;
    let mut config = config();
    (config.access, config.base_url) = (Mode::Keys, Some("https://bursar.test/".parse()?));
    let tls = Api { router: bursar_api::router(state(&api.seeded, config)), seeded: api.seeded };
    let key = auditor(&tls).await?;
    let answer = signs_in(&tls, "https://bursar.test", &format!("key={key}")).await?;
    let secure = format!("__Host-{}", cookie(&key));
    let kept = format!("{secure}; Path=/; HttpOnly; SameSite=Strict; Secure");
    assert_eq!(header(&answer, "set-cookie"), kept);
    assert_eq!(signs_in(&tls, HERE, &format!("key={key}")).await?.status, 403, "a page without TLS");
    let with = async |cookie: &str| -> anyhow::Result<u16> {
        let request = browser(&Method::GET, "/v1/status").header("cookie", cookie).body(Body::empty())?;
        Ok(tls.send(request).await?.status.as_u16())
    };
    assert_eq!(with(&secure).await?, 200);
    assert_eq!(with(&cookie(&key)).await?, 401, "another host of the domain may have put it in");
    Ok(())
}

async fn keys_that_are_not_taken_are_told_of_in_words(stores: Stores) -> anyhow::Result<()> {
    let api = guarded(stores).await?;
    let store = &api.seeded.store;
    let (revoked, kept) = new_key(Role::Auditor, None, None)?;
    store.add_api_key(&kept).await?;
    store.revoke_api_key(revoked.id(), seed::NOW).await?;
    let (expired, kept) = new_key(Role::Auditor, None, None)?;
    store.add_api_key(&ApiKey { expires_at: Some(seed::NOW), ..kept }).await?;
    let (unknown, _) = new_key(Role::Auditor, None, None)?;
    for (key, told) in [
        (unknown.shown(), "There is no such key"),
        (revoked.shown(), "The key was revoked"),
        (expired.shown(), "The key has run out"),
        ("hunter2-hunter2-hunter2-hunter2".into(), "That is no key"),
        (String::new(), "That is no key"),
    ] {
        let answer = signs_in(&api, HERE, &format!("key={key}&next=/approvals")).await?;
        assert_eq!(answer.status, 401, "{told}");
        assert!(header(&answer, "www-authenticate").starts_with("Bearer"));
        assert!(header(&answer, "content-type").starts_with("text/html"));
        let text = answer.text();
        assert!(text.contains("role=\"alert\"") && text.contains(told), "{told}: {text}");
        assert!(text.contains("aria-invalid=\"true\"") && text.contains("value=\"/approvals\""));
        assert!(key.is_empty() || !text.contains(&key[24..]), "the page repeats the key");
        assert!(answer.headers.get("set-cookie").is_none());
        // One that a browser still has leads to the same.
        if key.starts_with("bursar_") {
            let page = opens(&api, "/approvals", Some(&key)).await?;
            assert_eq!(header(&page, "location"), "/sign-in?next=%2Fapprovals", "{told}");
            let page = opens(&api, header(&page, "location"), Some(&key)).await?;
            assert!(page.status == 200 && page.text().contains(told), "{told}: {}", page.text());
        }
    }
    let odd = signs_in(&api, HERE, &format!("key={0}&key={0}", unknown.shown())).await?;
    assert!(odd.status == 400 && !odd.text().contains(&unknown.shown()[24..]), "{}", odd.text());
    Ok(())
}

async fn nobody_is_sent_elsewhere_after_signing_in(stores: Stores) -> anyhow::Result<()> {
    let api = guarded(stores).await?;
    let key = auditor(&api).await?;
    for next in [
        "//other.example/",
        "https://other.example/",
        "/%5Cother.example/",
        "/.//other.example/",
        "/%09/other.example",
    ] {
        let answer = signs_in(&api, HERE, &format!("key={key}&next={next}")).await?;
        assert_eq!((answer.status.as_u16(), header(&answer, "location")), (303, "/"), "{next}");
        let page = opens(&api, &format!("/sign-in?next={next}"), None).await?;
        assert!(!page.text().contains("other.example"), "{next}");
    }
    Ok(())
}

async fn only_our_pages_sign_anybody_in_or_out(stores: Stores) -> anyhow::Result<()> {
    let api = guarded(stores).await?;
    let key = auditor(&api).await?;
    for path in ["/sign-in", "/sign-out"] {
        for origin in [None, Some("null"), Some("http://other.test:8402"), Some("http://bursar.test")] {
            let request = browser(&Method::POST, path).header("cookie", cookie(&key));
            let request =
                origin.into_iter().fold(request, |request, origin| request.header("origin", origin));
            let answer = api.send(request.body(Body::from(format!("key={key}")))?).await?;
            assert_eq!(answer.status, 403, "{path} from {origin:?}");
            assert!(answer.headers.get("set-cookie").is_none(), "{path} from {origin:?}");
        }
    }
    Ok(())
}

async fn what_a_browser_hands_in_comes_from_our_pages(stores: Stores) -> anyhow::Result<()> {
    let api = guarded(stores).await?;
    let key = agents(&api.seeded.store).await?;
    let handed_in = async |origin: Option<&str>, by_cookie: bool| -> anyhow::Result<(u16, String)> {
        let request = browser(&Method::POST, "/v1/decisions").header("content-type", "application/json");
        let request = if by_cookie {
            request.header("cookie", cookie(&key))
        } else {
            request.header("authorization", format!("Bearer {key}"))
        };
        let request = origin.into_iter().fold(request, |request, origin| request.header("origin", origin));
        Ok(refusal(&api.send(request.body(Body::from("{}"))?).await?))
    };
    // What is no decision is refused as that once it is let through.
    let through = handed_in(None, false).await?;
    assert_eq!(through.0, 422);
    assert_eq!(handed_in(Some(HERE), true).await?, through);
    for origin in [None, Some("null"), Some("http://other.test:8402"), Some("https://bursar.test")] {
        assert_eq!(handed_in(origin, true).await?, (403, "other_origin".into()), "{origin:?}");
        assert_eq!(handed_in(origin, false).await?, through, "no browser sends a bearer by itself");
    }
    Ok(())
}

async fn a_cookie_is_held_to_what_a_bearer_is(stores: Stores) -> anyhow::Result<()> {
    let api = guarded(stores).await?;
    let (mine, theirs) = (auditor(&api).await?, agents(&api.seeded.store).await?);
    assert_eq!(refusal(&opens(&api, "/v1/access", Some(&theirs)).await?), (403, "role_not_allowed".into()));
    let page = opens(&api, "/approvals", Some(&theirs)).await?;
    assert!(page.status == 403 && page.text().contains("the role agent may not"), "{}", page.text());
    let both = browser(&Method::GET, "/v1/access").header("cookie", cookie(&mine));
    let both = both.header("authorization", format!("Bearer {theirs}")).body(Body::empty())?;
    assert_eq!(
        refusal(&api.send(both).await?),
        (403, "role_not_allowed".into()),
        "what was meant goes first"
    );
    let twice = browser(&Method::GET, "/v1/access").header("cookie", cookie(&mine));
    let twice = twice.header("cookie", cookie(&theirs)).body(Body::empty())?;
    assert_eq!(refusal(&api.send(twice).await?), (401, "credential_malformed".into()));
    let id = mine[7..23].to_owned();
    assert_eq!(opens(&api, "/v1/access", Some(&mine)).await?.status, 200);
    api.seeded.store.revoke_api_key(&id, seed::NOW).await?;
    assert_eq!(refusal(&opens(&api, "/v1/access", Some(&mine)).await?), (401, "credential_revoked".into()));
    Ok(())
}

async fn an_open_service_asks_for_no_key(stores: Stores) -> anyhow::Result<()> {
    let seeded = seeded(stores).await?;
    let api = Api { router: bursar_api::router(state(&seeded, config())), seeded };
    let page = api.get("/sign-in").await?;
    assert!(page.status == 200 && page.text().contains("No key is asked for here"), "{}", page.text());
    assert!(!page.text().contains("name=\"key\""));
    Ok(())
}
