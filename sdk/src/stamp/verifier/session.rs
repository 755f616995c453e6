//! Which session a payment is shown in, and that the stamp's subject opened it.

use std::sync::Arc;

use alloy::primitives::Address;

use super::{Bundle, Verifier, leaf_hash, malformed};
use crate::{
    payment::session_id,
    stamp::{
        cache::{Key, VerifiedSession, next_key},
        chain::Prefix,
        curve::Curve,
        proof::SessionProof,
        refusal::{StampRefusal, StampRefused},
        shown::ShownSession,
        signature::ask,
        state::StampState,
    },
};

impl<C: Curve> Verifier<C> {
    /// The session of a bundle, by its subject's signature.
    pub(super) fn proven_session(
        &self,
        read: &Bundle<'_>,
        bytes: &[u8],
        prefix: &Prefix,
        chain: &Key,
        state: &StampState,
        now: u64,
    ) -> Result<ShownSession, StampRefused> {
        let key = if self.cache.is_on() { next_key(chain, bytes) } else { Key::default() };
        let other = StampRefusal::OtherSubject;
        if let Some(session) = self.cache.session(&key) {
            check_session_times(&session.proof, now)?;
            session.question.iter().try_for_each(|question| ask(question, state, other))?;
            return Ok(shown_by(&session.proof));
        }
        let proof = SessionProof::from_bytes(bytes).map_err(malformed)?;
        let hash = leaf_hash(prefix);
        if proof.stamp_hash != hash {
            return Err(StampRefused::new(StampRefusal::ProofOfOtherStamp, hash, proof.stamp_hash));
        }
        if proof.key == prefix.root_issuer() {
            let expected = "an issuer who is not the session's key";
            return Err(StampRefused::new(StampRefusal::IssuedAtCallTime, expected, proof.key));
        }
        check_session_times(&proof, now)?;
        let question =
            proof.signature.check::<C>(prefix.leaf.stamp.subject, &proof.digest(&read.domain()), other)?;
        question.iter().try_for_each(|question| ask(question, state, other))?;
        let session = Arc::new(VerifiedSession { proof, question });
        let shown = shown_by(&session.proof);
        self.cache.keep_session(key, session);
        Ok(shown)
    }
}

fn shown_by(proof: &SessionProof) -> ShownSession {
    let SessionProof { session, key, terms, not_after, .. } = *proof;
    ShownSession { session, key, terms, until: not_after }
}

/// The purse's session as the chain knows it: the treasury has verified its agent's signature.
pub(super) fn known_session(
    purse: Address,
    prefix: &Prefix,
    state: &StampState,
    now: u64,
) -> Result<ShownSession, StampRefused> {
    let Some(known) = state.sessions.get(&purse) else {
        let expected = "a session proof, or a session that the chain knows";
        return Err(StampRefused::new(StampRefusal::ProofMissing, expected, "neither"));
    };
    let hash = leaf_hash(prefix);
    if known.stamp_hash != hash {
        return Err(StampRefused::new(StampRefusal::ProofOfOtherStamp, hash, known.stamp_hash));
    }
    let subject = prefix.leaf.stamp.subject;
    if known.agent != subject {
        return Err(StampRefused::new(StampRefusal::OtherSubject, subject, known.agent));
    }
    if now >= known.expiry {
        let expected = format_args!("a time before {}", known.expiry);
        return Err(StampRefused::new(StampRefusal::ProofExpired, expected, now));
    }
    let session = session_id(purse, known.sequence);
    Ok(ShownSession { session, key: known.key, terms: known.terms, until: known.expiry })
}

fn check_session_times(proof: &SessionProof, now: u64) -> Result<(), StampRefused> {
    if now < proof.not_before {
        let expected = format_args!("a time from {}", proof.not_before);
        return Err(StampRefused::new(StampRefusal::ProofNotYetValid, expected, now));
    }
    if now >= proof.not_after {
        let expected = format_args!("a time before {}", proof.not_after);
        return Err(StampRefused::new(StampRefusal::ProofExpired, expected, now));
    }
    Ok(())
}
