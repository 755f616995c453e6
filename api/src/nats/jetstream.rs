//! What JetStream is asked, and what it answers: requests and JSON, as NATS documents them.
//!
//! NATS's client has this as well, behind a feature that rebuilds half of what is below us and lets a test's clock into
//! the service; it takes four questions.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::Settings;

/// The header that a message is known again by.
pub(super) const MESSAGE_ID: &str = "Nats-Msg-Id";
/// For how long the server knows a message again, where the stream is ours, in seconds.
const KNOWN_AGAIN: u64 = 600;
const NANOS: u64 = 1_000_000_000;

/// There is no such stream.
pub(super) const NO_STREAM: u64 = 10_059;
/// There is no such message.
pub(super) const NO_MESSAGE: u64 = 10_037;
/// There is no JetStream: for the account, or at all.
pub(super) const NO_JETSTREAM: [u64; 2] = [10_039, 10_076];

/// Why JetStream does not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    /// It says why.
    Refused {
        /// Its number for that.
        code: u64,
        /// Its words.
        why: String,
    },
    /// It answers something else.
    Unread(String),
}

/// What a stream is for.
#[derive(Debug, Deserialize)]
pub(super) struct Info {
    pub(super) config: Taken,
}

#[derive(Debug, Deserialize)]
pub(super) struct Taken {
    #[serde(default)]
    pub(super) subjects: Vec<String>,
}

/// That a stream keeps a message, or that it came before.
#[derive(Debug, Deserialize)]
pub(super) struct Kept {
    pub(super) stream: String,
    /// It came before, as far as the server remembers: whether it is there is not said.
    #[serde(default)]
    pub(super) duplicate: bool,
}

/// A message of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Message {
    /// What it is known again by; empty where it has no such header.
    pub(super) id: String,
    pub(super) body: Vec<u8>,
}

/// What an answer holds.
pub(super) fn read<T: DeserializeOwned>(answer: &[u8]) -> Result<T, Answer> {
    let unread = |error: serde_json::Error| Answer::Unread(error.to_string());
    let value: Value = serde_json::from_slice(answer).map_err(unread)?;
    if let Some(error) = value.get("error") {
        let why = error["description"].as_str().unwrap_or("no reason given").to_owned();
        return Err(Answer::Refused { code: error["err_code"].as_u64().unwrap_or_default(), why });
    }
    serde_json::from_value(value).map_err(unread)
}

/// A message, out of the answer to [`newest`].
pub(super) fn message(answer: &[u8]) -> Result<Message, Answer> {
    #[derive(Deserialize)]
    struct Found {
        message: Raw,
    }
    #[derive(Deserialize)]
    struct Raw {
        #[serde(default)]
        hdrs: String,
        #[serde(default)]
        data: String,
    }
    let Found { message } = read(answer)?;
    let bytes = |text: &str| STANDARD.decode(text).map_err(|error| Answer::Unread(error.to_string()));
    let headers = bytes(&message.hdrs)?;
    let headers = String::from_utf8_lossy(&headers);
    let id = headers.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case(MESSAGE_ID).then(|| value.trim().to_owned())
    });
    Ok(Message { id: id.unwrap_or_default(), body: bytes(&message.data)? })
}

/// Asks what a stream is for.
pub(super) fn info(stream: &str) -> (String, Value) {
    (format!("$JS.API.STREAM.INFO.{stream}"), Value::Null)
}

/// Asks for the newest message under some subjects.
pub(super) fn newest(stream: &str, subjects: &str) -> (String, Value) {
    (format!("$JS.API.STREAM.MSG.GET.{stream}"), json!({ "last_by_subj": subjects }))
}

/// Has the stream made as we make it, of all chains below our prefix: whatever else somebody wants of it they make themselves.
pub(super) fn create(settings: &Settings) -> (String, Value) {
    let age = settings.max_age();
    let known_again = if age == 0 { KNOWN_AGAIN } else { KNOWN_AGAIN.min(age) };
    let bytes = match settings.max_bytes {
        // As the server spells no bound.
        0 => json!(-1),
        bytes => json!(bytes),
    };
    let config = json!({
        "name": settings.stream,
        "subjects": [format!("{}.>", settings.subject_prefix)],
        "retention": "limits",
        "storage": "file",
        "discard": "old",
        "max_age": age.saturating_mul(NANOS),
        "max_bytes": bytes,
        "num_replicas": 1,
        "duplicate_window": known_again.saturating_mul(NANOS),
    });
    (format!("$JS.API.STREAM.CREATE.{}", settings.stream), config)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_or_told_as_they_are() {
        let info: Result<Info, Answer> = read(br#"{"config":{"name":"a","subjects":["a.>"]},"state":{}}"#);
        assert_eq!(info.map(|info| info.config.subjects), Ok(vec!["a.>".to_owned()]));
        let none = br#"{"error":{"code":404,"err_code":10059,"description":"stream not found"},"total":0}"#;
        let refused = Answer::Refused { code: NO_STREAM, why: "stream not found".into() };
        assert_eq!(read::<Info>(none).map(|_| ()), Err(refused));
        for odd in ["", "{}", "[]", "{\"config\":7}", "-ERR"] {
            assert!(matches!(read::<Info>(odd.as_bytes()), Err(Answer::Unread(_))), "{odd}");
        }
        for (answer, duplicate) in
            [(r#"{"stream":"a","seq":4,"duplicate":true}"#, true), (r#"{"stream":"a","seq":4}"#, false)]
        {
            let kept = read::<Kept>(answer.as_bytes()).map(|it| (it.stream, it.duplicate));
            assert_eq!(kept, Ok(("a".into(), duplicate)));
        }
    }

    #[test]
    fn a_message_has_its_id_and_its_body() {
        let told = |headers: &str, body: &str| {
            let [hdrs, data] = [headers, body].map(|text| STANDARD.encode(text));
            message(json!({ "message": { "hdrs": hdrs, "data": data } }).to_string().as_bytes())
        };
        let of = |id: &str| Ok(Message { id: id.into(), body: b"{}".to_vec() });
        assert_eq!(told("NATS/1.0\r\nNats-Msg-Id: ab-7\r\nX: y\r\n\r\n", "{}"), of("ab-7"));
        assert_eq!(told("NATS/1.0\r\nX: Nats-Msg-Id\r\nnats-msg-id:ab-8\r\n\r\n", "{}"), of("ab-8"));
        assert_eq!(told("", "{}"), of(""));
        assert!(matches!(message(br#"{"message":{"data":"?"}}"#), Err(Answer::Unread(_))));
    }
}
