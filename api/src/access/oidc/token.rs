//! A token against the issuer's key and our terms: one way for all of them, access tokens and id tokens.

use jsonwebtoken::{Header, Validation, decode, decode_header, errors::ErrorKind};
use serde::Deserialize;
use serde_json::Value;

use super::{WrongToken, jwks::Key, terms::Terms};
use crate::access::Refused;

/// Longest token that is read, in bytes.
const MOST: usize = 8 * 1024;
/// Seconds that the issuer's clock and ours may differ by.
const LEEWAY: u64 = 30;
/// Longest that a token may be good for, in seconds: nobody revokes one.
const LONGEST: u64 = 86_400;
/// Longest name of a holder, as OpenID Connect has it.
const MAX_SUBJECT: usize = 255;

/// A token that the issuer made for us, whether or not it is good now. No Debug: it says who people are.
pub(super) struct Made {
    /// Who holds it, as the issuer calls them.
    pub(super) subject: String,
    /// Whether it is good now.
    pub(super) good: Result<(), WrongToken>,
    /// From when on it is not, in unix seconds.
    pub(super) until: u64,
    /// What it was asked for with, where it is an id token for the client that people sign in with.
    pub(super) nonce: Option<String>,
    /// All that it says.
    pub(super) claims: Value,
}

/// What tokens have to say, and may.
#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: Audience,
    exp: u64,
    nbf: Option<u64>,
    iat: Option<u64>,
    azp: Option<String>,
    nonce: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

/// How a token says that it is signed.
///
/// # Errors
/// When it is no token, is one for something else, or asks for what is not known here.
pub(super) fn header(text: &str) -> Result<Header, Refused> {
    if text.len() > MOST {
        return Err(Refused::Malformed);
    }
    let header = decode_header(text).map_err(|_| Refused::Malformed)?;
    let kind = header.typ.as_deref().map(str::to_ascii_lowercase);
    let fits = matches!(kind.as_deref(), None | Some("jwt" | "at+jwt" | "application/at+jwt"));
    if fits && header.crit.is_none() { Ok(header) } else { Err(Refused::Malformed) }
}

/// Holds a token against the key that it names, and our terms; `now` is in unix seconds.
///
/// # Errors
/// When the issuer did not make it, or not for us.
pub(super) fn check(
    text: &str,
    header: &Header,
    key: &Key,
    terms: &Terms,
    now: u64,
) -> Result<Made, Refused> {
    // The library's clock is the machine's; ours is told. It holds the signature, and we what is signed.
    let mut validation = Validation::new(header.alg);
    (validation.validate_exp, validation.validate_aud) = (false, false);
    validation.required_spec_claims.clear();
    let claims = match decode::<Value>(text, &key.key, &validation) {
        Ok(token) => token.claims,
        Err(error) if *error.kind() == ErrorKind::InvalidSignature => {
            return Err(WrongToken::Signature.into());
        }
        Err(_) => return Err(Refused::Malformed),
    };
    let said = Claims::deserialize(&claims).map_err(|_| Refused::Malformed)?;
    let named = (1..=MAX_SUBJECT).contains(&said.sub.len());
    if !named || !said.sub.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return Err(Refused::Malformed);
    }
    if said.iss != terms.issuer {
        return Err(WrongToken::Issuer { expected: terms.issuer.clone(), got: said.iss }.into());
    }
    let audience = match &said.aud {
        Audience::One(one) => std::slice::from_ref(one),
        Audience::Many(many) => many,
    };
    let for_client = is_for(audience, said.azp.as_deref(), terms.client());
    if !for_client && !audience.contains(&terms.audience) {
        let got = audience.join(", ");
        return Err(WrongToken::Audience { expected: terms.audience.clone(), got }.into());
    }
    let until = said.exp.saturating_add(LEEWAY);
    let nonce = said.nonce.clone().filter(|_| for_client);
    Ok(Made { good: timely(&said, now), subject: said.sub, until, nonce, claims })
}

/// Whether a token is for a client, and was not given to another (`azp`).
fn is_for(audience: &[String], party: Option<&str>, client: Option<&str>) -> bool {
    client.is_some_and(|client| {
        audience.iter().any(|one| one == client) && party.is_none_or(|party| party == client)
    })
}

fn timely(said: &Claims, now: u64) -> Result<(), WrongToken> {
    let at = said.exp.saturating_add(LEEWAY);
    if now >= at {
        return Err(WrongToken::Expired { at, now });
    }
    let first = said.nbf.unwrap_or(0).max(said.iat.unwrap_or(0));
    let from = first.saturating_sub(LEEWAY);
    if now < from {
        return Err(WrongToken::NotYet { from, now });
    }
    let most = now.saturating_add(LONGEST);
    if said.exp > most {
        return Err(WrongToken::TooLong { most, got: said.exp });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timed(exp: u64, nbf: Option<u64>, iat: Option<u64>, now: u64) -> Result<(), WrongToken> {
        let (aud, azp, nonce) = (Audience::One(String::new()), None, None);
        timely(&Claims { iss: String::new(), sub: String::new(), aud, exp, nbf, iat, azp, nonce }, now)
    }

    #[test]
    fn a_token_is_good_to_the_second_with_a_leeway() {
        const NOW: u64 = 1_000_000;
        let fine = |exp, nbf, iat| timed(exp, nbf, iat, NOW);
        assert_eq!(fine(NOW + 1, None, None), Ok(()));
        assert_eq!(fine(NOW - 29, None, None), Ok(()));
        assert_eq!(fine(NOW - 30, None, None), Err(WrongToken::Expired { at: NOW, now: NOW }));
        assert_eq!(fine(NOW - 31, None, None), Err(WrongToken::Expired { at: NOW - 1, now: NOW }));
        assert_eq!(fine(0, None, None), Err(WrongToken::Expired { at: 30, now: NOW }));
        for of in
            [|at| (Some(at), None), |at| (None, Some(at)), |at| (Some(at), Some(0)), |at| (Some(0), Some(at))]
        {
            let (nbf, iat) = of(NOW + 30);
            assert_eq!(fine(NOW + 60, nbf, iat), Ok(()));
            let (nbf, iat) = of(NOW + 31);
            assert_eq!(fine(NOW + 60, nbf, iat), Err(WrongToken::NotYet { from: NOW + 1, now: NOW }));
            let (nbf, iat) = of(u64::MAX);
            assert!(matches!(fine(NOW + 60, nbf, iat), Err(WrongToken::NotYet { .. })));
        }
        let day = NOW + 86_400;
        assert_eq!(fine(day, None, None), Ok(()));
        assert_eq!(fine(day + 1, None, None), Err(WrongToken::TooLong { most: day, got: day + 1 }));
        assert!(matches!(fine(u64::MAX, None, None), Err(WrongToken::TooLong { .. })));
        assert!(matches!(timed(u64::MAX, None, None, u64::MAX), Err(WrongToken::Expired { .. })));
    }
}
