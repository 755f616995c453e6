//! Which page a request was sent from. A browser sends its cookie along with whatever page of this site asks it to: what is handed
//! in with it has to come from a page of ours. `SameSite` alone lets other hosts of the domain through.

use axum::http::{HeaderMap, StatusCode, Uri, header};
use url::Url;

use crate::error::ApiError;

/// Lets through what was sent from a page of the service: below `base_url`, or of the host that the request was sent to.
///
/// # Errors
/// When it was sent from another, or it is not told from which: browsers tell with all that is handed in.
pub(crate) fn check(headers: &HeaderMap, uri: &Uri, base_url: Option<&Url>) -> Result<(), ApiError> {
    let mut given = headers.get_all(header::ORIGIN).iter();
    let one = match (given.next(), given.next()) {
        (Some(value), None) => value.to_str().unwrap_or_default(),
        _ => "",
    };
    let own = base_url.map(|url| url.origin().ascii_serialization());
    if own.as_deref() == Some(one) || is_asked(one, headers, uri, base_url) {
        return Ok(());
    }
    let message = "what a browser hands in with its cookie has to come from a page of this service";
    let refused = ApiError::new(StatusCode::FORBIDDEN, "other_origin", message);
    Err(refused.mismatch(own.unwrap_or_else(|| "the host's own".into()), one))
}

/// Whether a page is of the host that was asked; where people reach the service over TLS, over TLS.
fn is_asked(origin: &str, headers: &HeaderMap, uri: &Uri, base_url: Option<&Url>) -> bool {
    let named = uri.authority().map(|authority| authority.as_str());
    let host = named.or_else(|| headers.get(header::HOST).and_then(|host| host.to_str().ok()));
    let secure = base_url.is_some_and(|url| url.scheme() == "https");
    match (origin.split_once("://"), host) {
        (Some(("https", from)), Some(host)) => from.eq_ignore_ascii_case(host),
        (Some(("http", from)), Some(host)) => !secure && from.eq_ignore_ascii_case(host),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn lets(origins: &[&str], host: &str, base: Option<&str>) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, host.parse().unwrap());
        for origin in origins {
            headers.append(header::ORIGIN, origin.parse().unwrap());
        }
        let base = base.map(|base| base.parse::<Url>().unwrap());
        check(&headers, &Uri::from_static("/sign-in"), base.as_ref()).is_ok()
    }

    #[test]
    fn only_pages_of_the_service_hand_in() {
        let base = Some("https://bursar.example/");
        for (origins, host, base, fine) in [
            (&["https://bursar.example"][..], "bursar.example", base, true),
            (&["https://bursar.example"], "10.0.0.2:8402", base, true),
            (&["https://BURSAR.example"], "bursar.example", base, true),
            (&["https://inside:8402"], "inside:8402", base, true),
            (&["http://bursar.example"], "bursar.example", base, false),
            (&["http://inside:8402"], "inside:8402", base, false),
            (&["http://inside:8402"], "inside:8402", None, true),
            (&["http://inside:8403"], "inside:8402", None, false),
            (&["http://inside"], "inside:8402", None, false),
            (&["https://bursar.example:8443"], "bursar.example", base, false),
            (&["https://other.example"], "bursar.example", base, false),
            (&["https://pages.bursar.example"], "bursar.example", base, false),
            (&["https://bursar.example.other"], "bursar.example", base, false),
            (&["https://bursar.example/"], "bursar.example", base, false),
            (&["bursar.example"], "bursar.example", base, false),
            (&["ftp://bursar.example"], "bursar.example", base, false),
            (&["null"], "bursar.example", base, false),
            (&["null"], "null", None, false),
            (&[""], "", None, false),
            (&[], "bursar.example", base, false),
            (&["https://bursar.example", "https://bursar.example"], "bursar.example", base, false),
            (&["https://other.example", "https://bursar.example"], "bursar.example", base, false),
        ] {
            assert_eq!(lets(origins, host, base), fine, "{origins:?} at {host} of {base:?}");
        }
    }
}
