use alloy::primitives::B256;
use axum::http::StatusCode;
use jsonwebtoken::Header;
use sha2::{Digest as _, Sha256};

use super::{
    Settings, SettingsError,
    keyring::{Keyring, NoKey},
    source::Source,
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
        let keyring = Keyring::new(Source::new(&terms.issuer, jwks)?);
        Ok(Self { terms, keyring })
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
                let message = "the issuer of tokens does not say what keys it has; try again, or send a key";
                ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "issuer_away", message)
            }
        })?;
        let made = token::check(token.text, &token.header, &key, &self.terms, now)?;
        let worth = self.terms.grant(&made.claims);
        let grant = worth.as_ref().ok().copied();
        let taken = made.good.and(worth.map(|_| ())).map_err(Refused::from);
        Ok(Identified { who: Who::Subject(made.subject), grant, until: Some(made.until), taken })
    }
}
