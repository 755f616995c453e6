//! What a token has to say, and what it is worth: settings that hold together.

use alloy::primitives::Address;
use bursar_indexer::access::{Grant, Role};
use serde_json::Value;
use url::Url;

use super::{Granted, Settings, SettingsError, SignIn, WrongToken};
use crate::{webhook::target, wire::Addr};

/// Whose tokens are taken, for whom, and what their groups are worth.
#[derive(Debug)]
pub(super) struct Terms {
    pub(super) issuer: String,
    pub(super) audience: String,
    /// How people sign in from the pages.
    pub(super) sign_in: Option<SignIn>,
    groups_claim: String,
    account_claim: String,
    /// Each group once.
    grants: Vec<(String, Role, Option<Address>)>,
}

impl Terms {
    /// Holds settings together; with where the keys are, if that is told.
    ///
    /// # Errors
    /// When they do not.
    pub(super) fn new(settings: Settings) -> Result<Self, SettingsError> {
        let Settings { issuer, audience, jwks_url, groups_claim, account_claim, grants, sign_in } = settings;
        let url: Url = issuer.parse().map_err(|_| SettingsError::Issuer { got: issuer.clone() })?;
        if url.query().is_some() {
            return Err(SettingsError::Issuer { got: issuer });
        }
        for (what, url) in [("issuer", Some(&url)), ("jwks_url", jwks_url.as_ref())] {
            let checked = url.map_or(Ok(()), |url| target::check(url, true));
            checked.map_err(|source| SettingsError::Address { what, source })?;
        }
        let named =
            [("audience", &audience), ("groups_claim", &groups_claim), ("account_claim", &account_claim)];
        if let Some((what, _)) = named.into_iter().find(|(_, text)| text.trim().is_empty()) {
            return Err(SettingsError::Empty { what });
        }
        if let Some(SignIn { client_id, name, scope, .. }) = &sign_in {
            let named = [("sign_in.client_id", client_id), ("sign_in.name", name)];
            if let Some((what, _)) = named.into_iter().find(|(_, text)| text.trim().is_empty()) {
                return Err(SettingsError::Empty { what });
            }
            if !scope.split(' ').any(|one| one == "openid") {
                return Err(SettingsError::Scope { got: scope.clone() });
            }
        }
        let grants = granted(grants)?;
        Ok(Self { issuer, audience, sign_in, groups_claim, account_claim, grants })
    }

    /// The client that people sign in with from the pages.
    pub(super) fn client(&self) -> Option<&str> {
        self.sign_in.as_ref().map(|sign_in| sign_in.client_id.as_str())
    }

    /// What a token is worth that says all this.
    ///
    /// # Errors
    /// When its groups are worth nothing, or not one thing; when nobody is told whom it speaks for.
    pub(super) fn grant(&self, claims: &Value) -> Result<Grant, WrongToken> {
        let groups = words(find(claims, &self.groups_claim));
        let mut given = self.grants.iter().filter(|(group, ..)| groups.contains(&group.as_str()));
        let claim = || self.groups_claim.clone();
        let Some((_, role, treasury)) = given.next() else {
            return Err(WrongToken::NoRole { claim: claim() });
        };
        if given.any(|(_, other, of)| (other, of) != (role, treasury)) {
            return Err(WrongToken::SeveralRoles { claim: claim() });
        }
        let account = if speaks(*role) { Some(self.account(*role, claims)?) } else { None };
        // Held to it when they were read: what is not, is worth nothing.
        Grant::new(*role, *treasury, account).map_err(|_| WrongToken::NoRole { claim: claim() })
    }

    fn account(&self, role: Role, claims: &Value) -> Result<Address, WrongToken> {
        let given = find(claims, &self.account_claim).and_then(Value::as_str);
        let read = given.and_then(|text| text.parse().ok()).map(|Addr(address)| address);
        read.ok_or_else(|| WrongToken::NoAccount { role, claim: self.account_claim.clone() })
    }
}

fn granted(given: Vec<Granted>) -> Result<Vec<(String, Role, Option<Address>)>, SettingsError> {
    let mut grants: Vec<(String, Role, Option<Address>)> = Vec::with_capacity(given.len());
    for Granted { group, role, treasury } in given {
        if group.trim().is_empty() {
            return Err(SettingsError::Empty { what: "grants.group" });
        }
        if grants.iter().any(|(known, ..)| *known == group) {
            return Err(SettingsError::Twice { group });
        }
        let role: Role =
            role.parse().map_err(|source| SettingsError::Role { group: group.clone(), source })?;
        // Whom it speaks for, a token says.
        let held = Grant::new(role, treasury, speaks(role).then_some(Address::ZERO));
        held.map_err(|source| SettingsError::Bounds { group: group.clone(), source })?;
        grants.push((group, role, treasury));
    }
    if grants.is_empty() { Err(SettingsError::NoGrants) } else { Ok(grants) }
}

fn speaks(role: Role) -> bool {
    matches!(role, Role::Agent | Role::Approver)
}

/// A claim by its name, or by a JSON pointer: names may have dots and slashes, but begin with none.
fn find<'a>(claims: &'a Value, claim: &str) -> Option<&'a Value> {
    if claim.starts_with('/') { claims.pointer(claim) } else { claims.get(claim) }
}

/// One text, or a list of them; anything else is no group.
fn words(value: Option<&Value>) -> Vec<&str> {
    match value {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(many)) => many.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    fn granted(group: &str, role: &str, treasury: Option<u8>) -> Granted {
        let treasury = treasury.map(Address::repeat_byte);
        Granted { group: group.into(), role: role.into(), treasury }
    }

    fn settings(grants: Vec<Granted>) -> Settings {
        Settings {
            issuer: "https://login.example/".into(),
            audience: "bursar".into(),
            jwks_url: None,
            groups_claim: "groups".into(),
            account_claim: "bursar_account".into(),
            grants,
            sign_in: None,
        }
    }

    fn with(sign_in: SignIn) -> Settings {
        Settings { sign_in: Some(sign_in), ..one() }
    }

    fn pages() -> SignIn {
        let (client_id, name) = ("bursar-pages".into(), "Acme".into());
        SignIn { client_id, client_secret_file: None, name, scope: "openid groups".into() }
    }

    fn one() -> Settings {
        settings(vec![granted("audit", "auditor", Some(1))])
    }

    #[test]
    fn settings_that_do_not_hold_together_are_refused_and_say_what_would() {
        assert!(Terms::new(one()).is_ok());
        assert!(Terms::new(Settings { issuer: "http://localhost:8080/realms/a".into(), ..one() }).is_ok());
        assert!(Terms::new(with(pages())).is_ok());
        let refused = |settings| {
            let error = Terms::new(settings).unwrap_err();
            let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
            format!("{error}: {cause}")
        };
        for (settings, told) in [
            (Settings { issuer: "login.example".into(), ..one() }, "got \"login.example\""),
            (Settings { issuer: "https://login.example/?tenant=1".into(), ..one() }, "as its tokens have it"),
            (Settings { issuer: "http://login.example/".into(), ..one() }, "oidc.issuer: expected an https"),
            (Settings { issuer: "https://a:b@login.example/".into(), ..one() }, "without user, password"),
            (
                Settings { jwks_url: Some("http://login.example/keys".parse().unwrap()), ..one() },
                "oidc.jwks_url: expected an https",
            ),
            (Settings { audience: " ".into(), ..one() }, "oidc.audience: expected some text"),
            (Settings { groups_claim: String::new(), ..one() }, "oidc.groups_claim"),
            (Settings { account_claim: String::new(), ..one() }, "oidc.account_claim"),
            (with(SignIn { client_id: String::new(), ..pages() }), "oidc.sign_in.client_id: expected some"),
            (with(SignIn { name: " ".into(), ..pages() }), "oidc.sign_in.name: expected some text"),
            (with(SignIn { scope: "openid2 groups".into(), ..pages() }), "sign_in.scope: expected openid"),
            (settings(Vec::new()), "[[access.oidc.grants]]"),
            (settings(vec![granted("", "auditor", Some(1))]), "grants.group"),
            (settings(vec![granted("a", "owner", Some(1))]), "got \"owner\""),
            (settings(vec![granted("a", "treasury", None)]), "only an auditor may be of all"),
            (settings(vec![granted("a", "auditor", None), granted("a", "auditor", None)]), "\"a\" twice"),
        ] {
            assert!(refused(settings.clone()).contains(told), "{}", refused(settings));
        }
    }

    #[test]
    fn groups_are_worth_what_they_are_granted_and_never_two_things() {
        let grants = vec![
            granted("audit", "auditor", Some(1)),
            granted("auditors", "auditor", Some(1)),
            granted("operator", "auditor", None),
            granted("pays", "treasury", Some(1)),
            granted("pays-2", "treasury", Some(2)),
        ];
        let terms = Terms::new(settings(grants)).unwrap();
        let worth = |groups: Value| terms.grant(&json!({ "groups": groups }));
        let auditor = Grant::new(Role::Auditor, Some(Address::repeat_byte(1)), None).unwrap();
        for groups in [
            json!("audit"),
            json!(["audit"]),
            json!(["x", "auditors", "audit", 7]),
            json!(["audit", "audit"]),
        ] {
            assert_eq!(worth(groups.clone()), Ok(auditor), "{groups}");
        }
        let claim = || "groups".to_owned();
        for groups in [json!(["audit", "operator"]), json!(["pays", "audit"]), json!(["pays", "pays-2"])] {
            assert_eq!(worth(groups.clone()), Err(WrongToken::SeveralRoles { claim: claim() }), "{groups}");
        }
        for groups in [
            json!([]),
            json!(null),
            json!("AUDIT"),
            json!("audit "),
            json!("audit operator"),
            json!([["audit"]]),
            json!({ "audit": true }),
            json!(1),
        ] {
            assert_eq!(worth(groups.clone()), Err(WrongToken::NoRole { claim: claim() }), "{groups}");
        }
        assert_eq!(terms.grant(&json!({})), Err(WrongToken::NoRole { claim: claim() }));
    }

    #[test]
    fn who_speaks_for_an_account_says_which() {
        let terms = Terms::new(settings(vec![granted("bots", "agent", Some(1))])).unwrap();
        let account = Address::repeat_byte(0xab);
        let worth = |account: Value| terms.grant(&json!({ "groups": "bots", "bursar_account": account }));
        let agent = Grant::new(Role::Agent, Some(Address::repeat_byte(1)), Some(account)).unwrap();
        assert_eq!(worth(json!(account.to_checksum(None))), Ok(agent));
        assert_eq!(worth(json!(format!("{account:#x}"))), Ok(agent));
        let none = WrongToken::NoAccount { role: Role::Agent, claim: "bursar_account".into() };
        for bad in
            [json!(null), json!("0x12"), json!([account]), json!(account.to_checksum(None).replace('b', "B"))]
        {
            assert_eq!(worth(bad.clone()), Err(none.clone()), "{bad}");
        }
    }

    #[test]
    fn claims_are_found_by_name_or_pointer() {
        let claims = json!({ "https://acme.example/groups": "a", "realm_access": { "roles": ["b"] } });
        assert_eq!(words(find(&claims, "https://acme.example/groups")), ["a"]);
        assert_eq!(words(find(&claims, "/realm_access/roles")), ["b"]);
        assert!(words(find(&claims, "realm_access.roles")).is_empty());
        assert!(words(find(&claims, "/realm_access")).is_empty());
    }
}
