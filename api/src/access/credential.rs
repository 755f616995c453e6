use super::{
    Peer, Refused, Tried, Who,
    caller::Identified,
    key::{self, Key},
    oidc::{Issuer, Token},
};
use crate::{AppState, error::ApiError};

/// What somebody came with. It is nobody's until it is known whose.
pub(super) enum Credential<'a> {
    Key(Key),
    Token(Box<Token<'a>>, &'a Issuer),
}

impl<'a> Credential<'a> {
    /// Reads a key, or a token where an issuer's are taken.
    ///
    /// # Errors
    /// When it is neither.
    pub(super) fn read(state: &'a AppState, text: &'a str) -> Result<Self, Refused> {
        match (text.parse(), &state.config.issuer) {
            (Ok(key), _) => Ok(Self::Key(key)),
            (Err(_), Some(issuer)) => Ok(Self::Token(Box::new(issuer.read(text)?), issuer)),
            (Err(_), None) => Err(Refused::Malformed),
        }
    }

    /// The same, where it may be looked up whose it is.
    ///
    /// # Errors
    /// When it is neither, or too many from there were nobody's.
    pub(super) fn tried(state: &'a AppState, text: &'a str, from: Peer) -> Result<Self, ApiError> {
        let read = Self::read(state, text)?;
        let (hash, kind) = match &read {
            Self::Key(key) => (key.hash(), Tried::Key),
            Self::Token(token, _) => (token.hash(), Tried::Token),
        };
        state.limits.look_up(hash, kind, from)?;
        Ok(read)
    }

    /// Whose it is, and whether it is taken. Asks the store for a key; for a token its issuer, where that has to say what keys it
    /// has, and never the store.
    ///
    /// # Errors
    /// When it is nobody's, the store fails, or the issuer's keys are not known.
    pub(super) async fn identify(&self, state: &AppState) -> Result<Identified, ApiError> {
        let now = state.now();
        let (hash, identified) = match self {
            Self::Key(key) => (key.hash(), of_key(state, key, now).await),
            Self::Token(token, issuer) => (token.hash(), issuer.identify(token, now).await),
        };
        match &identified {
            Ok(identified) if identified.taken.is_ok() => state.limits.remember(hash),
            // It is not the credential's fault.
            Err(error) if error.status().is_server_error() => {}
            _ => state.limits.forget(hash),
        }
        identified
    }
}

async fn of_key(state: &AppState, key: &Key, now: u64) -> Result<Identified, ApiError> {
    let known = key.known(state.store.api_key(key.id()).await?)?;
    let taken = key::fresh(&known, now);
    Ok(Identified { who: Who::Key(known.id), grant: Some(known.grant), until: None, nonce: None, taken })
}

/// Who has a credential that a page was given, and whether it is still taken.
///
/// # Errors
/// When nobody has it, too many from there were nobody's, or the store fails; when the issuer's keys are not known.
pub(crate) async fn identified(state: &AppState, text: &str, from: Peer) -> Result<Identified, ApiError> {
    Credential::tried(state, text, from)?.identify(state).await
}

/// The same for what the issuer itself has just given: that is no guess.
///
/// # Errors
/// When nobody has it, or it does not read; when the issuer's keys are not known.
pub(crate) async fn given(state: &AppState, text: &str) -> Result<Identified, ApiError> {
    Credential::read(state, text)?.identify(state).await
}
