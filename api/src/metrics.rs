//! How requests are answered, for Prometheus; and where Prometheus finds that and everything else.

use std::{sync::Arc, time::Instant};

use axum::{
    Router,
    extract::{MatchedPath, Request},
    http::{Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
    routing::get,
};
use prometheus_client::{
    encoding::{EncodeLabelSet, text},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::Registry,
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

const TEXT: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Upper bounds of the buckets, in seconds: around what a page and a report are allowed.
const SECONDS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Asked {
    method: &'static str,
    route: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    method: &'static str,
    route: String,
    status: u16,
}

/// How requests are answered.
#[derive(Debug, Clone)]
pub(crate) struct HttpMetrics {
    answers: Family<Answered, Counter>,
    seconds: Family<Asked, Histogram, fn() -> Histogram>,
    under_way: Gauge,
}

impl HttpMetrics {
    pub(crate) fn new() -> Self {
        Self {
            answers: Family::default(),
            seconds: Family::new_with_constructor(|| Histogram::new(SECONDS)),
            under_way: Gauge::default(),
        }
    }

    pub(crate) fn register(&self, registry: &mut Registry) {
        registry.register("http_requests", "Requests that were answered", self.answers.clone());
        registry.register(
            "http_request_seconds",
            "From request to the head of its answer",
            self.seconds.clone(),
        );
        registry.register(
            "http_requests_under_way",
            "Requests that wait for an answer",
            self.under_way.clone(),
        );
    }

    /// Counts and times a request. Only our own routes and methods become labels: anybody may ask for anything.
    pub(crate) async fn watch(self, request: Request, next: Next) -> Response {
        let route = request.extensions().get::<MatchedPath>().map_or("-", MatchedPath::as_str).to_owned();
        let asked = Asked { method: method(request.method()), route };
        let _under_way = UnderWay::one(&self.under_way);
        let began = Instant::now();
        let response = next.run(request).await;
        self.seconds.get_or_create(&asked).observe(began.elapsed().as_secs_f64());
        let Asked { method, route } = asked;
        self.answers.get_or_create(&Answered { method, route, status: response.status().as_u16() }).inc();
        response
    }
}

/// Counts down again, also where the client has gone away.
struct UnderWay<'a>(&'a Gauge);

impl<'a> UnderWay<'a> {
    fn one(gauge: &'a Gauge) -> Self {
        gauge.inc();
        Self(gauge)
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// A method as it is told: one of ours, or another.
pub(crate) fn method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

/// Serves `/metrics`, and nothing else, until `cancel`.
///
/// # Errors
/// When the listener fails.
pub async fn serve_metrics(
    listener: TcpListener,
    registry: Registry,
    cancel: CancellationToken,
) -> std::io::Result<()> {
    tracing::info!(address = %listener.local_addr()?, "metrics at /metrics");
    let registry = Arc::new(registry);
    let scrape = move || {
        let registry = Arc::clone(&registry);
        async move {
            let mut body = String::new();
            match text::encode(&mut body, &registry) {
                Ok(()) => ([(header::CONTENT_TYPE, TEXT)], body).into_response(),
                Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
            }
        }
    };
    let router = Router::new().route("/metrics", get(scrape));
    axum::serve(listener, router).with_graceful_shutdown(cancel.cancelled_owned()).await
}
