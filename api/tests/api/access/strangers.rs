//! Those who come with what is nobody's, or no longer: they hold nobody up, and spend nothing of anybody's.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use axum::{
    extract::ConnectInfo,
    http::{Method, StatusCode},
};
use bursar_api::{
    Config,
    access::{Mode, Rate},
};
use bursar_indexer::{access::Role, query::accesses, store::ApiKey};
use bursar_test_stores::{Stores, on_both_stores};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::{
    at_issuer::{answers, begins, comes_back, with_pages},
    clients::{asked, made, new_key, refusal},
    issuer::{KEY, Pair, Served, Service, service},
};
use crate::{
    client::{Answer, Api, config, state},
    seed::{self, seeded},
};

on_both_stores!(
    a_token_that_has_run_out_spends_nothing_of_its_holders,
    what_is_tried_with_what_is_not_taken_is_told_of_a_dozen_times,
    guesses_from_one_place_keep_nobody_elsewhere_from_coming,
    tokens_that_are_tried_keep_nobody_with_a_key_from_coming_nor_keys_those_with_tokens,
    whoever_tries_tokens_keeps_nobody_from_signing_in_nor_the_other_way_round,
    whoever_signs_in_over_and_over_is_limited_as_others_are,
    a_service_counts_guesses_by_where_connections_come_from,
);

const HOUR: Duration = Duration::from_secs(3_600);

fn rates(config: &mut Config, of_key: u32, of_unknown: u32) {
    (config.key_rate, config.unknown_rate) = (Rate::new(of_key, HOUR), Rate::new(of_unknown, HOUR));
}

async fn limited(stores: Stores, of_key: u32, of_unknown: u32) -> anyhow::Result<Service> {
    service(stores, Served::begin().await?, |config| rates(config, of_key, of_unknown)).await
}

/// Asks from an address.
async fn asks(api: &Api, from: &str, credential: &str) -> anyhow::Result<Answer> {
    let mut request = asked(&Method::GET, "/v1/payments", Some(credential), &Value::Null)?;
    request.extensions_mut().insert(ConnectInfo(SocketAddr::new(from.parse()?, 1)));
    api.send(request).await
}

async fn refused(api: &Api, from: &str, credential: &str, status: u16, code: &str) -> anyhow::Result<()> {
    assert_eq!(refusal(&asks(api, from, credential).await?), (status, code.into()), "{from}");
    Ok(())
}

async fn taken(api: &Api, from: &str, credential: &str) -> anyhow::Result<()> {
    let answer = asks(api, from, credential).await?;
    assert_eq!(answer.status, StatusCode::OK, "{from}: {}", answer.text());
    Ok(())
}

fn guess() -> anyhow::Result<String> {
    Ok(new_key(Role::Auditor, None, None)?.0.shown())
}

/// A token of another issuer's that says what ours would.
fn forged(service: &Service) -> anyhow::Result<String> {
    Pair::ec()?.token(KEY, &service.issuer.claims("operator"))
}

async fn a_token_that_has_run_out_spends_nothing_of_its_holders(stores: Stores) -> anyhow::Result<()> {
    let service = limited(stores, 2, 3).await?;
    let (good, old) = (
        service.issuer.token("ours-auditor")?,
        service.issuer.saying("ours-auditor", &json!({ "exp": seed::NOW - 30 }))?,
    );
    service.taken(&good).await?;
    for _ in 0..2 {
        service.refused(&old, 401, "token_expired").await?;
    }
    service.refused(&old, 429, "too_many_unknown").await?;
    service.taken(&good).await?;
    service.refused(&good, 429, "too_many_requests").await
}

async fn what_is_tried_with_what_is_not_taken_is_told_of_a_dozen_times(stores: Stores) -> anyhow::Result<()> {
    let service = limited(stores, 100, 100).await?;
    let store = &service.api.seeded.store;
    let (revoked, kept) = new_key(Role::Auditor, None, None)?;
    store.add_api_key(&kept).await?;
    store.revoke_api_key(revoked.id(), seed::NOW).await?;
    let (expired, kept) = new_key(Role::Auditor, None, None)?;
    store.add_api_key(&ApiKey { expires_at: Some(seed::NOW), ..kept }).await?;
    // Several of one holder are told of together.
    let tokens: Vec<String> = (0..14)
        .map(|n| service.issuer.saying("ours-auditor", &json!({ "exp": seed::NOW - 30 - n })))
        .collect::<anyhow::Result<_>>()?;
    let roleless = service.issuer.token("everybody")?;
    for token in &tokens {
        service.refused(&revoked.shown(), 401, "credential_revoked").await?;
        service.refused(&expired.shown(), 401, "credential_expired").await?;
        service.refused(token, 401, "token_expired").await?;
        service.refused(&roleless, 403, "token_no_role").await?;
    }
    // What is asked with what is taken is all told, before and after.
    service.taken(&service.issuer.token("ours-auditor")?).await?;
    service.state.keep_accesses().await?;
    let told = accesses::list(&service.state.db, &accesses::Filter::default(), None, 1_000).await?;
    for (who, refused, answered) in [
        (format!("key:{}", revoked.id()), 12, 0),
        (format!("key:{}", expired.id()), 12, 0),
        ("oidc:f:ours-auditor".to_owned(), 12, 1),
        ("oidc:f:everybody".to_owned(), 12, 0),
    ] {
        let of = |ok: bool| {
            let theirs = told.iter().filter(|kept| kept.access.by == who && kept.access.method == "GET");
            theirs.filter(|kept| (kept.access.status == Some(200)) == ok).count()
        };
        assert_eq!((of(false), of(true)), (refused, answered), "{who}");
    }
    Ok(())
}

async fn guesses_from_one_place_keep_nobody_elsewhere_from_coming(stores: Stores) -> anyhow::Result<()> {
    let service = limited(stores, 100, 2).await?;
    let api = &service.api;
    let new = made(&api.seeded.store, Role::Auditor, None, None).await?;
    for from in ["192.0.2.1", "::ffff:192.0.2.1"] {
        refused(api, from, &guess()?, 401, "credential_unknown").await?;
    }
    for from in ["192.0.2.1", "::ffff:192.0.2.1"] {
        refused(api, from, &new, 429, "too_many_unknown").await?;
    }
    // Who has a network of version 6 has more addresses than anybody counts.
    for from in ["2001:db8:1:2::1", "2001:db8:1:2::2"] {
        refused(api, from, &guess()?, 401, "credential_unknown").await?;
    }
    refused(api, "2001:db8:1:2:3::1", &new, 429, "too_many_unknown").await?;
    // Whatever a header says: anybody may send one.
    let mut request = asked(&Method::GET, "/v1/payments", Some(&new), &Value::Null)?;
    for (name, value) in [("x-forwarded-for", "192.0.2.9"), ("forwarded", "for=192.0.2.9")] {
        request.headers_mut().insert(name, value.parse()?);
    }
    request.extensions_mut().insert(ConnectInfo(SocketAddr::new("192.0.2.1".parse()?, 1)));
    assert_eq!(refusal(&api.send(request).await?), (429, "too_many_unknown".into()));
    for from in ["192.0.2.2", "2001:db8:1:3::1"] {
        refused(api, from, &guess()?, 401, "credential_unknown").await?;
    }
    taken(api, "192.0.2.2", &new).await?;
    // And known, it is from everywhere.
    taken(api, "192.0.2.1", &new).await
}

async fn tokens_that_are_tried_keep_nobody_with_a_key_from_coming_nor_keys_those_with_tokens(
    stores: Stores,
) -> anyhow::Result<()> {
    let service = limited(stores, 100, 2).await?;
    let (api, forged) = (&service.api, forged(&service)?);
    for _ in 0..2 {
        refused(api, "192.0.2.1", &forged, 401, "token_signature").await?;
    }
    refused(api, "192.0.2.1", &forged, 429, "too_many_unknown").await?;
    taken(api, "192.0.2.1", &made(&api.seeded.store, Role::Auditor, None, None).await?).await?;
    for _ in 0..2 {
        refused(api, "192.0.2.2", &guess()?, 401, "credential_unknown").await?;
    }
    refused(api, "192.0.2.2", &guess()?, 429, "too_many_unknown").await?;
    taken(api, "192.0.2.2", &service.issuer.token("ours-auditor")?).await
}

async fn whoever_tries_tokens_keeps_nobody_from_signing_in_nor_the_other_way_round(
    stores: Stores,
) -> anyhow::Result<()> {
    let service = with_pages(stores, |config| rates(config, 100, 2)).await?;
    let (api, issuer, forged) = (&service.api, &service.issuer, forged(&service)?);
    for (status, code) in [(401, "token_signature"), (401, "token_signature"), (429, "too_many_unknown")] {
        service.refused(&forged, status, code).await?;
    }
    let signs_in = async |group: &str| -> anyhow::Result<Answer> {
        let begun = begins(api, "/audit").await?;
        let query = answers(issuer, &begun, group, &json!({}))?;
        comes_back(api, Some(&begun.cookie), &query).await
    };
    assert_eq!(signs_in("ours-auditor").await?.status, 200);
    // What the issuer itself has given was no guess: there is one answer left, and not none.
    assert_eq!(signs_in("everybody").await?.status, 403);
    let late = signs_in("ours-treasury").await?;
    assert_eq!(late.status, 429);
    assert!(late.text().contains("Too many sign-ins") && late.headers.contains_key("retry-after"));
    let key = made(&api.seeded.store, Role::Auditor, None, None).await?;
    service.taken(&key).await
}

async fn whoever_signs_in_over_and_over_is_limited_as_others_are(stores: Stores) -> anyhow::Result<()> {
    let service = limited(stores, 2, 100).await?;
    let key = made(&service.api.seeded.store, Role::Auditor, None, None).await?;
    let signs_in = async || -> anyhow::Result<u16> {
        let request = axum::http::Request::post("/sign-in").header("host", "bursar.test");
        let request = request.header("origin", "http://bursar.test");
        Ok(service.api.send(request.body(format!("key={key}").into())?).await?.status.as_u16())
    };
    assert_eq!([signs_in().await?, signs_in().await?, signs_in().await?], [303, 303, 429]);
    service.refused(&key, 429, "too_many_requests").await
}

/// All of 127.0.0.0/8 is this machine where Linux runs.
#[cfg_attr(not(target_os = "linux"), allow(unused_variables))]
async fn a_service_counts_guesses_by_where_connections_come_from(stores: Stores) -> anyhow::Result<()> {
    let seeded = seeded(stores).await?;
    let mut config = config();
    config.access = Mode::Keys;
    rates(&mut config, 100, 1);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/v1/payments", listener.local_addr()?);
    let cancel = CancellationToken::new();
    let service = tokio::spawn(bursar_api::serve(listener, state(&seeded, config), cancel.clone()));
    let asks = async |from: IpAddr| -> anyhow::Result<u16> {
        let client = reqwest::Client::builder().local_address(from).build()?;
        Ok(client.get(&url).bearer_auth(guess()?).send().await?.status().as_u16())
    };
    let [here, there] = [1, 2].map(|last| IpAddr::from([127, 0, 0, last]));
    assert_eq!([asks(here).await?, asks(here).await?], [401, 429]);
    #[cfg(target_os = "linux")]
    assert_eq!([asks(there).await?, asks(there).await?], [401, 429]);
    cancel.cancel();
    Ok(service.await??)
}
