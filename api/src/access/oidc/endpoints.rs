//! Where the issuer signs people in, as it last said. Whoever begins a sign-in does not make us ask it each time.

use std::sync::Arc;

use tokio::sync::Mutex;
use url::Url;

use super::{
    keyring::{AGAIN, DUE, within},
    source::Source,
};

/// Where people sign in, and where codes are redeemed.
#[derive(Debug, Clone)]
pub(super) struct Endpoints {
    pub(super) authorization: Url,
    pub(super) token: Url,
    /// Whether a client's secret goes into a header.
    pub(super) basic: bool,
}

/// Endpoints of an issuer, kept in memory.
#[derive(Debug, Default)]
pub(super) struct Kept(Arc<Mutex<Known>>);

#[derive(Debug, Default)]
struct Known {
    endpoints: Option<Endpoints>,
    /// When they came, in unix seconds.
    got: Option<u64>,
    /// When they were last asked for.
    asked: Option<u64>,
}

impl Kept {
    /// The endpoints: the last ones, while the issuer is away; `None`: it has never said. `now` is in unix seconds.
    pub(super) async fn of(&self, source: &Source, now: u64) -> Option<Endpoints> {
        let known = Arc::clone(&self.0).lock_owned().await;
        if within(known.got, DUE, now) || within(known.asked, AGAIN, now) {
            return known.endpoints.clone();
        }
        let source = source.clone();
        // To its end, whoever waits for it: who hangs up would keep others from the answer.
        let asking = tokio::spawn(async move {
            let mut known = known;
            known.asked = Some(now);
            match source.endpoints().await {
                Ok(endpoints) => (known.endpoints, known.got) = (Some(endpoints), Some(now)),
                Err(error) => {
                    tracing::warn!(error = ?error, "the issuer of tokens does not say where people sign in")
                }
            }
            known.endpoints.clone()
        });
        asking.await.ok().flatten()
    }
}
