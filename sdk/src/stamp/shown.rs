//! What is shown with a stamp: a payment, with its approval, or the opening of a session.

use alloy::primitives::{Address, B256, Signature};

use super::{
    approval::ApprovalShown,
    bundle::Link,
    curve::Curve,
    memory::MAX_VALIDITY,
    refusal::{StampRefusal, StampRefused},
    scope::allows,
    signature::StampSignature,
    state::StampState,
};
use crate::{
    amount::Amount,
    payment::{commitment, split_session_id},
};

/// Who looked at the payment's own signature, the session key's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PaymentSignature {
    /// Somebody else did: a facilitator verified the payment before the stamp is looked at. Without that, a stamp
    /// says nothing about a payment: anyone who saw a stamp can show it again.
    CheckedElsewhere,
    /// The verifier does, for the cost of one more signature.
    Check(Signature),
}

/// One payment from a purse, as a merchant sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentShown {
    /// The purse: the x402 `from`.
    pub purse: Address,
    /// The token.
    pub asset: Address,
    /// Who is paid.
    pub payee: Address,
    /// How much, in atomic units.
    pub amount: Amount,
    /// The authorization's nonce.
    pub nonce: B256,
    /// The decision the nonce commits to, as the payment's blob names it.
    pub decision_hash: B256,
    /// The token's digest of the payment: what the session key signed.
    pub digest: B256,
    /// Valid before, unix seconds (exclusive).
    pub valid_before: u64,
    /// Host of the resource that is paid for; `None` where it is not known.
    pub host: Option<String>,
    /// What was paid under the stamp before, in atomic units; `None` where it is not known.
    pub spent: Option<Amount>,
    /// The payment's own signature.
    pub signature: PaymentSignature,
    /// A human's approval, where one is shown.
    pub approval: Option<ApprovalShown>,
}

/// A session opening, as a treasury's people or its relay see it before it is submitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpeningShown {
    /// Who signed the request: the envelope's agent.
    pub agent: Address,
    /// The stamp it names.
    pub stamp_hash: B256,
    /// What it draws, in atomic units.
    pub budget: Amount,
    /// Most that one payment of it can move, in atomic units: the session's own cap, or the policy's.
    pub payment_cap: Amount,
    /// When it ends, unix seconds (exclusive).
    pub expiry: u64,
}

/// A session that was shown to be the stamp's, one way or the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ShownSession {
    pub(crate) session: B256,
    pub(crate) key: Address,
    pub(crate) terms: u64,
    pub(crate) until: u64,
}

impl PaymentShown {
    /// Whether the payment belongs to the session, and is within the stamp. Signatures come last.
    pub(crate) fn check<C: Curve>(
        &self,
        leaf: &Link,
        session: &ShownSession,
        state: &StampState,
        now: u64,
    ) -> Result<(), StampRefused> {
        check_validity(self.valid_before, now)?;
        let (purse, _) = split_session_id(session.session);
        if self.purse != purse {
            return Err(StampRefused::new(
                StampRefusal::OtherSession,
                format_args!("purse {purse}"),
                self.purse,
            ));
        }
        let nonce = commitment(session.terms.into(), session.session, self.decision_hash);
        if self.nonce != nonce {
            let expected = format_args!("nonce {nonce} of the session shown");
            return Err(StampRefused::new(StampRefusal::OtherSession, expected, self.nonce));
        }
        self.check_limits(leaf)?;
        self.check_scope(leaf)?;
        if let Some(approval) = &self.approval {
            approval.check::<C>(self, state, now)?;
        }
        if let PaymentSignature::Check(signature) = &self.signature {
            StampSignature::Key { signature: signature.as_bytes(), public_key: None }.check::<C>(
                session.key,
                &self.digest,
                StampRefusal::OtherSession,
            )?;
        }
        Ok(())
    }

    fn check_limits(&self, leaf: &Link) -> Result<(), StampRefused> {
        let (most, total) = (leaf.stamp.per_payment_max, leaf.stamp.total_max);
        if self.amount > most {
            let expected = format_args!("at most {most}");
            return Err(StampRefused::new(StampRefusal::AmountOverStamp, expected, self.amount));
        }
        let left = total.saturating_sub(self.spent.unwrap_or_default());
        if self.amount > left {
            let expected = format_args!("at most {left} of {total}");
            return Err(StampRefused::new(StampRefusal::TotalOverStamp, expected, self.amount));
        }
        Ok(())
    }

    fn check_scope(&self, leaf: &Link) -> Result<(), StampRefused> {
        let scope = &leaf.scope;
        if !allows(scope.assets.as_deref(), &self.asset) {
            return Err(StampRefused::new(StampRefusal::AssetOutOfScope, "a token of the scope", self.asset));
        }
        if !allows(scope.payees.as_deref(), &self.payee) {
            return Err(StampRefused::new(StampRefusal::PayeeOutOfScope, "a payee of the scope", self.payee));
        }
        // Where hosts are limited, a payment for an unknown one is outside.
        if let Some(hosts) = &scope.hosts {
            let host = self.host.as_deref().unwrap_or("").to_ascii_lowercase();
            if hosts.binary_search(&host).is_err() {
                return Err(StampRefused::new(
                    StampRefusal::HostOutOfScope,
                    "a host of the scope",
                    shorten(&host),
                ));
            }
        }
        Ok(())
    }
}

impl OpeningShown {
    pub(crate) fn check(&self, leaf: &Link, hash: B256) -> Result<(), StampRefused> {
        let stamp = &leaf.stamp;
        if self.stamp_hash != hash {
            return Err(StampRefused::new(StampRefusal::ProofOfOtherStamp, hash, self.stamp_hash));
        }
        if self.agent != stamp.subject {
            return Err(StampRefused::new(StampRefusal::OtherSubject, stamp.subject, self.agent));
        }
        for (what, most, got) in [
            ("budget", stamp.total_max, self.budget),
            ("payment cap", stamp.per_payment_max, self.payment_cap),
        ] {
            if got > most {
                let expected = format_args!("{what} at most {most}");
                return Err(StampRefused::new(StampRefusal::SessionOverStamp, expected, got));
            }
        }
        if self.expiry > stamp.not_after {
            let expected = format_args!("expiry at most {}", stamp.not_after);
            return Err(StampRefused::new(StampRefusal::SessionOverStamp, expected, self.expiry));
        }
        Ok(())
    }
}

/// Whether something that is valid before `until` is valid, and not for longer than is remembered.
pub(crate) fn check_validity(until: u64, now: u64) -> Result<(), StampRefused> {
    if now >= until {
        return Err(StampRefused::new(
            StampRefusal::ProofExpired,
            format_args!("a time before {until}"),
            now,
        ));
    }
    if until - now > MAX_VALIDITY {
        let expected = format_args!("validity of at most {MAX_VALIDITY} s");
        return Err(StampRefused::new(StampRefusal::ProofTooLong, expected, until - now));
    }
    Ok(())
}

fn shorten(text: &str) -> String {
    text.chars().take(80).collect()
}
