//! An issuer that says one thing and another, and what is known of its keys then.
#![allow(clippy::unwrap_used)]

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use axum::{Router, http::StatusCode, routing::get};
use jsonwebtoken::{Algorithm, Header};
use serde_json::json;
use tokio::{net::TcpListener, task::JoinHandle};

use super::{
    WrongToken,
    keyring::{AGAIN, DUE, HOLDS, Keyring, NoKey},
    source::Source,
};

const NOW: u64 = 1_000_000;

/// An issuer that answers what it is told to. It goes away with this.
struct Served {
    url: String,
    answer: Arc<std::sync::Mutex<(StatusCode, String)>>,
    asked: Arc<AtomicUsize>,
    serving: JoinHandle<()>,
}

impl Drop for Served {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

fn set(kids: &[&str]) -> String {
    let key = |kid: &&str| {
        json!({ "kty": "EC", "crv": "P-256", "kid": kid,
            "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
            "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0" })
    };
    json!({ "keys": kids.iter().map(key).collect::<Vec<_>>() }).to_string()
}

impl Served {
    async fn with(text: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let answer = Arc::new(std::sync::Mutex::new((StatusCode::OK, text)));
        let asked = Arc::new(AtomicUsize::new(0));
        let (told, count) = (Arc::clone(&answer), Arc::clone(&asked));
        let router = Router::new().route(
            "/keys",
            get(async move || {
                count.fetch_add(1, Ordering::Relaxed);
                told.lock().unwrap().clone()
            }),
        );
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, answer, asked, serving }
    }

    fn keyring(&self) -> Keyring {
        let jwks = format!("{}/keys", self.url).parse().unwrap();
        Keyring::new(Source::new(&self.url, Some(jwks)).unwrap())
    }

    fn says(&self, status: u16, text: String) {
        *self.answer.lock().unwrap() = (StatusCode::from_u16(status).unwrap(), text);
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }
}

async fn finds(keyring: &Keyring, kid: &str, now: u64) -> Result<(), NoKey> {
    let header = Header { kid: Some(kid.into()), ..Header::new(Algorithm::ES256) };
    keyring.key(&header, now).await.map(|_| ())
}

const UNKNOWN: Result<(), NoKey> = Err(NoKey::Wrong(WrongToken::UnknownKey));

#[tokio::test]
async fn keys_that_changed_are_found_and_those_that_went_are_not() {
    let served = Served::with(set(&["a"])).await;
    let keyring = served.keyring();
    assert_eq!(finds(&keyring, "a", NOW).await, Ok(()));
    served.says(200, set(&["b"]));
    assert_eq!(finds(&keyring, "b", NOW + AGAIN).await, Ok(()));
    assert_eq!(finds(&keyring, "a", NOW + AGAIN).await, UNKNOWN);
    // One that went without another coming is noticed when it is due.
    served.says(200, set(&["c"]));
    assert_eq!(finds(&keyring, "b", NOW + AGAIN + DUE - 1).await, Ok(()));
    assert_eq!(finds(&keyring, "b", NOW + AGAIN + DUE).await, UNKNOWN);
    assert_eq!(served.asked(), 3);
}

#[tokio::test]
async fn names_of_no_key_do_not_have_the_issuer_asked_again_and_again() {
    let served = Served::with(set(&["a"])).await;
    let keyring = served.keyring();
    assert_eq!(finds(&keyring, "a", NOW).await, Ok(()));
    for at in [NOW, NOW + 1, NOW + AGAIN - 1] {
        assert_eq!(finds(&keyring, "b", at).await, UNKNOWN);
    }
    assert_eq!(served.asked(), 1);
    let many = (0..32).map(|n| n.to_string()).collect::<Vec<_>>();
    let all = futures::future::join_all(many.iter().map(|kid| finds(&keyring, kid, NOW + AGAIN))).await;
    assert!(all.into_iter().all(|one| one == UNKNOWN));
    assert_eq!(served.asked(), 2, "for all of them together");
    // Another way of signing is not looked for.
    let header = Header { kid: Some("a".into()), ..Header::new(Algorithm::HS256) };
    let none = keyring.key(&header, NOW + 2 * AGAIN).await.map(|_| ());
    assert_eq!(none, Err(NoKey::Wrong(WrongToken::Algorithm { got: Algorithm::HS256 })));
    assert_eq!(served.asked(), 2);
}

#[tokio::test]
async fn what_is_no_set_of_keys_replaces_none() {
    let served = Served::with(set(&["a"])).await;
    let keyring = served.keyring();
    assert_eq!(finds(&keyring, "a", NOW).await, Ok(()));
    let padded = |to: usize| {
        let set = set(&["a", "b"]);
        format!("{set}{}", " ".repeat(to - set.len()))
    };
    let mut at = NOW;
    for (status, text) in [
        (500, set(&["b"])),
        (404, set(&["b"])),
        (302, set(&["b"])),
        (200, String::new()),
        (200, "<html>".into()),
        (200, set(&[])),
        (200, padded(256 * 1024 + 1)),
    ] {
        served.says(status, text);
        at += AGAIN;
        assert_eq!(finds(&keyring, "b", at).await, UNKNOWN, "{status}");
        assert_eq!(finds(&keyring, "a", at).await, Ok(()), "{status}");
    }
    served.says(200, padded(256 * 1024));
    assert_eq!(finds(&keyring, "b", at + AGAIN).await, Ok(()));
}

#[tokio::test]
async fn the_last_keys_hold_for_a_day_while_the_issuer_is_away_and_no_longer() {
    let served = Served::with(set(&["a"])).await;
    let keyring = served.keyring();
    let never = served.keyring();
    assert_eq!(finds(&keyring, "a", NOW).await, Ok(()));
    served.serving.abort();
    served.says(503, String::new());
    assert_eq!(finds(&keyring, "a", NOW + HOLDS - 1).await, Ok(()));
    assert_eq!(finds(&keyring, "b", NOW + HOLDS - 1).await, UNKNOWN);
    assert_eq!(finds(&keyring, "a", NOW + HOLDS).await, Err(NoKey::Away));
    assert_eq!(finds(&never, "a", NOW).await, Err(NoKey::Away), "nothing is let in on faith");
    assert_eq!(
        finds(&keyring, "a", NOW - HOLDS).await,
        Err(NoKey::Away),
        "nor with a clock that was set back"
    );
}

#[tokio::test]
async fn where_keys_are_only_the_issuer_itself_says() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let keys = format!("{url}/keys");
    let said = |issuer: &str, keys: &str| json!({ "issuer": issuer, "jwks_uri": keys }).to_string();
    let realms = [
        ("fine", said(&format!("{url}/fine"), &keys)),
        ("slash", said(&format!("{url}/slash/"), &keys)),
        ("other", said(&format!("{url}/fine"), &keys)),
        ("plain", said(&format!("{url}/plain"), "http://login.example/keys")),
        ("none", json!({ "issuer": format!("{url}/none") }).to_string()),
    ];
    let mut router = Router::new().route("/keys", get(async || set(&["a"])));
    for (realm, text) in realms {
        let path = format!("/{realm}/.well-known/openid-configuration");
        router = router.route(&path, get(async move || text));
    }
    let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    for (issuer, found) in [
        ("fine", Ok(())),
        ("slash/", Ok(())),
        ("slash", Err(NoKey::Away)),
        ("other", Err(NoKey::Away)),
        ("plain", Err(NoKey::Away)),
        ("none", Err(NoKey::Away)),
        ("nowhere", Err(NoKey::Away)),
    ] {
        let keyring = Keyring::new(Source::new(&format!("{url}/{issuer}"), None).unwrap());
        assert_eq!(finds(&keyring, "a", NOW).await, found, "{issuer}");
    }
    serving.abort();
}
