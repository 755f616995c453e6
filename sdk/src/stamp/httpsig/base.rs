//! The signature base of RFC 9421, and the two headers it is told by.

use http::HeaderMap;
use sfv::{Dictionary, InnerList, ListEntry, ListSerializer, Parser};

use super::{SignedRequest, TAG};
use crate::stamp::refusal::{StampRefusal, StampRefused};

/// The longest `Signature-Input` and `Signature`, in bytes.
const MAX_HEADER: usize = 4096;
const MAX_COMPONENTS: usize = 16;
const MAX_NONCE: usize = 128;

/// One signature as `Signature-Input` and `Signature` tell it.
#[derive(Debug)]
pub(super) struct Input {
    pub(super) components: Vec<String>,
    /// The inner list with its parameters, as the base ends in it.
    pub(super) params: String,
    pub(super) created: u64,
    pub(super) expires: u64,
    pub(super) keyid: String,
    pub(super) nonce: String,
    pub(super) signature: Vec<u8>,
}

impl Input {
    /// The one signature with tag `web-bot-auth`.
    pub(super) fn read(headers: &HeaderMap) -> Result<Self, StampRefused> {
        let inputs = dictionary(headers, "signature-input")?;
        let signatures = dictionary(headers, "signature")?;
        let mut tagged = inputs.iter().filter_map(|(label, entry)| match entry {
            ListEntry::InnerList(list) if text(list, "tag") == Some(TAG) => Some((label, list)),
            _ => None,
        });
        let (Some((label, list)), None) = (tagged.next(), tagged.next()) else {
            let expected = "one signature with tag web-bot-auth";
            return Err(StampRefused::new(StampRefusal::RequestUnsigned, expected, "none, or several"));
        };
        let signature = match signatures.get(label) {
            Some(ListEntry::Item(item)) => item.bare_item.as_byte_sequence(),
            _ => None,
        };
        let Some(signature) = signature else { return malformed("a signature of the same label, as bytes") };
        if list.params.iter().any(|(name, _)| !known(name.as_str())) {
            return malformed("no parameters but created, expires, keyid, alg, nonce and tag");
        }
        if !matches!(text(list, "alg"), None | Some("ed25519"))
            || list.params.contains_key("alg") && text(list, "alg").is_none()
        {
            return malformed("alg ed25519");
        }
        let (Some(created), Some(expires)) = (seconds(list, "created"), seconds(list, "expires")) else {
            return malformed("created and expires in unix seconds");
        };
        let (Some(keyid), Some(nonce)) = (text(list, "keyid"), text(list, "nonce")) else {
            return malformed("keyid and nonce");
        };
        if nonce.is_empty() || nonce.len() > MAX_NONCE {
            return malformed("a nonce of 1 to 128 characters");
        }
        Ok(Self {
            components: components(list)?,
            params: serialized(list)?,
            created,
            expires,
            keyid: keyid.to_owned(),
            nonce: nonce.to_owned(),
            signature: signature.to_vec(),
        })
    }
}

/// The text that is signed: a line for each component, then the parameters.
pub(super) fn base_of(
    request: &SignedRequest<'_>,
    components: &[&str],
    params: &str,
) -> Result<String, StampRefused> {
    let mut base = String::new();
    for name in components {
        let value = component(request, name).ok_or_else(|| {
            StampRefused::new(StampRefusal::RequestUncovered, format_args!("{name} in the request"), "none")
        })?;
        base.push_str(&format!("\"{name}\": {value}\n"));
    }
    base.push_str("\"@signature-params\": ");
    base.push_str(params);
    Ok(base)
}

fn component(request: &SignedRequest<'_>, name: &str) -> Option<String> {
    match name {
        "@method" => Some(request.method.to_owned()),
        "@authority" => Some(request.authority.to_ascii_lowercase()),
        "@path" => Some(if request.path.is_empty() { "/".to_owned() } else { request.path.to_owned() }),
        "@query" => Some(format!("?{}", request.query.unwrap_or(""))),
        // Others need what this profile does not look at, such as the scheme, or a response.
        derived if derived.starts_with('@') => None,
        field => joined(request.headers, field),
    }
}

/// All values of a field, trimmed, joined as RFC 9421 joins them; `None` without one, or beyond ASCII.
fn joined(headers: &HeaderMap, field: &str) -> Option<String> {
    let values: Option<Vec<&str>> =
        headers.get_all(field).iter().map(|value| value.to_str().ok().map(str::trim)).collect();
    values.filter(|values| !values.is_empty()).map(|values| values.join(", "))
}

fn dictionary(headers: &HeaderMap, field: &str) -> Result<Dictionary, StampRefused> {
    let length: usize = headers.get_all(field).iter().map(|value| value.len()).sum();
    if length > MAX_HEADER {
        return malformed("signature headers of at most 4096 bytes");
    }
    let Some(value) = joined(headers, field) else {
        let expected = format_args!("a {field} header");
        return Err(StampRefused::new(StampRefusal::RequestUnsigned, expected, "none"));
    };
    Parser::new(&value).parse().or_else(|_| malformed("signature headers as RFC 9421 writes them"))
}

fn components(list: &InnerList) -> Result<Vec<String>, StampRefused> {
    if list.items.len() > MAX_COMPONENTS {
        return malformed("at most 16 components");
    }
    let mut names: Vec<String> = Vec::with_capacity(list.items.len());
    for item in &list.items {
        let name = item.bare_item.as_string().filter(|_| item.params.is_empty());
        let Some(name) = name.map(|name| name.as_str()) else {
            return malformed("components without parameters");
        };
        if names.iter().any(|known| known == name) || name.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return malformed("each component once, in lower case");
        }
        names.push(name.to_owned());
    }
    Ok(names)
}

fn serialized(list: &InnerList) -> Result<String, StampRefused> {
    let mut out = ListSerializer::new();
    out.members([&ListEntry::InnerList(list.clone())]);
    out.finish().map_or_else(|| malformed("components"), Ok)
}

fn known(name: &str) -> bool {
    matches!(name, "created" | "expires" | "keyid" | "alg" | "nonce" | "tag")
}

fn text<'a>(list: &'a InnerList, name: &str) -> Option<&'a str> {
    list.params.get(name)?.as_string().map(|text| text.as_str())
}

fn seconds(list: &InnerList, name: &str) -> Option<u64> {
    u64::try_from(i64::from(list.params.get(name)?.as_integer()?)).ok()
}

fn malformed<T>(expected: &'static str) -> Result<T, StampRefused> {
    Err(StampRefused::new(StampRefusal::RequestMalformed, expected, "something else"))
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue};

    use super::*;
    use crate::stamp::httpsig::{key, thumbprint};

    /// The key of RFC 9421, appendix B.1.4.
    const PUBLIC: [u8; 32] = alloy::hex!("26b40b8f93fff3d897112f7ebc582b232dbd72517d082fe83cfb30ddce43d1bb");

    fn post(headers: &HeaderMap) -> SignedRequest<'_> {
        SignedRequest {
            method: "POST",
            authority: "example.com",
            path: "/foo",
            query: Some("param=Value&Pet=dog"),
            headers,
            body: b"{\"hello\": \"world\"}",
        }
    }

    fn decoded(text: &str) -> Vec<u8> {
        use base64::{Engine as _, prelude::BASE64_STANDARD};
        BASE64_STANDARD.decode(text).unwrap_or_default()
    }

    /// RFC 9421, appendix B.2.6.
    #[test]
    fn verifies_the_rfcs_own_signature() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("date", "Tue, 20 Apr 2021 02:07:55 GMT"),
            ("content-type", "application/json"),
            ("content-length", "18"),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        let components = ["date", "@method", "@path", "@authority", "content-type", "content-length"];
        let params = "(\"date\" \"@method\" \"@path\" \"@authority\" \"content-type\" \"content-length\")\
                      ;created=1618884473;keyid=\"test-key-ed25519\"";
        let signature = decoded(
            "wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==",
        );
        let base = base_of(&post(&headers), &components, params);
        assert!(
            base.as_ref().is_ok_and(|base| key::verify(&PUBLIC, base.as_bytes(), &signature).is_ok()),
            "{base:?}"
        );
        headers.insert("date", HeaderValue::from_static("Tue, 20 Apr 2021 02:07:56 GMT"));
        let base = base_of(&post(&headers), &components, params);
        assert!(base.is_ok_and(|base| key::verify(&PUBLIC, base.as_bytes(), &signature).is_err()));
    }

    /// The example of the Web Bot Auth architecture draft, signed with the same key.
    #[test]
    fn reads_and_verifies_the_drafts_own_request() {
        let mut headers = HeaderMap::new();
        let input = "sig1=(\"@authority\");created=1735689600\
            ;keyid=\"poqkLGiymh_W0uP6PZFw-dvez3QJT5SolqXBCW38r0U\";alg=\"ed25519\";expires=1735693200\
            ;nonce=\"gubxywVx7hzbYKatLgzuKDllDAIXAkz41PydU7aOY7vT+Mb3GJNxW0qD4zJ+IOQ1NVtg+BNbTCRUMt1Ojr5BgA==\"\
            ;tag=\"web-bot-auth\"";
        let signature =
            "sig1=:uz2SAv+VIemw+Oo890bhYh6Xf5qZdLUgv6/PbiQfCFXcX/vt1A8Pf7OcgL2yUDUYXFtffNpkEr5W6dldqFrkDg==:";
        headers.insert("signature-input", HeaderValue::from_static(input));
        headers.insert("signature", HeaderValue::from_static(signature));
        let read = Input::read(&headers);
        let verified = read.as_ref().is_ok_and(|read| {
            let components: Vec<&str> = read.components.iter().map(String::as_str).collect();
            let base = base_of(&post(&headers), &components, &read.params);
            read.keyid == key::keyid(&thumbprint(&PUBLIC))
                && (read.created, read.expires) == (1_735_689_600, 1_735_693_200)
                && base.is_ok_and(|base| key::verify(&PUBLIC, base.as_bytes(), &read.signature).is_ok())
        });
        assert!(verified, "{read:?}");
    }
}
