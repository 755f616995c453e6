use axum::http::StatusCode;
use bursar_indexer::access::Role;
use jsonwebtoken::Algorithm;

use crate::error::ApiError;

/// Why a token is not taken. What it says is repeated only where its signature holds.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WrongToken {
    /// It is signed in a way that is not taken, or that its key is not for.
    #[error("the token is signed with an algorithm that is not taken here, or that its key is not for")]
    Algorithm {
        /// How.
        got: Algorithm,
    },
    /// The issuer has no such key.
    #[error("the token is signed with a key that the issuer does not have")]
    UnknownKey,
    /// Somebody else signed it, or it was changed.
    #[error("the token's signature does not hold")]
    Signature,
    /// It is another issuer's.
    #[error("the token is another issuer's")]
    Issuer {
        /// Ours.
        expected: String,
        /// Its.
        got: String,
    },
    /// It is for somebody else.
    #[error("the token is for somebody else: its aud is not this service")]
    Audience {
        /// Ours.
        expected: String,
        /// Its.
        got: String,
    },
    /// It has run out. Unix seconds.
    #[error("the token has run out; get another from the issuer")]
    Expired {
        /// When.
        at: u64,
        /// The time now.
        now: u64,
    },
    /// It is not good yet. Unix seconds.
    #[error("the token is not good yet: the issuer's clock or this one's is wrong, or it is for later")]
    NotYet {
        /// From when on.
        from: u64,
        /// The time now.
        now: u64,
    },
    /// It is good for too long: nobody can revoke it. Unix seconds.
    #[error("the token is good for longer than tokens may be; have the issuer make them for less")]
    TooLong {
        /// The last second that it may be good for.
        most: u64,
        /// Until when it is.
        got: u64,
    },
    /// Its groups are worth nothing here.
    #[error("the token's groups have no role here; ask the operator for one")]
    NoRole {
        /// Where they are looked for.
        claim: String,
    },
    /// Its groups are worth several things.
    #[error(
        "the token's groups have several roles here, or one in several treasuries: which is meant would be a guess"
    )]
    SeveralRoles {
        /// Where they are looked for.
        claim: String,
    },
    /// It does not say for whom it speaks.
    #[error("the token does not say for which account its {role} speaks")]
    NoAccount {
        /// Its role.
        role: Role,
        /// Where that is looked for.
        claim: String,
    },
}

impl WrongToken {
    /// Stable, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Algorithm { .. } => "token_algorithm",
            Self::UnknownKey => "token_key_unknown",
            Self::Signature => "token_signature",
            Self::Issuer { .. } => "token_issuer",
            Self::Audience { .. } => "token_audience",
            Self::Expired { .. } => "token_expired",
            Self::NotYet { .. } => "token_not_yet",
            Self::TooLong { .. } => "token_too_long",
            Self::NoRole { .. } => "token_no_role",
            Self::SeveralRoles { .. } => "token_several_roles",
            Self::NoAccount { .. } => "token_no_account",
        }
    }

    /// Whether another token would do, or nothing that this person has.
    pub(in crate::access) fn status(&self) -> StatusCode {
        match self {
            Self::NoRole { .. } | Self::SeveralRoles { .. } | Self::NoAccount { .. } => StatusCode::FORBIDDEN,
            _ => StatusCode::UNAUTHORIZED,
        }
    }

    /// Adds what was expected, and what came.
    pub(in crate::access) fn explain(self, error: ApiError) -> ApiError {
        let seconds = |word: &str, at: u64| format!("{word} {at} (unix seconds)");
        match self {
            Self::Algorithm { got } => error.mismatch(
                "one of RS, PS (256, 384, 512), ES (256, 384) and EdDSA, as the key says",
                format!("{got:?}"),
            ),
            Self::Issuer { expected, got } | Self::Audience { expected, got } => {
                error.mismatch(expected, got)
            }
            Self::Expired { at, now } => error.mismatch(seconds("before", at), now),
            Self::NotYet { from, now } => error.mismatch(seconds("from", from), now),
            Self::TooLong { most, got } => error.mismatch(seconds("until", most), got),
            Self::NoRole { claim } => error.mismatch(format!("a group with a role in the claim {claim}"), ""),
            Self::SeveralRoles { claim } => {
                error.mismatch(format!("groups of one role in the claim {claim}"), "")
            }
            Self::NoAccount { claim, .. } => error.mismatch(format!("an address in the claim {claim}"), ""),
            Self::UnknownKey | Self::Signature => error,
        }
    }
}
