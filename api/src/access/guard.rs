use axum::{
    extract::{MatchedPath, Request, State},
    http::{HeaderMap, StatusCode, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use tracing::Instrument as _;

use super::{
    Caller, Mode, Peer, Refused, Who, cookie, credential::Credential, host, key, note::Note, origin, place,
    routes,
};
use crate::{
    AppState,
    error::ApiError,
    layers,
    turns::Turn,
    web::{problem, sign_in},
};

/// Lets a request through in its turn whose caller may ask it, kept to what they may see; and notes who asked what.
pub(crate) async fn guard(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let mut note = Note::default();
    let page = page_of(&state, &request);
    match admitted(&state, request, &mut note).await {
        Ok(Admitted { request, turn: _turn }) => {
            let span = layers::span_of(&request);
            let response = next.run(request).instrument(span).await;
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

/// A request that is let through, and its turn, which lasts as long as this.
struct Admitted {
    request: Request,
    turn: Option<Turn>,
}

async fn admitted(state: &AppState, request: Request, note: &mut Note) -> Result<Admitted, ApiError> {
    if state.config.access == Mode::Open {
        host::check(&request, state.config.base_url.as_ref())?;
        let turn = state.turns.take(&request).await?;
        return Ok(known(request, Caller::anybody(), turn));
    }
    // Where no route is, whatever is asked is answered with that.
    let path = request.extensions().get::<MatchedPath>().cloned();
    let Some(path) = path.filter(|path| !routes::is_public(path.as_str())) else {
        let turn = state.turns.take(&request).await?;
        return Ok(Admitted { request, turn });
    };
    let path = path.as_str();
    let (text, from_cookie) = carried(state, request.headers())?;
    let credential = Credential::tried(state, text, Peer::of(request.extensions()))?;
    // The store is asked in turn. The issuer may take long, and who waits for it keeps nobody from asking.
    let (turn, identified) = match &credential {
        Credential::Key(_) => {
            let turn = state.turns.take(&request).await?;
            (turn, credential.identify(state).await?)
        }
        Credential::Token(..) => {
            let identified = credential.identify(state).await?;
            (state.turns.take(&request).await?, identified)
        }
    };
    // What is not taken may be anybody's by now: it spends nothing of its holder's, and is told of them seldom.
    match &identified.taken {
        Ok(()) => state.limits.ask(&identified.who)?,
        Err(refused) if !state.limits.tell(&identified.who) => return Err(refused.clone().into()),
        Err(_) => {}
    }
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
    Ok(known(Request::from_parts(parts, body), caller, turn))
}

/// Lets through whoever may ask, in the trace that they name: nobody else's request becomes part of one.
fn known(mut request: Request, caller: Caller, turn: Option<Turn>) -> Admitted {
    layers::join_trace(&request);
    request.extensions_mut().insert(caller);
    Admitted { request, turn }
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
