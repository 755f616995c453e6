use axum::{
    extract::{MatchedPath, Request, State},
    http::{HeaderMap, StatusCode, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};

use super::{
    Caller, Mode, Refused, Who, caller::Identified, cookie, host, key, key::Key, note::Note, origin, place,
    routes,
};
use crate::{
    AppState,
    error::ApiError,
    web::{problem, sign_in},
};

/// Lets a request through whose caller may ask it, kept to what they may see; and notes who asked what.
pub(crate) async fn guard(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let mut note = Note::default();
    let page = page_of(&state, &request);
    match admitted(&state, request, &mut note).await {
        Ok(request) => {
            let response = next.run(request).await;
            note.answered(response.status());
            response
        }
        Err(error) => {
            note.answered(error.status());
            match page {
                Some(asked) if error.status() == StatusCode::UNAUTHORIZED => sign_in::first(&asked),
                Some(_) => problem::page(&state, &error),
                None => error.into_response(),
            }
        }
    }
}

/// The page that somebody's browser asks for; what programs ask for is answered with data.
fn page_of(state: &AppState, request: &Request) -> Option<String> {
    let path = request.extensions().get::<MatchedPath>()?.as_str();
    let accepted = request.headers().get(header::ACCEPT).and_then(|value| value.to_str().ok())?;
    let browser = request.method().is_safe() && accepted.contains("text/html");
    let page = state.config.access == Mode::Keys && browser && !path.starts_with("/v1/");
    page.then(|| request.uri().path_and_query().map_or("/", |asked| asked.as_str()).to_owned())
}

async fn admitted(state: &AppState, mut request: Request, note: &mut Note) -> Result<Request, ApiError> {
    if state.config.access == Mode::Open {
        host::check(&request, state.config.base_url.as_ref())?;
        request.extensions_mut().insert(Caller::anybody());
        return Ok(request);
    }
    // Where no route is, whatever is asked is answered with that.
    let Some(path) = request.extensions().get::<MatchedPath>().cloned() else { return Ok(request) };
    let path = path.as_str();
    if routes::is_public(path) {
        return Ok(request);
    }
    let (text, from_cookie) = carried(state, request.headers())?;
    let identified = identified(state, text).await?;
    // First: what is kept of a key, revoked ones among them, is as much as it may ask.
    state.limits.ask(&identified.who)?;
    note.begin(state.accesses.room()?, &identified, &request, path, state.now());
    let caller = identified.caller()?;
    if from_cookie && !request.method().is_safe() {
        origin::check(request.headers(), request.uri(), state.config.base_url.as_ref())?;
    }
    let Some((_, permission, subject)) = routes::find(request.method(), path) else {
        return Err(if routes::is_known(path) { ApiError::no_such_method() } else { Refused::Closed.into() });
    };
    caller.check_role(permission)?;
    let (mut parts, body) = request.into_parts();
    note.of(place::keep(state, &caller, subject, &mut parts).await?);
    parts.extensions.insert(caller);
    Ok(Request::from_parts(parts, body))
}

/// Who has a credential, and whether it is still taken: a key, or a token where an issuer's are.
///
/// # Errors
/// When nobody has it, too many that nobody has were tried, or the store fails; when the issuer's keys are not known.
pub(crate) async fn identified(state: &AppState, text: &str) -> Result<Identified, ApiError> {
    let now = state.now();
    let (hash, identified) = match (text.parse::<Key>(), &state.config.issuer) {
        (Ok(key), _) => {
            let hash = key.hash();
            state.limits.look_up(hash)?;
            let known = key.known(state.store.api_key(key.id()).await?)?;
            let taken = key::fresh(&known, now);
            let (who, grant) = (Who::Key(known.id), Some(known.grant));
            (hash, Identified { who, grant, until: None, nonce: None, taken })
        }
        (Err(_), Some(issuer)) => {
            let token = issuer.read(text)?;
            let hash = token.hash();
            state.limits.look_up(hash)?;
            (hash, issuer.identify(&token, now).await?)
        }
        (Err(_), None) => return Err(Refused::Malformed.into()),
    };
    state.limits.is_known(hash);
    Ok(identified)
}

/// The credential, and whether it is a cookie: what is sent on purpose goes before what a browser sends by itself.
fn carried<'a>(state: &AppState, headers: &'a HeaderMap) -> Result<(&'a str, bool), Refused> {
    if headers.contains_key(header::AUTHORIZATION) {
        return Ok((bearer(headers)?, false));
    }
    let text = cookie::of(headers, &state.config)?.ok_or(Refused::Missing)?;
    Ok((text, true))
}

/// The token of `Authorization: Bearer TOKEN` (RFC 6750).
fn bearer(headers: &HeaderMap) -> Result<&str, Refused> {
    let mut given = headers.get_all(header::AUTHORIZATION).iter();
    let value = match (given.next(), given.next()) {
        (None, _) => return Err(Refused::Missing),
        (Some(value), None) => value,
        // Which of them would be a guess.
        (Some(_), Some(_)) => return Err(Refused::Malformed),
    };
    let (scheme, token) =
        value.to_str().ok().and_then(|text| text.split_once(' ')).ok_or(Refused::Malformed)?;
    if scheme.eq_ignore_ascii_case("bearer") { Ok(token) } else { Err(Refused::Malformed) }
}

/// Whether a caller who was let in would be let in again; not where the store does not tell.
pub(crate) async fn still_holds(state: &AppState, caller: &Caller) -> bool {
    match caller.who() {
        Who::Anybody => true,
        Who::Subject(_) => caller.lasts(state.now()),
        Who::Key(id) => {
            let kept = state.store.api_key(id).await;
            kept.is_ok_and(|kept| kept.is_some_and(|kept| key::fresh(&kept, state.now()).is_ok()))
        }
    }
}
