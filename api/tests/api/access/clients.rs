//! A service that asks for keys, and those who have one.

use alloy::primitives::Address;
use axum::{
    body::Body,
    http::{Method, Request},
};
use bursar_api::access::{Mode, key::Key};
use bursar_indexer::{
    Store,
    access::{Grant, Role},
    store::ApiKey,
};
use bursar_sdk::clock::Entropy;
use bursar_test_stores::Stores;
use serde_json::Value;

use crate::{
    client::{Answer, Api, config, state},
    seed::{self, seeded, treasury},
};

/// Somebody else's treasury, in the same store. It names an agent of ours as its own.
pub(super) fn stranger() -> Address {
    seed::address(0x88)
}

/// The approver that seeds know.
pub(super) fn approver() -> Address {
    seed::address(0x04)
}

/// A seeded service that asks for keys, with a stranger's treasury in it.
pub(super) async fn guarded(stores: Stores) -> anyhow::Result<Api> {
    let seeded = seeded(stores).await?;
    seed::named_by_a_stranger(seeded.store.db(), stranger(), seed::agent(1)).await?;
    let mut config = config();
    config.access = Mode::Keys;
    Ok(Api { router: bursar_api::router(state(&seeded, config)), seeded })
}

/// A key as it is kept; its holder has the other.
pub(super) fn new_key(
    role: Role,
    of: Option<Address>,
    account: Option<Address>,
) -> anyhow::Result<(Key, ApiKey)> {
    let key = Key::new(&Entropy::system());
    let kept = ApiKey {
        id: key.id().to_owned(),
        name: format!("a test's {role}"),
        hash: key.hash(),
        grant: Grant::new(role, of, account)?,
        created_at: seed::NOW - 60,
        expires_at: None,
        revoked_at: None,
    };
    Ok((key, kept))
}

/// A key as its holder sends it.
pub(super) async fn made(
    store: &Store,
    role: Role,
    of: Option<Address>,
    account: Option<Address>,
) -> anyhow::Result<String> {
    let (key, kept) = new_key(role, of, account)?;
    store.add_api_key(&kept).await?;
    Ok(key.shown())
}

/// A key of a role in a treasury, for the seeded agent or approver where it speaks for one.
pub(super) async fn of_role(store: &Store, role: Role, of: Address) -> anyhow::Result<String> {
    let account = match role {
        Role::Agent => Some(seed::agent(1)),
        Role::Approver => Some(approver()),
        Role::Auditor | Role::Treasury => None,
    };
    made(store, role, Some(of), account).await
}

/// The key of our agent.
pub(super) async fn agents(store: &Store) -> anyhow::Result<String> {
    of_role(store, Role::Agent, treasury()).await
}

/// Asks with a key; hands in `body` where the method is POST.
pub(super) fn asked(
    method: &Method,
    path: &str,
    key: Option<&str>,
    body: &Value,
) -> anyhow::Result<Request<Body>> {
    let mut request = Request::builder().method(method).uri(path);
    if let Some(key) = key {
        request = request.header("authorization", format!("Bearer {key}"));
    }
    Ok(if method == Method::POST {
        request.header("content-type", "application/json").body(Body::from(body.to_string()))?
    } else {
        request.body(Body::empty())?
    })
}

pub(super) async fn get(api: &Api, key: &str, path: &str) -> anyhow::Result<Answer> {
    api.send(asked(&Method::GET, path, Some(key), &Value::Null)?).await
}

pub(super) async fn post(api: &Api, key: &str, path: &str, body: &Value) -> anyhow::Result<Answer> {
    api.send(asked(&Method::POST, path, Some(key), body)?).await
}

/// Status and code of an answer that is no success.
pub(super) fn refusal(answer: &Answer) -> (u16, String) {
    (answer.status.as_u16(), answer.json()["code"].as_str().unwrap_or_default().to_owned())
}
