//! The issuer's half of a sign-in: the codes that it has given, and what they are worth.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    Json,
    http::{HeaderMap, StatusCode},
    routing::{self, MethodRouter},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use url::form_urlencoded;

use super::issuer::encoded;

/// What the service is there.
pub(super) const CLIENT: &str = "bursar pages";
pub(super) const SECRET: &str = "s3cret:of pages";

/// Text as a query or a form has it, read.
pub(super) fn pairs(text: &str) -> BTreeMap<String, String> {
    form_urlencoded::parse(text.as_bytes()).into_owned().collect()
}

/// Codes that it has given.
#[derive(Clone, Default)]
pub(super) struct Codes(Arc<Mutex<Given>>);

#[derive(Default)]
struct Given {
    /// By code: what it was asked for with, and what it is worth.
    open: BTreeMap<String, (BTreeMap<String, String>, Value)>,
    given: usize,
    /// How often somebody came with one.
    asked: usize,
}

impl Codes {
    fn with<T>(&self, change: impl FnOnce(&mut Given) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Gives somebody a code, once they have signed in; `asked` is the query that they came with.
    pub(super) fn give(&self, asked: &BTreeMap<String, String>, worth: Value) -> String {
        self.with(|given| {
            given.given += 1;
            let code = format!("code {}", given.given);
            given.open.insert(code.clone(), (asked.clone(), worth));
            code
        })
    }

    pub(super) fn asked(&self) -> usize {
        self.with(|given| given.asked)
    }

    /// Where codes are redeemed: once, by the client, with the verifier and where people came back to.
    pub(super) fn route(&self) -> MethodRouter {
        let codes = self.clone();
        routing::post(async move |headers: HeaderMap, body: String| codes.redeem(&headers, &body))
    }

    fn redeem(&self, headers: &HeaderMap, body: &str) -> (StatusCode, Json<Value>) {
        let refused = |code: &str| (StatusCode::BAD_REQUEST, Json(json!({ "error": code })));
        let header = headers.get("authorization").and_then(|value| value.to_str().ok());
        let client = format!("Basic {}", STANDARD.encode("bursar+pages:s3cret%3Aof+pages"));
        let form = pairs(body);
        let of = |name: &str| form.get(name).map_or("", String::as_str);
        let open = self.with(|given| {
            given.asked += 1;
            given.open.remove(of("code"))
        });
        if header != Some(&client) {
            return refused("invalid_client");
        }
        if of("grant_type") != "authorization_code" {
            return refused("unsupported_grant_type");
        }
        match open {
            Some((asked, worth))
                if asked["code_challenge"] == encoded(Sha256::digest(of("code_verifier")))
                    && asked["redirect_uri"] == of("redirect_uri") =>
            {
                (StatusCode::OK, Json(worth))
            }
            _ => refused("invalid_grant"),
        }
    }
}
