//! Sessions: asked for by the agent's identity key, submitted by anyone, paid from with a fresh key.

use std::{fmt, sync::Arc};

use alloy::{
    primitives::{
        Address, B256, Bytes, Signature, U256,
        aliases::{U24, U96},
    },
    providers::DynProvider,
    signers::{Signer, local::PrivateKeySigner},
    sol_types::SolStruct,
};
use async_trait::async_trait;

use crate::{
    abi::{self, Treasury},
    admin::{Sent, confirm},
    amount::Amount,
    chain::{ChainView, envelope_number},
    clock::{Clock, Entropy},
    error::AgentError,
    payment::{session_id, treasury_domain},
};

/// A signer that several tasks share: a local key, a KMS key, a hardware wallet.
pub type SharedSigner = Arc<dyn Signer + Send + Sync>;

/// How far this machine's clock may be ahead of the chain's, in seconds, before an opening fails.
const CLOCK_SKEW: u64 = 30;

/// Makes a fresh session key for each session.
#[async_trait]
pub trait SessionKeys: Send + Sync + fmt::Debug {
    /// A key that was never a session key before, and is not the agent's.
    ///
    /// # Errors
    /// When none can be made.
    async fn fresh(&self) -> Result<SharedSigner, AgentError>;
}

/// Session keys that live in this process's memory only, and die with it.
#[derive(Debug, Clone)]
pub struct LocalKeys(pub Entropy);

#[async_trait]
impl SessionKeys for LocalKeys {
    async fn fresh(&self) -> Result<SharedSigner, AgentError> {
        let key = PrivateKeySigner::from_bytes(&self.0.next()).map_err(alloy::signers::Error::other)?;
        Ok(Arc::new(key))
    }
}

/// What to ask of the envelope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionTerms {
    /// What the purse holds once the session is open, in atomic units.
    pub budget: Amount,
    /// When it ends, unix seconds (exclusive); without it, as late as policy and windows allow.
    pub expiry: Option<u64>,
    /// A lower cap per payment than the policy's, in atomic units.
    pub payment_cap: Option<Amount>,
    /// A lower approval threshold than the policy's, in atomic units.
    pub approval_threshold: Option<Amount>,
    /// A further payee list that payments must be on as well.
    pub payee_list: Option<u16>,
    /// Hash of the identity stamp that authorizes the session.
    pub stamp_hash: B256,
}

impl SessionTerms {
    /// A session of that budget and nothing narrowed.
    pub fn new(budget: Amount) -> Self {
        Self {
            budget,
            expiry: None,
            payment_cap: None,
            approval_threshold: None,
            payee_list: None,
            stamp_hash: B256::ZERO,
        }
    }

    fn scope(&self) -> Treasury::Scope {
        Treasury::Scope {
            paymentCap: self.payment_cap.unwrap_or_default().to_u96(),
            approvalThreshold: self.approval_threshold.unwrap_or_default().to_u96(),
            payeeList: self.payee_list.unwrap_or_default(),
        }
    }
}

/// An open session with the key that pays from it.
#[derive(Clone)]
pub struct SessionHandle {
    /// The purse that pays: the x402 `from`.
    pub purse: Address,
    /// Which of the purse's sessions this is, counted from 1.
    pub sequence: u32,
    /// The policy version in force when it was opened.
    pub policy_version: u16,
    /// How often what stands above the envelope had been released when this was read. Payments are signed under
    /// what the chain says then, since it may rise while the session lives.
    pub epoch: u64,
    /// The hash of that policy's document.
    pub policy_hash: B256,
    /// When it ends, unix seconds (exclusive).
    pub expiry: u64,
    /// What it drew, in atomic units.
    pub budget: Amount,
    /// The cap per payment, in atomic units: the policy's or the session's own, whichever is lower.
    pub payment_cap: Amount,
    /// The amount above which a human has to approve: the lower one likewise.
    pub approval_threshold: Amount,
    /// The payee lists that payments must be on; empty means any payee.
    pub payee_lists: Vec<u16>,
    /// Hash of the identity stamp that authorized it, or zero.
    pub stamp_hash: B256,
    key: SharedSigner,
}

impl SessionHandle {
    /// The session open on a purse, paid from with `key`. Whether the key is the session's is not checked
    /// here: preflight does, and the chain.
    ///
    /// # Errors
    /// When the node fails, or no session is open.
    pub async fn resume(view: &ChainView, purse: Address, key: SharedSigner) -> Result<Self, AgentError> {
        let (session, envelope) = futures::try_join!(view.session(purse), view.envelope_state())?;
        if session.key.is_zero() {
            return Err(AgentError::NoSession);
        }
        let policy = envelope.policy;
        let narrowed =
            |own: U96, policy: U96| Amount::from(if own.is_zero() { policy } else { own.min(policy) });
        let lists = [policy.payeeList, session.scope.payeeList];
        let version = narrow(session.policyVersion, "policy version")?;
        let number = envelope_number(view.envelope())?;
        Ok(Self {
            purse,
            sequence: narrow(session.sequence, "session sequence")?,
            policy_version: version,
            epoch: narrow(session.epoch, "epoch")?,
            policy_hash: view.contract().policyHash(number, version).call().await?,
            expiry: narrow(session.expiry, "session expiry")?,
            budget: session.budget.try_into()?,
            payment_cap: narrowed(session.scope.paymentCap, policy.paymentCap),
            approval_threshold: narrowed(session.scope.approvalThreshold, policy.approvalThreshold),
            payee_lists: lists.into_iter().filter(|list| *list != 0).collect(),
            stamp_hash: B256::ZERO,
            key,
        })
    }

    /// The session's identity as nonces commit to it.
    pub fn id(&self) -> B256 {
        session_id(self.purse, self.sequence)
    }

    /// The session key's address.
    pub fn key_address(&self) -> Address {
        self.key.address()
    }

    pub(crate) async fn sign(&self, digest: &B256) -> Result<Signature, AgentError> {
        // Contracts take low-s signatures only; some hardware signers give either.
        Ok(self.key.sign_hash(digest).await?.normalized_s())
    }
}

impl fmt::Debug for SessionHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionHandle")
            .field("purse", &self.purse)
            .field("sequence", &self.sequence)
            .field("policy_version", &self.policy_version)
            .field("expiry", &self.expiry)
            .field("budget", &self.budget)
            .field("key", &self.key.address())
            .finish_non_exhaustive()
    }
}

/// Builds the request for a purse's next session. Without an expiry in `terms`, it ends as late as the
/// policy's longest session and the current window of every limit, of groups too, allow.
///
/// # Errors
/// When the node fails or the budget or expiry do not fit.
pub async fn request(
    view: &ChainView,
    clock: &Clock,
    purse_index: u16,
    key: Address,
    terms: &SessionTerms,
) -> Result<Treasury::SessionRequest, AgentError> {
    let purse = view.purse(purse_index).await?;
    let (session, envelope, mut rooms, latest) = futures::try_join!(
        view.session(purse),
        view.envelope_state(),
        view.headroom(),
        view.latest_timestamp()
    )?;
    rooms.extend(view.group_headroom(narrow(envelope.group, "group")?).await?);
    let expiry = match terms.expiry {
        Some(expiry) => expiry,
        None => {
            // The block that takes the request is no older than the latest one, and about as old as now.
            let from = latest.max(clock.now().saturating_sub(CLOCK_SKEW));
            let longest = envelope.policy.maxSessionSeconds.to::<u64>();
            rooms.iter().filter_map(|room| window_end(room, from)).fold(from + longest, u64::min)
        }
    };
    Ok(Treasury::SessionRequest {
        envelope: envelope_number(view.envelope())?,
        purseIndex: purse_index,
        sequence: U24::from(
            narrow::<u32>(session.sequence, "session sequence")?.saturating_add(1) & 0x00ff_ffff,
        ),
        key,
        budget: terms.budget.to_u96(),
        expiry: narrow(U256::from(expiry), "session expiry")?,
        scope: terms.scope(),
        stampHash: terms.stamp_hash,
    })
}

/// Signs a request with the agent's identity key (EIP-712 under the treasury's domain).
///
/// # Errors
/// When the signer fails.
pub async fn sign_request(
    view: &ChainView,
    identity: &SignerObject,
    request: &Treasury::SessionRequest,
) -> Result<Bytes, AgentError> {
    sign_typed(view, identity, &abi::OpenSession::from(request)).await
}

/// Opens a purse's next session and settles the one before: the identity signs, `relay`'s wallet submits.
///
/// # Errors
/// [`AgentError::Refused`] where the treasury's rules say no; else when the node or the signer fails.
pub async fn open(
    view: &ChainView,
    relay: &DynProvider,
    identity: &SignerObject,
    request: &Treasury::SessionRequest,
    key: SharedSigner,
) -> Result<Sent<SessionHandle>, AgentError> {
    let signature = sign_request(view, identity, request).await?;
    let contract = Treasury::new(view.treasury(), relay.clone());
    let sent = confirm(contract.openSession(request.clone(), signature)).await?;
    let opened = sent.event::<Treasury::SessionOpened>("SessionOpened")?;
    let mut handle = SessionHandle::resume(view, opened.purse, key).await?;
    handle.stamp_hash = opened.stampHash;
    Ok(sent.with(handle))
}

/// Closes a session with the agent's signature: what the purse holds goes back to the escrow.
///
/// # Errors
/// When no session is open, or the node or the signer fails.
pub async fn close(
    view: &ChainView,
    relay: &DynProvider,
    identity: &SignerObject,
    purse: Address,
    sequence: u32,
) -> Result<Sent<Amount>, AgentError> {
    let message = abi::CloseSession { purse, sequence: envelope_number(sequence)? };
    let signature = sign_typed(view, identity, &message).await?;
    let contract = Treasury::new(view.treasury(), relay.clone());
    let sent = confirm(contract.closeSession(purse, signature)).await?;
    let returned = sent.event::<Treasury::SessionClosed>("SessionClosed")?.returned.try_into()?;
    Ok(sent.with(returned))
}

/// An identity key: any alloy signer, also behind a pointer.
pub type SignerObject = dyn Signer + Send + Sync;

async fn sign_typed<T: SolStruct + Sync>(
    view: &ChainView,
    identity: &SignerObject,
    message: &T,
) -> Result<Bytes, AgentError> {
    let digest = message.eip712_signing_hash(&treasury_domain(view.chain_id(), view.treasury()));
    let signature = identity.sign_hash(&digest).await?.normalized_s();
    Ok(signature.as_bytes().into())
}

/// When the window that holds `at` ends; `None` for the lifetime limit.
fn window_end(room: &Treasury::Headroom, at: u64) -> Option<u64> {
    let (period, end) = (u64::try_from(room.period).ok()?, u64::try_from(room.endsAt).ok()?);
    if period == 0 {
        return None;
    }
    // The node answered for its latest block, which may be of an earlier window.
    let behind = (at + 1).saturating_sub(end).div_ceil(period);
    Some(end + behind * period)
}

pub(crate) fn narrow<T: TryFrom<U256>>(value: U256, what: &'static str) -> Result<T, AgentError> {
    T::try_from(value).map_err(|_| AgentError::Config {
        what,
        expected: format!("a number of at most {} bits", 8 * size_of::<T>()),
        got: value.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_ends_after_the_time_that_it_holds() {
        let room = |period: u64, ends_at: u64| Treasury::Headroom {
            period: U256::from(period),
            endsAt: U256::from(ends_at),
            ..Default::default()
        };
        assert_eq!(window_end(&room(0, 0), 5), None, "the lifetime limit has no window");
        assert_eq!(window_end(&room(100, 700), 650), Some(700));
        assert_eq!(window_end(&room(100, 700), 699), Some(700));
        // The node's latest block may be of an earlier window; an end is not in the window it ends.
        assert_eq!(window_end(&room(100, 700), 700), Some(800));
        assert_eq!(window_end(&room(100, 700), 799), Some(800));
        assert_eq!(window_end(&room(100, 700), 800), Some(900));
        assert_eq!(window_end(&Treasury::Headroom { period: U256::MAX, ..room(1, 1) }, 5), None);
    }

    #[test]
    fn terms_narrow_what_they_name_and_nothing_else() {
        let terms = SessionTerms {
            payment_cap: Some(Amount::new(3)),
            approval_threshold: Some(Amount::new(2)),
            payee_list: Some(7),
            ..SessionTerms::new(Amount::new(9))
        };
        let scope = terms.scope();
        assert_eq!((scope.paymentCap, scope.approvalThreshold), (U96::from(3), U96::from(2)));
        assert_eq!(scope.payeeList, 7);
        let scope = SessionTerms::new(Amount::new(9)).scope();
        assert_eq!((scope.paymentCap, scope.approvalThreshold, scope.payeeList), (U96::ZERO, U96::ZERO, 0));
    }

    #[test]
    fn a_handle_is_known_by_purse_and_sequence_and_shows_no_key() -> Result<(), AgentError> {
        let secret = B256::repeat_byte(0x5e);
        let key = PrivateKeySigner::from_bytes(&secret).map_err(alloy::signers::Error::other)?;
        let (purse, address) = (Address::repeat_byte(1), key.address());
        let handle = SessionHandle {
            purse,
            sequence: 4,
            policy_version: 1,
            epoch: 0,
            policy_hash: B256::ZERO,
            expiry: 1,
            budget: Amount::new(5),
            payment_cap: Amount::new(5),
            approval_threshold: Amount::new(5),
            payee_lists: Vec::new(),
            stamp_hash: B256::ZERO,
            key: Arc::new(key),
        };
        assert_eq!((handle.id(), handle.key_address()), (session_id(purse, 4), address));
        let shown = format!("{handle:?}");
        assert!(shown.contains(&format!("key: {address:?}")) && shown.contains("sequence: 4"), "{shown}");
        assert!(!shown.contains("5e5e5e"), "{shown}");
        Ok(())
    }

    #[test]
    fn numbers_that_do_not_fit_are_named() {
        assert!(matches!(narrow::<u8>(U256::from(255), "epoch"), Ok(255)));
        let told = narrow::<u8>(U256::from(256), "epoch");
        assert!(
            matches!(&told, Err(AgentError::Config { what: "epoch", expected, got })
                if expected == "a number of at most 8 bits" && got == "256"),
            "{told:?}"
        );
    }
}
