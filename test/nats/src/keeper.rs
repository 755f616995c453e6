//! What a server keeps, as its own API tells.

use anyhow::{Context as _, Result, bail};
use async_nats::{Client, ConnectOptions, HeaderMap, Request};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use crate::Server;

/// Asks a server's JetStream.
#[derive(Debug)]
pub struct Keeper(Client);

/// A message that a stream keeps.
#[derive(Debug, Clone)]
pub struct Kept {
    /// Its subject.
    pub subject: String,
    /// Its `Nats-Msg-Id`.
    pub id: String,
    /// What it says.
    pub body: Value,
}

impl Keeper {
    /// Asks this server.
    ///
    /// # Errors
    /// When it lets nobody in.
    pub async fn of(server: &Server) -> Result<Self> {
        Ok(Self(async_nats::connect(server.url()).await?))
    }

    /// Asks this server, as a user with a password.
    ///
    /// # Errors
    /// When it does not let them in.
    pub async fn by(server: &Server, user: &str, password: &str) -> Result<Self> {
        let options = ConnectOptions::with_user_and_password(user.to_owned(), password.to_owned());
        Ok(Self(options.connect(server.url()).await?))
    }

    /// What it answers to a request below `$JS.API.`.
    ///
    /// # Errors
    /// When it refuses that.
    pub async fn api(&self, asked: &str, body: Value) -> Result<Value> {
        let body = if body.is_null() { Vec::new() } else { serde_json::to_vec(&body)? };
        let answer = self.0.request(format!("$JS.API.{asked}"), body.into()).await?;
        let answer: Value = serde_json::from_slice(&answer.payload)?;
        if let Some(error) = answer.get("error") {
            bail!("{asked}: {error}");
        }
        Ok(answer)
    }

    /// Makes a stream with these settings beside what it has to have.
    ///
    /// # Errors
    /// When the server does not.
    pub async fn make(&self, name: &str, subject: &str, more: Value) -> Result<()> {
        let mut config = json!({
            "name": name, "subjects": [subject], "retention": "limits", "storage": "file", "discard": "old",
            "num_replicas": 1,
        });
        for (key, value) in more.as_object().into_iter().flatten() {
            config[key] = value.clone();
        }
        self.api(&format!("STREAM.CREATE.{name}"), config).await.map(|_| ())
    }

    /// Publishes a message with that id; what the server says to it.
    ///
    /// # Errors
    /// When it says nothing.
    pub async fn publish(&self, message: &Kept) -> Result<Value> {
        let mut headers = HeaderMap::new();
        headers.insert("Nats-Msg-Id", message.id.as_str());
        let body = serde_json::to_vec(&message.body)?;
        let request = Request::new().headers(headers).payload(body.into());
        let answer = self.0.send_request(message.subject.clone(), request).await?;
        Ok(serde_json::from_slice(&answer.payload)?)
    }

    /// How many messages a stream keeps.
    ///
    /// # Errors
    /// When there is no such stream.
    pub async fn count(&self, stream: &str) -> Result<u64> {
        let info = self.api(&format!("STREAM.INFO.{stream}"), Value::Null).await?;
        info["state"]["messages"].as_u64().context("how many messages there are")
    }

    /// What a stream keeps, in order.
    ///
    /// # Errors
    /// When there is no such stream.
    pub async fn kept(&self, stream: &str) -> Result<Vec<Kept>> {
        let info = self.api(&format!("STREAM.INFO.{stream}"), Value::Null).await?;
        let number = |key: &str| info["state"][key].as_u64().unwrap_or_default();
        let mut kept = Vec::new();
        for seq in number("first_seq").max(1)..=number("last_seq") {
            let found = self.api(&format!("STREAM.MSG.GET.{stream}"), json!({ "seq": seq })).await?;
            let text = |key: &str| found["message"][key].as_str().unwrap_or_default();
            let headers = String::from_utf8(STANDARD.decode(text("hdrs"))?)?;
            let id = headers.lines().find_map(|line| line.strip_prefix("Nats-Msg-Id: "));
            kept.push(Kept {
                subject: text("subject").to_owned(),
                id: id.unwrap_or_default().to_owned(),
                body: serde_json::from_slice(&STANDARD.decode(text("data"))?)?,
            });
        }
        Ok(kept)
    }
}
