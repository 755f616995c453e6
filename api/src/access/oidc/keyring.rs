//! The issuer's keys, as they were last known. Tokens do not make us ask it whenever they like, and while it is away the last ones hold.

use std::sync::{Arc, PoisonError, RwLock};

use jsonwebtoken::Header;
use tokio::sync::Mutex;

use super::{
    WrongToken,
    jwks::{Key, Keys},
    source::Source,
};

/// The issuer is asked at most once in so many seconds, whatever it answers and whoever comes.
pub(super) const AGAIN: u64 = 10;
/// After so many seconds it is asked whether its keys are others.
pub(super) const DUE: u64 = 3_600;
/// For so many seconds they hold while it does not say.
pub(super) const HOLDS: u64 = 86_400;

/// Keys of an issuer, kept in memory.
#[derive(Debug)]
pub(super) struct Keyring {
    source: Source,
    kept: Arc<RwLock<Kept>>,
    /// Who has it asks the issuer.
    asking: Mutex<()>,
}

#[derive(Debug, Clone, Default)]
struct Kept {
    keys: Arc<Keys>,
    /// When they came, in unix seconds.
    got: Option<u64>,
    /// When they were last asked for.
    asked: Option<u64>,
}

/// Why there is no key.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NoKey {
    /// The token is wrong.
    Wrong(WrongToken),
    /// Nobody knows: the issuer has not said what keys it has, or not for too long.
    Away,
}

impl Kept {
    fn find(&self, header: &Header, now: u64) -> Result<Key, NoKey> {
        if !within(self.got, HOLDS, now) {
            return Err(NoKey::Away);
        }
        self.keys.find(header).cloned().map_err(NoKey::Wrong)
    }
}

/// Whether that was less than so many seconds ago, or ahead: clocks are set back, too.
pub(super) fn within(at: Option<u64>, seconds: u64, now: u64) -> bool {
    at.is_some_and(|at| now.abs_diff(at) < seconds)
}

impl Keyring {
    pub(super) fn new(source: Source) -> Self {
        Self { source, kept: Arc::default(), asking: Mutex::new(()) }
    }

    /// The key that a token is signed with; `now` is in unix seconds.
    ///
    /// # Errors
    /// When the issuer has no such key, or has not said which it has.
    pub(super) async fn key(&self, header: &Header, now: u64) -> Result<Key, NoKey> {
        let known = self.kept().find(header, now);
        let is_due = |kept: &Kept| !within(kept.got, DUE, now);
        let _asking = match &known {
            // It is there, and is not another key for being asked for.
            Err(NoKey::Wrong(WrongToken::Algorithm { .. })) => return known,
            Ok(_) if !is_due(&self.kept()) => return known,
            // One asks; the others have a key that does.
            Ok(_) => match self.asking.try_lock() {
                Ok(asking) => asking,
                Err(_) => return known,
            },
            Err(_) => self.asking.lock().await,
        };
        // Somebody may have asked while this one waited.
        let kept = self.kept();
        if (is_due(&kept) || kept.find(header, now).is_err()) && !within(kept.asked, AGAIN, now) {
            self.ask(now).await;
        }
        self.kept().find(header, now)
    }

    /// Asks to its end, whoever waits for it: who hangs up would keep others from the answer.
    async fn ask(&self, now: u64) {
        keep(&self.kept, |kept| kept.asked = Some(now));
        let (source, kept) = (self.source.clone(), Arc::clone(&self.kept));
        let asking = tokio::spawn(async move {
            match source.keys().await {
                Ok(keys) => keep(&kept, |kept| (kept.keys, kept.got) = (Arc::new(keys), Some(now))),
                Err(error) => {
                    tracing::warn!(error = ?error, "the issuer of tokens does not say what keys it has")
                }
            }
        });
        // It ends by itself, and says so.
        let _ = asking.await;
    }

    fn kept(&self) -> Kept {
        self.kept.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn keep(kept: &RwLock<Kept>, change: impl FnOnce(&mut Kept)) {
    change(&mut kept.write().unwrap_or_else(PoisonError::into_inner));
}
