//! Why a stamp is refused: one list, with a code for each reason.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! refusals {
    ($($name:ident $code:literal $help:literal;)*) => {
        /// Why a stamp, or what is shown with it, is refused.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        #[non_exhaustive]
        pub enum StampRefusal {
            $(#[doc = $help] $name,)*
        }

        impl StampRefusal {
            /// Every reason.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The stable name used in records, tables and routes.
            pub fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            /// What is wrong, in one line for a person.
            pub fn help(self) -> &'static str {
                match self { $(Self::$name => $help,)* }
            }
        }
    };
}

refusals! {
    TooLarge "too_large" "It is longer than any stamp may be; nothing in it was read.";
    Malformed "malformed" "It is no stamp: a field is missing, out of range, or not in canonical form.";
    TooManyLinks "too_many_links" "It has more links than a chain may have.";
    OtherChain "other_chain" "It was issued for another chain.";
    OtherTreasury "other_treasury" "It was issued by another treasury.";
    RootMissing "root_missing" "Its first link is delegated from a stamp that is not in it.";
    LinksReordered "links_reordered" "Its links are not in order from root to leaf.";
    OtherParent "other_parent" "A link is delegated from another stamp than the one before it: a sibling's, for one.";
    IssuerNotParent "issuer_not_parent" "A link is not issued by the subject of the one before it.";
    DepthExceeded "depth_exceeded" "A stamp that may not be delegated, or not as deep, was.";
    IssuedAtCallTime "issued_at_call_time" "Its root was not issued by a deployer: the issuer holds no stamper role, or is the caller.";
    Revoked "revoked" "A link was revoked.";
    EpochRevoked "epoch_revoked" "It is of an epoch that the treasury has ended.";
    EpochUnknown "epoch_unknown" "It is of an epoch that the treasury has not begun.";
    NotYetValid "not_yet_valid" "Its validity has not begun.";
    Expired "expired" "Its validity is over.";
    ScopeOpening "scope_opening" "The scope that travels with it is not the one that its issuer signed.";
    WindowsOpening "windows_opening" "The windows that travel with it are not those that its issuer signed.";
    LimitWider "limit_wider" "A sub-agent's stamp has a higher limit than the stamp it is delegated from.";
    ScopeWider "scope_wider" "A sub-agent's stamp has a wider scope than the stamp it is delegated from.";
    ValidityWider "validity_wider" "A sub-agent's stamp is valid outside the validity of the stamp it is delegated from.";
    PolicyDiffers "policy_differs" "A sub-agent's stamp is not bound to the policy of the stamp it is delegated from.";
    EpochDiffers "epoch_differs" "A sub-agent's stamp is of another epoch than the stamp it is delegated from.";
    PolicyStale "policy_stale" "It is bound to a policy that is not in force.";
    SignatureMalformed "signature_malformed" "A signature has the wrong shape.";
    HighS "high_s" "A signature has a high s: somebody rewrote it.";
    RootForged "root_forged" "The root is not signed by the issuer it names.";
    LinkForged "link_forged" "A link is not signed by the issuer it names.";
    ContractWithoutCode "contract_without_code" "A contract is said to have signed, but no code stands at its address.";
    ContractUnanswered "contract_unanswered" "A contract is said to have signed, and nobody asked it.";
    ProofMissing "proof_missing" "Nothing shows that its subject is the one who shows it.";
    ProofOfOtherStamp "proof_of_other_stamp" "The session shown with it was opened under another stamp.";
    OtherSubject "other_subject" "The one who shows it is not its subject.";
    ProofNotYetValid "proof_not_yet_valid" "The session shown with it has not begun.";
    ProofExpired "proof_expired" "The session, payment or request shown with it is over.";
    ProofTooLong "proof_too_long" "What is shown stays valid longer than a verifier remembers.";
    OtherSession "other_session" "The payment belongs to another session than the one shown.";
    SessionKeyReused "session_key_reused" "The session key was seen in another session.";
    AmountOverStamp "amount_over_stamp" "The payment is above what the stamp allows for one.";
    TotalOverStamp "total_over_stamp" "The payment is above what is left of the stamp's total.";
    AssetOutOfScope "asset_out_of_scope" "The token is not in the stamp's scope.";
    PayeeOutOfScope "payee_out_of_scope" "The payee is not in the stamp's scope.";
    HostOutOfScope "host_out_of_scope" "The resource's host is not in the stamp's scope.";
    SessionOverStamp "session_over_stamp" "The session asks for more, or for longer, than the stamp allows.";
    NonceReplayed "nonce_replayed" "This payment or request was shown before.";
    BeforeMemory "before_memory" "It was made before this verifier began to remember, or after it forgot: it may be a replay.";
    MemoryFull "memory_full" "The verifier remembers as many as it can; none is taken until some expire.";
    ApprovalOfOtherPayment "approval_of_other_payment" "The approval is for another payee, amount or purse.";
    ApprovalReplayed "approval_replayed" "The approval was given for another payment of the same amount to the same payee.";
    ApprovalExpired "approval_expired" "The approval is over.";
    ApproverUnknown "approver_unknown" "The approval is not by somebody who holds the approver role.";
    ApprovalForged "approval_forged" "The approval is not signed by the approver it names.";
    RequestUnsigned "request_unsigned" "The request carries no signature with tag web-bot-auth, or more than one.";
    RequestMalformed "request_malformed" "The request's signature headers do not parse, or are too long.";
    RequestUncovered "request_uncovered" "The request's signature leaves out a part that it has to cover.";
    RequestKeyMismatch "request_key_mismatch" "The request is signed with a key that the stamp does not name.";
    RequestForged "request_forged" "The request's signature is not valid for this request.";
}

impl fmt::Display for StampRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// A refusal with both sides of the mismatch. Carries no signature and no key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("stamp refused ({reason}){}: expected {expected}, got {got}", At(*link))]
pub struct StampRefused {
    /// Why.
    pub reason: StampRefusal,
    /// Which link, counted from 0 at the root, where it is about one.
    pub link: Option<usize>,
    /// What should have been.
    pub expected: String,
    /// What was.
    pub got: String,
}

impl StampRefused {
    /// A refusal of the whole.
    #[cold]
    pub(crate) fn new(reason: StampRefusal, expected: impl ToString, got: impl ToString) -> Self {
        Self { reason, link: None, expected: expected.to_string(), got: got.to_string() }
    }

    /// The same, of one link.
    pub(crate) fn at(mut self, link: usize) -> Self {
        self.link = Some(link);
        self
    }
}

struct At(Option<usize>);

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |link| write!(f, " at link {link}"))
    }
}
