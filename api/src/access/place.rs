//! Whose it is that is asked for: held against whose a caller may see.

use alloy::primitives::Address;
use axum::{
    extract::{FromRequestParts as _, RawPathParams},
    http::{StatusCode, Uri, request::Parts},
};
use bursar_indexer::query::{
    approvals, decisions, envelopes, erasures, outcomes, payments, sessions, stamps, treasuries,
};
use url::form_urlencoded;

use super::{Caller, Refused, routes::Subject};
use crate::{
    AppState,
    error::ApiError,
    wire::{Addr, Expected, Hash},
};

/// Whose something is: of a treasury, about an agent where one is known.
type Place = (Address, Option<Address>);

/// What an id in the path names, and whose that is.
struct Found {
    what: &'static str,
    which: String,
    /// `None` where there is no such thing.
    place: Option<Place>,
}

/// Keeps a request to what its caller may see, and tells whose treasury's things it is about: their own where they have one,
/// else the one that the request names; `None` where it names none.
///
/// What is named by a treasury or an agent is refused where that is another: that tells nothing. What is named by an id
/// is looked up, and answered like what is not there where it is another's.
///
/// # Errors
/// When it is another's, a name does not read, or the store fails.
pub(super) async fn keep(
    state: &AppState,
    caller: &Caller,
    subject: Subject,
    parts: &mut Parts,
) -> Result<Option<Address>, ApiError> {
    let Some(own) = caller.treasury() else { return named(state, subject, parts).await };
    let path = Named::of(parts).await?;
    match subject {
        Subject::Nothing | Subject::Handler => {}
        Subject::OfNone => return Err(Refused::Outside { got: own }.into()),
        Subject::List => parts.uri = kept(&parts.uri, caller)?,
        Subject::Treasury(name) => caller.check_treasury(path.address(name)?)?,
        Subject::Agent => caller.check_agent(path.address("address")?)?,
        Subject::Envelope => {
            caller.check_treasury(path.address("treasury")?)?;
            if caller.agent().is_some() {
                check(caller, envelope(state, own, path.text("number")?).await?)?;
            }
        }
        Subject::Session | Subject::Payment | Subject::Filed | Subject::Stamp | Subject::Request => {
            check(caller, found(state, subject, &path).await?)?;
        }
    }
    Ok(Some(own))
}

fn check(caller: &Caller, Found { what, which, place }: Found) -> Result<(), ApiError> {
    match place {
        Some((treasury, agent)) if caller.sees(treasury, agent) => Ok(()),
        _ => Err(ApiError::not_found(what, which)),
    }
}

/// The treasury that a request names, itself or by something of it. What does not read names none: its handler says so.
async fn named(state: &AppState, subject: Subject, parts: &mut Parts) -> Result<Option<Address>, ApiError> {
    let Ok(path) = Named::of(parts).await else { return Ok(None) };
    let treasury = match subject {
        Subject::Nothing | Subject::OfNone => None,
        Subject::List | Subject::Handler | Subject::Agent => {
            let query = parts.uri.query().unwrap_or_default().as_bytes();
            let value = form_urlencoded::parse(query).find(|(key, _)| key == "treasury");
            value
                .and_then(|(name, value)| address(&name, value.trim()).ok().or_else(|| called(state, &value)))
        }
        Subject::Treasury(name) => path.address(name).ok(),
        Subject::Envelope => path.address("treasury").ok(),
        Subject::Session | Subject::Payment | Subject::Filed | Subject::Stamp | Subject::Request => {
            match found(state, subject, &path).await {
                Ok(found) => return Ok(found.place.map(|(treasury, _)| treasury)),
                Err(error) if error.status().is_client_error() => None,
                Err(error) => return Err(error),
            }
        }
    };
    // A name that somebody made up has no log.
    match treasury {
        Some(address) => Ok(treasuries::get(&state.db, address).await?.map(|row| row.address)),
        None => Ok(None),
    }
}

/// Who is called that, as pages let people ask: one account alone.
fn called(state: &AppState, name: &str) -> Option<Address> {
    let known = state.config.names.iter().filter(|(_, known)| known.eq_ignore_ascii_case(name.trim()));
    let mut known = known.map(|(address, _)| *address);
    let found = known.next()?;
    known.next().is_none().then_some(found)
}

async fn envelope(state: &AppState, treasury: Address, number: &str) -> Result<Found, ApiError> {
    // What is no number is no envelope, either.
    let row = match number.parse() {
        Ok(number) => envelopes::get(&state.db, (treasury, number)).await?,
        Err(_) => None,
    };
    let place = row.map(|row| (row.treasury, Some(row.agent)));
    Ok(Found { what: "envelope", which: format!("{treasury}/{number}"), place })
}

/// What an id in the path names.
async fn found(state: &AppState, subject: Subject, path: &Named) -> Result<Found, ApiError> {
    let db = &state.db;
    Ok(match subject {
        Subject::Session => {
            let id = path.hash("id")?;
            let row = sessions::get(db, id.0).await?;
            let place = row.map(|row| (row.treasury, Some(row.agent)));
            Found { what: "session", which: id.to_string(), place }
        }
        Subject::Payment => {
            let (purse, nonce) = (Addr(path.address("purse")?), path.hash("nonce")?);
            let row = payments::get(db, purse.0, nonce.0).await?;
            let place = row.map(|row| (row.treasury, Some(row.agent)));
            Found { what: "payment", which: format!("{purse}/{nonce}"), place }
        }
        Subject::Stamp => {
            let hash = path.hash("hash")?;
            let place = stamps::chain(db, hash.0).await?.map(|chain| (chain.treasury, Some(chain.subject)));
            Found { what: "stamp", which: hash.to_string(), place }
        }
        Subject::Request => {
            let digest = path.hash("digest")?;
            let row = approvals::get(db, digest.0).await?;
            let place = row.map(|row| (row.request.treasury, row.request.agent));
            Found { what: "approval request", which: digest.to_string(), place }
        }
        _ => {
            let hash = path.hash("hash")?;
            Found { what: "record", place: filed(state, &hash).await?, which: hash.to_string() }
        }
    })
}

/// Whose record it is, or was.
async fn filed(state: &AppState, hash: &Hash) -> Result<Option<Place>, ApiError> {
    if let Some(stone) = erasures::get(&state.db, hash.0).await? {
        return Ok(Some((stone.treasury, Some(stone.agent))));
    }
    if let Some(decision) = decisions::get(&state.db, hash.0).await? {
        return Ok(Some((decision.record.treasury, Some(decision.record.agent))));
    }
    let outcome = outcomes::get(&state.db, hash.0).await?;
    Ok(outcome.map(|outcome| (outcome.record.treasury, Some(outcome.record.agent))))
}

/// The address of a list with the caller's treasury and agent put in.
fn kept(uri: &Uri, caller: &Caller) -> Result<Uri, ApiError> {
    let mut query = uri.query().unwrap_or_default().to_owned();
    let given: Vec<_> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let mut put = |name: &str, own: Option<Address>, check: &dyn Fn(Address) -> Result<(), Refused>| {
        let Some(own) = own else { return Ok(()) };
        let mut values = given.iter().filter(|(key, _)| key == name).map(|(_, value)| value);
        match (values.next(), values.next()) {
            (None, _) => {
                let more = if query.is_empty() { "" } else { "&" };
                query.push_str(&format!("{more}{name}={own:#x}"));
                Ok(())
            }
            (Some(value), None) => Ok(check(address(name, value)?)?),
            (Some(_), Some(_)) => {
                let message = format!("{name}: given more than once");
                Err(ApiError::new(StatusCode::BAD_REQUEST, "repeated_parameter", message))
            }
        }
    };
    put("treasury", caller.treasury(), &|got| caller.check_treasury(got))?;
    put("agent", caller.agent(), &|got| caller.check_agent(got))?;
    let asked = format!("{}?{query}", uri.path());
    asked.parse().map_err(|_| ApiError::invalid_parameter("query", "a query that reads", asked))
}

fn address(name: &str, text: &str) -> Result<Address, ApiError> {
    let refused = |Expected(expected)| ApiError::invalid_parameter(name, expected, text);
    text.parse().map(|Addr(address)| address).map_err(refused)
}

/// What the path names.
struct Named(RawPathParams);

impl Named {
    async fn of(parts: &mut Parts) -> Result<Self, ApiError> {
        let invalid = |error| {
            let message = format!("the path does not read: {error}");
            ApiError::new(StatusCode::BAD_REQUEST, "invalid_path", message)
        };
        RawPathParams::from_request_parts(parts, &()).await.map(Self).map_err(invalid)
    }

    fn text(&self, name: &str) -> Result<&str, ApiError> {
        let found = self.0.iter().find(|(key, _)| *key == name);
        found.map(|(_, value)| value).ok_or_else(|| {
            tracing::error!(name, "a route has no such part: its entry among the routes is wrong");
            ApiError::internal()
        })
    }

    fn address(&self, name: &str) -> Result<Address, ApiError> {
        address(name, self.text(name)?)
    }

    fn hash(&self, name: &str) -> Result<Hash, ApiError> {
        let text = self.text(name)?;
        text.parse().map_err(|Expected(expected)| ApiError::invalid_parameter(name, expected, text))
    }
}
