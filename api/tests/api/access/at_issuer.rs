//! Signing in at the issuer from the page: the walk there and back, and who else comes back.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    body::Body,
    http::{Request, header},
};
use bursar_api::{
    AppState, Config,
    access::{
        Mode,
        oidc::{Issuer, SignIn},
    },
};
use bursar_indexer::access::Role;
use bursar_test_stores::{Stores, on_both_stores};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{
    clients::made,
    codes::{CLIENT, SECRET, pairs},
    issuer::{AUDIENCE, KEY, Pair, Served, Service, encoded, service, serving},
};
use crate::{
    client::{Answer, Api, state},
    seed::{self, NOW},
};

on_both_stores!(
    whoever_signs_in_at_the_issuer_goes_on_to_what_they_asked_for,
    over_tls_a_sign_in_never_leaves_it,
    what_answers_no_sign_in_of_this_browser_signs_nobody_in,
    an_answer_is_good_once,
    tokens_for_others_and_other_sign_ins_sign_nobody_in,
    what_the_issuer_declines_is_told_in_words,
    nobody_is_sent_elsewhere_from_the_issuer,
    a_token_that_is_handed_in_is_kept_where_it_fits,
    nothing_secret_is_shown,
    where_nobody_signs_in_at_an_issuer_there_is_no_way_to,
);

const BASE: &str = "http://127.0.0.1:8402/";

/// Settings of a service whose pages people find below `base`.
fn pages(issuer: &Served, base: &str) -> anyhow::Result<Option<Arc<Issuer>>> {
    let mut settings = issuer.settings();
    settings.sign_in = Some(SignIn {
        client_id: CLIENT.into(),
        client_secret_file: None,
        name: "Acme <login>".into(),
        scope: "openid groups".into(),
    });
    Ok(Some(Arc::new(Issuer::new(settings)?.with_pages(&base.parse()?, Some(SECRET.into()))?)))
}

/// A service whose pages people sign in from.
pub(super) async fn with_pages(stores: Stores, set: impl FnOnce(&mut Config)) -> anyhow::Result<Service> {
    let issuer = Served::begin().await?;
    let made = pages(&issuer, BASE)?;
    let set = |config: &mut Config| {
        config.issuer = made;
        set(config);
    };
    service(stores, issuer, set).await
}

async fn opens(api: &Api, path: &str, cookie: Option<&str>) -> anyhow::Result<Answer> {
    let request = Request::get(path).header("accept", "text/html").header("host", "127.0.0.1:8402");
    let request = cookie.into_iter().fold(request, |request, cookie| request.header("cookie", cookie));
    api.send(request.body(Body::empty())?).await
}

/// What a browser is to keep: names with values, and how.
fn kept(answer: &Answer) -> BTreeMap<String, (String, String)> {
    let set = answer.headers.get_all(header::SET_COOKIE).iter().filter_map(|value| value.to_str().ok());
    set.filter_map(|text| {
        let (pair, how) = text.split_once("; ")?;
        let (name, value) = pair.split_once('=')?;
        Some((name.to_owned(), (value.to_owned(), how.to_owned())))
    })
    .collect()
}

const NAME: &str = "bursar-31337";
const BEGUN: &str = "bursar-31337-sign-in";

/// A sign-in that a browser has begun: its cookie, and what the issuer is asked.
pub(super) struct Begun {
    pub(super) cookie: String,
    asked: BTreeMap<String, String>,
}

pub(super) async fn begins(api: &Api, next: &str) -> anyhow::Result<Begun> {
    let answer = opens(api, &format!("/sign-in/issuer?next={next}"), None).await?;
    assert_eq!(answer.status, 303, "{}", answer.text());
    let location = answer.headers[header::LOCATION].to_str()?;
    let asked = pairs(location.split_once('?').map_or("", |(_, query)| query));
    let cookie = format!("{BEGUN}={}", kept(&answer)[BEGUN].0);
    Ok(Begun { cookie, asked })
}

/// What the issuer answers somebody who has signed in, with a token that says this, too.
pub(super) fn answers(issuer: &Served, begun: &Begun, group: &str, more: &Value) -> anyhow::Result<String> {
    let mut said = json!({ "aud": CLIENT, "nonce": begun.asked["nonce"] });
    for (name, value) in more.as_object().into_iter().flatten() {
        said[name] = value.clone();
    }
    let token = issuer.saying(group, &said)?;
    let code = issuer.codes.give(&begun.asked, json!({ "id_token": token, "access_token": "opaque" }));
    Ok(answer_of(begun, &code))
}

fn answer_of(begun: &Begun, code: &str) -> String {
    let query = [("state", begun.asked["state"].as_str()), ("code", code), ("session_state", "theirs")];
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish()
}

pub(super) async fn comes_back(api: &Api, cookie: Option<&str>, query: &str) -> anyhow::Result<Answer> {
    opens(api, &format!("/sign-in/callback?{query}"), cookie).await
}

/// Another service over the same store.
async fn beside(state: AppState) -> anyhow::Result<Api> {
    Ok(Api { router: bursar_api::router(state), seeded: seed::seeded(Stores::sqlite()?).await? })
}

/// Nobody is signed in, and told why in words; the sign-in is over.
fn refused(answer: &Answer, status: u16, told: &str) {
    assert_eq!(answer.status, status, "{told}: {}", answer.text());
    let kept = kept(answer);
    assert!(!kept.contains_key(NAME), "{told}: signed in");
    assert!(kept[BEGUN].0.is_empty() && kept[BEGUN].1.contains("Max-Age=0"), "{told}: {kept:?}");
    let text = answer.text();
    assert!(text.contains("role=\"alert\"") && text.contains(told), "{told}: {text}");
    assert!(text.contains("href=\"/sign-in/issuer?next="), "{told}: begins again from there");
    assert!(!text.contains("aria-invalid"), "{told}: no key was handed in");
}

async fn whoever_signs_in_at_the_issuer_goes_on_to_what_they_asked_for(stores: Stores) -> anyhow::Result<()> {
    let service = with_pages(stores, |_| {}).await?;
    let (api, issuer) = (&service.api, &service.issuer);
    let page = opens(api, "/sign-in?next=/audit/payments?from=1%26until=2", None).await?.text();
    let next = "%2Faudit%2Fpayments%3Ffrom%3D1%26until%3D2";
    let link = format!(
        "<a class=\"button\" href=\"/sign-in/issuer?next={next}\">Sign in with Acme &#60;login&#62;</a>"
    );
    assert!(page.contains(&link) && page.contains("<label for=\"key\">"), "{page}");
    let answer = opens(api, &format!("/sign-in/issuer?next={next}"), None).await?;
    let location = answer.headers[header::LOCATION].to_str()?;
    assert!(location.starts_with(&format!("{}/authorize?realm=acme&", issuer.url)), "{location}");
    let (value, how) = kept(&answer)[BEGUN].clone();
    assert_eq!(how, "Path=/; HttpOnly; SameSite=Lax; Max-Age=600");
    assert!(!location.contains(&value[..64]), "what binds the answer stays in the browser");
    let begun = begins(api, next).await?;
    assert_eq!(begun.asked["redirect_uri"], format!("{BASE}sign-in/callback"));
    assert_eq!((&*begun.asked["client_id"], &*begun.asked["scope"]), (CLIENT, "openid groups"));
    let back =
        comes_back(api, Some(&begun.cookie), &answers(issuer, &begun, "ours-auditor", &json!({}))?).await?;
    assert_eq!(back.status, 200, "{}", back.text());
    let kept = kept(&back);
    assert_eq!(kept[NAME].1, "Path=/; HttpOnly; SameSite=Strict");
    assert!(kept[BEGUN].0.is_empty() && kept[BEGUN].1.contains("Max-Age=0"), "{kept:?}");
    // Sent on by a page of ours: a redirect would come without the strict cookie.
    let go = "content=\"0; url=/audit/payments?from=1&#38;until=2\"";
    assert!(back.text().contains(go), "{}", back.text());
    let policy = back.headers["content-security-policy"].to_str()?;
    assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    assert_eq!(
        (&back.headers["referrer-policy"], &back.headers["cache-control"]),
        (&"no-referrer".parse()?, &"no-store".parse()?)
    );
    let cookie = format!("{NAME}={}", kept[NAME].0);
    assert_eq!(opens(api, "/audit/payments?from=1&until=2", Some(&cookie)).await?.status, 200);
    let mine = opens(api, "/sign-in", Some(&cookie)).await?.text();
    assert!(mine.contains("<dt>Account</dt><dd class=\"mono\">f:ours-auditor</dd>"), "{mine}");
    // It is a bearer's token as any other is, and held to the same.
    service.taken(&kept[NAME].0).await?;
    assert_eq!(issuer.asked(), 1, "and its keys are kept");
    Ok(())
}

async fn over_tls_a_sign_in_never_leaves_it(stores: Stores) -> anyhow::Result<()> {
    let issuer = Served::begin().await?;
    let made = pages(&issuer, "https://bursar.test/")?;
    let set = |config: &mut Config| {
        (config.issuer, config.base_url) = (made, "https://bursar.test/".parse().ok());
    };
    let service = service(stores, issuer, set).await?;
    let answer = opens(&service.api, "/sign-in/issuer", None).await?;
    let kept = kept(&answer);
    let (_, how) = &kept[&format!("__Host-{BEGUN}")];
    assert_eq!(how, "Path=/; HttpOnly; SameSite=Lax; Max-Age=600; Secure");
    let location = answer.headers[header::LOCATION].to_str()?;
    assert!(location.contains("redirect_uri=https%3A%2F%2Fbursar.test%2Fsign-in%2Fcallback"), "{location}");
    Ok(())
}

async fn what_answers_no_sign_in_of_this_browser_signs_nobody_in(stores: Stores) -> anyhow::Result<()> {
    let service = with_pages(stores, |_| {}).await?;
    let (api, issuer) = (&service.api, &service.issuer);
    let (mine, theirs) = (begins(api, "/audit").await?, begins(api, "/audit").await?);
    let (good, other) = (
        answers(issuer, &mine, "ours-auditor", &json!({}))?,
        answers(issuer, &theirs, "ours-auditor", &json!({}))?,
    );
    for cookie in [None, Some("a=b"), Some(&*format!("{BEGUN}=")), Some(&*format!("{BEGUN}=a.1.b"))] {
        refused(&comes_back(api, cookie, &good).await?, 400, "has not begun to sign in here");
    }
    let both = format!("{}; {}", mine.cookie, theirs.cookie);
    refused(&comes_back(api, Some(&both), &good).await?, 400, "has not begun to sign in here");
    // Somebody else's answer would sign this browser in as them.
    refused(&comes_back(api, Some(&mine.cookie), &other).await?, 400, "to another sign-in than the one");
    let stateless = good.replace("state=", "was=");
    refused(&comes_back(api, Some(&mine.cookie), &stateless).await?, 400, "to another sign-in than the one");
    let elsewhere = mine.cookie.replace(&encoded("/audit"), &encoded("/approvals"));
    refused(&comes_back(api, Some(&elsewhere), &good).await?, 400, "to another sign-in than the one");
    for (query, told) in [
        (format!("{good}&code=other"), "does not read"),
        (format!("state={}", mine.asked["state"]), "does not read"),
    ] {
        let answer = comes_back(api, Some(&mine.cookie), &query).await?;
        refused(&answer, 400, told);
        assert!(!answer.text().contains("code 1"), "the page repeats the code");
    }
    let from = format!("{good}&iss=https%3A%2F%2Flogin.example");
    refused(&comes_back(api, Some(&mine.cookie), &from).await?, 403, "Another issuer answers");
    let late = beside(service.state.clone().with_clock(|| NOW + 600)).await?;
    refused(&comes_back(&late, Some(&mine.cookie), &good).await?, 400, "took longer than 10 minutes");
    assert_eq!(issuer.codes.asked(), 0, "the issuer is asked for nothing of all this");
    let fine = format!(
        "{good}&{}",
        url::form_urlencoded::Serializer::new(String::new()).append_pair("iss", &issuer.url).finish()
    );
    assert_eq!(comes_back(api, Some(&mine.cookie), &fine).await?.status, 200);
    Ok(())
}

async fn an_answer_is_good_once(stores: Stores) -> anyhow::Result<()> {
    let service = with_pages(stores, |_| {}).await?;
    let (api, issuer) = (&service.api, &service.issuer);
    let begun = begins(api, "/audit").await?;
    let good = answers(issuer, &begun, "ours-auditor", &json!({}))?;
    assert_eq!(comes_back(api, Some(&begun.cookie), &good).await?.status, 200);
    // The browser has forgotten its half, and with a copy of it the issuer has.
    refused(&comes_back(api, None, &good).await?, 400, "open no answer twice");
    refused(&comes_back(api, Some(&begun.cookie), &good).await?, 403, "it was used, or is too old");
    // A code that was asked for with another verifier, brought with the state of one's own.
    let (mine, theirs) = (begins(api, "/").await?, begins(api, "/").await?);
    let code = issuer.codes.give(&theirs.asked, json!({ "id_token": issuer.token("operator")? }));
    let stolen = comes_back(api, Some(&mine.cookie), &answer_of(&mine, &code)).await?;
    refused(&stolen, 403, "does not take its own answer");
    Ok(())
}

async fn tokens_for_others_and_other_sign_ins_sign_nobody_in(stores: Stores) -> anyhow::Result<()> {
    let service = with_pages(stores, |_| {}).await?;
    let (api, issuer) = (&service.api, &service.issuer);
    let other = begins(api, "/").await?.asked["nonce"].clone();
    for (group, more, status, told) in [
        ("ours-auditor", json!({ "nonce": other }), 403, "for another sign-in"),
        ("ours-auditor", json!({ "nonce": null }), 403, "for another sign-in"),
        ("ours-auditor", json!({ "nonce": "" }), 403, "for another sign-in"),
        // Good for the API, and not made for who signs in here.
        ("ours-auditor", json!({ "aud": AUDIENCE }), 403, "for another sign-in"),
        ("ours-auditor", json!({ "aud": [AUDIENCE, CLIENT], "azp": "other" }), 403, "for another sign-in"),
        ("ours-auditor", json!({ "aud": "other" }), 401, "its aud is not this service"),
        ("ours-auditor", json!({ "aud": CLIENT, "azp": "other" }), 401, "its aud is not this service"),
        ("ours-auditor", json!({ "iss": "https://login.example" }), 401, "another issuer"),
        ("ours-auditor", json!({ "exp": NOW - 30 }), 401, "has run out"),
        ("everybody", json!({}), 403, "have no role here"),
        ("ours-auditor", json!({ "picture": "x".repeat(3_000) }), 422, "larger than browsers keep"),
    ] {
        let begun = begins(api, "/").await?;
        let query = answers(issuer, &begun, group, &more)?;
        let answer = comes_back(api, Some(&begun.cookie), &query).await?;
        refused(&answer, status, told);
    }
    let begun = begins(api, "/").await?;
    let key = made(&api.seeded.store, Role::Auditor, None, None).await?;
    let mut claims = issuer.claims("operator");
    (claims["aud"], claims["nonce"]) = (json!(CLIENT), json!(begun.asked["nonce"]));
    for (worth, status, told) in [
        (json!({ "id_token": Pair::ec()?.token(KEY, &claims)? }), 401, "signature does not hold"),
        (json!({ "id_token": "opaque" }), 502, "gives no id token"),
        (json!({ "access_token": issuer.pair.token(KEY, &claims)? }), 502, "gives no id token"),
        // A key is taken here, but nobody signs in at an issuer for one.
        (json!({ "id_token": key }), 403, "for another sign-in"),
        (json!({ "id_token": 7 }), 503, "signs nobody in now"),
    ] {
        let code = issuer.codes.give(&begun.asked, worth);
        let answer = comes_back(api, Some(&begun.cookie), &answer_of(&begun, &code)).await?;
        assert_eq!(answer.status, status, "{told}: {}", answer.text());
        assert!(answer.text().contains(told) && !kept(&answer).contains_key(NAME), "{}", answer.text());
    }
    Ok(())
}

async fn what_the_issuer_declines_is_told_in_words(stores: Stores) -> anyhow::Result<()> {
    let service = with_pages(stores, |_| {}).await?;
    let (api, issuer) = (&service.api, &service.issuer);
    for (error, told) in [
        ("access_denied", "declined at the issuer (access_denied)"),
        ("login_required&error_description=Call+1-800-SCAM", "declined at the issuer (login_required)"),
        ("see+https%3A%2F%2Fother.example", "declined at the issuer (see)"),
        ("%3Cscript%3E", "declined at the issuer ()"),
    ] {
        let begun = begins(api, "/audit").await?;
        let query = format!("error={error}&state={}", begun.asked["state"]);
        let answer = comes_back(api, Some(&begun.cookie), &query).await?;
        refused(&answer, 403, told);
        let text = answer.text();
        assert!(
            !text.contains("SCAM") && !text.contains("other.example") && !text.contains("<script>"),
            "{text}"
        );
        assert!(text.contains("/sign-in/issuer?next=%2Faudit\""), "goes on to what was asked for: {text}");
        // Anybody can have a browser open that, with another state.
        let unasked = comes_back(api, Some(&begun.cookie), &format!("error={error}&state=x")).await?;
        refused(&unasked, 400, "to another sign-in than the one");
    }
    assert_eq!(issuer.codes.asked(), 0);
    // A secret that the issuer does not take, and an issuer that is away, are the operator's to look after.
    let mut settings = issuer.settings();
    let (client_id, name) = (CLIENT.into(), "Acme".into());
    settings.sign_in = Some(SignIn { client_id, client_secret_file: None, name, scope: "openid".into() });
    let wrong = Issuer::new(settings)?.with_pages(&BASE.parse()?, Some("wrong".into()))?;
    let mut config = (*service.state.config).clone();
    config.issuer = Some(Arc::new(wrong));
    let misled = beside(state(&api.seeded, config)).await?;
    let begun = begins(&misled, "/").await?;
    let query = answers(issuer, &begun, "ours-auditor", &json!({}))?;
    refused(&comes_back(&misled, Some(&begun.cookie), &query).await?, 503, "signs nobody in now");
    let Service { api, issuer, .. } = service;
    drop(issuer);
    refused(&comes_back(&api, Some(&begun.cookie), &query).await?, 503, "signs nobody in now");
    Ok(())
}

async fn nobody_is_sent_elsewhere_from_the_issuer(stores: Stores) -> anyhow::Result<()> {
    let service = with_pages(stores, |_| {}).await?;
    let (api, issuer) = (&service.api, &service.issuer);
    let long = format!("/audit?q={}", "x".repeat(2_000));
    for next in ["//other.example/", "https://other.example/", "/%5Cother.example", "/sign-out", &long] {
        let begun = begins(api, next).await?;
        let query = answers(issuer, &begun, "ours-auditor", &json!({}))?;
        let back = comes_back(api, Some(&begun.cookie), &query).await?;
        assert!(back.text().contains("content=\"0; url=/\""), "{next}: {}", back.text());
    }
    // Who can put a cookie into a browser can make a whole sign-in up.
    for next in ["//other.example/", "https://other.example/", "javascript:alert(1)"] {
        let made = |what: &str| {
            let hash = Sha256::new().chain_update([7; 32]).chain_update(what);
            encoded(hash.chain_update(NOW.to_be_bytes()).chain_update(next).finalize())
        };
        let cookie = format!("{BEGUN}={}.{NOW}.{}", "07".repeat(32), encoded(next));
        let mut asked = begins(api, "/").await?.asked;
        asked.extend([
            ("state".into(), made("state")),
            ("nonce".into(), made("nonce")),
            ("code_challenge".into(), encoded(Sha256::digest(made("verifier")))),
        ]);
        let begun = Begun { cookie, asked };
        let query = answers(issuer, &begun, "ours-auditor", &json!({}))?;
        let back = comes_back(api, Some(&begun.cookie), &query).await?;
        assert_eq!(back.status, 200, "{}", back.text());
        assert!(
            back.text().contains("content=\"0; url=/\"") && !back.text().contains("other.example"),
            "{next}"
        );
    }
    Ok(())
}

async fn a_token_that_is_handed_in_is_kept_where_it_fits(stores: Stores) -> anyhow::Result<()> {
    let service = serving(stores).await?;
    let signs_in = async |token: &str| -> anyhow::Result<Answer> {
        let request =
            Request::post("/sign-in").header("host", "bursar.test").header("origin", "http://bursar.test");
        service.api.send(request.body(Body::from(format!("key={token}&next=/audit")))?).await
    };
    let token = service.issuer.token("ours-auditor")?;
    let answer = signs_in(&token).await?;
    assert_eq!((answer.status.as_u16(), kept(&answer)[NAME].0.as_str()), (303, token.as_str()));
    let long = service.issuer.saying("ours-auditor", &json!({ "picture": "x".repeat(3_000) }))?;
    service.taken(&long).await?;
    for (token, status, told) in [
        (&*long, 422, "larger than browsers keep"),
        (&token[1..], 401, "neither a key nor a token"),
        (&service.issuer.token("everybody")?, 403, "have no role here"),
        (&service.issuer.saying("ours-auditor", &json!({ "exp": NOW - 30 }))?, 401, "The token has run out"),
    ] {
        let answer = signs_in(token).await?;
        assert_eq!(answer.status, status, "{told}: {}", answer.text());
        assert!(answer.text().contains(told) && answer.text().contains("aria-invalid"), "{}", answer.text());
        assert!(!answer.text().contains(token) && kept(&answer).is_empty(), "{told}");
        if status == 422 {
            continue;
        }
        // One that a browser still has keeps nobody from signing in anew.
        let page = opens(&service.api, "/sign-in", Some(&format!("{NAME}={token}"))).await?;
        assert!(page.status == 200 && page.text().contains("name=\"key\""), "{told}: {}", page.text());
    }
    Ok(())
}

async fn nothing_secret_is_shown(stores: Stores) -> anyhow::Result<()> {
    let service = with_pages(stores, |_| {}).await?;
    let (api, issuer) = (&service.api, &service.issuer);
    assert!(!format!("{:?}", service.state).contains("s3cret"));
    let answer = opens(api, "/sign-in/issuer", None).await?;
    let (value, _) = kept(&answer)[BEGUN].clone();
    assert!(
        !format!("{:?}", answer.headers).contains(&value[..64]),
        "it is shown to whoever looks at headers"
    );
    let begun = begins(api, "/").await?;
    let query = answers(issuer, &begun, "ours-auditor", &json!({}))?;
    let back = comes_back(api, Some(&begun.cookie), &query).await?;
    let token = kept(&back)[NAME].0.clone();
    assert!(!back.text().contains(&token) && !back.text().contains("code"), "{}", back.text());
    assert!(!format!("{:?}", back.headers).contains(&token));
    assert!(!back.text().contains("opaque"), "nor any other token of the issuer's");
    Ok(())
}

async fn where_nobody_signs_in_at_an_issuer_there_is_no_way_to(stores: Stores) -> anyhow::Result<()> {
    let service = serving(stores).await?;
    let mut config = (*service.state.config).clone();
    (config.access, config.issuer) = (Mode::Open, pages(&service.issuer, BASE)?);
    let open = beside(state(&service.api.seeded, config)).await?;
    for api in [&service.api, &open] {
        assert!(!opens(api, "/sign-in", None).await?.text().contains("/sign-in/issuer"));
        for path in [
            "/sign-in/issuer",
            "/sign-in/issuer?next=/audit",
            "/sign-in/callback",
            "/sign-in/callback?code=c&state=s",
        ] {
            let answer = opens(api, path, None).await?;
            assert_eq!(answer.status, 404, "{path}: {}", answer.text());
            assert!(!kept(&answer).contains_key(NAME), "{path}");
        }
    }
    // A token that people get there is for that client, and nobody here is it.
    let token = service.issuer.saying("operator", &json!({ "aud": CLIENT }))?;
    service.refused(&token, 401, "token_audience").await
}
