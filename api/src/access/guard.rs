use axum::{
    extract::{MatchedPath, Request, State},
    http::{HeaderMap, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};

use super::{Caller, Mode, Refused, Who, host, key, key::Key, note::Note, place, routes};
use crate::{AppState, error::ApiError};

/// Lets a request through whose caller may ask it, kept to what they may see; and notes who asked what.
pub(crate) async fn guard(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let mut note = Note::default();
    let response = match admitted(&state, request, &mut note).await {
        Ok(request) => next.run(request).await,
        Err(error) => error.into_response(),
    };
    note.answered(response.status());
    response
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
    let (caller, taken) = identified(state, request.headers()).await?;
    note.begin(state.accesses.room()?, &caller, &request, path, state.now());
    taken?;
    let Some((_, permission, subject)) = routes::find(request.method(), path) else {
        return Err(if routes::is_known(path) { ApiError::no_such_method() } else { Refused::Closed.into() });
    };
    caller.check_role(permission)?;
    let (mut parts, body) = request.into_parts();
    note.of(place::keep(state, &caller, subject, &mut parts).await?);
    parts.extensions.insert(caller);
    Ok(Request::from_parts(parts, body))
}

/// Who asks, and whether their credential is still taken.
async fn identified(
    state: &AppState,
    headers: &HeaderMap,
) -> Result<(Caller, Result<(), Refused>), ApiError> {
    let key: Key = bearer(headers)?.parse().map_err(|_| Refused::Malformed)?;
    let known = key.known(state.store.api_key(key.id()).await?)?;
    let taken = key::fresh(&known, state.now());
    Ok((Caller::holding(known), taken))
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
        Who::Key(id) => {
            let kept = state.store.api_key(id).await;
            kept.is_ok_and(|kept| kept.is_some_and(|kept| key::fresh(&kept, state.now()).is_ok()))
        }
    }
}
