//! `GET /v1/events/stream`

use std::time::Duration;

use axum::{
    extract::State,
    http::{HeaderMap, HeaderName, HeaderValue},
    response::{
        IntoResponse, Response,
        sse::{KeepAlive, Sse},
    },
};
use serde::Deserialize;
use utoipa::IntoParams;

use super::list_events::{Cursor, FollowFailure, of};
use crate::{
    AppState,
    access::Caller,
    error::ApiError,
    extract::{EnvelopeNumber, Params},
    model::event::Kinds,
    stream::{self, Following},
    wire::Addr,
};

/// A comment so often, so that nobody in between takes the stream for dead.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
const LAST_EVENT_ID: &str = "last-event-id";

/// Which ones.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// Of this treasury.
    #[param(inline)]
    treasury: Option<Addr>,
    /// Of the envelope with this number.
    #[param(inline)]
    envelope: Option<EnvelopeNumber>,
    /// Of one of these kinds, separated by commas. What takes events back (`retracted`) always comes along.
    #[param(inline)]
    kinds: Option<Kinds>,
    /// What comes after this event. The header `Last-Event-ID`, which a browser sends when it connects again, comes
    /// first. From now on unless told.
    #[param(inline)]
    cursor: Option<Cursor>,
}

/// What happens, as it happens, as Server-Sent Events.
///
/// Each has its number as `id`, its kind as `event` and the JSON of `/v1/events` as `data`. A client that goes away and
/// comes back with `Last-Event-ID` misses nothing. One that is too slow is cut off, and comes back in the same way.
#[utoipa::path(get, path = "/v1/events/stream", tag = "Events",
    params(Filter, ("Last-Event-ID" = inline(Option<Cursor>), Header, description = "The last event that was seen.")),
    responses((status = 200, description = "Events without end.", content_type = "text/event-stream", body = String),
              FollowFailure))]
pub async fn stream_events(
    State(state): State<AppState>,
    caller: Caller,
    Params(filter): Params<Filter>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let cursor = last_seen(&headers)?.or(filter.cursor.map(|cursor| cursor.0));
    let of = of(filter.treasury, filter.envelope, filter.kinds);
    let following = Following::begin(&state, caller, of, cursor).await?;
    let keep_alive = KeepAlive::new().interval(KEEP_ALIVE);
    let mut response = Sse::new(stream::events(following)).keep_alive(keep_alive).into_response();
    // Proxies that collect answers would keep events back.
    let unbuffered = HeaderName::from_static("x-accel-buffering");
    response.headers_mut().insert(unbuffered, HeaderValue::from_static("no"));
    Ok(response)
}

fn last_seen(headers: &HeaderMap) -> Result<Option<u64>, ApiError> {
    let Some(value) = headers.get(LAST_EVENT_ID) else { return Ok(None) };
    let number = value.to_str().ok().and_then(|text| text.parse().ok());
    let got = String::from_utf8_lossy(value.as_bytes());
    number
        .map(Some)
        .ok_or_else(|| ApiError::invalid_parameter("Last-Event-ID", "the number of an event", got))
}
