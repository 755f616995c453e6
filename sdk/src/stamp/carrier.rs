//! How a stamp travels: in an HTTP header, in the extensions of an x402 payment, in a session's opening.
//!
//! In a session's opening it is the hash alone: [`crate::session::SessionTerms::stamp_hash`].

use http::{HeaderMap, HeaderValue};
use serde_json::json;
use x402_types::proto::v2::ExtensionsJson;

use super::{
    bundle::{MAX_BUNDLE, StampBundle, bytes_of_text},
    refusal::{StampRefusal, StampRefused},
    wire::Malformed,
};

/// The HTTP header: a bundle in base64url without padding.
pub const HEADER: &str = "bursar-stamp";
/// The x402 extension: `{"info": {"version": 1, "bundle": <base64url>}}`.
pub const EXTENSION: &str = "bursar-stamp";
/// The longest bundle in a header, in bytes: its text is at most 8,192 characters, which servers commonly take.
pub const MAX_IN_HEADER: usize = 6_144;

impl StampBundle {
    /// The value of the header [`HEADER`].
    ///
    /// # Errors
    /// When the bundle is longer than [`MAX_IN_HEADER`].
    pub fn to_header(&self) -> Result<HeaderValue, Malformed> {
        let text = self.to_text()?;
        let fits = text.len() <= MAX_IN_HEADER.div_ceil(3) * 4;
        let value = fits.then(|| HeaderValue::from_str(&text).ok()).flatten();
        value.ok_or(Malformed { expected: "a bundle of at most 6144 bytes for a header" })
    }

    /// Puts the stamp beside a payment's other extensions.
    ///
    /// # Errors
    /// As [`Self::encode`].
    pub fn put_in(&self, extensions: &ExtensionsJson) -> Result<ExtensionsJson, Malformed> {
        let stamp = (EXTENSION.to_owned(), json!({ "info": { "version": 1, "bundle": self.to_text()? } }));
        let others = extensions.as_ref().iter().filter(|(name, _)| *name != EXTENSION);
        Ok(others.map(|(name, value)| (name.clone(), value.clone())).chain([stamp]).collect())
    }
}

/// The bundle that a request carries, as bytes for a [`super::Verifier`]; `None` without the header.
///
/// # Errors
/// When it is too long, comes twice, or is no base64url. Nothing in it is looked at.
pub fn from_headers(headers: &HeaderMap) -> Result<Option<Vec<u8>>, StampRefused> {
    let mut values = headers.get_all(HEADER).iter();
    let (first, second) = (values.next(), values.next());
    let Some(value) = first else { return Ok(None) };
    if second.is_some() {
        return Err(StampRefused::new(StampRefusal::Malformed, "one stamp", "several"));
    }
    let text = value.to_str().unwrap_or("");
    read(text, MAX_IN_HEADER, value.len()).map(Some)
}

/// The bundle that a payment carries, as bytes for a [`super::Verifier`]; `None` without the extension.
///
/// # Errors
/// As [`from_headers`].
pub fn from_extensions(extensions: &ExtensionsJson) -> Result<Option<Vec<u8>>, StampRefused> {
    let Some(extension) = extensions.as_ref().get(EXTENSION) else { return Ok(None) };
    let version = extension.pointer("/info/version").and_then(serde_json::Value::as_u64);
    let text = extension.pointer("/info/bundle").and_then(serde_json::Value::as_str);
    let (Some(1), Some(text)) = (version, text) else {
        let expected = "a stamp extension of version 1 with a bundle";
        return Err(StampRefused::new(StampRefusal::Malformed, expected, "something else"));
    };
    read(text, MAX_BUNDLE, text.len()).map(Some)
}

fn read(text: &str, most: usize, length: usize) -> Result<Vec<u8>, StampRefused> {
    if length > most.div_ceil(3) * 4 {
        let expected = format_args!("at most {} characters", most.div_ceil(3) * 4);
        return Err(StampRefused::new(StampRefusal::TooLarge, expected, length));
    }
    bytes_of_text(text, most)
        .map_err(|error| StampRefused::new(StampRefusal::Malformed, error.expected, "something else"))
}
