//! Whose it is that is asked for: held against whose a caller may see.

use alloy::primitives::Address;
use axum::{
    extract::{FromRequestParts as _, RawPathParams},
    http::{StatusCode, Uri, request::Parts},
};
use bursar_indexer::query::{approvals, decisions, envelopes, erasures, outcomes, payments, sessions};
use url::form_urlencoded;

use super::{Caller, Refused, routes::Subject};
use crate::{
    AppState,
    error::ApiError,
    wire::{Addr, Expected, Hash},
};

/// Whose something is: of a treasury, about an agent where one is known.
type Place = (Address, Option<Address>);

/// Keeps a request to what its caller may see.
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
) -> Result<(), ApiError> {
    let Some(treasury) = caller.treasury() else { return Ok(()) };
    let db = &state.db;
    let path = Named::of(parts).await?;
    let (what, which, found): (_, _, Option<Place>) = match subject {
        Subject::Nothing | Subject::Handler => return Ok(()),
        Subject::OfNone => return Err(Refused::Outside { got: treasury }.into()),
        Subject::List => {
            parts.uri = kept(&parts.uri, caller)?;
            return Ok(());
        }
        Subject::Treasury(name) => return Ok(caller.check_treasury(path.address(name)?)?),
        Subject::Agent => return Ok(caller.check_agent(path.address("address")?)?),
        Subject::Envelope => {
            caller.check_treasury(path.address("treasury")?)?;
            if caller.agent().is_none() {
                return Ok(());
            }
            let number = path.text("number")?;
            // What is no number is no envelope, either.
            let key = number.parse().ok().map(|number: u32| (treasury, number));
            let row = match key {
                Some(key) => envelopes::get(db, key).await?,
                None => None,
            };
            ("envelope", format!("{treasury}/{number}"), row.map(|row| (row.treasury, Some(row.agent))))
        }
        Subject::Session => {
            let id = path.hash("id")?;
            let row = sessions::get(db, id.0).await?;
            ("session", id.to_string(), row.map(|row| (row.treasury, Some(row.agent))))
        }
        Subject::Payment => {
            let (purse, nonce) = (Addr(path.address("purse")?), path.hash("nonce")?);
            let row = payments::get(db, purse.0, nonce.0).await?;
            ("payment", format!("{purse}/{nonce}"), row.map(|row| (row.treasury, Some(row.agent))))
        }
        Subject::Filed => {
            let hash = path.hash("hash")?;
            ("record", hash.to_string(), filed(state, &hash).await?)
        }
        Subject::Request => {
            let digest = path.hash("digest")?;
            let row = approvals::get(db, digest.0).await?;
            ("approval request", digest.to_string(), row.map(|row| (row.request.treasury, row.request.agent)))
        }
    };
    match found {
        Some((treasury, agent)) if caller.sees(treasury, agent) => Ok(()),
        _ => Err(ApiError::not_found(what, which)),
    }
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
