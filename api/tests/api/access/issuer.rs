//! An issuer on this machine: it serves discovery and its keys, and signs whatever a test wants signed.
//!
//! It signs by hand, with another library's arithmetic than what is signed is held against.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use aws_lc_rs::{
    rand::SystemRandom,
    rsa::{KeyPair as RsaKeyPair, KeySize},
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256,
        RSA_PSS_SHA256,
    },
};
use axum::{
    Json, Router,
    extract::Request,
    middleware::{self, Next},
    routing,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use bursar_api::{
    AppState,
    access::{
        Mode,
        oidc::{Granted, Issuer, Settings},
    },
};
use bursar_indexer::access::Role;
use bursar_test_stores::Stores;
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::Mutex, task::JoinHandle};

use super::{
    clients::{approver, get, guarded, refusal, stranger},
    codes::Codes,
};
use crate::{
    client::{Api, config, state},
    seed::{self, treasury},
};

/// Whom its tokens are for.
pub(super) const AUDIENCE: &str = "bursar";

pub(super) fn encoded(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A key with its private half.
pub(super) enum Pair {
    Rsa(RsaKeyPair),
    Ec(EcdsaKeyPair),
    Ed(Ed25519KeyPair),
}

impl Pair {
    pub(super) fn rsa() -> anyhow::Result<Self> {
        Ok(Self::Rsa(RsaKeyPair::generate(KeySize::Rsa2048)?))
    }

    pub(super) fn ec() -> anyhow::Result<Self> {
        Ok(Self::Ec(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)?))
    }

    pub(super) fn ed() -> anyhow::Result<Self> {
        Ok(Self::Ed(Ed25519KeyPair::generate()?))
    }

    /// Its public half, as sets of keys have it.
    pub(super) fn jwk(&self, kid: &str) -> Value {
        match self {
            Self::Rsa(pair) => {
                let key = pair.public_key();
                let n = encoded(key.modulus().big_endian_without_leading_zero());
                let e = encoded(key.exponent().big_endian_without_leading_zero());
                json!({ "kty": "RSA", "kid": kid, "use": "sig", "n": n, "e": e })
            }
            Self::Ec(pair) => {
                let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
                json!({ "kty": "EC", "crv": "P-256", "kid": kid, "x": encoded(x), "y": encoded(y) })
            }
            Self::Ed(pair) => {
                json!({ "kty": "OKP", "crv": "Ed25519", "kid": kid, "x": encoded(pair.public_key()) })
            }
        }
    }

    /// How it signs, unless told otherwise.
    fn algorithm(&self) -> &'static str {
        match self {
            Self::Rsa(_) => "RS256",
            Self::Ec(_) => "ES256",
            Self::Ed(_) => "EdDSA",
        }
    }

    fn sign(&self, alg: &str, text: &[u8]) -> anyhow::Result<Vec<u8>> {
        let random = SystemRandom::new();
        Ok(match self {
            Self::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                let way = if alg == "PS256" { &RSA_PSS_SHA256 } else { &RSA_PKCS1_SHA256 };
                pair.sign(way, &random, text, &mut signature)?;
                signature
            }
            Self::Ec(pair) => pair.sign(&random, text)?.as_ref().to_vec(),
            Self::Ed(pair) => pair.sign(text).as_ref().to_vec(),
        })
    }

    /// A token with its own way of signing.
    pub(super) fn token(&self, kid: &str, claims: &Value) -> anyhow::Result<String> {
        self.signed(&json!({ "typ": "JWT", "alg": self.algorithm(), "kid": kid }), claims)
    }

    /// A token with any header.
    pub(super) fn signed(&self, header: &Value, claims: &Value) -> anyhow::Result<String> {
        let text = format!("{}.{}", encoded(header.to_string()), encoded(claims.to_string()));
        let signature = self.sign(header["alg"].as_str().unwrap_or_default(), text.as_bytes())?;
        Ok(format!("{text}.{}", encoded(signature)))
    }
}

/// The issuer, with one key. It goes away with this.
pub(super) struct Served {
    pub(super) url: String,
    pub(super) pair: Pair,
    /// How often it was asked for its keys.
    asked: Arc<AtomicUsize>,
    /// How often it was asked for anything.
    came: Arc<AtomicUsize>,
    /// Who has this keeps it from answering.
    pub(super) door: Arc<Mutex<()>>,
    /// What people sign in with.
    pub(super) codes: Codes,
    serving: JoinHandle<()>,
}

impl Drop for Served {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// What its key is called.
pub(super) const KEY: &str = "first";

impl Served {
    pub(super) async fn with(pair: Pair) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}/realms/acme", listener.local_addr()?);
        let [asked, came] = [(); 2].map(|()| Arc::new(AtomicUsize::new(0)));
        let door = Arc::new(Mutex::new(()));
        let discovery = json!({
            "issuer": url, "jwks_uri": format!("{url}/keys"),
            "authorization_endpoint": format!("{url}/authorize?realm=acme"),
            "token_endpoint": format!("{url}/token"),
        });
        let codes = Codes::default();
        let (keys, count) = (json!({ "keys": [pair.jwk(KEY)] }), Arc::clone(&asked));
        let router = Router::new()
            .route(
                "/realms/acme/.well-known/openid-configuration",
                routing::get(async move || Json(discovery)),
            )
            .route(
                "/realms/acme/keys",
                routing::get(async move || {
                    count.fetch_add(1, Ordering::Relaxed);
                    Json(keys)
                }),
            )
            .route("/realms/acme/token", codes.route());
        let (coming, shut) = (Arc::clone(&came), Arc::clone(&door));
        let router = router.layer(middleware::from_fn(move |request: Request, next: Next| {
            coming.fetch_add(1, Ordering::Relaxed);
            let shut = Arc::clone(&shut);
            async move {
                drop(shut.lock().await);
                next.run(request).await
            }
        }));
        let serving = tokio::spawn(async move {
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self { url, pair, asked, came, door, codes, serving })
    }

    pub(super) async fn begin() -> anyhow::Result<Self> {
        Self::with(Pair::ec()?).await
    }

    pub(super) fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }

    pub(super) fn came(&self) -> usize {
        self.came.load(Ordering::Relaxed)
    }

    /// What a service is told of it.
    pub(super) fn settings(&self) -> Settings {
        let ours = Role::ALL.map(|role| (format!("ours-{role}"), role, Some(treasury())));
        let theirs = Role::ALL.map(|role| (format!("theirs-{role}"), role, Some(stranger())));
        let all = [("operator".to_owned(), Role::Auditor, None)];
        let grants = ours.into_iter().chain(theirs).chain(all);
        Settings {
            issuer: self.url.clone(),
            audience: AUDIENCE.into(),
            jwks_url: None,
            groups_claim: "groups".into(),
            account_claim: "bursar_account".into(),
            sign_in: None,
            grants: grants
                .map(|(group, role, treasury)| Granted { group, role: role.to_string(), treasury })
                .collect(),
        }
    }

    pub(super) fn issuer(&self) -> anyhow::Result<Option<Arc<Issuer>>> {
        Ok(Some(Arc::new(Issuer::new(self.settings())?)))
    }

    /// What a token of somebody in a group says.
    pub(super) fn claims(&self, group: &str) -> Value {
        let account = if group.ends_with("approver") { approver() } else { seed::agent(1) };
        json!({
            "iss": self.url, "sub": format!("f:{group}"), "aud": [AUDIENCE, "account"],
            "iat": seed::NOW - 10, "exp": seed::NOW + 290,
            "groups": ["everybody", group], "bursar_account": account.to_checksum(None),
            "email": "ada@acme.example", "name": "Ada Acme",
        })
    }

    /// A token of somebody in a group.
    pub(super) fn token(&self, group: &str) -> anyhow::Result<String> {
        self.pair.token(KEY, &self.claims(group))
    }

    /// The same that says something else, too.
    pub(super) fn saying(&self, group: &str, other: &Value) -> anyhow::Result<String> {
        let mut claims = self.claims(group);
        for (name, value) in other.as_object().into_iter().flatten() {
            claims[name] = value.clone();
        }
        self.pair.token(KEY, &claims)
    }
}

/// A service that takes an issuer's tokens.
pub(super) struct Service {
    pub(super) api: Api,
    pub(super) state: AppState,
    pub(super) issuer: Served,
}

pub(super) async fn service(
    stores: Stores,
    issuer: Served,
    set: impl FnOnce(&mut bursar_api::Config),
) -> anyhow::Result<Service> {
    let Api { seeded, .. } = guarded(stores).await?;
    let mut config = config();
    (config.access, config.issuer) = (Mode::Keys, issuer.issuer()?);
    set(&mut config);
    let state = state(&seeded, config);
    Ok(Service { api: Api { router: bursar_api::router(state.clone()), seeded }, state, issuer })
}

pub(super) async fn serving(stores: Stores) -> anyhow::Result<Service> {
    service(stores, Served::begin().await?, |_| {}).await
}

impl Service {
    /// Status and code of what a token is answered.
    pub(super) async fn says(&self, token: &str, path: &str) -> anyhow::Result<(u16, String)> {
        let answer = get(&self.api, token, path).await?;
        assert!(!answer.text().contains(token), "the answer repeats the token");
        if answer.status.is_success() {
            return Ok((answer.status.as_u16(), String::new()));
        }
        Ok(refusal(&answer))
    }

    pub(super) async fn refused(&self, token: &str, status: u16, code: &str) -> anyhow::Result<()> {
        assert_eq!(self.says(token, "/v1/payments").await?, (status, code.into()));
        Ok(())
    }

    pub(super) async fn taken(&self, token: &str) -> anyhow::Result<()> {
        assert_eq!(self.says(token, "/v1/payments").await?, (200, String::new()));
        Ok(())
    }
}
