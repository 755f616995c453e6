//! The cookies of a browser. One carries a key or token: it holds that itself, which is checked as a bearer's would be, so
//! nothing of it is kept here, and revoking the key ends it. The other holds a sign-in that is under way at the issuer, who sends
//! people back from elsewhere: it is `Lax`, and worth nothing but with the issuer's answer.

use axum::http::{HeaderMap, HeaderValue, header};
use url::Url;

use super::{Refused, oidc::flow};
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

/// The key or token that a browser has sent.
///
/// # Errors
/// When it has sent two: which of them would be a guess.
pub(crate) fn of<'a>(headers: &'a HeaderMap, config: &Config) -> Result<Option<&'a str>, Refused> {
    sent(headers, &name(config))
}

/// The sign-in that a browser has begun.
///
/// # Errors
/// When it has sent two.
pub(crate) fn begun<'a>(headers: &'a HeaderMap, config: &Config) -> Result<Option<&'a str>, Refused> {
    sent(headers, &begun_name(config))
}

fn begun_name(config: &Config) -> String {
    format!("{}-sign-in", name(config))
}

fn sent<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, Refused> {
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
    value(&name(config), credential, "SameSite=Strict", config)
}

/// Has a browser keep a sign-in that it begins, while it may last.
///
/// # Errors
/// Never, for a sign-in is text that headers take.
pub(crate) fn beginning(begun: &str, config: &Config) -> Result<HeaderValue, ApiError> {
    value(&begun_name(config), begun, &format!("SameSite=Lax; Max-Age={}", flow::LASTS), config)
}

/// Has a browser forget it: it is answered once.
///
/// # Errors
/// Never, as above.
pub(crate) fn ending(config: &Config) -> Result<HeaderValue, ApiError> {
    value(&begun_name(config), "", "SameSite=Lax; Max-Age=0", config)
}

/// Has a browser forget its key or token.
///
/// # Errors
/// Never, as above.
pub(crate) fn forgetting(config: &Config) -> Result<HeaderValue, ApiError> {
    value(&name(config), "", "SameSite=Strict; Max-Age=0", config)
}

fn value(name: &str, value: &str, how: &str, config: &Config) -> Result<HeaderValue, ApiError> {
    let secure = if is_secure(config) { "; Secure" } else { "" };
    let text = format!("{name}={value}; Path=/; HttpOnly; {how}{secure}");
    let mut value = HeaderValue::from_str(&text).map_err(|_| ApiError::internal())?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use axum::response::IntoResponse as _;

    use super::*;

    #[test]
    fn what_browsers_do_not_keep_is_refused() {
        let mut config = Config::new(8_453, "Base");
        for base in [None, Some("https://bursar.example/")] {
            config.base_url = base.map(|base| base.parse().unwrap());
            let room = 4_096 - name(&config).len();
            assert!(keeping(&"x".repeat(room), &config).is_ok());
            let refused = keeping(&"x".repeat(room + 1), &config).unwrap_err();
            assert_eq!(refused.code(), "credential_too_large");
            assert_eq!(refused.into_response().status(), 422);
        }
    }

    #[test]
    fn a_sign_in_under_way_is_no_credential_and_the_other_way_round() {
        let config = Config::new(8_453, "Base");
        let kept = [keeping("key", &config).unwrap(), beginning("begun", &config).unwrap()];
        let sent: HeaderMap = kept.into_iter().map(|value| (header::COOKIE, value)).collect();
        assert_eq!((of(&sent, &config), begun(&sent, &config)), (Ok(Some("key")), Ok(Some("begun"))));
        let twice = HeaderMap::from_iter([(header::COOKIE, beginning("a", &config).unwrap())]);
        let mut twice = twice;
        twice.append(header::COOKIE, beginning("b", &config).unwrap());
        assert_eq!((of(&twice, &config), begun(&twice, &config)), (Ok(None), Err(Refused::Malformed)));
    }
}
