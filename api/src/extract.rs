//! Extractors whose refusals are [`ApiError`]s: query, path and JSON body.

use axum::{
    extract::{FromRequest, FromRequestParts, Request, rejection::JsonRejection},
    http::{StatusCode, request::Parts},
};
use bursar_indexer::query::{AmountRange, TimeRange};
use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use url::form_urlencoded;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, Type},
};

use crate::{error::ApiError, wire::Units};

/// Query parameters; unknown and repeated ones are refused, where `T` denies unknown fields.
#[derive(Debug)]
pub struct Params<T>(pub T);

impl<T: DeserializeOwned, S: Sync> FromRequestParts<S> for Params<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        parameters(parts.uri.query().unwrap_or_default()).map(Self)
    }
}

/// No query parameter at all, where what is told is told as it stands.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

/// Reads query parameters.
///
/// # Errors
/// When one is unknown, repeated or does not fit.
pub(crate) fn parameters<T: DeserializeOwned>(query: &str) -> Result<T, ApiError> {
    let pairs = form_urlencoded::parse(query.as_bytes());
    serde_path_to_error::deserialize(serde_urlencoded::Deserializer::new(pairs))
        .map_err(|error| refused_parameter(query, &error))
}

/// serde tells what is wrong in words only: they are taken apart here, once.
fn refused_parameter(
    query: &str,
    error: &serde_path_to_error::Error<serde_urlencoded::de::Error>,
) -> ApiError {
    let text = error.inner().to_string();
    let bad_request = |code, message: String| ApiError::new(StatusCode::BAD_REQUEST, code, message);
    if let Some(rest) = text.strip_prefix("unknown field `") {
        let (name, known) = rest.split_once("`, ").unwrap_or((rest, ""));
        let expected = match known {
            "there are no fields" => "no parameter",
            known => known.trim_start_matches("expected "),
        };
        return bad_request("unknown_parameter", format!("there is no parameter {name:?} here"))
            .mismatch(expected, name);
    }
    if let Some(name) = text.strip_prefix("duplicate field `") {
        let name = name.trim_end_matches('`');
        return bad_request("repeated_parameter", format!("{name}: given more than once"));
    }
    let name = error.path().to_string();
    let got = form_urlencoded::parse(query.as_bytes())
        .find_map(|(key, value)| (key == name).then(|| value.into_owned()))
        .unwrap_or_default();
    match text.strip_prefix("unknown variant `").and_then(|rest| rest.split_once("`, expected ")) {
        Some((_, expected)) => ApiError::invalid_parameter(&name, expected, got),
        None => ApiError::invalid_parameter(&name, text.strip_prefix("expected ").unwrap_or(&text), got),
    }
}

/// What the path names.
#[derive(Debug)]
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        match axum::extract::Path::<T>::from_request_parts(parts, state).await {
            Ok(axum::extract::Path(value)) => Ok(Self(value)),
            Err(rejection) => {
                let text = rejection.body_text();
                let message = text.strip_prefix("Invalid URL: ").unwrap_or(&text);
                Err(ApiError::new(StatusCode::BAD_REQUEST, "invalid_path", message)
                    .mismatch(message.rsplit("expected ").next().unwrap_or(message), parts.uri.path()))
            }
        }
    }
}

/// A JSON body.
#[derive(Debug)]
pub struct Body<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        match axum::Json::<T>::from_request(request, state).await {
            Ok(axum::Json(value)) => Ok(Self(value)),
            Err(rejection) => Err(refused_body(&rejection)),
        }
    }
}

fn refused_body(rejection: &JsonRejection) -> ApiError {
    let code = match rejection {
        JsonRejection::MissingJsonContentType(_) => "not_json",
        JsonRejection::JsonSyntaxError(_) => "malformed_json",
        JsonRejection::JsonDataError(_) => "invalid_body",
        _ if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => "body_too_large",
        _ => "unreadable_body",
    };
    ApiError::new(rejection.status(), code, rejection.body_text())
}

/// A whole number in a query, within bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Number<const MIN: u64, const MAX: u64>(pub u64);

/// Unix seconds in a query.
pub type Time = Number<0, { i64::MAX as u64 }>;
/// An envelope's number in a query or path.
pub type EnvelopeNumber = Number<1, 0xff_ffff>;
/// A number of entries of a log, or one's number.
pub type LogNumber = Number<0, { i64::MAX as u64 }>;
/// A number of 16 bits: policy versions, payee lists.
pub type Short = Number<0, 0xffff>;

/// From a time (inclusive) until another (exclusive).
pub fn span(from: Option<Time>, until: Option<Time>) -> TimeRange {
    TimeRange { from: from.map(|time| time.0), until: until.map(|time| time.0) }
}

/// From an amount to another (both inclusive).
pub(crate) fn amounts(min: Option<&Units>, max: Option<&Units>) -> AmountRange {
    AmountRange { min: min.map(|units| units.0), max: max.map(|units| units.0) }
}

impl<const MIN: u64, const MAX: u64> Number<MIN, MAX> {
    /// As the ledger counts envelopes.
    pub fn to_u32(self) -> u32 {
        u32::try_from(self.0).unwrap_or(u32::MAX)
    }

    /// As the ledger counts policies and lists.
    pub fn to_u16(self) -> u16 {
        u16::try_from(self.0).unwrap_or(u16::MAX)
    }
}

impl<'de, const MIN: u64, const MAX: u64> Deserialize<'de> for Number<MIN, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let plain = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        match text.parse::<u64>() {
            Ok(number) if plain && (MIN..=MAX).contains(&number) => Ok(Self(number)),
            _ => Err(serde::de::Error::custom(format!("expected a whole number from {MIN} to {MAX}"))),
        }
    }
}

impl<const MIN: u64, const MAX: u64> PartialSchema for Number<MIN, MAX> {
    fn schema() -> RefOr<Schema> {
        let builder = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(MIN));
        // Beyond 2^53 a bound only misleads: JSON readers round it.
        if MAX >> 53 == 0 { builder.maximum(Some(MAX)).into() } else { builder.into() }
    }
}

impl<const MIN: u64, const MAX: u64> ToSchema for Number<MIN, MAX> {}
