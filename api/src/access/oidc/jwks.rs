//! A set of an issuer's keys (RFC 7517), as far as tokens are signed with them.

use jsonwebtoken::{
    Algorithm, DecodingKey, Header,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, KeyOperations, PublicKeyUse},
};
use serde::Deserialize;
use serde_json::Value;

use super::WrongToken;

const RSA: &[Algorithm] = &[
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
];

/// A key, and what it signs with. Never a shared secret: whoever can check those can sign with them.
#[derive(Debug, Clone)]
pub(super) struct Key {
    id: Option<String>,
    algorithms: Vec<Algorithm>,
    pub(super) key: DecodingKey,
}

/// The keys of an issuer.
#[derive(Debug, Clone, Default)]
pub(super) struct Keys(Vec<Key>);

#[derive(Deserialize)]
struct Set {
    keys: Vec<Value>,
}

impl Keys {
    /// Reads a set. Keys of other kinds, and for other uses, are none of ours.
    ///
    /// # Errors
    /// When it is no set.
    pub(super) fn read(text: &[u8]) -> Result<Self, serde_json::Error> {
        let set: Set = serde_json::from_slice(text)?;
        let jwks = set.keys.into_iter().filter_map(|key| serde_json::from_value(key).ok());
        Ok(Self(jwks.filter_map(|jwk| Key::of(&jwk)).collect()))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The key that a token names; the only one that fits, where it names none.
    ///
    /// # Errors
    /// When there is none, or it is not for that algorithm.
    pub(super) fn find(&self, header: &Header) -> Result<&Key, WrongToken> {
        let fits = |key: &&Key| key.algorithms.contains(&header.alg);
        let Some(id) = &header.kid else {
            let mut fitting = self.0.iter().filter(fits);
            return match (fitting.next(), fitting.next()) {
                (Some(key), None) => Ok(key),
                _ => Err(WrongToken::UnknownKey),
            };
        };
        let mut named = self.0.iter().filter(|key| key.id.as_ref() == Some(id)).peekable();
        if named.peek().is_none() {
            return Err(WrongToken::UnknownKey);
        }
        named.find(fits).ok_or(WrongToken::Algorithm { got: header.alg })
    }
}

impl Key {
    fn of(jwk: &Jwk) -> Option<Self> {
        let common = &jwk.common;
        let for_signatures = common.public_key_use.as_ref().is_none_or(|it| *it == PublicKeyUse::Signature);
        let verifies =
            common.key_operations.as_ref().is_none_or(|them| them.contains(&KeyOperations::Verify));
        if !for_signatures || !verifies {
            return None;
        }
        let able: &[Algorithm] = match &jwk.algorithm {
            AlgorithmParameters::RSA(_) => RSA,
            AlgorithmParameters::EllipticCurve(of) if of.curve == EllipticCurve::P256 => &[Algorithm::ES256],
            AlgorithmParameters::EllipticCurve(of) if of.curve == EllipticCurve::P384 => &[Algorithm::ES384],
            AlgorithmParameters::OctetKeyPair(of) if of.curve == EllipticCurve::Ed25519 => {
                &[Algorithm::EdDSA]
            }
            _ => return None,
        };
        let algorithms: Vec<Algorithm> = able
            .iter()
            .copied()
            .filter(|one| common.key_algorithm.is_none_or(|said| is(said, *one)))
            .collect();
        if algorithms.is_empty() {
            return None;
        }
        let key = DecodingKey::from_jwk(jwk).ok()?;
        Some(Self { id: common.key_id.clone(), algorithms, key })
    }
}

fn is(said: KeyAlgorithm, one: Algorithm) -> bool {
    said.to_string().parse() == Ok(one)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    /// RFC 7515, A.3: a key on P-256.
    fn ec(more: Value) -> Value {
        let mut key = json!({ "kty": "EC", "crv": "P-256",
            "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
            "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0" });
        key.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        key
    }

    fn read(keys: &[Value]) -> Keys {
        Keys::read(json!({ "keys": keys }).to_string().as_bytes()).unwrap()
    }

    fn header(alg: Algorithm, kid: Option<&str>) -> Header {
        Header { kid: kid.map(str::to_owned), ..Header::new(alg) }
    }

    #[test]
    fn only_public_keys_that_sign_are_read() {
        assert!(!read(&[ec(json!({}))]).is_empty());
        assert!(!read(&[json!({ "kty": "AKP", "alg": "ML-DSA-44" }), json!(7), ec(json!({}))]).is_empty());
        for none in [
            json!({ "kty": "oct", "k": "c2VjcmV0", "alg": "HS256" }),
            json!({ "kty": "oct", "k": "c2VjcmV0" }),
            ec(json!({ "use": "enc" })),
            ec(json!({ "key_ops": ["sign"] })),
            ec(json!({ "alg": "HS256" })),
            ec(json!({ "alg": "ES384" })),
            ec(json!({ "alg": "none" })),
            ec(json!({ "crv": "P-521" })),
            ec(json!({ "crv": "secp256k1" })),
            ec(json!({ "x": "not base64!" })),
        ] {
            assert!(read(std::slice::from_ref(&none)).is_empty(), "{none}");
        }
        for none in ["", "{}", "[]", "{\"keys\":{}}", "{\"keys\":\"\"}", "<html>"] {
            assert!(Keys::read(none.as_bytes()).is_err(), "{none}");
        }
    }

    #[test]
    fn a_key_is_found_by_its_name_and_for_its_algorithm_alone() {
        let keys =
            read(&[ec(json!({ "kid": "a" })), ec(json!({ "kid": "b", "alg": "ES256", "use": "sig" }))]);
        let found = |alg, kid| keys.find(&header(alg, kid)).map(|key| key.id.clone().unwrap());
        assert_eq!(found(Algorithm::ES256, Some("a")), Ok("a".into()));
        assert_eq!(found(Algorithm::ES256, Some("b")), Ok("b".into()));
        assert_eq!(found(Algorithm::ES256, Some("c")), Err(WrongToken::UnknownKey));
        assert_eq!(found(Algorithm::ES256, None), Err(WrongToken::UnknownKey), "which would be a guess");
        for got in [Algorithm::HS256, Algorithm::RS256, Algorithm::ES384, Algorithm::EdDSA] {
            assert_eq!(found(got, Some("a")), Err(WrongToken::Algorithm { got }));
        }
        let one = read(&[ec(json!({}))]);
        assert!(one.find(&header(Algorithm::ES256, None)).is_ok());
        assert!(one.find(&header(Algorithm::ES256, Some("a"))).is_err());
    }
}
