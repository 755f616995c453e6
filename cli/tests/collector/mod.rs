//! An OTLP collector: takes what an exporter sends, over HTTP as protobuf, and keeps it.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use alloy::hex;
use anyhow::{Context as _, Result, ensure};
use axum::{Router, body::Bytes, extract::State, http::StatusCode, routing::post};
use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest, common::v1::any_value::Value, trace::v1::Span,
};
use prost::Message as _;
use url::Url;

/// A span with the service that told it.
#[derive(Debug, Clone)]
pub(crate) struct Told {
    pub(crate) service: String,
    pub(crate) span: Span,
}

impl Told {
    pub(crate) fn trace(&self) -> String {
        hex::encode(&self.span.trace_id)
    }

    /// An attribute, as text.
    pub(crate) fn attribute(&self, key: &str) -> Option<String> {
        let found = self.span.attributes.iter().find(|attribute| attribute.key == key)?;
        text(found.value.as_ref()?.value.as_ref()?)
    }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::StringValue(text) => Some(text.clone()),
        Value::IntValue(number) => Some(number.to_string()),
        Value::BoolValue(flag) => Some(flag.to_string()),
        _ => None,
    }
}

#[derive(Debug, Clone, Default)]
struct Kept(Arc<Mutex<(Vec<Told>, Vec<u8>)>>);

/// A collector on a free port.
#[derive(Debug)]
pub(crate) struct Collector {
    pub(crate) url: Url,
    kept: Kept,
}

impl Collector {
    pub(crate) async fn start() -> Result<Self> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}/", listener.local_addr()?).parse()?;
        let kept = Kept::default();
        let app = Router::new().route("/v1/traces", post(take)).with_state(kept.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        Ok(Self { url, kept })
    }

    pub(crate) fn told(&self) -> Vec<Told> {
        self.kept.0.lock().unwrap().0.clone()
    }

    /// All that was ever sent, as it came.
    pub(crate) fn raw(&self) -> Vec<u8> {
        self.kept.0.lock().unwrap().1.clone()
    }

    /// The spans of a name, once there are so many.
    pub(crate) async fn named(&self, name: &str, count: usize) -> Result<Vec<Told>> {
        for _ in 0..300 {
            let found: Vec<Told> = self.told().into_iter().filter(|told| told.span.name == name).collect();
            if found.len() >= count {
                ensure!(found.len() == count, "more than {count} of {name}: {found:#?}");
                return Ok(found);
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let names: Vec<String> = self.told().into_iter().map(|told| told.span.name).collect();
        anyhow::bail!("expected {count} of {name}, got {names:?}")
    }

    pub(crate) async fn one(&self, name: &str) -> Result<Told> {
        self.named(name, 1).await?.pop().context("one span")
    }
}

async fn take(State(kept): State<Kept>, body: Bytes) -> StatusCode {
    let Ok(request) = ExportTraceServiceRequest::decode(body.clone()) else { return StatusCode::BAD_REQUEST };
    let mut kept = kept.0.lock().unwrap();
    for resource in request.resource_spans {
        let named = resource.resource.and_then(|resource| {
            let name = resource.attributes.into_iter().find(|attribute| attribute.key == "service.name")?;
            text(&name.value?.value?)
        });
        let service = named.unwrap_or_default();
        let spans = resource.scope_spans.into_iter().flat_map(|scope| scope.spans);
        kept.0.extend(spans.map(|span| Told { service: service.clone(), span }));
    }
    kept.1.extend_from_slice(&body);
    StatusCode::OK
}
