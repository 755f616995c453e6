//! Whom a request was sent to. A page of anywhere can have a browser on this machine ask any name, and whoever owns the name
//! can have it mean this machine (DNS rebinding). Where no credential is asked for, that page would be answered.

use std::net::IpAddr;

use axum::{
    extract::Request,
    http::{StatusCode, header, uri::Authority},
};
use url::Url;

use crate::error::ApiError;

/// Lets through what was sent to this machine by its own names, or to where the service is said to be. What names no host
/// comes from no browser.
///
/// # Errors
/// When it was sent to another.
pub(super) fn check(request: &Request, base_url: Option<&Url>) -> Result<(), ApiError> {
    let mut given = request.headers().get_all(header::HOST).iter();
    let named = request.uri().host().map(str::to_owned);
    let host = match (named, given.next(), given.next()) {
        (None, None, _) => return Ok(()),
        (Some(host), _, None) => Some(host),
        (None, Some(value), None) => {
            let read = value.to_str().ok().and_then(|text| text.parse::<Authority>().ok());
            read.map(|authority| authority.host().to_owned())
        }
        (_, _, Some(_)) => None,
    };
    if host.as_deref().is_some_and(|host| is_here(host) || base_url.and_then(Url::host_str) == Some(host)) {
        return Ok(());
    }
    let message =
        "this service asks for no credentials, and answers what is sent to this machine by its own name only";
    let refused = ApiError::new(StatusCode::MISDIRECTED_REQUEST, "other_host", message);
    Err(refused.mismatch("localhost, 127.0.0.1 or [::1]", host.unwrap_or_default()))
}

fn is_here(host: &str) -> bool {
    let host = host.to_ascii_lowercase();
    let address = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(&host);
    let loopback = address.parse().is_ok_and(|address: IpAddr| address.to_canonical().is_loopback());
    // Browsers take these for this machine whatever a name server says (RFC 6761).
    loopback || host == "localhost" || host.ends_with(".localhost")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use axum::body::Body;

    use super::*;

    fn asked(hosts: &[&str]) -> Request {
        let request = hosts.iter().fold(Request::get("/"), |request, host| request.header("host", *host));
        request.body(Body::empty()).unwrap()
    }

    #[test]
    fn only_this_machines_own_names_are_answered() {
        let base: Url = "http://bursar.internal:8402/".parse().unwrap();
        for (hosts, here) in [
            (&[][..], true),
            (&["localhost"], true),
            (&["LOCALHOST:8402"], true),
            (&["bursar.localhost:1"], true),
            (&["127.0.0.1:8402"], true),
            (&["127.1.2.3"], true),
            (&["[::1]:8402"], true),
            (&["bursar.internal:9999"], true),
            (&["rebound.example"], false),
            (&["rebound.example:8402"], false),
            (&["localhost.example"], false),
            (&["notlocalhost"], false),
            (&["127.0.0.1.example"], false),
            (&["128.0.0.1"], false),
            (&["0.0.0.0"], false),
            (&["[::2]"], false),
            (&["bursar.internal.example"], false),
            (&[""], false),
            (&["a b"], false),
            (&["localhost", "rebound.example"], false),
            (&["localhost", "localhost"], false),
        ] {
            assert_eq!(check(&asked(hosts), Some(&base)).is_ok(), here, "{hosts:?}");
        }
        assert!(check(&asked(&["bursar.internal"]), None).is_err());
        // HTTP/2 says it in the address.
        let other = Request::get("http://rebound.example/").body(Body::empty()).unwrap();
        assert!(check(&other, Some(&base)).is_err());
        let here = Request::get("http://localhost:8402/").body(Body::empty()).unwrap();
        assert!(check(&here, None).is_ok());
    }
}
