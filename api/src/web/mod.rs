//! The pages: rendered here, styled from the binary, nothing from elsewhere.

mod at_issuer;
mod audit;
mod curve;
mod envelope;
mod fleet;
mod gather;
mod inbox;
mod links;
mod page;
mod payment;
pub(crate) mod problem;
mod request;
pub(crate) mod sign_in;
pub(crate) mod text;
mod then;
mod view;

use askama::Template;
use axum::{
    Router,
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{Html, IntoResponse, Response},
    routing::{get, post},
};

use crate::{
    AppState,
    access::oidc::client::CALLBACK,
    error::ApiError,
    layers::{CSP_FORMS, CSP_PAGE},
};

const CSS: &str = "text/css; charset=utf-8";
const JS: &str = "text/javascript; charset=utf-8";

/// What the pages load.
const ASSETS: [(&str, &str, &str); 23] = [
    ("/assets/page.css", CSS, include_str!("../../assets/page.css")),
    ("/assets/desk.css", CSS, include_str!("../../assets/desk.css")),
    ("/assets/page.js", JS, include_str!("../../assets/page.js")),
    ("/assets/live.js", JS, include_str!("../../assets/live.js")),
    ("/assets/form.css", CSS, include_str!("../../assets/form.css")),
    ("/assets/actions.css", CSS, include_str!("../../assets/actions.css")),
    ("/assets/approval.css", CSS, include_str!("../../assets/approval.css")),
    ("/assets/approval.js", JS, include_str!("../../assets/approval.js")),
    ("/assets/actions.js", JS, include_str!("../../assets/actions.js")),
    ("/assets/policy.js", JS, include_str!("../../assets/policy.js")),
    ("/assets/service.js", JS, include_str!("../../assets/service.js")),
    ("/assets/wallet.js", JS, include_str!("../../assets/wallet.js")),
    ("/assets/countdown.js", JS, include_str!("../../assets/countdown.js")),
    ("/assets/audit.css", CSS, include_str!("../../assets/audit.css")),
    ("/assets/verify.js", JS, include_str!("../../assets/verify.js")),
    ("/assets/checks.js", JS, include_str!("../../assets/checks.js")),
    ("/assets/facts.js", JS, include_str!("../../assets/facts.js")),
    ("/assets/signed.js", JS, include_str!("../../assets/signed.js")),
    ("/assets/report.js", JS, include_str!("../../assets/report.js")),
    ("/assets/stamps.js", JS, include_str!("../../assets/stamps.js")),
    ("/assets/transparency.js", JS, include_str!("../../assets/transparency.js")),
    ("/assets/vendor/viem.js", JS, include_str!("../../assets/vendor/viem.js")),
    ("/assets/icon.svg", "image/svg+xml", include_str!("../../assets/icon.svg")),
];

/// The pages and what they load.
pub(crate) fn router() -> Router<AppState> {
    let pages = Router::new()
        .route("/", get(page::overview))
        .route("/envelopes/{treasury}/{number}", get(envelope::envelope))
        .route("/envelopes/{treasury}/{number}/policy.svg", get(envelope::policy_picture))
        .route("/approvals", get(inbox::inbox))
        .route("/approvals/{digest}", get(request::request))
        .route("/payments/{purse}/{nonce}", get(payment::payment))
        .route("/sign-in", get(sign_in::asked).post(sign_in::sign_in))
        .route("/sign-in/issuer", get(at_issuer::begin))
        .route(CALLBACK, get(at_issuer::finish))
        .route("/sign-out", post(sign_in::sign_out))
        .merge(audit::router());
    ASSETS.into_iter().fold(pages, |router, (path, content_type, body)| {
        router.route(path, get(async move || asset(content_type, body)))
    })
}

fn asset(content_type: &'static str, body: &'static str) -> impl IntoResponse {
    let headers: [(HeaderName, HeaderValue); 2] = [
        (header::CONTENT_TYPE, HeaderValue::from_static(content_type)),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
    ];
    (headers, body)
}

/// A page under its content policy.
fn rendered(page: &impl Template) -> Result<Response, ApiError> {
    under(CSP_PAGE, StatusCode::OK, page)
}

/// A page with forms that ask this service.
fn rendered_with_forms(status: StatusCode, page: &impl Template) -> Result<Response, ApiError> {
    under(CSP_FORMS, status, page)
}

fn under(policy: &'static str, status: StatusCode, page: &impl Template) -> Result<Response, ApiError> {
    let html = page.render().map_err(|error| {
        tracing::error!(%error, "a page does not render");
        ApiError::internal()
    })?;
    let policy = [(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy))];
    Ok((status, policy, Html(html)).into_response())
}
