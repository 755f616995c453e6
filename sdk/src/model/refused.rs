//! Why not: the contracts' own errors, as values.

use alloy::primitives::{Address, B256, U256};

use crate::{
    abi::Treasury::{self, TreasuryErrors},
    refusal::Refusal,
};

/// Why a call changes nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The treasury reverts with this error.
    #[error("the treasury reverts with {0:?}")]
    Treasury(TreasuryErrors),
    /// The purse says no to the payment's signature; the token only says that the signature is invalid.
    #[error("the purse says no: {0}")]
    Payment(Verdict),
    /// The token itself reverts.
    #[error("the token {token} reverts: {reason}")]
    Token {
        /// Which token.
        token: Address,
        /// Why.
        reason: TokenRefusal,
    },
    /// The token's call fails inside the treasury's, which reverts without saying why.
    #[error("the treasury's call to the token {token} reverts: {reason}")]
    TokenCall {
        /// Which token.
        token: Address,
        /// Why.
        reason: TokenRefusal,
    },
    /// The treasury has no such call.
    #[error("expected a call that the treasury has")]
    Unreadable,
    /// The call asks and changes nothing; ask the model's own methods instead.
    #[error("expected a call that changes something, got a view")]
    View,
}

/// The contract's reason, with the value that binds and the one that came, both in the unit of what is limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{reason}: limit {limit}, actual {actual}")]
pub struct Verdict {
    /// Why.
    pub reason: Refusal,
    /// The value that binds.
    pub limit: U256,
    /// The value that came.
    pub actual: U256,
}

impl Verdict {
    pub(super) fn new(reason: Refusal, limit: impl Into<U256>, actual: impl Into<U256>) -> Self {
        Self { reason, limit: limit.into(), actual: actual.into() }
    }

    /// A reason that no two values say more about.
    pub(super) fn plain(reason: Refusal) -> Self {
        Self { reason, limit: U256::ZERO, actual: U256::ZERO }
    }

    /// As the treasury reverts with it where a session is refused.
    pub(super) fn session_refused(self) -> Refused {
        let (limit, actual) = (self.limit, self.actual);
        Treasury::SessionRefused { reason: self.reason as u8, limit, actual }.into()
    }
}

/// Why an EIP-20 and EIP-3009 token reverts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenRefusal {
    /// The authorization is not valid yet or not any more; both bounds are exclusive.
    #[error("expected a time after {after} and before {before}, got {now}")]
    NotNow {
        /// Valid after, in unix seconds.
        after: U256,
        /// Valid before, in unix seconds.
        before: U256,
        /// The time it is.
        now: u64,
    },
    /// The authorization was used before.
    #[error("authorization {nonce} of {payer} was used")]
    Used {
        /// Who signed it.
        payer: Address,
        /// Its nonce.
        nonce: B256,
    },
    /// The token transfers to nobody, and nobody may be allowed to spend.
    #[error("the receiver or spender is zero")]
    AddressZero,
    /// The sender holds less.
    #[error("expected {holder} to hold at least {asked}, got {held}")]
    BalanceTooSmall {
        /// Who holds it.
        holder: Address,
        /// What the sender holds, in atomic units.
        held: U256,
        /// What was asked for, in atomic units.
        asked: U256,
    },
    /// The owner allowed less.
    #[error("expected an allowance of at least {asked}, got {allowed}")]
    AllowanceTooSmall {
        /// What the owner allowed, in atomic units.
        allowed: U256,
        /// What was asked for, in atomic units.
        asked: U256,
    },
    /// The signature is not the payer's, who is no purse.
    #[error("the signature is not the payer's")]
    SignatureInvalid,
    /// The address is no token that the model holds balances of.
    #[error("not a token")]
    NotAToken,
}

/// Errors by name, so that verbs can refuse with them directly.
macro_rules! refused_by {
    ($($error:ident)*) => {$(
        impl From<Treasury::$error> for Refused {
            fn from(error: Treasury::$error) -> Self {
                Self::Treasury(TreasuryErrors::$error(error))
            }
        }
    )*};
}

refused_by! {
    AddressZero AgentTaken AmountZero AnnouncementStale AssetKnown AssetMismatch AssetUnknown CloseNotAllowed
    CodeMissing EnvelopeUnknown EpochNotLater EscrowTooSmall GroupIsFrozen GroupUnknown LastOwner NotAnnounced NotFrozen
    Overflow PayeeListZero PeriodsFixed PolicyInvalid PurseUnknown RoleMissing RoleUnknown SessionNotOpen
    SessionOpen SessionRefused TooMany TransferMismatch
}
