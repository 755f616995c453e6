//! The cookie that a browser carries a key in. It holds the key itself, which is checked as a bearer's would be: nothing of it
//! is kept here, and revoking the key ends it.

use axum::http::{HeaderMap, HeaderValue, header};
use url::Url;

use super::Refused;
use crate::{Config, error::ApiError};

/// What it is called: browsers send cookies to every port of a host, where other chains' services may be. `__Host-`
/// lets no other host of the domain put one in.
fn name(config: &Config) -> String {
    let host = if is_secure(config) { "__Host-" } else { "" };
    format!("{host}bursar-{}", config.chain_id)
}

/// Whether people reach the service over TLS.
fn is_secure(config: &Config) -> bool {
    config.base_url.as_ref().is_some_and(|url: &Url| url.scheme() == "https")
}

/// What a browser has sent.
///
/// # Errors
/// When it has sent two: which of them would be a guess.
pub(crate) fn of<'a>(headers: &'a HeaderMap, config: &Config) -> Result<Option<&'a str>, Refused> {
    let name = name(config);
    let mut given = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(key, _)| *key == name)
        .map(|(_, value)| value);
    match (given.next(), given.next()) {
        (_, Some(_)) => Err(Refused::Malformed),
        (value, None) => Ok(value),
    }
}

/// Largest that browsers keep, in bytes: name and value.
const MOST: usize = 4_096;

/// Has a browser keep a key or token until it is closed.
///
/// # Errors
/// When it is larger than browsers keep, as tokens may be. Else never, for keys and tokens are text that headers take.
pub(crate) fn keeping(credential: &str, config: &Config) -> Result<HeaderValue, ApiError> {
    let got = name(config).len() + credential.len();
    if got > MOST {
        let message = "the token is larger than browsers keep: have the issuer put less into it";
        let refused = ApiError::unprocessable("credential_too_large", message);
        return Err(refused.mismatch(format!("at most {MOST} bytes, with the cookie's name"), got));
    }
    value(credential, "", config)
}

/// Has a browser forget it.
///
/// # Errors
/// Never, as above.
pub(crate) fn forgetting(config: &Config) -> Result<HeaderValue, ApiError> {
    value("", "; Max-Age=0", config)
}

fn value(value: &str, more: &str, config: &Config) -> Result<HeaderValue, ApiError> {
    let secure = if is_secure(config) { "; Secure" } else { "" };
    let text = format!("{}={value}; Path=/; HttpOnly; SameSite=Strict{secure}{more}", name(config));
    let mut value = HeaderValue::from_str(&text).map_err(|_| ApiError::internal())?;
    value.set_sensitive(true);
    Ok(value)
}
