//! A connection to the server, with the stream found or made. It is not mended: whoever lost one opens another.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_nats::{
    Client, ConnectError, ConnectErrorKind, Event, HeaderMap, Request, RequestErrorKind, ServerError,
};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::{
    Config, Settings, Trouble,
    jetstream::{
        Answer, Info, Kept, MESSAGE_ID, Message, NO_JETSTREAM, NO_MESSAGE, NO_STREAM, create, info, message,
        newest, read,
    },
    subject::{Subjects, covers},
};

/// A connection, and the stream at its end.
#[derive(Debug)]
pub(super) struct Link {
    client: Client,
    stream: String,
    subjects: String,
    timeout: Duration,
    heard: Arc<Heard>,
}

/// What was heard of a connection, beside answers.
#[derive(Debug, Default)]
struct Heard {
    lost: CancellationToken,
    /// What the server complained of last.
    said: Mutex<Option<String>>,
}

impl Heard {
    fn hear(&self, event: &Event) {
        match event {
            Event::Disconnected | Event::Closed => self.lost.cancel(),
            Event::ServerError(ServerError::Other(said)) => {
                *self.said.lock().unwrap_or_else(PoisonError::into_inner) = Some(said.clone());
            }
            _ => {}
        }
    }

    fn said(&self) -> Option<String> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Why there is no answer of JetStream's.
enum Unanswered {
    Lost,
    Nobody,
    Slow,
    TooLarge,
    Other(String),
}

impl Link {
    /// Connects, and finds the stream or makes it.
    /// `cursor` is the last event that was published.
    pub(super) async fn open(config: &Config, subjects: &Subjects, cursor: u64) -> Result<Self, Trouble> {
        let Config { settings, credentials, timeout, .. } = config;
        let at = settings.url.to_string();
        let heard = Arc::new(Heard::default());
        let hears = Arc::clone(&heard);
        let client = credentials
            .options()
            .name("bursar")
            // Nobody on the way has a word in whether it is, nor in who else might be asked.
            .require_tls(settings.url.is_tls())
            .ignore_discovered_servers()
            .connection_timeout(*timeout)
            // It tries once more where it was lost, and is let go of.
            .max_reconnects(1_usize)
            .reconnect_delay_callback(|_| Duration::ZERO)
            .event_callback(move |event| {
                hears.hear(&event);
                std::future::ready(())
            })
            .connect(at.as_str())
            .await
            .map_err(|error| unconnected(&error, at))?;
        let (stream, subjects) = (settings.stream.clone(), subjects.all());
        let link = Self { client, stream, subjects, timeout: *timeout, heard };
        link.find(settings, cursor).await?;
        Ok(link)
    }

    /// Whether it is there still, as far as we know.
    pub(super) fn lives(&self) -> bool {
        !self.heard.lost.is_cancelled()
    }

    /// Sees to it that the stream is there and takes our subjects.
    async fn find(&self, settings: &Settings, cursor: u64) -> Result<(), Trouble> {
        let answer = self.api(info(&self.stream)).await?;
        let found: Info = match read(&answer) {
            Err(Answer::Refused { code: NO_STREAM, .. }) => {
                let made = self.api(create(settings)).await?;
                let made = read(&made).map_err(|answer| self.unmade(answer))?;
                if cursor == 0 {
                    tracing::info!(stream = self.stream, "made the stream that events are published to");
                } else {
                    tracing::warn!(
                        stream = self.stream,
                        after = cursor,
                        "made a stream without the events so far"
                    );
                }
                made
            }
            found => found.map_err(|answer| self.untold(answer))?,
        };
        let taken = found.config.subjects;
        if taken.iter().any(|taken| covers(taken, &self.subjects)) {
            return Ok(());
        }
        let got = if taken.is_empty() { "none".to_owned() } else { taken.join(", ") };
        Err(Trouble::OtherSubjects { stream: self.stream.clone(), wanted: self.subjects.clone(), got })
    }

    /// The newest message under our subjects.
    pub(super) async fn newest(&self) -> Result<Option<Message>, Trouble> {
        let answer = self.api(newest(&self.stream, &self.subjects)).await?;
        match message(&answer) {
            Ok(message) => Ok(Some(message)),
            Err(Answer::Refused { code: NO_MESSAGE, .. }) => Ok(None),
            Err(answer) => Err(self.untold(answer)),
        }
    }

    /// Publishes an event, and waits until the stream has it: one that has come before under this id is not kept twice.
    /// The server knows an id for a while, also where it has dropped the message: then it is not there, and comes later.
    pub(super) async fn publish(
        &self,
        seq: u64,
        subject: String,
        id: &str,
        body: Vec<u8>,
    ) -> Result<(), Trouble> {
        let size = body.len();
        let mut headers = HeaderMap::new();
        headers.insert(MESSAGE_ID, id);
        let answer = self.ask(subject, Request::new().headers(headers).payload(body.into())).await;
        let answer = answer.map_err(|why| match why {
            Unanswered::Lost => Trouble::Lost,
            Unanswered::Nobody => Trouble::NotKept { seq, why: "no stream takes its subject".into() },
            Unanswered::Slow => Trouble::NoAnswer { seq, within: self.timeout, said: self.heard.said() },
            Unanswered::TooLarge => {
                Trouble::TooLarge { seq, size, most: self.client.server_info().max_payload }
            }
            Unanswered::Other(why) => Trouble::NotKept { seq, why },
        })?;
        match read::<Kept>(&answer) {
            Ok(kept) if kept.stream == self.stream && kept.duplicate => {
                let newest = self.newest().await?;
                if newest.is_some_and(|newest| newest.id == id) {
                    return Ok(());
                }
                let why = "the server knows its id and has it no longer: it takes it again when it has forgotten the \
                           id (duplicate_window)";
                Err(Trouble::NotKept { seq, why: why.into() })
            }
            Ok(kept) if kept.stream == self.stream => Ok(()),
            Ok(kept) => {
                Err(Trouble::NotKept { seq, why: format!("it is kept in the stream {}", kept.stream) })
            }
            Err(Answer::Refused { why, .. } | Answer::Unread(why)) => Err(Trouble::NotKept { seq, why }),
        }
    }

    /// Asks JetStream itself.
    async fn api(&self, (subject, asked): (String, Value)) -> Result<Vec<u8>, Trouble> {
        let asked = if asked.is_null() { Vec::new() } else { asked.to_string().into_bytes() };
        let answer = self.ask(subject, Request::new().payload(asked.into())).await;
        answer.map_err(|why| match why {
            Unanswered::Lost => Trouble::Lost,
            Unanswered::Nobody => Trouble::NoJetStream,
            Unanswered::Slow => {
                let said = self.heard.said().map(|said| format!(": {said}")).unwrap_or_default();
                let why = format!("no answer within {:?}{said}", self.timeout);
                Trouble::Untold { stream: self.stream.clone(), why }
            }
            Unanswered::TooLarge => {
                Trouble::Untold { stream: self.stream.clone(), why: "the question is too long".into() }
            }
            Unanswered::Other(why) => Trouble::Untold { stream: self.stream.clone(), why },
        })
    }

    async fn ask(&self, subject: String, request: Request) -> Result<Vec<u8>, Unanswered> {
        let asking = self.client.send_request(subject, request.timeout(Some(self.timeout)));
        let answered = tokio::select! {
            answered = asking => answered,
            () = self.heard.lost.cancelled() => return Err(Unanswered::Lost),
        };
        answered.map(|answer| answer.payload.into()).map_err(|error| match error.kind() {
            RequestErrorKind::NoResponders => Unanswered::Nobody,
            RequestErrorKind::TimedOut => Unanswered::Slow,
            RequestErrorKind::MaxPayloadExceeded => Unanswered::TooLarge,
            _ => Unanswered::Other(error.to_string()),
        })
    }

    fn untold(&self, answer: Answer) -> Trouble {
        match answer {
            Answer::Refused { code, .. } if NO_JETSTREAM.contains(&code) => Trouble::NoJetStream,
            Answer::Refused { why, .. } | Answer::Unread(why) => {
                Trouble::Untold { stream: self.stream.clone(), why }
            }
        }
    }

    fn unmade(&self, answer: Answer) -> Trouble {
        match answer {
            Answer::Refused { code, .. } if NO_JETSTREAM.contains(&code) => Trouble::NoJetStream,
            Answer::Refused { why, .. } | Answer::Unread(why) => {
                Trouble::Unmade { stream: self.stream.clone(), wanted: self.subjects.clone(), why }
            }
        }
    }
}

fn unconnected(error: &ConnectError, at: String) -> Trouble {
    match error.kind() {
        ConnectErrorKind::Authentication | ConnectErrorKind::AuthorizationViolation => {
            Trouble::Refused { at }
        }
        _ => Trouble::Unreachable { at, why: error.to_string() },
    }
}
