use axum::http::StatusCode;

use crate::error::ApiError;

/// Why somebody who was at the issuer is not signed in. Told to people, who begin again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotSignedIn {
    /// The browser has not begun to sign in, or has finished.
    #[error(
        "this browser has not begun to sign in here, or has finished; begin again, and open no answer twice"
    )]
    NotBegun,
    /// It began too long ago.
    #[error("signing in took longer than 10 minutes; begin again")]
    Late,
    /// The issuer's answer does not read.
    #[error("the issuer's answer does not read; begin again")]
    Unread,
    /// The answer is to something else than what this browser asked.
    #[error("this is the answer to another sign-in than the one that this browser began; begin again")]
    OtherAnswer,
    /// Another issuer answers.
    #[error("another issuer answers than the one that was asked")]
    OtherIssuer {
        /// Ours.
        expected: String,
        /// Its.
        got: String,
    },
    /// The issuer, or whoever sat there, does not want to.
    #[error("it was declined at the issuer ({code}); begin again, or ask whoever runs it")]
    Declined {
        /// The issuer's word, as far as it is one.
        code: String,
    },
    /// The issuer does not take the code that it has given.
    #[error("the issuer does not take its own answer any more: it was used, or is too old; begin again")]
    Code,
    /// It gives no id token for the code.
    #[error("the issuer gives no id token: have the operator let the client ask for the scope openid")]
    NoToken,
    /// The token was made for another sign-in.
    #[error("the issuer's token is for another sign-in than the one that this browser began; begin again")]
    Nonce,
}

impl NotSignedIn {
    /// Stable, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotBegun => "sign_in_not_begun",
            Self::Late => "sign_in_late",
            Self::Unread => "sign_in_unread",
            Self::OtherAnswer => "sign_in_other_answer",
            Self::OtherIssuer { .. } => "sign_in_other_issuer",
            Self::Declined { .. } => "sign_in_declined",
            Self::Code => "sign_in_code",
            Self::NoToken => "sign_in_no_token",
            Self::Nonce => "sign_in_nonce",
        }
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::NotBegun | Self::Late | Self::Unread | Self::OtherAnswer => StatusCode::BAD_REQUEST,
            Self::NoToken => StatusCode::BAD_GATEWAY,
            Self::OtherIssuer { .. } | Self::Declined { .. } | Self::Code | Self::Nonce => {
                StatusCode::FORBIDDEN
            }
        }
    }
}

impl From<NotSignedIn> for ApiError {
    fn from(why: NotSignedIn) -> Self {
        let error = Self::new(why.status(), why.code(), why.to_string());
        match why {
            NotSignedIn::OtherIssuer { expected, got } => error.mismatch(expected, got),
            _ => error,
        }
    }
}
