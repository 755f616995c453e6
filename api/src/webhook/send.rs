//! One message to one endpoint.

use std::{error::Error as _, time::Duration};

use bursar_indexer::store::{Secret, Webhook, Wish};
use reqwest::{
    Client, StatusCode,
    header::{CONTENT_TYPE, RETRY_AFTER},
    redirect,
};
use serde::Serialize;

use super::{
    Config,
    sign::signature,
    target::{Resolver, TargetError, check},
};
use crate::model::event::Event;

/// Why a message did not arrive, as far as we know. Says nothing of the endpoint's address, or of its answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The address is one that nothing is delivered to.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// No answer in time.
    #[error("no answer within {0:?}")]
    Slow(Duration),
    /// No connection, or none that answers in HTTP.
    #[error("not reachable")]
    Unreachable,
    /// It does not want to be told any more.
    #[error("the endpoint says that it is gone (status 410)")]
    Gone,
    /// It answered something else than a success. Redirects are not followed.
    #[error("expected a status of 200 to 299, got {status}")]
    Status {
        /// What it said.
        status: u16,
        /// When it wants to be asked again.
        retry_after: Option<Duration>,
    },
    /// The message could not be written.
    #[error("the message cannot be written")]
    Unwritable,
}

/// What is sent.
#[derive(Debug)]
pub struct Message {
    id: String,
    body: String,
}

/// The body, as Standard Webhooks shapes it.
#[derive(Serialize)]
struct Payload<'a, T> {
    r#type: &'a str,
    timestamp: String,
    data: T,
}

impl Message {
    /// An event for a webhook: the same message, with the same id, however often it is sent.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn of(webhook: &Webhook, event: &Event) -> Result<Self, Failure> {
        Self::new(format!("{}_{}", webhook.id, event.seq), event.kind, event.at, event)
    }

    /// A message that tells of nothing. `at` is in unix seconds.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn test(webhook: &Webhook, at: u64) -> Result<Self, Failure> {
        Self::new(format!("{}_test_{at}", webhook.id), "webhook.test", at, serde_json::json!({}))
    }

    fn new(id: String, r#type: &str, at: u64, data: impl Serialize) -> Result<Self, Failure> {
        let second = i64::try_from(at).map_err(|_| Failure::Unwritable)?;
        let timestamp = jiff::Timestamp::from_second(second).map_err(|_| Failure::Unwritable)?.to_string();
        let body = serde_json::to_string(&Payload { r#type, timestamp, data });
        Ok(Self { id, body: body.map_err(|_| Failure::Unwritable)? })
    }
}

/// Delivers messages. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Sender {
    public: Client,
    private: Client,
    timeout: Duration,
}

impl Sender {
    /// A sender that waits so long for answers.
    ///
    /// # Errors
    /// When the machine's trusted roots cannot be read.
    pub fn new(config: &Config) -> Result<Self, reqwest::Error> {
        let client = |private| {
            Client::builder()
                .user_agent(concat!("bursar/", env!("CARGO_PKG_VERSION")))
                .redirect(redirect::Policy::none())
                // A proxy would resolve names itself.
                .no_proxy()
                .dns_resolver(Resolver { private })
                .timeout(config.timeout)
                .build()
        };
        Ok(Self { public: client(false)?, private: client(true)?, timeout: config.timeout })
    }

    /// Delivers a message, signed at `now` (unix seconds).
    ///
    /// # Errors
    /// When the endpoint does not answer that it has it.
    pub async fn send(
        &self,
        wish: &Wish,
        secret: &Secret,
        message: &Message,
        now: u64,
    ) -> Result<(), Failure> {
        check(&wish.url, wish.private)?;
        let client = if wish.private { &self.private } else { &self.public };
        let sent = client
            .post(wish.url.clone())
            .header(CONTENT_TYPE, "application/json")
            .header("webhook-id", &message.id)
            .header("webhook-timestamp", now)
            .header("webhook-signature", signature(secret, &message.id, now, &message.body))
            .body(message.body.clone())
            .send()
            .await;
        let answer = sent.map_err(|error| self.failure(&error))?;
        match answer.status() {
            status if status.is_success() => Ok(()),
            StatusCode::GONE => Err(Failure::Gone),
            status => {
                let after = answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
                let retry_after = after.and_then(|text| text.parse().ok()).map(Duration::from_secs);
                Err(Failure::Status { status: status.as_u16(), retry_after })
            }
        }
    }

    fn failure(&self, error: &reqwest::Error) -> Failure {
        if error.is_timeout() {
            return Failure::Slow(self.timeout);
        }
        let mut cause = error.source();
        while let Some(error) = cause {
            if let Some(target) = error.downcast_ref::<TargetError>() {
                return Failure::Target(*target);
            }
            cause = error.source();
        }
        Failure::Unreachable
    }
}
