//! Everything that can keep an agent from paying, typed.

use std::sync::Arc;

use alloy::{
    contract,
    primitives::{Address, B256, U256},
    providers::PendingTransactionError,
    transports::{RpcError, TransportError},
};

use crate::{
    abi::Treasury,
    amount::{Amount, AmountError},
    offer::OfferRefused,
    payment::BlobError,
    policy::PolicyError,
    record::RecordError,
    refusal::Refusal,
    spool::SpoolError,
    stamp::StampError,
};

/// Why an agent did not pay, did not open a session, or could not find out.
///
/// A mismatch names both sides. No variant carries a key, a signature or an RPC address.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AgentError {
    /// The treasury's rules say no; nothing was signed, or what was signed does not settle.
    #[error("refused ({reason}): limit {limit}, actual {actual}. {help}")]
    Refused {
        /// Why.
        reason: Refusal,
        /// The value that binds, in the unit of what is limited.
        limit: U256,
        /// What was asked for, in the same unit.
        actual: U256,
        /// What would help, in one line for a person.
        help: &'static str,
    },
    /// The 402 response does not parse, or contradicts itself.
    #[error("the payment challenge is malformed: {0}")]
    BadChallenge(String),
    /// The 402 response offers no rail that a purse pays on.
    #[error(
        "expected an offer of scheme \"exact\" by EIP-3009 or Permit2, or of \"upto\" (x402 version 2), got {offered}"
    )]
    NoRail {
        /// What was offered.
        offered: String,
    },
    /// The envelope pays through Permit2, and the purse has not told the token so yet. Anyone may do that for it.
    #[error(
        "expected an allowance of Permit2 of at least {needed} from purse {purse}, got {allowance}: \
         `levelPermit2` on the treasury sets it, anyone may call it"
    )]
    Permit2Allowance {
        /// The purse that would pay.
        purse: Address,
        /// What is to be paid, in the asset's atomic units.
        needed: Amount,
        /// What Permit2 may move.
        allowance: U256,
    },
    /// The 402 response asks for payment on another chain.
    #[error("expected chain eip155:{expected}, got {got}")]
    WrongChain {
        /// The chain the purse is on.
        expected: u64,
        /// The chain asked for, as CAIP-2.
        got: String,
    },
    /// The 402 response asks for another token than the envelope holds.
    #[error("expected asset {expected}, got {got}")]
    UnknownAsset {
        /// The envelope's token.
        expected: Address,
        /// The token asked for.
        got: Address,
    },
    /// The token's EIP-712 domain is not what somebody says it is.
    #[error("expected the asset's EIP-712 {field} to be {expected:?}, got {got:?}")]
    AssetDomain {
        /// What differs: `name`, `version` or `separator`.
        field: &'static str,
        /// As the token says.
        expected: String,
        /// As the other side says.
        got: String,
    },
    /// The 402 response asks for more than the resource was advertised for.
    #[error("expected to pay at most {advertised} as advertised, was asked for {asked}")]
    AmountAboveAdvertised {
        /// The most that the caller was told it would cost, in atomic units.
        advertised: Amount,
        /// What the challenge asks, in atomic units.
        asked: Amount,
    },
    /// The server's signed offer is not what it asks.
    #[error(transparent)]
    Offer(#[from] OfferRefused),
    /// A number that is no amount a treasury can hold.
    #[error(transparent)]
    Amount(#[from] AmountError),
    /// No session is open here; open one first.
    #[error("no session is open: call open_session first, or set a renewal")]
    NoSession,
    /// A human said no.
    #[error("approval was rejected: {reason}")]
    ApprovalRejected {
        /// In the human's words.
        reason: String,
    },
    /// Nobody approved in time.
    #[error("no approval of payment {digest} by {deadline} (unix seconds)")]
    ApprovalExpired {
        /// The digest that waited for approval.
        digest: B256,
        /// When the wait ended, in unix seconds.
        deadline: u64,
    },
    /// As many payments wait for a human as may, and went on waiting until it was too late.
    #[error("approval could not be asked for by {deadline} (unix seconds): {message}")]
    ApprovalsCrowded {
        /// When the wait ended, in unix seconds.
        deadline: u64,
        /// What the API said: the limit, and how many are open.
        message: String,
    },
    /// Approvals cannot be asked for.
    #[error("approval could not be asked for: {0}")]
    ApprovalUnavailable(String),
    /// This purpose was signed for once already, and that authorization can no longer be handed out.
    #[error(
        "idempotency key {key:?} was signed for already (decision {decision_hash}, settled: {settled}); \
         to pay again, use another key"
    )]
    AlreadySigned {
        /// The idempotency key.
        key: String,
        /// The decision it was signed under.
        decision_hash: B256,
        /// Whether that payment stands on chain.
        settled: bool,
    },
    /// An idempotency key came back for another payment.
    #[error("idempotency key {key:?} stands for requirement {expected}, got {got}")]
    KeyReused {
        /// The idempotency key.
        key: String,
        /// Hash of the requirement it was first used for.
        expected: B256,
        /// Hash of the requirement it came with now.
        got: B256,
    },
    /// The payment stands on chain already; a second settlement is impossible.
    #[error("nonce {nonce} has settled already: one decision never pays twice")]
    Replayed {
        /// The payment's nonce.
        nonce: B256,
    },
    /// The resource answered something else than success after payment was offered.
    #[error("the resource answered {status} to the payment: {message}")]
    NotAccepted {
        /// The HTTP status.
        status: u16,
        /// What it said, shortened.
        message: String,
    },
    /// This machine's clock and the chain's are too far apart: what is signed by it would not settle.
    #[error(
        "expected a clock near the chain's {chain}, got {clock} (unix seconds); set this machine's clock"
    )]
    ClockOff {
        /// What this machine says.
        clock: u64,
        /// The time of the chain's latest block.
        chain: u64,
    },
    /// A policy contradicts itself, or is not the one on chain.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// A record cannot be written as it must be.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The decision spool cannot be written or read; nothing is signed without it.
    #[error(transparent)]
    DecisionSpool(#[from] SpoolError),
    /// The payment does not fit its blob.
    #[error(transparent)]
    Blob(#[from] BlobError),
    /// The agent's stamp is not its own, or cannot travel.
    #[error(transparent)]
    Stamp(#[from] StampError),
    /// A signer failed.
    #[error("signing failed: {0}")]
    Signing(#[from] alloy::signers::Error),
    /// The treasury or the token reverted, with an error of its own.
    #[error("the contract refused: {0}")]
    Reverted(String),
    /// The node is down, slow, or answers nonsense.
    #[error("rpc: {0}")]
    Rpc(String),
    /// An HTTP request failed.
    #[error("http: {0}")]
    Http(String),
    /// Something was configured wrongly.
    #[error("{what}: expected {expected}, got {got}")]
    Config {
        /// Which setting.
        what: &'static str,
        /// What it should be.
        expected: String,
        /// What it is.
        got: String,
    },
    /// The same error as another call got, which shared the work.
    #[error(transparent)]
    Shared(Arc<AgentError>),
}

impl AgentError {
    /// A refusal with its numbers and its help line.
    pub fn refused(reason: Refusal, limit: U256, actual: U256) -> Self {
        Self::Refused { reason, limit, actual, help: reason.help() }
    }

    /// The contract's reason, where the treasury's rules say no.
    pub fn refusal(&self) -> Option<Refusal> {
        match self {
            Self::Refused { reason, .. } => Some(*reason),
            Self::Shared(error) => error.refusal(),
            _ => None,
        }
    }

    /// Whether the treasury's rules say no.
    pub fn is_refused(&self) -> bool {
        self.refusal().is_some()
    }

    /// Whether the other side's 402 response is at fault.
    pub fn is_challenge(&self) -> bool {
        match self {
            Self::BadChallenge(_)
            | Self::NoRail { .. }
            | Self::WrongChain { .. }
            | Self::UnknownAsset { .. }
            | Self::AssetDomain { .. }
            | Self::AmountAboveAdvertised { .. }
            | Self::Offer(_)
            | Self::Amount(_) => true,
            Self::Shared(error) => error.is_challenge(),
            _ => false,
        }
    }

    /// Whether a new session could help: the old one ended, or its policy is gone.
    pub fn is_renewable(&self) -> bool {
        matches!(self, Self::NoSession)
            || matches!(
                self.refusal(),
                Some(Refusal::SessionUnknown | Refusal::SessionExpired | Refusal::PolicyChanged)
            )
    }

    /// Whether the same call may work later, with nothing changed by the caller.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Rpc(_) | Self::Http(_) => true,
            Self::Shared(error) => error.is_transient(),
            _ => false,
        }
    }

    /// Whether this purpose was paid, or signed for, before.
    pub fn is_duplicate(&self) -> bool {
        match self {
            Self::AlreadySigned { .. } | Self::KeyReused { .. } | Self::Replayed { .. } => true,
            Self::Shared(error) => error.is_duplicate(),
            _ => false,
        }
    }
}

impl From<contract::Error> for AgentError {
    fn from(error: contract::Error) -> Self {
        if let Some(reverted) = error.as_decoded_interface_error::<Treasury::TreasuryErrors>() {
            return reverted.into();
        }
        match error {
            contract::Error::TransportError(error) => error.into(),
            contract::Error::PendingTransactionError(error) => error.into(),
            // Another answer than the ABI's: the address is no treasury, or the node is no node.
            other => Self::Rpc(other.to_string()),
        }
    }
}

impl From<Treasury::TreasuryErrors> for AgentError {
    fn from(error: Treasury::TreasuryErrors) -> Self {
        if let Treasury::TreasuryErrors::SessionRefused(refused) = &error
            && let Some(reason) = Refusal::from_number(refused.reason)
        {
            return Self::refused(reason, refused.limit, refused.actual);
        }
        Self::Reverted(format!("{error:?}"))
    }
}

impl From<TransportError> for AgentError {
    fn from(error: TransportError) -> Self {
        // Only the node's own words: transport errors print the node's address, which may hold a key.
        Self::Rpc(match &error {
            RpcError::ErrorResp(payload) => format!("{} (code {})", payload.message, payload.code),
            RpcError::NullResp => "the node answered null".into(),
            RpcError::DeserError { err, .. } => format!("the node's answer does not parse: {err}"),
            RpcError::SerError(err) => format!("the request cannot be written: {err}"),
            RpcError::UnsupportedFeature(what) => format!("unsupported: {what}"),
            RpcError::LocalUsageError(err) => format!("before sending: {err}"),
            RpcError::Transport(_) => "the node cannot be reached".into(),
        })
    }
}

impl From<PendingTransactionError> for AgentError {
    fn from(error: PendingTransactionError) -> Self {
        match error {
            PendingTransactionError::TransportError(error) => error.into(),
            other => Self::Rpc(other.to_string()),
        }
    }
}

impl From<reqwest::Error> for AgentError {
    fn from(error: reqwest::Error) -> Self {
        Self::Http(error.without_url().to_string())
    }
}
