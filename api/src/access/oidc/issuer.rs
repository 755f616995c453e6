use alloy::primitives::B256;
use axum::http::StatusCode;
use jsonwebtoken::Header;
use sha2::{Digest as _, Sha256};

use url::Url;

use super::{
    NotSignedIn, Settings, SettingsError,
    client::Client,
    endpoints::{Endpoints, Kept},
    flow::Flow,
    keyring::{Keyring, NoKey},
    source::{Redeemed, Source, SourceError, word},
    terms::Terms,
    token,
};
use crate::{
    access::{Refused, Who, caller::Identified},
    error::ApiError,
};

/// Whose tokens are taken in place of keys.
#[derive(Debug)]
pub struct Issuer {
    terms: Terms,
    keyring: Keyring,
    source: Source,
    /// Where people sign in from the pages.
    client: Option<Client>,
    endpoints: Kept,
}

/// What the issuer answers somebody who was to sign in, as their browser brings it. No Debug: it may have a code.
pub(crate) struct Answered {
    pub(crate) state: String,
    pub(crate) code: Option<String>,
    pub(crate) issuer: Option<String>,
    pub(crate) error: Option<String>,
}

/// What reads as a token. It is nobody's until its signature holds.
pub(in crate::access) struct Token<'a> {
    text: &'a str,
    header: Header,
}

impl Token<'_> {
    /// What it is remembered by.
    pub(in crate::access) fn hash(&self) -> B256 {
        B256::new(Sha256::digest(self.text).into())
    }
}

impl Issuer {
    /// An issuer whose keys are asked for when the first token comes.
    ///
    /// # Errors
    /// When the settings do not hold together, or the machine's trusted roots cannot be read.
    pub fn new(settings: Settings) -> Result<Self, SettingsError> {
        let jwks = settings.jwks_url.clone();
        let terms = Terms::new(settings)?;
        let source = Source::new(&terms.issuer, jwks)?;
        let keyring = Keyring::new(source.clone());
        Ok(Self { terms, keyring, source, client: None, endpoints: Kept::default() })
    }

    /// The same with people signing in from the pages, where the settings say as which client. They find the pages below
    /// `base`; `secret` is the client's.
    ///
    /// # Errors
    /// When the issuer could send nobody back there safely.
    pub fn with_pages(mut self, base: &Url, secret: Option<String>) -> Result<Self, SettingsError> {
        let client = |told| Client::new(told, base, secret);
        self.client = self.terms.sign_in.as_ref().map(client).transpose()?;
        Ok(self)
    }

    /// What people call it, where they sign in from the pages.
    pub(crate) fn name(&self) -> Option<&str> {
        self.client.as_ref().map(|client| client.name.as_str())
    }

    /// Where somebody signs in; `now` is in unix seconds.
    ///
    /// # Errors
    /// When nobody does, or the issuer does not say where.
    pub(crate) async fn begin(&self, flow: &Flow, now: u64) -> Result<Url, ApiError> {
        let (client, endpoints) = self.door(now).await?;
        Ok(client.ask(&endpoints.authorization, flow))
    }

    /// The token that the issuer gives for its answer. It is held to be nobody's yet.
    ///
    /// # Errors
    /// When the answer is to something else, or it gives none.
    pub(crate) async fn finish(&self, flow: &Flow, answered: Answered, now: u64) -> Result<String, ApiError> {
        // First: what comes with another state was not asked for, whatever it says.
        if !flow.is_answered_by(&answered.state) {
            return Err(NotSignedIn::OtherAnswer.into());
        }
        if let Some(got) = answered.issuer.filter(|issuer| *issuer != self.terms.issuer) {
            return Err(NotSignedIn::OtherIssuer { expected: self.terms.issuer.clone(), got }.into());
        }
        if let Some(error) = answered.error {
            return Err(NotSignedIn::Declined { code: word(&error) }.into());
        }
        let code = answered.code.ok_or(NotSignedIn::Unread)?;
        let (client, endpoints) = self.door(now).await?;
        let asked = client.redeem(&code, flow, endpoints.basic);
        match self.source.redeem(&endpoints.token, asked).await {
            Ok(Redeemed { id_token }) => Ok(id_token.ok_or(NotSignedIn::NoToken)?),
            Err(SourceError::Refused { code }) if code == "invalid_grant" => Err(NotSignedIn::Code.into()),
            Err(error) => {
                tracing::warn!(error = ?error, "the issuer gives no token for its code");
                Err(away("the issuer signs nobody in now; try again, or ask the operator"))
            }
        }
    }

    async fn door(&self, now: u64) -> Result<(&Client, Endpoints), ApiError> {
        let client = self.client.as_ref().ok_or_else(ApiError::no_such_route)?;
        let endpoints = self.endpoints.of(&self.source, now).await;
        let endpoints =
            endpoints.ok_or_else(|| away("the issuer does not say where people sign in; try again"))?;
        Ok((client, endpoints))
    }

    /// Reads what may be a token.
    ///
    /// # Errors
    /// When it is none.
    pub(in crate::access) fn read<'a>(&self, text: &'a str) -> Result<Token<'a>, Refused> {
        Ok(Token { text, header: token::header(text)? })
    }

    /// Who holds a token, and what it is worth; `now` is in unix seconds.
    ///
    /// # Errors
    /// When the issuer did not make it for us, or nobody knows: it has not said what keys it has.
    pub(in crate::access) async fn identify(
        &self,
        token: &Token<'_>,
        now: u64,
    ) -> Result<Identified, ApiError> {
        let key = self.keyring.key(&token.header, now).await.map_err(|none| match none {
            NoKey::Wrong(wrong) => Refused::from(wrong).into(),
            NoKey::Away => {
                away("the issuer of tokens does not say what keys it has; try again, or send a key")
            }
        })?;
        let made = token::check(token.text, &token.header, &key, &self.terms, now)?;
        let worth = self.terms.grant(&made.claims);
        let grant = worth.as_ref().ok().copied();
        let taken = made.good.and(worth.map(|_| ())).map_err(Refused::from);
        let (who, until) = (Who::Subject(made.subject), Some(made.until));
        Ok(Identified { who, grant, until, nonce: made.nonce, taken })
    }
}

fn away(message: &str) -> ApiError {
    ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "issuer_away", message)
}
