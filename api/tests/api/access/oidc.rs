//! Tokens of an issuer in place of keys: what is none, what is another's, and what good ones are worth.

use axum::http::Method;
use bursar_api::access::Mode;
use bursar_test_stores::{Stores, on_both_stores};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::{
    clients::{asked, get},
    issuer::{AUDIENCE, KEY, Pair, Served, encoded, service, serving},
};
use crate::{
    client::{config, state},
    seed::NOW,
};

on_both_stores!(
    tokens_of_every_kind_of_key_are_taken,
    what_is_signed_in_no_way_that_is_taken_is_no_token,
    what_was_changed_or_signed_by_others_is_no_token,
    tokens_for_others_and_of_others_are_refused,
    a_token_is_good_to_the_second,
);

async fn tokens_of_every_kind_of_key_are_taken(stores: Stores) -> anyhow::Result<()> {
    let service = service(stores, Served::with(Pair::rsa()?).await?, |_| {}).await?;
    let issuer = &service.issuer;
    let claims = issuer.claims("ours-auditor");
    for header in [
        json!({ "alg": "RS256", "kid": KEY }),
        json!({ "alg": "PS256", "kid": KEY, "typ": "at+jwt" }),
        json!({ "alg": "RS256", "typ": "JWT" }),
        json!({ "alg": "RS256", "kid": KEY, "typ": "application/at+jwt" }),
    ] {
        service.taken(&issuer.pair.signed(&header, &claims)?).await?;
    }
    // To say in a header where the key is leads nowhere else: the issuer's is what counts.
    let other = Pair::rsa()?;
    let header = json!({ "alg": "RS256", "kid": KEY, "jku": "http://127.0.0.1:1/", "jwk": other.jwk(KEY) });
    service.taken(&issuer.pair.signed(&header, &claims)?).await?;
    service.refused(&other.signed(&header, &claims)?, 401, "token_signature").await?;
    assert_eq!(issuer.asked(), 1, "its keys are kept");
    for pair in [Pair::ec()?, Pair::ed()?] {
        let issuer = Served::with(pair).await?;
        let mut config = config();
        (config.access, config.issuer) = (Mode::Keys, issuer.issuer()?);
        let router = bursar_api::router(state(&service.api.seeded, config));
        let token = issuer.token("ours-auditor")?;
        let answer = router.oneshot(asked(&Method::GET, "/v1/payments", Some(&token), &Value::Null)?).await?;
        assert_eq!(answer.status(), 200);
    }
    Ok(())
}

async fn what_is_signed_in_no_way_that_is_taken_is_no_token(stores: Stores) -> anyhow::Result<()> {
    let service = service(stores, Served::with(Pair::rsa()?).await?, |_| {}).await?;
    let issuer = &service.issuer;
    let claims = issuer.claims("ours-auditor");
    let unsigned = |alg: &str| {
        format!("{}.{}.", encoded(json!({ "alg": alg, "kid": KEY }).to_string()), encoded(claims.to_string()))
    };
    for alg in ["none", "None", "NONE", ""] {
        service.refused(&unsigned(alg), 401, "credential_malformed").await?;
    }
    service.refused(&unsigned("RS256"), 401, "token_signature").await?;
    // Whoever takes the issuer's public key for a shared secret can be told anything.
    let text = format!(
        "{}.{}",
        encoded(json!({ "alg": "HS256", "kid": KEY }).to_string()),
        encoded(claims.to_string())
    );
    let jwk = issuer.pair.jwk(KEY);
    for secret in [jwk.to_string(), jwk["n"].as_str().unwrap_or_default().to_owned()] {
        let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, secret.as_bytes());
        let forged = format!("{text}.{}", encoded(aws_lc_rs::hmac::sign(&key, text.as_bytes())));
        service.refused(&forged, 401, "token_algorithm").await?;
    }
    for header in [
        json!({ "alg": "RS256", "kid": KEY, "crit": ["exp"] }),
        json!({ "alg": "RS256", "kid": KEY, "typ": "logout+jwt" }),
        json!({ "alg": "RS256", "kid": KEY, "typ": "dpop+jwt" }),
        json!({ "alg": "RS256", "kid": 1 }),
        json!({ "kid": KEY }),
        json!([]),
    ] {
        service.refused(&issuer.pair.signed(&header, &claims)?, 401, "credential_malformed").await?;
    }
    let good = issuer.token("ours-auditor")?;
    let long = issuer.saying("ours-auditor", &json!({ "picture": "x".repeat(8_192) }))?;
    for bad in [
        &good[1..],
        &format!("{good}."),
        &format!("{good}.x"),
        &good.replace('.', ""),
        &good.replacen('.', "..", 1),
        "a.b.c",
        "..",
        &long,
    ] {
        service.refused(bad, 401, "credential_malformed").await?;
    }
    service.taken(&good).await
}

async fn what_was_changed_or_signed_by_others_is_no_token(stores: Stores) -> anyhow::Result<()> {
    let service = serving(stores).await?;
    let issuer = &service.issuer;
    let good = issuer.token("ours-agent")?;
    service.taken(&good).await?;
    let [head, _, signature] = good.splitn(3, '.').collect::<Vec<_>>()[..] else { anyhow::bail!("a token") };
    let other = encoded(issuer.claims("operator").to_string());
    service.refused(&format!("{head}.{other}.{signature}"), 401, "token_signature").await?;
    service.refused(&format!("{head}.{other}."), 401, "token_signature").await?;
    let zeros = encoded([0_u8; 64]);
    service.refused(&format!("{head}.{other}.{zeros}"), 401, "token_signature").await?;
    let theirs = Pair::ec()?;
    let claims = issuer.claims("operator");
    service.refused(&theirs.token(KEY, &claims)?, 401, "token_signature").await?;
    // A name that the issuer has no key of has it asked once more at most, and not again and again.
    assert_eq!(issuer.asked(), 1);
    for kid in ["second", "third", "", "../first"] {
        service.refused(&theirs.token(kid, &claims)?, 401, "token_key_unknown").await?;
        service.refused(&issuer.pair.token(kid, &claims)?, 401, "token_key_unknown").await?;
    }
    assert_eq!(issuer.asked(), 1, "it was asked a moment ago");
    // Another kind of key by the name of one that is there.
    service.refused(&Pair::ed()?.token(KEY, &claims)?, 401, "token_algorithm").await
}

async fn tokens_for_others_and_of_others_are_refused(stores: Stores) -> anyhow::Result<()> {
    let service = serving(stores).await?;
    let issuer = &service.issuer;
    let said = |other: Value| issuer.saying("ours-auditor", &other);
    for aud in
        [json!("other"), json!(["other", "Bursar"]), json!("bursar "), json!([]), json!("bursar account")]
    {
        service.refused(&said(json!({ "aud": aud }))?, 401, "token_audience").await?;
    }
    for iss in [format!("{}/", issuer.url), "https://login.example".into(), issuer.url.to_uppercase()] {
        service.refused(&said(json!({ "iss": iss }))?, 401, "token_issuer").await?;
    }
    for claim in [
        json!({ "aud": null }),
        json!({ "aud": { "bursar": true } }),
        json!({ "iss": null }),
        json!({ "iss": [issuer.url] }),
        json!({ "sub": null }),
        json!({ "sub": "" }),
        json!({ "sub": "s".repeat(256) }),
        json!({ "sub": "line\nend" }),
        json!({ "sub": "é" }),
        json!({ "exp": null }),
        json!({ "exp": "1795229999" }),
        json!({ "exp": -1 }),
        json!({ "nbf": "soon" }),
    ] {
        service.refused(&said(claim.clone())?, 401, "credential_malformed").await?;
    }
    let answer = get(&service.api, &said(json!({ "aud": "other" }))?, "/v1/payments").await?;
    assert_eq!((&answer.json()["expected"], &answer.json()["got"]), (&json!(AUDIENCE), &json!("other")));
    let told = answer.headers.get("www-authenticate").and_then(|value| value.to_str().ok());
    assert_eq!(told, Some("Bearer realm=\"bursar\", error=\"invalid_token\""));
    for good in [json!({ "aud": AUDIENCE }), json!({ "sub": "s".repeat(255) }), json!({ "sub": "auth0|a b" })]
    {
        service.taken(&said(good)?).await?;
    }
    Ok(())
}

async fn a_token_is_good_to_the_second(stores: Stores) -> anyhow::Result<()> {
    let service = serving(stores).await?;
    let said = |other: Value| service.issuer.saying("ours-auditor", &other);
    for (claims, code) in [
        (json!({ "exp": NOW - 31 }), "token_expired"),
        (json!({ "exp": NOW - 30 }), "token_expired"),
        (json!({ "exp": NOW - 29 }), ""),
        (json!({ "nbf": NOW + 30 }), ""),
        (json!({ "nbf": NOW + 31 }), "token_not_yet"),
        (json!({ "iat": NOW + 31 }), "token_not_yet"),
        (json!({ "iat": null }), ""),
        (json!({ "exp": NOW + 86_400 }), ""),
        (json!({ "exp": NOW + 86_401 }), "token_too_long"),
    ] {
        let status = if code.is_empty() { 200 } else { 401 };
        assert_eq!(
            service.says(&said(claims.clone())?, "/v1/payments").await?,
            (status, code.into()),
            "{claims}"
        );
    }
    let answer = get(&service.api, &said(json!({ "exp": NOW - 30 }))?, "/v1/payments").await?;
    assert_eq!(answer.json()["expected"], format!("before {NOW} (unix seconds)"));
    assert_eq!(answer.json()["got"], NOW.to_string());
    Ok(())
}
