//! Signing in at an issuer: off to it, and back with its answer.

use askama::Template;
use axum::{
    extract::{RawQuery, State},
    http::{HeaderMap, HeaderValue, header},
    response::{AppendHeaders, IntoResponse as _, Redirect, Response},
};
use bursar_sdk::clock::Entropy;
use serde::Deserialize;

use super::{
    problem, rendered,
    sign_in::{self, Asked, path_here},
};
use crate::{
    AppState,
    access::{
        Mode, Peer, Tried, cookie, given,
        oidc::{Answered, Issuer, NotSignedIn, flow::Flow},
    },
    error::ApiError,
    extract::{Params, parameters},
};

/// Somebody who is signed in, on their way to what they asked for.
///
/// They come from the issuer's site, and a browser that is sent on at once sends no strict cookie: it has to come from a page
/// of ours.
#[derive(Debug, Template)]
#[template(path = "signed_in.html")]
struct SignedIn {
    chain: String,
    next: String,
    version: &'static str,
}

/// What the issuer has somebody's browser bring. It may bring more.
// No Debug: it has a code.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Brought {
    state: String,
    code: Option<String>,
    iss: Option<String>,
    error: Option<String>,
}

/// Sends somebody to the issuer.
pub(super) async fn begin(State(state): State<AppState>, asked: Result<Params<Asked>, ApiError>) -> Response {
    let Params(Asked { next }) = match asked {
        Ok(asked) => asked,
        Err(error) => return problem::page(&state, &error),
    };
    let begun = async || -> Result<(HeaderValue, Redirect), ApiError> {
        let now = state.now();
        let flow = Flow::new(&Entropy::system(), now, path_here(&next));
        let url = issuer(&state)?.begin(&flow, now).await?;
        Ok((cookie::beginning(&flow.kept(), &state.config)?, Redirect::to(url.as_str())))
    };
    match begun().await {
        Ok((kept, redirect)) => ([(header::SET_COOKIE, kept)], redirect).into_response(),
        Err(error) => told(&state, error, &next),
    }
}

/// Signs somebody in who comes back from the issuer. The sign-in is over, whatever comes of it.
pub(super) async fn finish(
    State(state): State<AppState>,
    from: Peer,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    let mut next = "/".to_owned();
    let finished = finished(&state, from, &headers, query.as_deref().unwrap_or_default(), &mut next).await;
    let response = match finished {
        Ok(kept) => page(&state, &next).map(|page| ([(header::SET_COOKIE, kept)], page).into_response()),
        Err(error) => Ok(told(&state, error, &next)),
    };
    let ended = response.and_then(|response| Ok((cookie::ending(&state.config)?, response)));
    match ended {
        Ok((ended, response)) => (AppendHeaders([(header::SET_COOKIE, ended)]), response).into_response(),
        Err(error) => problem::page(&state, &error),
    }
}

/// The cookie of somebody who is signed in; `next` becomes where they go on.
async fn finished(
    state: &AppState,
    from: Peer,
    headers: &HeaderMap,
    query: &str,
    next: &mut String,
) -> Result<HeaderValue, ApiError> {
    let (issuer, now) = (issuer(state)?, state.now());
    let begun = cookie::begun(headers, &state.config).ok().flatten().ok_or(NotSignedIn::NotBegun)?;
    let flow = Flow::read(begun, now)?;
    // Whoever can put a cookie into a browser sends nobody elsewhere with it.
    *next = path_here(flow.next());
    // What does not read is not repeated: it may be a code.
    let Brought { state: of, code, iss, error } = parameters(query).map_err(|_| NotSignedIn::Unread)?;
    state.limits.guess(Tried::SignIn, from)?;
    let token = issuer.finish(&flow, Answered { state: of, code, issuer: iss, error }, now).await?;
    let identified = given(state, &token).await.map_err(|error| match error.code() {
        "credential_malformed" => NotSignedIn::NoToken.into(),
        _ => error,
    })?;
    identified.check_nonce(&flow.nonce())?;
    identified.caller()?;
    cookie::keeping(&token, &state.config)
}

fn issuer(state: &AppState) -> Result<&Issuer, ApiError> {
    let issuer = state.config.issuer.as_deref().filter(|issuer| issuer.name().is_some());
    issuer.filter(|_| state.config.access == Mode::Keys).ok_or_else(ApiError::no_such_route)
}

fn page(state: &AppState, next: &str) -> Result<Response, ApiError> {
    rendered(&SignedIn {
        chain: state.config.chain_name.clone(),
        next: next.to_owned(),
        version: env!("CARGO_PKG_VERSION"),
    })
}

fn told(state: &AppState, error: ApiError, next: &str) -> Response {
    if issuer(state).is_err() {
        problem::page(state, &error)
    } else {
        sign_in::again(state, error, false, next)
    }
}
