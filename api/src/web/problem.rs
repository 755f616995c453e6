//! What a page says where it cannot show what was asked for.

use askama::Template;
use axum::response::{IntoResponse, Response};

use super::rendered_with_forms;
use crate::{AppState, error::ApiError};

#[derive(Debug, Template)]
#[template(path = "problem.html")]
struct Problem {
    chain: String,
    status: u16,
    reason: &'static str,
    told: String,
    version: &'static str,
}

/// The page instead of another.
pub(crate) fn page(state: &AppState, error: &ApiError) -> Response {
    let status = error.status();
    let problem = Problem {
        chain: state.config.chain_name.clone(),
        status: status.as_u16(),
        reason: status.canonical_reason().unwrap_or("Failed"),
        told: error.told(),
        version: env!("CARGO_PKG_VERSION"),
    };
    rendered_with_forms(status, &problem).unwrap_or_else(|error| error.into_response())
}
