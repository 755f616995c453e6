//! The overview page: rendered here, styled from the binary, nothing from elsewhere.

mod gather;
mod page;
mod text;
mod view;

use axum::{
    Router,
    http::{HeaderName, HeaderValue, header},
    response::IntoResponse,
    routing::get,
};

use crate::AppState;

const STYLE: &str = include_str!("../../assets/overview.css");
const SCRIPT: &str = include_str!("../../assets/overview.js");
const ICON: &str = include_str!("../../assets/icon.svg");

/// The page and what it loads.
pub(crate) fn router() -> Router<AppState> {
    Router::new()
        .route("/", get(page::overview))
        .route("/assets/overview.css", get(async || asset("text/css; charset=utf-8", STYLE)))
        .route("/assets/overview.js", get(async || asset("text/javascript; charset=utf-8", SCRIPT)))
        .route("/assets/icon.svg", get(async || asset("image/svg+xml", ICON)))
}

fn asset(content_type: &'static str, body: &'static str) -> impl IntoResponse {
    let headers: [(HeaderName, HeaderValue); 2] = [
        (header::CONTENT_TYPE, HeaderValue::from_static(content_type)),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
    ];
    (headers, body)
}
