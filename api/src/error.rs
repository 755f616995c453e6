//! Errors, and which type to use where.
//!
//! - [`ApiError`]: every handler and extractor returns it. It is what a client gets: a status, a stable
//!   `code`, a sentence, and where something did not fit, what was expected and what came.
//! - [`Problem`]: its JSON. Built from an [`ApiError`] only.
//! - `DbError`, `StoreError` (from the store): turned into an [`ApiError`] by `?`. Its text goes to the log; the client
//!   learns `internal`, `busy` or `not_kept`, never what the database said.
//! - A missing row is no error below this crate (`Ok(None)`); handlers turn it into
//!   [`ApiError::not_found`].

use std::time::Duration;

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use bursar_indexer::{StoreError, db::DbError, query::log::LogError};
use bursar_sdk::transparency::ProofError;
use serde::Serialize;
use utoipa::{IntoResponses, ToSchema};

use crate::model::erasure::Tombstone;

/// What went wrong, for a client.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{code}: {message}")]
pub struct ApiError {
    status: StatusCode,
    code: &'static str,
    message: String,
    expected: Option<String>,
    got: Option<String>,
    erased: Option<Box<Tombstone>>,
    /// Seconds until it may be tried again, where it may.
    retry_after: u64,
}

/// The JSON of every answer that is not a success.
#[derive(Debug, Serialize, ToSchema)]
pub struct Problem {
    /// Stable, for programs.
    #[schema(example = "invalid_parameter")]
    pub code: &'static str,
    /// For people.
    #[schema(example = "limit: expected a number from 1 to 200")]
    pub message: String,
    /// What would have fitted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    /// What came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub got: Option<String>,
    /// What is left of it, where it was erased.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Tombstone>)]
    pub erased: Option<Box<Tombstone>>,
}

/// What a list may answer besides its page.
#[derive(Debug, IntoResponses)]
pub enum ListFailure {
    /// A parameter is unknown, repeated or does not fit.
    #[response(status = 400)]
    Parameters(Problem),
    /// Something failed here; the request may be tried again.
    #[response(status = "5XX")]
    Failed(Problem),
}

/// What asking for one thing may answer besides it.
#[derive(Debug, IntoResponses)]
pub enum GetFailure {
    /// The path names nothing that could be.
    #[response(status = 400)]
    Path(Problem),
    /// There is no such thing, as far as the ledger has followed the chain.
    #[response(status = 404)]
    Missing(Problem),
    /// Something failed here; the request may be tried again.
    #[response(status = "5XX")]
    Failed(Problem),
}

/// What handing something in may answer besides success.
#[derive(Debug, IntoResponses)]
pub enum PostFailure {
    /// The body is no JSON.
    #[response(status = 400)]
    Syntax(Problem),
    /// The path names nothing that is there.
    #[response(status = 404)]
    Missing(Problem),
    /// It does not fit what the ledger knows by now: a treasury or purse may not be indexed yet (try
    /// again), or an answer was given already.
    #[response(status = 409)]
    Conflict(Problem),
    /// The body is too large.
    #[response(status = 413)]
    TooLarge(Problem),
    /// The body is not sent as JSON.
    #[response(status = 415)]
    MediaType(Problem),
    /// The body is JSON, and not what it should be.
    #[response(status = 422)]
    Content(Problem),
    /// There is no room for more of these now; it may come again later.
    #[response(status = 429)]
    TooMany(Problem),
    /// Something failed here; the request may be tried again.
    #[response(status = "5XX")]
    Failed(Problem),
}

/// Longest echo of what a client sent.
const MAX_ECHO: usize = 200;

impl ApiError {
    /// An error that says what happened.
    pub fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            expected: None,
            got: None,
            erased: None,
            retry_after: 1,
        }
    }

    /// Adds both sides of a mismatch.
    #[must_use]
    pub fn mismatch(mut self, expected: impl ToString, got: impl ToString) -> Self {
        self.expected = Some(expected.to_string());
        self.got = Some(got.to_string().chars().take(MAX_ECHO).collect());
        self
    }

    /// Nothing there, as far as the ledger has followed the chain.
    pub fn not_found(what: &str, which: impl std::fmt::Display) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", format!("the ledger has no {what} {which}"))
    }

    /// Too much at once; it may come again then, a second from now at the least.
    pub(crate) fn too_many(code: &'static str, message: impl Into<String>, after: Duration) -> Self {
        let retry_after = after.as_millis().div_ceil(1_000).try_into().unwrap_or(u64::MAX).max(1);
        Self { retry_after, ..Self::new(StatusCode::TOO_MANY_REQUESTS, code, message) }
    }

    /// A record that was erased; with what is left of it.
    pub fn erased(stone: Tombstone) -> Self {
        let message = "the treasury had this record erased: its hash stays, and means nothing without it";
        Self { erased: Some(Box::new(stone)), ..Self::new(StatusCode::GONE, "erased", message) }
    }

    /// A query or path parameter that does not fit.
    pub fn invalid_parameter(name: &str, expected: impl ToString, got: impl ToString) -> Self {
        let expected = expected.to_string();
        Self::new(StatusCode::BAD_REQUEST, "invalid_parameter", format!("{name}: expected {expected}"))
            .mismatch(expected, got)
    }

    /// Content that is understood and refused.
    pub fn unprocessable(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, message)
    }

    /// Something that does not fit what is known by now.
    pub fn conflict(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, code, message)
    }

    /// No route.
    pub(crate) fn no_such_route() -> Self {
        Self::new(StatusCode::NOT_FOUND, "no_such_route", "there is no such route")
    }

    /// A route that is there, and another method.
    pub(crate) fn no_such_method() -> Self {
        let message = "this route does not take that method";
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", message)
    }

    /// Our fault; says no more.
    pub fn internal() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "something failed here; the log knows more")
    }

    /// What it says to people, with what came where that is known.
    pub fn told(&self) -> String {
        match &self.got {
            Some(got) if !got.is_empty() => format!("{}; got {got:?}", self.message),
            _ => self.message.clone(),
        }
    }

    /// Stable, for programs.
    pub(crate) fn code(&self) -> &'static str {
        self.code
    }

    /// What it says, without what came.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// The status it is answered with.
    pub fn status(&self) -> StatusCode {
        self.status
    }
}

impl From<DbError> for ApiError {
    fn from(error: DbError) -> Self {
        if error.is_busy() {
            tracing::warn!(error = ?error, "the store is busy");
            return Self::new(StatusCode::SERVICE_UNAVAILABLE, "busy", "the store is busy; try again");
        }
        if let DbError::NotKept = error {
            tracing::warn!("{error}");
            return Self::new(StatusCode::SERVICE_UNAVAILABLE, "not_kept", error.to_string());
        }
        tracing::error!(error = ?error, "a query failed");
        Self::internal()
    }
}

impl From<LogError> for ApiError {
    fn from(error: LogError) -> Self {
        match error {
            LogError::Db(error) => error.into(),
            LogError::Proof(ProofError::OutOfRange { what, size, got }) => {
                Self::invalid_parameter("size", format!("{what} within the log's {size} entries"), got)
            }
            error => {
                tracing::error!(error = ?error, "the log does not answer");
                Self::internal()
            }
        }
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Db(error) => error.into(),
            error => {
                tracing::error!(error = ?error, "the store failed");
                Self::internal()
            }
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let Self { status, code, message, expected, got, erased, retry_after } = self;
        let mut response = (status, Json(Problem { code, message, expected, got, erased })).into_response();
        if matches!(
            status,
            StatusCode::SERVICE_UNAVAILABLE | StatusCode::CONFLICT | StatusCode::TOO_MANY_REQUESTS
        ) {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(retry_after));
        }
        if status == StatusCode::UNAUTHORIZED {
            // RFC 6750: what came is only wrong where something came.
            let asked = match code {
                "credential_missing" => "Bearer realm=\"bursar\"",
                _ => "Bearer realm=\"bursar\", error=\"invalid_token\"",
            };
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(asked));
        }
        response
    }
}
