//! The agent: one envelope, one purse, the session in hand, and everything a payment needs.

mod builder;
mod clock;
mod outcomes;

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use alloy::{primitives::Address, providers::DynProvider};
use tokio::sync::{Mutex as AsyncMutex, RwLock};
use x402_types::proto::v2::ExtensionsJson;

use crate::{
    abi::Treasury,
    admin::Sent,
    amount::Amount,
    approval::ApprovalSource,
    authorize::SignedPayment,
    chain::{ChainView, Verdict},
    challenge::{Means, Requirement},
    client::{BursarScheme, Context},
    clock::{Clock, Entropy},
    delivery::{Delivered, Delivery, SharedSpool, on_disk},
    error::AgentError,
    payment::{Rail, terms},
    preflight::{Checks, Preflight, preflight},
    purpose::Purpose,
    session::{self, SessionHandle, SessionKeys, SessionTerms, SharedSigner},
    spool::Spool,
    stamp::{CLOCK_SKEW, StampBundle, StampError},
};

pub use self::{builder::AgentBuilder, outcomes::Outcome};

/// What happens when the session ends, or its policy changes, in the middle of things.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Renewal {
    /// Payments are refused until the caller opens the next session.
    #[default]
    Manual,
    /// The next session is opened on these terms, once per payment that needs it. Limits hold all the same:
    /// they are counted on chain, across sessions.
    Auto(SessionTerms),
}

/// An agent that pays from its envelope.
///
/// Cheap to clone; clones share the session and the decision spool. The identity key only signs session
/// requests; each session pays with a key of its own.
///
/// ```no_run
/// use std::sync::Arc;
///
/// use alloy::{providers::{Provider, ProviderBuilder}, signers::local::PrivateKeySigner};
/// use bursar_sdk::{Agent, AgentError, Amount, Purpose, session::SessionTerms};
///
/// # async fn pay(identity: PrivateKeySigner, gas: PrivateKeySigner) -> Result<(), Box<dyn std::error::Error>> {
/// // Whoever pays the gas: it has no other power over the envelope.
/// let node = ProviderBuilder::new().wallet(gas).connect("http://127.0.0.1:8545").await?.erased();
/// let treasury = "0x5FbDB2315678afecb367f032d93F642f64180aa3".parse()?;
///
/// let agent = Agent::builder(node, treasury, 1, Arc::new(identity), "var/decisions").connect().await?;
/// agent.open_session(&SessionTerms::new(Amount::new(5_000_000))).await?;
///
/// let request = reqwest::Client::new().get("https://api.example.com/prices").build()?;
/// let why = Purpose::new("weekly market report", "the only source with intraday prices");
/// match agent.pay(request, why).await {
///     Ok(paid) => println!("{}", paid.response.text().await?),
///     Err(AgentError::Refused { reason, help, .. }) => println!("not paid ({reason}): {help}"),
///     Err(other) => return Err(other.into()),
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Agent {
    inner: Arc<Inner>,
    checks: Checks,
}

struct Inner {
    view: ChainView,
    means: Means,
    relay: DynProvider,
    identity: SharedSigner,
    keys: Arc<dyn SessionKeys>,
    purse_index: u16,
    purse: Address,
    session: RwLock<Option<SessionHandle>>,
    // One opening at a time: two would race for the purse's next sequence number.
    opening: AsyncMutex<()>,
    renewal: Renewal,
    spool: SharedSpool,
    delivery: Option<Delivery>,
    approvals: Option<Arc<dyn ApprovalSource>>,
    patience: Duration,
    turns: Mutex<HashMap<String, Weak<AsyncMutex<()>>>>,
    http: reqwest::Client,
    clock: Clock,
    entropy: Entropy,
    stamp: Option<StampBundle>,
    // The stamp in the session in hand.
    shown: Mutex<Option<StampBundle>>,
}

impl fmt::Debug for Agent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Agent")
            .field("chain_id", &self.inner.view.chain_id())
            .field("treasury", &self.inner.view.treasury())
            .field("envelope", &self.inner.view.envelope())
            .field("identity", &self.inner.identity.address())
            .field("purse", &self.inner.purse)
            .field("checks", &self.checks)
            .finish_non_exhaustive()
    }
}

impl Agent {
    /// Starts building an agent; `spool_dir` is where its decision records are kept until they are delivered.
    pub fn builder(
        provider: DynProvider,
        treasury: Address,
        envelope: u32,
        identity: SharedSigner,
        spool_dir: impl Into<std::path::PathBuf>,
    ) -> AgentBuilder {
        AgentBuilder::new(provider, treasury, envelope, identity, spool_dir.into())
    }

    /// The same agent, session and spool, with rules checked elsewhere.
    pub fn with_checks(&self, checks: Checks) -> Self {
        Self { inner: Arc::clone(&self.inner), checks }
    }

    /* SESSIONS */

    /// Opens a session and settles the one before.
    ///
    /// # Errors
    /// [`AgentError::Refused`] with the limit where the treasury's rules say no, before anything is signed
    /// unless checks are [`Checks::ChainOnly`]. [`AgentError::ClockOff`] where this machine's clock would make
    /// payments that cannot settle; where it is ahead, that is known only once the session is open.
    pub async fn open_session(&self, terms: &SessionTerms) -> Result<Sent<SessionHandle>, AgentError> {
        let key = self.inner.keys.fresh().await?;
        self.open_session_with(terms, key).await
    }

    /// Opens a session that pays with `key`, which must never have been a session key before.
    ///
    /// # Errors
    /// As [`Self::open_session`].
    pub async fn open_session_with(
        &self,
        terms: &SessionTerms,
        key: SharedSigner,
    ) -> Result<Sent<SessionHandle>, AgentError> {
        let _turn = self.inner.opening.lock().await;
        self.open_now(terms, key).await
    }

    async fn open_now(
        &self,
        terms: &SessionTerms,
        key: SharedSigner,
    ) -> Result<Sent<SessionHandle>, AgentError> {
        let inner = &self.inner;
        self.check_clock(false).await?;
        let terms = &self.under_stamp(terms);
        let request =
            session::request(&inner.view, &inner.clock, inner.purse_index, key.address(), terms).await?;
        if self.checks == Checks::BeforeSigning
            && let Some((reason, limit, actual)) = inner.view.diagnose_session(request.clone()).await?
        {
            return Err(AgentError::refused(reason, limit, actual));
        }
        let sent = session::open(&inner.view, &inner.relay, inner.identity.as_ref(), &request, key).await?;
        self.use_session(sent.value.clone()).await;
        self.show_stamp(&sent.value).await?;
        self.check_clock(true).await?;
        Ok(sent)
    }

    /// Why opening a session on these terms would be refused, if it would.
    ///
    /// # Errors
    /// When the node fails.
    pub async fn preflight_session(&self, terms: &SessionTerms) -> Result<Verdict, AgentError> {
        let inner = &self.inner;
        let stand_in = inner.keys.fresh().await?.address();
        let terms = &self.under_stamp(terms);
        let request = session::request(&inner.view, &inner.clock, inner.purse_index, stand_in, terms).await?;
        inner.view.diagnose_session(request).await
    }

    /// Takes up the session that is open on the purse, with its key: after a restart, where keys outlive it.
    ///
    /// # Errors
    /// [`AgentError::NoSession`] where none is open, [`AgentError::ClockOff`] where this machine's clock is behind the
    /// chain's, or when the node fails.
    pub async fn resume_session(&self, key: SharedSigner) -> Result<SessionHandle, AgentError> {
        self.check_clock(false).await?;
        let handle = SessionHandle::resume(&self.inner.view, self.inner.purse, key).await?;
        self.use_session(handle.clone()).await;
        self.show_stamp(&handle).await?;
        Ok(handle)
    }

    /// Pays from this session from now on.
    pub async fn use_session(&self, handle: SessionHandle) {
        *self.inner.session.write().await = Some(handle);
    }

    /// Signs that the agent's stamp is shown in this session: payments carry it from now on. Opening or resuming a
    /// session does; it has to be done again where the organisation or a group was released in the meantime, since
    /// payments are signed under another epoch from then on.
    ///
    /// # Errors
    /// When the stamp is another agent's, or the identity's signer fails.
    pub async fn show_stamp(&self, session: &SessionHandle) -> Result<(), AgentError> {
        let inner = &self.inner;
        let Some(stamp) = &inner.stamp else { return Ok(()) };
        // A merchant's clock may be behind.
        let times = (inner.clock.now().saturating_sub(CLOCK_SKEW), session.expiry);
        let terms = u64::try_from(terms(session.epoch, session.policy_version)).unwrap_or(u64::MAX);
        let id = session.id();
        let shown =
            stamp.in_session(id, session.key_address(), terms, times, inner.identity.as_ref()).await?;
        *inner.shown.lock().unwrap_or_else(PoisonError::into_inner) = Some(shown);
        Ok(())
    }

    /// The agent's stamp as it is shown in the session in hand; `None` without a stamp or a session.
    pub fn stamp(&self) -> Option<StampBundle> {
        self.inner.shown.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Session terms that name the agent's stamp, where they name none.
    fn under_stamp(&self, terms: &SessionTerms) -> SessionTerms {
        let mut terms = terms.clone();
        if let Some(stamp) = self.inner.stamp.as_ref().filter(|_| terms.stamp_hash.is_zero()) {
            terms.stamp_hash = stamp.hash();
        }
        terms
    }

    /// A payment's extensions with the agent's stamp among them.
    pub(crate) fn stamped(&self, extensions: &ExtensionsJson) -> Result<ExtensionsJson, AgentError> {
        match self.stamp() {
            Some(stamp) => Ok(stamp.put_in(extensions).map_err(StampError::from)?),
            None => Ok(extensions.clone()),
        }
    }

    /// Opens the next session on the renewal's terms, unless another task just did.
    ///
    /// # Errors
    /// As [`Self::open_session`], and [`AgentError::NoSession`] where renewal is manual.
    pub async fn renew(&self) -> Result<SessionHandle, AgentError> {
        let Renewal::Auto(terms) = &self.inner.renewal else {
            return Err(AgentError::NoSession);
        };
        let before = self.session().await;
        let _turn = self.inner.opening.lock().await;
        if let Some(now) = self.session().await
            && before.is_none_or(|before| before.sequence != now.sequence)
        {
            return Ok(now);
        }
        let key = self.inner.keys.fresh().await?;
        Ok(self.open_now(terms, key).await?.value)
    }

    /// Closes the session in hand; what the purse holds goes back to the escrow. Returns how much.
    ///
    /// # Errors
    /// [`AgentError::NoSession`] where none is in hand; else when the node or the identity's signer fails.
    pub async fn close_session(&self) -> Result<Sent<Amount>, AgentError> {
        let inner = &self.inner;
        let _turn = inner.opening.lock().await;
        let session = self.session().await.ok_or(AgentError::NoSession)?;
        let (purse, sequence) = (session.purse, session.sequence);
        let sent =
            session::close(&inner.view, &inner.relay, inner.identity.as_ref(), purse, sequence).await?;
        *inner.session.write().await = None;
        *inner.shown.lock().unwrap_or_else(PoisonError::into_inner) = None;
        Ok(sent)
    }

    /// The session in hand.
    pub async fn session(&self) -> Option<SessionHandle> {
        self.inner.session.read().await.clone()
    }

    /* PAYMENTS */

    /// Whether the chain would accept a payment from the session in hand on that rail, and if not, why.
    ///
    /// # Errors
    /// [`AgentError::NoSession`], [`AgentError::Permit2Allowance`], or when the node fails. A refusal is an answer, not an
    /// error.
    pub async fn preflight(
        &self,
        payee: Address,
        amount: Amount,
        rail: Rail,
    ) -> Result<Preflight, AgentError> {
        let session = self.session().await.ok_or(AgentError::NoSession)?;
        preflight(&self.inner.view, &session, payee, amount, rail).await
    }

    /// Signs one payment: checked, recorded durably, approved where due. One idempotency key never gets two
    /// different signatures.
    ///
    /// # Errors
    /// Typed; nothing was signed, or what was signed did not leave.
    pub async fn authorize(
        &self,
        requirement: &Requirement,
        purpose: Purpose,
    ) -> Result<SignedPayment, AgentError> {
        let extensions = self.stamped(&requirement.extensions)?;
        let requirement = Requirement { extensions, ..requirement.clone() };
        self.authorize_in(&requirement, &Context::of(purpose)).await
    }

    /// A scheme client that pays from this agent's purse, for any x402 client.
    pub fn scheme(&self) -> BursarScheme {
        BursarScheme::new(self.clone())
    }

    /* STATE */

    /// What the chain says about the envelope.
    pub fn view(&self) -> &ChainView {
        &self.inner.view
    }

    /// The purse that pays: the x402 `from`.
    pub fn purse(&self) -> Address {
        self.inner.purse
    }

    /// The identity key's address.
    pub fn identity(&self) -> Address {
        self.inner.identity.address()
    }

    /// What the purse holds: what the session can still pay, in atomic units.
    ///
    /// # Errors
    /// When the node fails.
    pub async fn balance(&self) -> Result<Amount, AgentError> {
        self.inner.view.balance(self.inner.purse).await
    }

    /// What each limit of the envelope has left.
    ///
    /// # Errors
    /// When the node fails.
    pub async fn headroom(&self) -> Result<Vec<Treasury::Headroom>, AgentError> {
        self.inner.view.headroom().await
    }

    /// Delivers the records that wait, now. Without a sink, only counts them.
    ///
    /// # Errors
    /// When the sink stays away for longer than the retries last, or the disk fails.
    pub async fn flush(&self) -> Result<Delivered, AgentError> {
        match &self.inner.delivery {
            Some(delivery) => delivery.flush().await,
            None => {
                let count = |spool: &mut Spool| Ok(spool.pending_count());
                let waiting = on_disk(&self.inner.spool, count).await?;
                Ok(Delivered { waiting, ..Delivered::default() })
            }
        }
    }

    /// How rules are checked.
    pub fn checks(&self) -> Checks {
        self.checks
    }

    /// What a challenge is held against.
    pub fn means(&self) -> &Means {
        &self.inner.means
    }

    pub(crate) fn identity_signer(&self) -> &SharedSigner {
        &self.inner.identity
    }

    pub(crate) fn renewal(&self) -> &Renewal {
        &self.inner.renewal
    }

    pub(crate) fn spool(&self) -> &SharedSpool {
        &self.inner.spool
    }

    pub(crate) fn approvals(&self) -> Option<&Arc<dyn ApprovalSource>> {
        self.inner.approvals.as_ref()
    }

    pub(crate) fn patience(&self) -> Duration {
        self.inner.patience
    }

    pub(crate) fn http(&self) -> &reqwest::Client {
        &self.inner.http
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.inner.clock
    }

    pub(crate) fn entropy(&self) -> &Entropy {
        &self.inner.entropy
    }

    pub(crate) fn nudge(&self) {
        if let Some(delivery) = &self.inner.delivery {
            delivery.nudge();
        }
    }

    /// The lock that payments of one idempotency key take turns on.
    pub(crate) fn turn_of(&self, key: &str) -> Arc<AsyncMutex<()>> {
        let mut turns = self.inner.turns.lock().unwrap_or_else(PoisonError::into_inner);
        turns.retain(|_, turn| turn.strong_count() != 0);
        if let Some(turn) = turns.get(key).and_then(Weak::upgrade) {
            return turn;
        }
        let turn = Arc::new(AsyncMutex::new(()));
        turns.insert(key.to_owned(), Arc::downgrade(&turn));
        turn
    }
}
