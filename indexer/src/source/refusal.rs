//! What a provider says in place of an answer: its words first, whatever the HTTP status that they come with.

use std::time::Duration;

use alloy::transports::{RpcError, TransportError, TransportErrorKind};
use serde_json::Value;

use super::{Limit, Nonsense, SourceError, classify};

/// A body that is longer is no error, and is not looked into.
const LONGEST: usize = 64 << 10;

/// Why there is no answer.
pub(super) fn translate(error: TransportError) -> SourceError {
    match error {
        RpcError::ErrorResp(payload) => {
            told(payload.code, &payload.message, payload.data.as_ref().map_or("", |data| data.get()))
        }
        RpcError::Transport(TransportErrorKind::MissingBatchResponse(_)) => {
            SourceError::NoBatches("a question of several has no answer".into())
        }
        RpcError::Transport(kind) => match kind.as_http_error() {
            Some(http) => refused(http.status, &http.body, kind.retry_after()),
            // The message may hold the endpoint's address, and with it a key: only its kind is told.
            None => SourceError::Unavailable("no connection".into()),
        },
        RpcError::DeserError { text, .. } => match said(&text) {
            Some((code, message, data)) => told(code.unwrap_or_default(), &message, &data),
            None => Nonsense::Unreadable.into(),
        },
        RpcError::NullResp => Nonsense::Unreadable.into(),
        error => SourceError::Other(error.to_string().chars().take(300).collect()),
    }
}

/// What a body says that came with such a status; what the status says where that is nothing.
fn refused(status: u16, body: &str, retry_after: Option<Duration>) -> SourceError {
    let code = i64::from(status);
    let error = match said(body) {
        Some((own, message, data)) => told(own.unwrap_or(code), &message, &data),
        // A page is for people: words in it mean nothing.
        None if body.trim_start().starts_with('<') => classify(code, ""),
        None => classify(code, body),
    };
    match (error, status) {
        (SourceError::RateLimited { said, .. }, _) => SourceError::RateLimited { said, after: retry_after },
        (SourceError::Other(said), 429) => SourceError::RateLimited { said, after: retry_after },
        (SourceError::Other(_), 413) => {
            SourceError::TooManyResults(Limit::from("HTTP status 413".to_owned()))
        }
        (SourceError::Other(_), 500..) => SourceError::Unavailable(format!("HTTP status {status}")),
        (error, _) => error,
    }
}

/// What an error means. Some put into its data what others put into its message.
fn told(code: i64, message: &str, data: &str) -> SourceError {
    match classify(code, message) {
        SourceError::Other(_) if !data.is_empty() => classify(code, &format!("{message}: {data}")),
        error => error,
    }
}

/// Code, message and data of the error that a body is, or of the first one in it: as JSON-RPC has it, in a batch, or bare.
fn said(body: &str) -> Option<(Option<i64>, String, String)> {
    if body.len() > LONGEST {
        return None;
    }
    let body: Value = serde_json::from_str(body).ok()?;
    let answer = match body.as_array() {
        Some(all) => all.iter().find(|one| one.get("error").is_some())?,
        None => &body,
    };
    let error = answer.get("error").unwrap_or(answer);
    let message = error.as_str().or_else(|| error.get("message")?.as_str())?;
    let data = error.get("data").map(Value::to_string).unwrap_or_default();
    Some((error.get("code").and_then(Value::as_i64), message.to_owned(), data))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn http(status: u16, body: &str) -> SourceError {
        translate(TransportErrorKind::http_error(status, body.to_owned()))
    }

    #[test]
    fn the_words_count_whatever_the_status() {
        let too_large = r#"{"code": -32020, "message": "backend response too large"}"#;
        let bodies = [
            format!(r#"{{"jsonrpc": "2.0", "id": 1, "error": {too_large}}}"#),
            format!(r#"[{{"jsonrpc": "2.0", "id": 1, "result": "0x1"}}, {{"id": 2, "error": {too_large}}}]"#),
            too_large.to_owned(),
            r#"{"error": "backend response too large"}"#.to_owned(),
            "backend response too large".to_owned(),
        ];
        for (status, body) in
            [400, 413, 429, 500, 503].iter().flat_map(|s| bodies.iter().map(move |b| (*s, b)))
        {
            assert_eq!(http(status, body).code(), "too_many_results", "{status}: {body}");
        }
        let range = r#"{"id": null, "error": {"code": -32614, "message": "eth_getLogs is limited to a 2,000 range"}}"#;
        for status in [400, 413, 500] {
            let error = http(status, range);
            let fits = error.asks_for_less().and_then(|limit| limit.fits);
            assert_eq!((error.code(), fits), ("range_too_wide", Some(2_000)), "{status}");
        }
    }

    #[test]
    fn the_status_counts_where_the_body_says_nothing() {
        let internal = r#"{"error": {"code": -32603, "message": "internal error"}}"#;
        let page = "<html><body>Too Many Requests: the block range is too wide</body></html>";
        let long = format!(r#"{{"message": "block range too wide {}"}}"#, "x".repeat(LONGEST));
        for (status, expected) in [
            (400, "refused"),
            (405, "refused"),
            (413, "too_many_results"),
            (429, "rate_limited"),
            (500, "unavailable"),
            (504, "unavailable"),
        ] {
            for body in ["", internal, page] {
                assert_eq!(http(status, body).code(), expected, "{status}: {body}");
            }
        }
        assert_eq!(said(&long), None, "that is no error");
    }

    #[test]
    fn the_data_counts_where_the_message_says_nothing() {
        let body = r#"{"error": {"code": -32602, "message": "invalid params",
            "data": {"payload": "range 9009594 is bigger than range limit 2000"}}}"#;
        let fits = http(400, body).asks_for_less().and_then(|limit| limit.fits);
        assert_eq!(fits, Some(2_000));
    }

    #[test]
    fn a_limited_rate_says_for_how_long() {
        let after = Some(Duration::from_secs(7));
        let error = translate(TransportErrorKind::http_error_with_retry_after(429, String::new(), after));
        assert_eq!(error.asks_for_a_pause(), after);
        assert_eq!(http(429, "").asks_for_a_pause(), None);
        let down = translate(TransportErrorKind::http_error_with_retry_after(503, String::new(), after));
        assert_eq!(down.code(), "unavailable");
    }

    #[test]
    fn an_error_that_is_no_answer_of_json_rpc_is_read_all_the_same() {
        let error = |text: &str| {
            let parsed = serde_json::from_str::<Vec<u8>>(text).err();
            parsed.map(|error| translate(RpcError::deser_err(error, text)).code())
        };
        assert_eq!(error(r#"{"code": -32005, "message": "limit exceeded"}"#), Some("rate_limited"));
        assert_eq!(error(r#"{"result": "cut sh"#), Some("unreadable"));
    }
}
