//! Payments are views: yes or no to one signature of one purse.

use alloy::{
    primitives::{Address, B256, U256},
    sol_types::SolStruct as _,
};

use super::{Model, Session, Verdict, session::word, signature};
use crate::{
    abi::Treasury,
    payment::{
        Approval, Authorization, BlobError, PaymentBlob, Rail, commitment, permit2, session_id, terms,
    },
    refusal::Refusal,
    role::Role,
};

/// The shortest blob that a treasury reads, in bytes.
const BASE_LENGTH: u64 = 139;

/// The highest number of a rail.
const LAST_RAIL: u8 = 3;

impl Model {
    /// What the purse answers at `now` when a token asks about `digest`; as the contract's `diagnosePayment`.
    ///
    /// # Errors
    /// Why it says no, with both values.
    pub fn judge_payment(&self, now: u64, purse: Address, digest: B256, blob: &[u8]) -> Result<(), Verdict> {
        let (session, epoch) = self.paying_session(now, purse)?;
        let payment = read(blob)?;
        let authorization = self.authorization(purse, session, epoch, &payment);
        let expected = self.expected_digest(session, payment.rail, &authorization)?;
        if digest != expected {
            return Err(Verdict::new(Refusal::DigestMismatch, expected, digest));
        }
        if self.settled_elsewhere(session, payment.rail, &authorization) {
            return Err(Verdict::new(Refusal::DecisionSettled, U256::from(1), U256::from(2)));
        }
        let threshold = self.check_rules(session, payment.payee, payment.amount.to_u256())?;
        let signer = signature::signer(digest, &payment.signature).unwrap_or_default();
        if signer.is_zero() || signer != session.key {
            return Err(Verdict::new(Refusal::SessionKeyMismatch, word(session.key), word(signer)));
        }
        match &payment.approval {
            None if payment.amount.to_u256() <= threshold => Ok(()),
            None => Err(Verdict::new(Refusal::ApprovalMissing, threshold, payment.amount.to_u256())),
            // Judged even where none is due: nobody must be able to write an approver into a payment.
            Some(approval) => {
                let message = authorization.approval(payment.decision_hash, digest);
                self.check_approval(session, approval, message.eip712_signing_hash(&self.domain))
            }
        }
    }

    /// Whether a payment would be within the rules at `now`, before anybody signs it: the contract's
    /// `previewPayment`. `approved`: whether to assume a valid approval.
    ///
    /// # Errors
    /// Why not, with both values.
    pub fn preview_payment(
        &self,
        now: u64,
        purse: Address,
        payee: Address,
        amount: U256,
        approved: bool,
    ) -> Result<(), Verdict> {
        let (session, _) = self.paying_session(now, purse)?;
        let threshold = self.check_rules(session, payee, amount)?;
        let token = self.envelope(session.envelope).and_then(|envelope| self.asset_of(envelope));
        let held = token.map(|(token, _)| self.balance(token, purse)).unwrap_or_default();
        if amount > held {
            return Err(Verdict::new(Refusal::SessionBudgetExceeded, held, amount));
        }
        if amount > threshold && !approved {
            return Err(Verdict::new(Refusal::ApprovalMissing, threshold, amount));
        }
        Ok(())
    }

    /// The session that may pay at all, and the epoch that its payments commit to.
    fn paying_session(&self, now: u64, purse: Address) -> Result<(&Session, u64), Verdict> {
        let session = self.session(purse).ok_or(Verdict::plain(Refusal::SessionUnknown))?;
        let envelope = self.envelope(session.envelope).ok_or(Verdict::plain(Refusal::SessionUnknown))?;
        let epoch = self.check_stops(Some(envelope))?;
        if envelope.version != session.policy_version {
            let (limit, actual) = (U256::from(envelope.version), U256::from(session.policy_version));
            return Err(Verdict::new(Refusal::PolicyChanged, limit, actual));
        }
        if session.frozen {
            return Err(Verdict::plain(Refusal::SessionFrozen));
        }
        if now >= session.expiry {
            return Err(Verdict::new(Refusal::SessionExpired, U256::from(session.expiry), U256::from(now)));
        }
        Ok((session, epoch))
    }

    /// What the token must be asking about, if the blob is to be believed.
    fn authorization(
        &self,
        purse: Address,
        session: &Session,
        epoch: u64,
        payment: &PaymentBlob,
    ) -> Authorization {
        let sequence = self.sequence(purse);
        Authorization {
            purse,
            payee: payment.payee,
            amount: payment.amount,
            valid_after: payment.valid_after,
            valid_before: payment.valid_before,
            nonce: commitment(
                terms(epoch, session.policy_version),
                session_id(purse, sequence),
                payment.decision_hash,
            ),
        }
    }

    /// The digest that the rail's contract asks about.
    fn expected_digest(
        &self,
        session: &Session,
        rail: Rail,
        authorization: &Authorization,
    ) -> Result<B256, Verdict> {
        let envelope = self.envelope(session.envelope);
        let (token, domain) = envelope.and_then(|envelope| self.asset_of(envelope)).unzip();
        if rail == Rail::Eip3009 {
            return Ok(domain.map(|domain| authorization.digest(domain)).unwrap_or_default());
        }
        if !envelope.is_some_and(|envelope| envelope.permit2) {
            let (only, asked) = (U256::from(Rail::Eip3009.number()), U256::from(rail.number()));
            return Err(Verdict::new(Refusal::RailNotAllowed, only, asked));
        }
        let chain_id = self.domain.chain_id.unwrap_or_default().saturating_to();
        let token = token.unwrap_or_default();
        Ok(match rail {
            Rail::Permit2Upto { facilitator } => {
                permit2::upto_digest(authorization, facilitator, token, chain_id)
            }
            _ => permit2::exact_digest(authorization, token, chain_id),
        })
    }

    /// Whether the decision has settled on the other rail: token and Permit2 count nonces apart.
    fn settled_elsewhere(&self, session: &Session, rail: Rail, authorization: &Authorization) -> bool {
        let envelope = self.envelope(session.envelope);
        if !envelope.is_some_and(|envelope| envelope.permit2) {
            return false;
        }
        let (purse, nonce) = (authorization.purse, authorization.nonce);
        if rail == Rail::Eip3009 {
            return self.permit2.used.contains(&(purse, U256::from_be_bytes(nonce.0)));
        }
        let token = envelope.and_then(|envelope| self.assets.get(envelope.asset)).map(|asset| asset.token);
        let token = token.and_then(|token| self.tokens.get(&token));
        token.is_some_and(|token| token.used.contains(&(purse, nonce)))
    }

    /// Cap and payee lists: the policy's, and the session's where it narrows them.
    /// Returns the amount above which a human has to approve.
    fn check_rules(&self, session: &Session, payee: Address, amount: U256) -> Result<U256, Verdict> {
        let policy = self.envelope(session.envelope).map(|envelope| envelope.policy.clone());
        let (policy, scope) = (policy.unwrap_or_default(), &session.scope);
        let (cap, threshold) = narrowed(&policy, scope);
        self.check_list(scope.payeeList, payee)?;
        if amount.is_zero() {
            return Err(Verdict::new(Refusal::AmountZero, U256::from(1), U256::ZERO));
        }
        if amount > cap {
            return Err(Verdict::new(Refusal::PaymentCapExceeded, cap, amount));
        }
        self.check_list(policy.payeeList, payee)?;
        Ok(threshold)
    }

    /// Whether the payee is on the list; 0 is the list of everybody.
    fn check_list(&self, list: u16, payee: Address) -> Result<(), Verdict> {
        if list == 0 || self.payees.contains(&(list, payee)) {
            return Ok(());
        }
        Err(Verdict::new(Refusal::PayeeNotListed, U256::from(list), word(payee)))
    }

    /// A human's approval of this very digest, by somebody who may.
    fn check_approval(&self, session: &Session, approval: &Approval, digest: B256) -> Result<(), Verdict> {
        let unauthorized = |approver| {
            let role = U256::from(Role::Approver.bit());
            Verdict::new(Refusal::ApproverNotAuthorized, role, word(approver))
        };
        match approval {
            Approval::Eoa(signed) => {
                let signer =
                    signature::signer(digest, signed).ok_or(Verdict::plain(Refusal::ApprovalInvalid))?;
                if self.may_approve(signer, session) { Ok(()) } else { Err(unauthorized(signer)) }
            }
            Approval::Contract { approver, .. } => {
                if !self.may_approve(*approver, session) {
                    return Err(unauthorized(*approver));
                }
                if self.wallets.get(approver).is_some_and(|says_yes| *says_yes) {
                    return Ok(());
                }
                Err(Verdict::new(Refusal::ApprovalInvalid, U256::ZERO, word(*approver)))
            }
        }
    }

    /// Not an agent, not the session key; and never an author of policies where duties are separate.
    fn may_approve(&self, approver: Address, session: &Session) -> bool {
        let account = self.account(approver);
        account.roles & Role::Approver.bit() != 0
            && account.agent_of == 0
            && approver != session.key
            && (!account.author || !self.organisation.separate_duties)
    }
}

/// The cap and the approval threshold: the lower of policy and scope.
fn narrowed(policy: &Treasury::Policy, scope: &Treasury::Scope) -> (U256, U256) {
    let lower = |own: U256, policy: U256| if own.is_zero() { policy } else { own.min(policy) };
    (
        lower(scope.paymentCap.to(), policy.paymentCap.to()),
        lower(scope.approvalThreshold.to(), policy.approvalThreshold.to()),
    )
}

/// What the blob says. Its shape is judged before its rail: one of no known rail is shaped as an EIP-3009 one.
fn read(blob: &[u8]) -> Result<PaymentBlob, Verdict> {
    let malformed =
        || Verdict::new(Refusal::SignatureMalformed, U256::from(BASE_LENGTH), U256::from(blob.len()));
    PaymentBlob::decode(blob).map_err(|error| {
        let BlobError::Rail { got } = error else { return malformed() };
        let mut known = blob.to_vec();
        if let Some(first) = known.first_mut() {
            *first = *first & 0xf0 | Rail::Eip3009.number();
        }
        match PaymentBlob::decode(&known) {
            Ok(_) => Verdict::new(Refusal::RailUnknown, U256::from(LAST_RAIL), U256::from(got)),
            Err(_) => malformed(),
        }
    })
}
