//! Requests to the router, without a network.

use axum::{
    Router,
    body::{Body, Bytes},
    http::{HeaderMap, Request, StatusCode},
};
use bursar_api::{AppState, AssetLabel, Config};
use bursar_test_stores::Stores;
use serde_json::Value;
use tower::ServiceExt;

use crate::seed::{self, Seeded, seeded};

pub(crate) struct Api {
    pub(crate) router: Router,
    pub(crate) seeded: Seeded,
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {}", self.text()))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

pub(crate) fn config() -> Config {
    let mut config = Config::new(seed::CHAIN_ID, "Local chain");
    config.assets = vec![AssetLabel { address: seed::token(), symbol: "USDC".into(), decimals: 6 }];
    config
}

pub(crate) async fn api(stores: Stores) -> anyhow::Result<Api> {
    let seeded = seeded(stores).await?;
    Ok(Api { router: bursar_api::router(state(&seeded, config())), seeded })
}

/// Over a seeded store, at its time.
pub(crate) fn state(seeded: &Seeded, config: Config) -> AppState {
    AppState::new(seeded.store.clone(), config, None).with_clock(|| seed::NOW)
}

impl Api {
    pub(crate) async fn send(&self, request: Request<Body>) -> anyhow::Result<Answer> {
        let response = self.router.clone().oneshot(request).await?;
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, usize::MAX).await?;
        Ok(Answer { status: parts.status, headers: parts.headers, body })
    }

    pub(crate) async fn get(&self, path: &str) -> anyhow::Result<Answer> {
        self.send(Request::get(path).body(Body::empty())?).await
    }

    /// The JSON of a route that has to succeed.
    pub(crate) async fn json(&self, path: &str) -> anyhow::Result<Value> {
        let answer = self.get(path).await?;
        anyhow::ensure!(answer.status == StatusCode::OK, "{path}: {} {}", answer.status, answer.text());
        Ok(answer.json())
    }

    pub(crate) async fn items(&self, path: &str) -> anyhow::Result<Vec<Value>> {
        let page = self.json(path).await?;
        page["items"].as_array().cloned().ok_or_else(|| anyhow::anyhow!("{path}: no page: {page}"))
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> anyhow::Result<Answer> {
        self.post_text(path, body.to_string()).await
    }

    pub(crate) async fn post_text(&self, path: &str, body: impl Into<Body>) -> anyhow::Result<Answer> {
        self.send(Request::post(path).header("content-type", "application/json").body(body.into())?).await
    }
}
