//! Where people hand in their key or token, see whose it is, and have their browser forget it. What they do at an issuer is
//! in `at_issuer`.

use askama::Template;
use axum::{
    body::Bytes,
    extract::{State, rejection::BytesRejection},
    http::{HeaderMap, HeaderValue, StatusCode, Uri, header},
    response::{IntoResponse as _, Redirect, Response},
};
use serde::Deserialize;
use url::{Url, form_urlencoded};

use super::{problem, rendered_with_forms};
use crate::{
    AppState,
    access::{Caller, Mode, Peer, Who, cookie, identified, origin},
    error::ApiError,
    extract::{Params, parameters},
};

#[derive(Debug, Template)]
#[template(path = "sign_in.html")]
struct Page {
    chain: String,
    /// That nobody is asked for a key.
    open: bool,
    issuer: Option<AtIssuer>,
    held: Option<Held>,
    refused: Option<String>,
    /// Whether that is for what was handed in here.
    wrong_key: bool,
    /// Where to go on.
    next: String,
    version: &'static str,
}

/// An issuer that people sign in at.
#[derive(Debug)]
struct AtIssuer {
    name: String,
    /// Where that begins.
    href: String,
}

/// The key or token that a browser has.
#[derive(Debug)]
struct Held {
    /// Whether `id` is what an issuer calls its holder; else a key's.
    token: bool,
    id: String,
    role: String,
    /// `None`: of all.
    treasury: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    #[serde(default)]
    pub(super) next: String,
}

// No Debug: it has a key.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct HandedIn {
    key: String,
    next: String,
}

/// Has somebody sign in, and come back to what they asked for.
pub(crate) fn first(asked: &str) -> Response {
    Redirect::to(&going_on("/sign-in", asked)).into_response()
}

fn going_on(path: &str, next: &str) -> String {
    let next: String = form_urlencoded::byte_serialize(next.as_bytes()).collect();
    format!("{path}?next={next}")
}

/// The page.
pub(super) async fn asked(
    State(state): State<AppState>,
    from: Peer,
    headers: HeaderMap,
    asked: Result<Params<Asked>, ApiError>,
) -> Response {
    let Params(Asked { next }) = match asked {
        Ok(asked) => asked,
        Err(error) => return problem::page(&state, &error),
    };
    let caller = match cookie::of(&headers, &state.config) {
        _ if state.config.access == Mode::Open => Ok(None),
        Ok(None) => Ok(None),
        Ok(Some(text)) => taken(&state, text, from).await.map(Some),
        Err(refused) => Err(refused.into()),
    };
    // A credential that is not taken, or not now, is why they are here, and no failure of the page.
    match caller {
        Ok(caller) => page(&state, StatusCode::OK, caller.as_ref(), None, &next),
        Err(error) if error.status().is_client_error() || error.code() == "issuer_away" => {
            page(&state, StatusCode::OK, None, Some(Why { error: &error, of_key: true }), &next)
        }
        Err(error) => problem::page(&state, &error),
    }
}

/// Has a browser keep a key that is taken.
pub(super) async fn sign_in(
    State(state): State<AppState>,
    from: Peer,
    headers: HeaderMap,
    uri: Uri,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let read = || -> Result<HandedIn, ApiError> {
        origin::check(&headers, &uri, state.config.base_url.as_ref())?;
        let body = body.map_err(|error| ApiError::new(error.status(), "invalid_body", error.body_text()))?;
        let unread = || ApiError::new(StatusCode::BAD_REQUEST, "invalid_body", "the form does not read");
        // What does not fit is not repeated: it may be a key.
        parameters(std::str::from_utf8(&body).map_err(|_| unread())?).map_err(|_| unread())
    };
    let HandedIn { key, next } = match read() {
        Ok(handed_in) => handed_in,
        Err(error) => return problem::page(&state, &error),
    };
    if state.config.access == Mode::Open {
        return Redirect::to(&path_here(&next)).into_response();
    }
    let kept = match taken(&state, key.trim(), from).await {
        Ok(_) => cookie::keeping(key.trim(), &state.config),
        Err(error) => Err(error),
    };
    match kept {
        Ok(kept) => ([(header::SET_COOKIE, kept)], Redirect::to(&path_here(&next))).into_response(),
        Err(error) => again(&state, error, true, &next),
    }
}

/// Tells somebody why they are not signed in, where they can try again; `of_key`: for what they have handed in here.
pub(super) fn again(state: &AppState, error: ApiError, of_key: bool, next: &str) -> Response {
    if !error.status().is_client_error() && error.code() != "issuer_away" {
        return problem::page(state, &error);
    }
    let page = page(state, error.status(), None, Some(Why { error: &error, of_key }), next);
    // The headers that go with the status.
    let mut headers = error.into_response().headers().clone();
    headers.remove(header::CONTENT_TYPE);
    headers.remove(header::CONTENT_LENGTH);
    (headers, page).into_response()
}

/// Has a browser forget its key.
pub(super) async fn sign_out(State(state): State<AppState>, headers: HeaderMap, uri: Uri) -> Response {
    let forgotten = origin::check(&headers, &uri, state.config.base_url.as_ref())
        .and_then(|()| cookie::forgetting(&state.config));
    match forgotten {
        Ok(forgotten) => ([(header::SET_COOKIE, forgotten)], Redirect::to("/sign-in")).into_response(),
        Err(error) => problem::page(&state, &error),
    }
}

/// Whose a key is that is taken. Asking for that is asking, too: signing in waits for no turn.
async fn taken(state: &AppState, text: &str, from: Peer) -> Result<Caller, ApiError> {
    let caller = identified(state, text, from).await?.caller()?;
    state.limits.ask(caller.who())?;
    Ok(caller)
}

/// Why somebody is not signed in, and whether that is for what they have handed in here.
#[derive(Clone, Copy)]
struct Why<'a> {
    error: &'a ApiError,
    of_key: bool,
}

fn page(
    state: &AppState,
    status: StatusCode,
    caller: Option<&Caller>,
    refused: Option<Why<'_>>,
    next: &str,
) -> Response {
    let held = caller.and_then(|caller| {
        let (token, id) = match caller.who() {
            Who::Key(id) => (false, id),
            Who::Subject(subject) => (true, subject),
            Who::Anybody => return None,
        };
        Some(Held {
            token,
            id: id.clone(),
            role: caller.role()?.to_string(),
            treasury: caller.treasury().map(|address| address.to_checksum(None)),
        })
    });
    let next = path_here(next);
    let at_issuer = |name: &str| AtIssuer { name: name.to_owned(), href: going_on("/sign-in/issuer", &next) };
    let issuer = state.config.issuer.as_ref();
    let page = Page {
        chain: state.config.chain_name.clone(),
        open: state.config.access == Mode::Open,
        issuer: issuer.and_then(|issuer| issuer.name()).map(at_issuer),
        held,
        wrong_key: refused.is_some_and(|why| why.of_key),
        refused: refused.map(|why| in_words(why.error, issuer.is_some())),
        next,
        version: env!("CARGO_PKG_VERSION"),
    };
    match rendered_with_forms(status, &page) {
        Ok(mut response) => {
            // Under `no-referrer` browsers would send no Origin along with the form.
            let policy = HeaderValue::from_static("same-origin");
            response.headers_mut().insert(header::REFERRER_POLICY, policy);
            response
        }
        Err(error) => error.into_response(),
    }
}

/// What is wrong, for people: they hand in a key, or a token where those are taken, and know of no headers.
fn in_words(error: &ApiError, tokens: bool) -> String {
    match error.code() {
        "credential_malformed" if tokens => {
            "That is neither a key nor a token: a key is bursar_, 16 hex digits, _, and 64 hex digits, all in lower case."
                .into()
        }
        "credential_malformed" => {
            "That is no key: one is bursar_, 16 hex digits, _, and 64 hex digits, all in lower case.".into()
        }
        "credential_unknown" => "There is no such key: it was mistyped, or is another service's.".into(),
        "credential_revoked" => "The key was revoked: ask the operator for another.".into(),
        "credential_expired" => "The key has run out: ask the operator for another.".into(),
        _ => sentence(error.message()),
    }
}

/// What programs are told, as people read it.
fn sentence(message: &str) -> String {
    let mut letters = message.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    format!("{}{}.", first.into_iter().collect::<String>(), letters.as_str())
}

/// A path of this service, with its query: what was asked for where it is one, else the overview.
pub(super) fn path_here(asked: &str) -> String {
    let overview = || "/".to_owned();
    // As browsers read it: with `\` for `/`, without line ends, with `.` and `..` taken out.
    let Ok(base) = Url::parse("http://here.invalid/") else { return overview() };
    let read = base.join(asked).ok().filter(|url| asked.starts_with('/') && url.origin() == base.origin());
    let Some(url) = read else { return overview() };
    let path = url.path();
    if path.starts_with("//") || path.starts_with("/sign-") {
        return overview();
    }
    url.query().map_or_else(|| path.to_owned(), |query| format!("{path}?{query}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_sent_elsewhere() {
        for (asked, path) in [
            ("/", "/"),
            ("/approvals/0x01", "/approvals/0x01"),
            ("/audit/payments?from=1&until=2", "/audit/payments?from=1&until=2"),
            ("/audit?q=a%20b#there", "/audit?q=a%20b"),
            ("/audit?q=//other.example", "/audit?q=//other.example"),
            ("", "/"),
            ("approvals", "/"),
            ("https://other.example/", "/"),
            ("//other.example/", "/"),
            ("///other.example/", "/"),
            ("/\\other.example/", "/"),
            ("\\\\other.example/", "/"),
            ("/\t/other.example/", "/"),
            ("\n//other.example/", "/"),
            ("/.//other.example/", "/"),
            ("/a/..//other.example/", "/"),
            ("/%2e//other.example/", "/"),
            ("//here.invalid//other.example/", "/"),
            ("javascript:alert(1)", "/"),
            ("/sign-in?next=/sign-in", "/"),
            ("/sign-out", "/"),
        ] {
            assert_eq!(path_here(asked), path, "{asked:?}");
        }
        let split = path_here("/audit\r\nset-cookie: a=b");
        assert!(!split.contains(['\r', '\n']), "{split:?}");
    }
}
