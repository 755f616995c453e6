//! This service as the issuer knows it, where people sign in there from its pages (OpenID Connect, code flow with PKCE).

use std::fmt;

use url::{Url, form_urlencoded};

use super::{
    SettingsError, SignIn,
    flow::{Flow, challenge},
};
use crate::webhook::target;

/// Where the issuer sends people back to.
pub(crate) const CALLBACK: &str = "/sign-in/callback";

/// A client of the issuer.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) id: String,
    /// What people call the issuer.
    pub(super) name: String,
    scope: String,
    secret: Option<Secret>,
    back: Url,
}

/// What the issuer knows this service by. Shows itself to nobody.
struct Secret(String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// What the issuer is asked for a code's token with.
pub(super) struct Redemption {
    /// Goes into the header `Authorization`, encoded.
    pub(super) basic: Option<(String, String)>,
    pub(super) form: String,
}

impl Client {
    /// A client whose pages people find below `base`.
    ///
    /// # Errors
    /// When the issuer could send nobody back there safely.
    pub(super) fn new(told: &SignIn, base: &Url, secret: Option<String>) -> Result<Self, SettingsError> {
        target::check(base, true).map_err(|source| SettingsError::Pages { source })?;
        let mut back = base.clone();
        back.set_path(CALLBACK);
        back.set_query(None);
        let SignIn { client_id, name, scope, .. } = told;
        let (id, name, scope) = (client_id.clone(), name.clone(), scope.clone());
        Ok(Self { id, name, scope, secret: secret.map(Secret), back })
    }

    /// Where somebody signs in.
    pub(super) fn ask(&self, endpoint: &Url, flow: &Flow) -> Url {
        let mut url = endpoint.clone();
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.id)
            .append_pair("redirect_uri", self.back.as_str())
            .append_pair("scope", &self.scope)
            .append_pair("state", &flow.state())
            .append_pair("nonce", &flow.nonce())
            .append_pair("code_challenge", &challenge(&flow.verifier()))
            .append_pair("code_challenge_method", "S256");
        url
    }

    /// What is asked for a code's token; `basic`: whether the issuer takes a secret in a header.
    pub(super) fn redeem(&self, code: &str, flow: &Flow, basic: bool) -> Redemption {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("grant_type", "authorization_code")
            .append_pair("code", code)
            .append_pair("redirect_uri", self.back.as_str())
            .append_pair("code_verifier", &flow.verifier());
        let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        let basic = match &self.secret {
            Some(Secret(secret)) if basic => Some((encoded(&self.id), encoded(secret))),
            Some(Secret(secret)) => {
                form.append_pair("client_id", &self.id).append_pair("client_secret", secret);
                None
            }
            None => {
                form.append_pair("client_id", &self.id);
                None
            }
        };
        Redemption { basic, form: form.finish() }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::collections::BTreeMap;

    use bursar_sdk::clock::Entropy;

    use super::*;

    fn client(secret: Option<&str>, base: &str) -> Result<Client, SettingsError> {
        let told = SignIn {
            client_id: "bursar pages".into(),
            client_secret_file: None,
            name: "Acme".into(),
            scope: "openid groups".into(),
        };
        Client::new(&told, &base.parse().unwrap(), secret.map(str::to_owned))
    }

    fn pairs(text: &str) -> BTreeMap<String, String> {
        form_urlencoded::parse(text.as_bytes()).into_owned().collect()
    }

    fn flow() -> Flow {
        Flow::new(&Entropy::system(), 1, "/audit".into())
    }

    #[test]
    fn people_are_sent_back_over_tls_or_on_this_machine() {
        for (base, back) in [
            ("https://bursar.example/", "https://bursar.example/sign-in/callback"),
            ("https://bursar.example/below?a=b", "https://bursar.example/sign-in/callback"),
            ("http://127.0.0.1:8402/", "http://127.0.0.1:8402/sign-in/callback"),
        ] {
            assert_eq!(client(None, base).unwrap().back.as_str(), back);
        }
        for base in ["http://bursar.example/", "http://10.0.0.2:8402/", "https://a:b@bursar.example/"] {
            assert!(matches!(client(None, base), Err(SettingsError::Pages { .. })), "{base}");
        }
    }

    #[test]
    fn the_issuer_is_asked_with_all_that_binds_its_answer_and_nothing_secret() {
        let (client, flow) = (client(Some("s3cret"), "https://bursar.example/").unwrap(), flow());
        let url = client.ask(&"https://login.example/authorize?tenant=1".parse().unwrap(), &flow);
        let asked = pairs(url.query().unwrap());
        assert_eq!(asked["tenant"], "1");
        assert_eq!((&*asked["scope"], &*asked["response_type"]), ("openid groups", "code"));
        assert_eq!((&asked["state"], &asked["nonce"]), (&flow.state(), &flow.nonce()));
        assert_eq!(asked["code_challenge"], challenge(&flow.verifier()));
        assert_eq!(asked["code_challenge_method"], "S256");
        assert!(!url.as_str().contains(&flow.verifier()) && !url.as_str().contains("s3cret"));
        assert!(!format!("{client:?}").contains("s3cret"));
    }

    #[test]
    fn a_secret_goes_where_the_issuer_takes_it() {
        let (with, flow) = (client(Some("s3:cret"), "https://bursar.example/").unwrap(), flow());
        let header = with.redeem("c", &flow, true);
        assert_eq!(header.basic, Some(("bursar+pages".into(), "s3%3Acret".into())));
        assert!(!header.form.contains("cret"));
        let posted = with.redeem("c", &flow, false);
        let form = pairs(&posted.form);
        assert!(posted.basic.is_none());
        assert_eq!((&*form["client_id"], &*form["client_secret"]), ("bursar pages", "s3:cret"));
        assert_eq!((&*form["code"], &form["code_verifier"]), ("c", &flow.verifier()));
        let without = client(None, "https://bursar.example/").unwrap().redeem("c", &flow, true);
        assert!(without.basic.is_none() && !without.form.contains("client_secret"));
        assert_eq!(pairs(&without.form)["client_id"], "bursar pages");
    }
}
