//! Offers and receipts signed with a key: JWS in compact form (RFC 7515), over whatever bytes stand in it.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::Deserialize;

use super::{OfferRefusal, OfferRefused, OfferSigner, key::PublicKey};
use crate::challenge::shorten;

#[derive(Deserialize)]
struct Header {
    alg: String,
    #[serde(default)]
    kid: String,
    /// Extensions that a reader must understand: none are.
    #[serde(default)]
    crit: Option<serde_json::Value>,
}

/// The payload, and whose key signed it.
pub(super) fn open(jws: &str) -> Result<(Vec<u8>, OfferSigner), OfferRefused> {
    let malformed = || OfferRefused::new(OfferRefusal::Malformed, "a JWS in compact form", "something else");
    let mut parts = jws.split('.');
    let (Some(header), Some(payload), Some(signature), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(malformed());
    };
    let bytes = |part: &str| BASE64_URL_SAFE_NO_PAD.decode(part).map_err(|_| malformed());
    let read: Header = serde_json::from_slice(&bytes(header)?).map_err(|_| malformed())?;
    if read.crit.is_some() {
        return Err(malformed());
    }
    let did = read.kid.split('#').next().unwrap_or_default().to_owned();
    let Some(key) = PublicKey::of_did(&did) else {
        return Ok((bytes(payload)?, OfferSigner::Unresolved(did)));
    };
    if key.algorithm() != read.alg {
        let got = shorten(&read.alg);
        return Err(OfferRefused::new(OfferRefusal::AlgorithmUnknown, key.algorithm(), got));
    }
    let signed = jws.rsplit_once('.').map(|(signed, _)| signed).ok_or_else(malformed)?;
    if !key.verifies(signed.as_bytes(), &bytes(signature)?) {
        let expected = format!("a signature by {}", shorten(&did));
        return Err(OfferRefused::new(OfferRefusal::Forged, expected, "another"));
    }
    Ok((bytes(payload)?, OfferSigner::Key(did)))
}
