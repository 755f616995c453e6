//! Why a signed offer or receipt is not in order.

use std::fmt;

use super::OfferSigner;

macro_rules! refusals {
    ($($name:ident $code:literal $help:literal;)*) => {
        /// Why a signed offer or receipt is not in order.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum OfferRefusal {
            $(#[doc = $help] $name,)*
        }

        impl OfferRefusal {
            /// Every one of them.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The stable name used in records.
            pub fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }
        }
    };
}

refusals! {
    Malformed "malformed" "It has not the shape of a signed offer or receipt.";
    TooLarge "too_large" "It is larger than any offer or receipt has to be, or there are too many.";
    FormatUnknown "format_unknown" "It is signed in another way than EIP-712 or JWS.";
    VersionUnknown "version_unknown" "It is of a version that this crate does not know.";
    AlgorithmUnknown "algorithm_unknown" "Its JWS is of an algorithm other than EdDSA, ES256K and ES256, or not of its key's.";
    KeyUnresolved "key_unresolved" "Its key is named in a way that does not hold the key itself.";
    Forged "forged" "The signature is not by the key it names, or nobody's.";
    OtherTerms "other_terms" "The offer is for another price, payee, token, chain or scheme than the challenge asks.";
    OtherResource "other_resource" "It is for another resource.";
    Over "over" "The offer does not hold any more.";
    OtherNetwork "other_network" "The receipt is of another chain.";
    OtherPayer "other_payer" "The receipt names another payer.";
    OtherTransaction "other_transaction" "The receipt names another transaction than the answer it came with.";
    OtherTime "other_time" "The receipt is from before the payment, or from a time to come.";
    OtherSigner "other_signer" "The receipt is signed by neither the offer's signer nor the payee.";
}

impl fmt::Display for OfferRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// A refusal with both sides of the mismatch.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("signed offer or receipt refused ({reason}): expected {expected}, got {got}")]
pub struct OfferRefused {
    /// Why.
    pub reason: OfferRefusal,
    /// What should have been.
    pub expected: String,
    /// What was, shortened.
    pub got: String,
}

impl OfferRefused {
    pub(super) fn new(reason: OfferRefusal, expected: impl ToString, got: impl ToString) -> Self {
        Self { reason, expected: expected.to_string(), got: got.to_string() }
    }
}

impl fmt::Display for OfferSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Account(account) => account.fmt(f),
            Self::Key(name) | Self::Unresolved(name) => f.write_str(&crate::challenge::shorten(name)),
        }
    }
}
