//! What surrounds every request: an id, a span, a time limit, a net under panics, and headers.

use std::{any::Any, time::Duration};

use axum::{
    Router,
    extract::{MatchedPath, Request},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    middleware::{Next, from_fn},
    response::{IntoResponse, Response},
};
use bursar_sdk::telemetry::{TARGET, TraceParent};
use tower::ServiceBuilder;
use tower_http::{
    ServiceBuilderExt,
    catch_panic::CatchPanicLayer,
    request_id::{MakeRequestId, RequestId},
    trace::TraceLayer,
};
use tracing::{Span, field};
use uuid::Uuid;

use crate::{
    error::ApiError,
    metrics::{HttpMetrics, method},
};

const REQUEST_ID: &str = "x-request-id";

/// Answers are data: nothing in them may run, load or be framed.
const CSP_DATA: &str = "default-src 'none'; frame-ancestors 'none'";
/// The documentation styles itself inline; everything else it has comes from here.
const CSP_DOCS: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
                        img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'self'; \
                        frame-ancestors 'none'";
/// Our own pages: nothing inline, nothing from elsewhere.
pub(crate) const CSP_PAGE: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
                                   img-src 'self' data:; connect-src 'self'; base-uri 'none'; \
                                   form-action 'none'; frame-ancestors 'none'";

/// A picture of our own that styles itself: nothing runs, nothing loads.
pub(crate) const CSP_PICTURE: &str = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";
/// The same for pages whose forms ask for other pages of ours.
pub(crate) const CSP_FORMS: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
                                    img-src 'self' data:; connect-src 'self'; base-uri 'none'; \
                                    form-action 'self'; frame-ancestors 'none'";

/// Ids are made here; one that comes in is not trusted to be unique.
#[derive(Debug, Clone, Copy)]
struct FreshId;

impl MakeRequestId for FreshId {
    fn make_request_id<B>(&mut self, _: &axum::http::Request<B>) -> Option<RequestId> {
        HeaderValue::from_str(&Uuid::now_v7().to_string()).ok().map(RequestId::new)
    }
}

/// Puts everything around the routes. From the outside in: id, spans, metrics, headers, panics, time.
pub(crate) fn around(router: Router, timeout: Duration, metrics: HttpMetrics) -> Router {
    let trace = TraceLayer::new_for_http().make_span_with(span).on_request(()).on_response(
        |response: &Response, elapsed: Duration, span: &Span| {
            span.record("status", response.status().as_u16());
            tracing::info!(elapsed_ms = elapsed.as_millis(), "answered");
        },
    );
    router.layer(
        ServiceBuilder::new()
            .map_request(|mut request: Request| {
                request.headers_mut().remove(REQUEST_ID);
                request
            })
            .set_x_request_id(FreshId)
            .layer(trace)
            .layer(from_fn(traced))
            .propagate_x_request_id()
            .layer(from_fn(move |request, next| metrics.clone().watch(request, next)))
            .layer(from_fn(security_headers))
            .layer(CatchPanicLayer::custom(panicked))
            .layer(from_fn(move |request, next| limited(timeout, request, next))),
    )
}

/// The id of a request.
pub(crate) fn id_of(headers: &HeaderMap) -> &str {
    headers.get(REQUEST_ID).and_then(|id| id.to_str().ok()).unwrap_or_default()
}

fn span(request: &Request) -> Span {
    let id = id_of(request.headers());
    // The route, not the path: addresses belong in the answer, not in every log line.
    let route = request.extensions().get::<MatchedPath>().map_or("-", MatchedPath::as_str);
    tracing::info_span!("request", method = %request.method(), route, id, status = field::Empty)
}

/// The span of a request. Whose trace it is of is settled when it is first entered, so it is not before it is known who asks.
#[derive(Debug, Clone)]
struct ServerSpan(Span);

/// Makes a span for the request, which exports tell of; the guard has it entered.
async fn traced(mut request: Request, next: Next) -> Response {
    let span = server_span(&request);
    request.extensions_mut().insert(ServerSpan(span.clone()));
    let response = next.run(request).await;
    let status = response.status();
    span.record("http.response.status_code", status.as_u16());
    if status.is_server_error() {
        span.record("otel.status_code", "ERROR");
    }
    response
}

/// The span that a request is answered in.
pub(crate) fn span_of(request: &Request) -> Span {
    request.extensions().get::<ServerSpan>().map_or_else(Span::none, |ServerSpan(span)| span.clone())
}

/// Makes a request's span part of the trace that it names, if it names one; only where something exports it.
pub(crate) fn join_trace(request: &Request) {
    let span = span_of(request);
    if let Some(parent) = TraceParent::of_headers(request.headers()).filter(|_| !span.is_disabled()) {
        parent.adopt(&span);
    }
}

fn server_span(request: &Request) -> Span {
    let method = method(request.method());
    let route = request.extensions().get::<MatchedPath>().map_or("-", MatchedPath::as_str);
    tracing::info_span!(
        target: TARGET, "server",
        otel.name = format_args!("{method} {route}"),
        otel.kind = "server",
        otel.status_code = field::Empty,
        http.request.method = method,
        http.route = route,
        http.response.status_code = field::Empty,
        bursar.request = id_of(request.headers()),
    )
}

fn panicked(panic: Box<dyn Any + Send + 'static>) -> Response {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message");
    tracing::error!(panic = text, "a handler panicked");
    ApiError::internal().into_response()
}

/// Covers reading the body, too: a client that sends slowly is cut off with everybody else.
async fn limited(timeout: Duration, request: Request, next: Next) -> Response {
    match tokio::time::timeout(timeout, next.run(request)).await {
        Ok(response) => response,
        Err(_) => {
            let message = format!("no answer within {} ms", timeout.as_millis());
            ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "timeout", message).into_response()
        }
    }
}

async fn security_headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=()"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::REFERRER_POLICY).or_insert(HeaderValue::from_static("no-referrer"));
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(CSP_DATA));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// For routes that answer with JSON only.
pub(crate) async fn data_only(request: Request, next: Next) -> Response {
    with_csp(next.run(request).await, CSP_DATA)
}

/// For the documentation.
pub(crate) async fn docs_page(request: Request, next: Next) -> Response {
    with_csp(next.run(request).await, CSP_DOCS)
}

fn with_csp(mut response: Response, policy: &'static str) -> Response {
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    response
}
