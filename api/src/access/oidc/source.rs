//! Asking the issuer, for its keys and for what a code is worth: over TLS or on this machine, within a size and a time, and of nobody that it is sent on to.

use std::time::Duration;

use reqwest::{Client, Response, StatusCode, header, redirect};
use serde::{Deserialize, de::DeserializeOwned};
use url::Url;

use super::{client::Redemption, endpoints::Endpoints, jwks::Keys};
use crate::webhook::target::{self, TargetError};

/// Longest that one answer may take.
const PATIENCE: Duration = Duration::from_secs(3);
/// Largest answer that is read, in bytes: a few keys with their certificates.
const MOST: usize = 256 * 1024;
/// Where an issuer says where its keys are (OpenID Connect Discovery 1.0).
const DISCOVERY: &str = "/.well-known/openid-configuration";

/// Where an issuer's keys come from.
#[derive(Debug, Clone)]
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
    #[error("{what}, as the issuer has it")]
    Address { what: &'static str, source: TargetError },
    #[error(
        "expected the discovery of {expected}, got that of {got}: have access.oidc.issuer be what it says"
    )]
    OtherIssuer { expected: String, got: String },
    #[error("expected a key that signs at {url}, got none")]
    NoKeys { url: Url },
    #[error("the issuer does not take a code: {code}")]
    Refused { code: String },
}

/// What discovery says: whose it is, and what is looked for in it.
#[derive(Deserialize)]
struct Discovered<T> {
    issuer: String,
    #[serde(flatten)]
    said: T,
}

#[derive(Deserialize)]
struct WhereKeys {
    jwks_uri: Url,
}

#[derive(Deserialize)]
struct WherePeople {
    authorization_endpoint: Url,
    token_endpoint: Url,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
}

/// What a code is worth. No Debug: it is a token.
#[derive(Deserialize)]
pub(super) struct Redeemed {
    pub(super) id_token: Option<String>,
}

/// Why it is worth nothing (RFC 6749).
#[derive(Deserialize)]
struct Refusal {
    error: String,
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
            None => {
                let WhereKeys { jwks_uri } = self.discover().await?;
                checked("the address of its keys", &jwks_uri)?;
                jwks_uri
            }
        };
        let text = self.get(&url).await?;
        let keys = Keys::read(&text).map_err(|source| SourceError::Unread { url: url.clone(), source })?;
        if keys.is_empty() { Err(SourceError::NoKeys { url }) } else { Ok(keys) }
    }

    /// Where people sign in.
    ///
    /// # Errors
    /// When it does not say, or somewhere without TLS.
    pub(super) async fn endpoints(&self) -> Result<Endpoints, SourceError> {
        let said: WherePeople = self.discover().await?;
        let (authorization, token) = (said.authorization_endpoint, said.token_endpoint);
        checked("the address where people sign in", &authorization)?;
        checked("the address of its tokens", &token)?;
        let ways = said.token_endpoint_auth_methods_supported;
        let basic = ways.is_none_or(|ways| ways.iter().any(|way| way == "client_secret_basic"));
        Ok(Endpoints { authorization, token, basic })
    }

    /// What a code is worth.
    ///
    /// # Errors
    /// When nothing, or the issuer does not say.
    pub(super) async fn redeem(&self, url: &Url, asked: Redemption) -> Result<Redeemed, SourceError> {
        let mut request = self.http.post(url.clone()).header(header::ACCEPT, "application/json");
        if let Some((id, secret)) = asked.basic {
            request = request.basic_auth(id, Some(secret));
        }
        let request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        let answer = request.body(asked.form).send().await?;
        let status = answer.status();
        let text = bounded(answer, url).await?;
        if matches!(status, StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED) {
            let refusal = serde_json::from_slice(&text).map(|Refusal { error }| word(&error));
            return Err(SourceError::Refused { code: refusal.unwrap_or_else(|_| status.to_string()) });
        }
        if status != StatusCode::OK {
            return Err(SourceError::Status { url: url.clone(), got: status });
        }
        serde_json::from_slice(&text).map_err(|source| SourceError::Unread { url: url.clone(), source })
    }

    async fn discover<T: DeserializeOwned>(&self) -> Result<T, SourceError> {
        let url: Url = format!("{}{DISCOVERY}", self.issuer.trim_end_matches('/')).parse()?;
        let text = self.get(&url).await?;
        let found: Discovered<T> =
            serde_json::from_slice(&text).map_err(|source| SourceError::Unread { url, source })?;
        if found.issuer != self.issuer {
            let expected = self.issuer.clone();
            return Err(SourceError::OtherIssuer { expected, got: found.issuer.chars().take(200).collect() });
        }
        Ok(found.said)
    }

    async fn get(&self, url: &Url) -> Result<Vec<u8>, SourceError> {
        let answer = self.http.get(url.clone()).send().await?;
        if answer.status() != StatusCode::OK {
            return Err(SourceError::Status { url: url.clone(), got: answer.status() });
        }
        bounded(answer, url).await
    }
}

fn checked(what: &'static str, url: &Url) -> Result<(), SourceError> {
    target::check(url, true).map_err(|source| SourceError::Address { what, source })
}

async fn bounded(mut answer: Response, url: &Url) -> Result<Vec<u8>, SourceError> {
    let mut text = Vec::new();
    while let Some(chunk) = answer.chunk().await? {
        if text.len() + chunk.len() > MOST {
            return Err(SourceError::TooLarge { url: url.clone() });
        }
        text.extend_from_slice(&chunk);
    }
    Ok(text)
}

/// The issuer's word for what is wrong, as far as it is one: it is shown, and logged.
pub(super) fn word(text: &str) -> String {
    let fits = |it: &char| it.is_ascii_lowercase() || *it == '_';
    text.chars().take_while(fits).take(40).collect()
}
