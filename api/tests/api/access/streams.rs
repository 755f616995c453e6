//! Streams have no end of their own: a key that is no longer good ends them.

use std::time::Duration;

use axum::http::Method;
use bursar_api::access::Mode;
use bursar_indexer::access::Role;
use bursar_test_stores::{Stores, on_both_stores};
use futures::StreamExt as _;
use serde_json::Value;
use tower::ServiceExt as _;

use super::clients::{asked, guarded, new_key, refusal};
use crate::{
    client::{config, state},
    seed::treasury,
};

on_both_stores!(a_stream_ends_with_its_key);

async fn a_stream_ends_with_its_key(stores: Stores) -> anyhow::Result<()> {
    let api = guarded(stores).await?;
    let store = &api.seeded.store;
    let mut config = config();
    (config.access, config.stream_recheck) = (Mode::Keys, Duration::from_millis(10));
    let router = bursar_api::router(state(&api.seeded, config));
    let (key, kept) = new_key(Role::Auditor, Some(treasury()), None)?;
    store.add_api_key(&kept).await?;
    let follow = || asked(&Method::GET, "/v1/events/stream?cursor=0", Some(&key.shown()), &Value::Null);
    let response = router.clone().oneshot(follow()?).await?;
    assert_eq!(response.status(), 200);
    let mut stream = response.into_body().into_data_stream();
    let first = stream.next().await.transpose()?.unwrap_or_default();
    assert!(String::from_utf8(first.to_vec())?.contains("event:"), "there is something to follow");
    store.revoke_api_key(key.id(), 1).await?;
    // Ends: else this would wait for ever.
    while let Some(chunk) = stream.next().await {
        chunk?;
    }
    let again = api.send(follow()?).await?;
    assert_eq!(refusal(&again), (401, "credential_revoked".into()));
    Ok(())
}
