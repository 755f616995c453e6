//! Asking the issuer for its keys: over TLS or on this machine, within a size and a time, and of nobody that it is sent on to.

use std::time::Duration;

use reqwest::{Client, StatusCode, redirect};
use serde::Deserialize;
use url::Url;

use super::jwks::Keys;
use crate::webhook::target::{self, TargetError};

/// Longest that one answer may take.
const PATIENCE: Duration = Duration::from_secs(3);
/// Largest answer that is read, in bytes: a few keys with their certificates.
const MOST: usize = 256 * 1024;
/// Where an issuer says where its keys are (OpenID Connect Discovery 1.0).
const DISCOVERY: &str = "/.well-known/openid-configuration";

/// Where an issuer's keys come from.
#[derive(Debug)]
pub(super) struct Source {
    http: Client,
    issuer: String,
    /// `None`: its discovery says.
    jwks: Option<Url>,
}

/// Why there are no keys.
#[derive(Debug, thiserror::Error)]
pub(super) enum SourceError {
    #[error("the issuer does not answer")]
    Away(#[from] reqwest::Error),
    #[error("expected the status 200 of {url}, got {got}")]
    Status { url: Url, got: StatusCode },
    #[error("expected at most {MOST} bytes of {url}, there are more")]
    TooLarge { url: Url },
    #[error("what {url} answers does not read")]
    Unread { url: Url, source: serde_json::Error },
    #[error("no address of the issuer's reads")]
    NoAddress(#[from] url::ParseError),
    #[error("the address of its keys, as the issuer has it")]
    Address(#[from] TargetError),
    #[error(
        "expected the discovery of {expected}, got that of {got}: have access.oidc.issuer be what it says"
    )]
    OtherIssuer { expected: String, got: String },
    #[error("expected a key that signs at {url}, got none")]
    NoKeys { url: Url },
}

/// What discovery says, as far as it matters here.
#[derive(Deserialize)]
struct Discovered {
    issuer: String,
    jwks_uri: Url,
}

impl Source {
    /// Keys of an issuer, found at an address or by its discovery.
    ///
    /// # Errors
    /// When the machine's trusted roots cannot be read.
    pub(super) fn new(issuer: &str, jwks: Option<Url>) -> Result<Self, reqwest::Error> {
        let http = Client::builder()
            .user_agent(concat!("bursar/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .timeout(PATIENCE)
            .build()?;
        Ok(Self { http, issuer: issuer.to_owned(), jwks })
    }

    /// The keys that it has now.
    ///
    /// # Errors
    /// When it does not say.
    pub(super) async fn keys(&self) -> Result<Keys, SourceError> {
        let url = match &self.jwks {
            Some(url) => url.clone(),
            None => self.discover().await?,
        };
        let text = self.get(&url).await?;
        let keys = Keys::read(&text).map_err(|source| SourceError::Unread { url: url.clone(), source })?;
        if keys.is_empty() { Err(SourceError::NoKeys { url }) } else { Ok(keys) }
    }

    async fn discover(&self) -> Result<Url, SourceError> {
        let url: Url = format!("{}{DISCOVERY}", self.issuer.trim_end_matches('/')).parse()?;
        let text = self.get(&url).await?;
        let said: Discovered =
            serde_json::from_slice(&text).map_err(|source| SourceError::Unread { url, source })?;
        if said.issuer != self.issuer {
            let expected = self.issuer.clone();
            return Err(SourceError::OtherIssuer { expected, got: said.issuer.chars().take(200).collect() });
        }
        target::check(&said.jwks_uri, true)?;
        Ok(said.jwks_uri)
    }

    async fn get(&self, url: &Url) -> Result<Vec<u8>, SourceError> {
        let mut answer = self.http.get(url.clone()).send().await?;
        if answer.status() != StatusCode::OK {
            return Err(SourceError::Status { url: url.clone(), got: answer.status() });
        }
        let mut text = Vec::new();
        while let Some(chunk) = answer.chunk().await? {
            if text.len() + chunk.len() > MOST {
                return Err(SourceError::TooLarge { url: url.clone() });
            }
            text.extend_from_slice(&chunk);
        }
        Ok(text)
    }
}
