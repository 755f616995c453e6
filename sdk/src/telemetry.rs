//! One payment across processes: the id that its spans share, as W3C Trace Context writes it (`traceparent`).
//!
//! Spans of payments are plain `tracing` spans under [`TARGET`]. What exports them is the process's own affair; without
//! the feature `telemetry` there is no OpenTelemetry here, and [`TraceParent::of`] knows of none.

use std::{fmt, str::FromStr};

use http::{HeaderMap, HeaderName};
use tracing::Span;

/// The target of every span that belongs into a trace: what filters take or leave them by. No log line goes there, so
/// nothing of an error's words ends up in a trace.
pub const TARGET: &str = "bursar::trace";

/// The header that carries a [`TraceParent`].
pub const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// Of version 00, which has no other length: `00-`, 32 digits, `-`, 16 digits, `-`, 2 digits.
const LENGTH: usize = 55;

/// The span that another one has for its parent, in this process or another. An id and no more: whoever sends one proves
/// nothing by it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceParent {
    trace: u128,
    span: u64,
    flags: u8,
}

/// What is no `traceparent` of version 00.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected a traceparent: 00-, 32 hex digits, 16 and 2, in small letters and not all zero; got {length} bytes"
)]
pub struct NoTraceParent {
    /// How long it was. What it was is not repeated: anybody may send anything.
    pub length: usize,
}

impl TraceParent {
    /// The one that a request names; `None` where it names none, several, or something else.
    pub fn of_headers(headers: &HeaderMap) -> Option<Self> {
        let mut given = headers.get_all(TRACEPARENT).iter();
        let (one, None) = (given.next()?, given.next()) else { return None };
        one.to_str().ok()?.parse().ok()
    }

    /// The span itself, for others to have as their parent; `None` where nobody exports it.
    #[cfg(feature = "telemetry")]
    pub fn of(span: &Span) -> Option<Self> {
        use opentelemetry::trace::TraceContextExt as _;
        use tracing_opentelemetry::OpenTelemetrySpanExt as _;

        let context = span.context();
        let told = context.span().span_context().clone();
        told.is_valid().then(|| Self {
            trace: u128::from_be_bytes(told.trace_id().to_bytes()),
            span: u64::from_be_bytes(told.span_id().to_bytes()),
            flags: told.trace_flags().to_u8(),
        })
    }

    /// The span itself, for others to have as their parent: `None`, since this is built without `telemetry`.
    #[cfg(not(feature = "telemetry"))]
    pub fn of(_: &Span) -> Option<Self> {
        None
    }

    /// Makes this the parent of a span that has just been made.
    #[cfg(feature = "telemetry")]
    pub fn adopt(self, span: &Span) {
        use tracing_opentelemetry::OpenTelemetrySpanExt as _;

        // Where nobody exports the span there is nothing to adopt.
        let _ = span.set_parent(self.context());
    }

    /// Makes this the parent of a span: does nothing, since this is built without `telemetry`.
    #[cfg(not(feature = "telemetry"))]
    pub fn adopt(self, _: &Span) {}

    /// As OpenTelemetry has it.
    #[cfg(feature = "telemetry")]
    pub fn context(self) -> opentelemetry::Context {
        use opentelemetry::{
            Context, TraceFlags,
            trace::{SpanContext, TraceContextExt as _, TraceState},
        };

        let flags = TraceFlags::new(self.flags);
        let remote =
            SpanContext::new(self.trace.into(), self.span.into(), flags, true, TraceState::default());
        Context::new().with_remote_span_context(remote)
    }
}

impl FromStr for TraceParent {
    type Err = NoTraceParent;

    fn from_str(text: &str) -> Result<Self, NoTraceParent> {
        read(text).ok_or(NoTraceParent { length: text.len() })
    }
}

fn read(text: &str) -> Option<TraceParent> {
    // Numbers are parsed from digits in small letters alone: no sign, no capitals.
    let digits = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    if text.len() != LENGTH || !text.bytes().all(|byte| byte == b'-' || digits(byte)) {
        return None;
    }
    let (trace, rest) = text.strip_prefix("00-")?.split_at_checked(32)?;
    let (span, flags) = rest.strip_prefix('-')?.split_at_checked(16)?;
    let parent = TraceParent {
        trace: u128::from_str_radix(trace, 16).ok()?,
        span: u64::from_str_radix(span, 16).ok()?,
        flags: u8::from_str_radix(flags.strip_prefix('-')?, 16).ok()?,
    };
    (parent.trace != 0 && parent.span != 0).then_some(parent)
}

impl fmt::Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{:032x}-{:016x}-{:02x}", self.trace, self.span, self.flags)
    }
}

impl fmt::Debug for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use http::HeaderValue;

    use super::*;

    const GOOD: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn what_is_read_is_written_the_same() {
        for good in [GOOD, &GOOD.replace("-01", "-00"), &GOOD.replace("-01", "-ff")] {
            assert_eq!(good.parse::<TraceParent>().map(|read| read.to_string()).as_deref(), Ok(good));
        }
    }

    #[test]
    fn nothing_else_is_read() {
        let bad = [
            String::new(),
            GOOD[..54].into(),
            format!("{GOOD}0"),
            format!("{GOOD}-what-comes"),
            GOOD.replacen("00-", "01-", 1),
            GOOD.replacen("00-", "ff-", 1),
            GOOD.to_uppercase(),
            GOOD.replace("0af7", "+af7"),
            GOOD.replace("0af7", "0xf7"),
            GOOD.replace('-', "_"),
            GOOD.replace("9c-b7", "9cb-7"),
            GOOD.replace("0af7651916cd43dd8448eb211c80319c", &"0".repeat(32)),
            GOOD.replace("b7ad6b7169203331", &"0".repeat(16)),
            GOOD.replace("0af7", "ä·"),
            "-".repeat(LENGTH),
        ];
        for bad in bad {
            assert_eq!(bad.parse::<TraceParent>(), Err(NoTraceParent { length: bad.len() }), "{bad}");
        }
    }

    #[test]
    fn a_request_names_one_or_none() {
        let mut headers = HeaderMap::new();
        assert_eq!(TraceParent::of_headers(&headers), None);
        headers.append(TRACEPARENT, HeaderValue::from_static(GOOD));
        assert_eq!(TraceParent::of_headers(&headers), GOOD.parse().ok());
        headers.append(TRACEPARENT, HeaderValue::from_static(GOOD));
        assert_eq!(TraceParent::of_headers(&headers), None);
        headers.insert(TRACEPARENT, HeaderValue::from_bytes(b"00-\xff").unwrap());
        assert_eq!(TraceParent::of_headers(&headers), None);
    }

    #[test]
    fn a_span_that_nobody_exports_is_no_parent() {
        assert_eq!(TraceParent::of(&Span::none()), None);
        assert_eq!(TraceParent::of(&tracing::info_span!(target: TARGET, "payment")), None);
    }
}
