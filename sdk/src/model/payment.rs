//! Payments are views: yes or no to one signature of one purse.

mod rules;

use alloy::{
    primitives::{Address, B256, U256},
    sol_types::SolStruct as _,
};

use super::{Broken, Envelope, Model, Session, Verdict};
use crate::payment::{Authorization, BlobError, PaymentBlob, Rail, commitment, session_id, terms};

pub use self::rules::{Carried, PaymentRule};

/// The shortest blob that a treasury reads, in bytes.
const SHORTEST_BLOB: u64 = 139;

/// The highest number of a rail.
const LAST_RAIL: u8 = 3;

/// What a payment comes to, and how far it came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Judged {
    /// What it carries in the way of an approval, where it came so far that this was asked.
    pub carried: Option<Carried>,
    /// The first rule that does not hold; `None` where all do.
    pub broken: Option<Broken<PaymentRule>>,
}

impl Model {
    /// What the purse answers at `now` when a token asks about `digest`; as the contract's `diagnosePayment`.
    ///
    /// # Errors
    /// Why it says no, with both values.
    pub fn judge_payment(&self, now: u64, purse: Address, digest: B256, blob: &[u8]) -> Result<(), Verdict> {
        let (_, asked) = self.case(now, purse).signed(digest, blob).judge();
        asked.map_err(|broken| broken.verdict)
    }

    /// The same, and then whether the purse holds the amount, which the token says: whether the payment would
    /// settle, but for its times and for a nonce that was used.
    pub fn settles(&self, now: u64, purse: Address, digest: B256, blob: &[u8]) -> Judged {
        let case = self.case(now, purse).signed(digest, blob);
        let (carried, asked) = case.judge();
        let asked = asked.and_then(|()| PaymentRule::PurseHolds.ask(&case));
        Judged { carried, broken: asked.err() }
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
        let case = Case { payee, amount, ..self.case(now, purse) };
        let due = if approved { None } else { Some(PaymentRule::ApprovalNotDue) };
        let rules = PaymentRule::STANDING.iter().chain(PaymentRule::LIMITS).copied();
        let mut rules = rules.chain([PaymentRule::PurseHolds]).chain(due);
        rules.try_for_each(|rule| rule.ask(&case)).map_err(|broken| broken.verdict)
    }

    /// A purse at a time, before anything is asked of it.
    fn case(&self, now: u64, purse: Address) -> Case<'_> {
        let session = self.session(purse);
        Case {
            model: self,
            now,
            purse,
            session,
            envelope: session.and_then(|session| self.envelope(session.envelope)),
            payee: Address::ZERO,
            amount: U256::ZERO,
            digest: B256::ZERO,
            blob: Err(None),
            length: 0,
        }
    }
}

/// What the rules of a payment look at.
#[derive(Debug)]
struct Case<'a> {
    model: &'a Model,
    now: u64,
    purse: Address,
    session: Option<&'a Session>,
    envelope: Option<&'a Envelope>,
    payee: Address,
    amount: U256,
    /// What the token asks about.
    digest: B256,
    /// What the blob says; the number of its rail where it has a shape, and no rail that is known.
    blob: Result<PaymentBlob, Option<u8>>,
    /// How long the blob is, in bytes.
    length: usize,
}

impl Case<'_> {
    fn signed(self, digest: B256, bytes: &[u8]) -> Self {
        let blob = read(bytes);
        let (payee, amount) = match &blob {
            Ok(payment) => (payment.payee, payment.amount.to_u256()),
            Err(_) => (Address::ZERO, U256::ZERO),
        };
        Self { payee, amount, digest, blob, length: bytes.len(), ..self }
    }

    /// The rules that the purse asks.
    fn judge(&self) -> (Option<Carried>, Result<(), Broken<PaymentRule>>) {
        let signed = [PaymentRule::STANDING, PaymentRule::SIGNED, PaymentRule::LIMITS].into_iter().flatten();
        let mut signed = signed.copied().chain([PaymentRule::SignedByKey]);
        if let Err(broken) = signed.try_for_each(|rule| rule.ask(self)) {
            return (None, Err(broken));
        }
        let carried = Carried::of(self.blob.as_ref().ok().and_then(|payment| payment.approval.as_ref()));
        (Some(carried), carried.rules().iter().try_for_each(|rule| rule.ask(self)))
    }

    fn rail(&self) -> Rail {
        self.blob.as_ref().map(|payment| payment.rail).unwrap_or_default()
    }

    /// What the token must be asking about, if the blob is to be believed.
    fn authorization(&self, session: &Session) -> Option<Authorization> {
        let payment = self.blob.as_ref().ok()?;
        let epoch = self.envelope.map(|envelope| self.model.epoch(envelope)).unwrap_or_default();
        Some(Authorization {
            purse: self.purse,
            payee: payment.payee,
            amount: payment.amount,
            valid_after: payment.valid_after,
            valid_before: payment.valid_before,
            nonce: commitment(
                terms(epoch, session.policy_version),
                session_id(self.purse, self.model.sequence(self.purse)),
                payment.decision_hash,
            ),
        })
    }

    /// The digest that the rail's contract asks about.
    fn expected_digest(&self, session: &Session, envelope: &Envelope) -> B256 {
        let (Some(told), Some(domain)) = (self.authorization(session), self.model.asset_of(envelope)) else {
            return B256::ZERO;
        };
        told.digest(self.rail(), domain)
    }

    /// What a human signs to approve the payment.
    fn approval_digest(&self, session: &Session) -> B256 {
        let (Some(told), Ok(payment)) = (self.authorization(session), &self.blob) else {
            return B256::ZERO;
        };
        told.approval(payment.decision_hash, self.digest).eip712_signing_hash(&self.model.domain)
    }

    /// Whether the decision has settled on the other rail: token and Permit2 count nonces apart.
    fn settled_elsewhere(&self, session: &Session, envelope: &Envelope) -> bool {
        let Some(told) = self.authorization(session) else { return false };
        if self.rail() == Rail::Eip3009 {
            return self.model.permit2.used.contains(&(self.purse, U256::from_be_bytes(told.nonce.0)));
        }
        let token = self.model.assets.get(envelope.asset).map(|asset| asset.token);
        let token = token.and_then(|token| self.model.tokens.get(&token));
        token.is_some_and(|token| token.used.contains(&(self.purse, told.nonce)))
    }
}

/// What the blob says. Its shape is judged before its rail: one of no known rail is shaped as an EIP-3009 one.
fn read(blob: &[u8]) -> Result<PaymentBlob, Option<u8>> {
    PaymentBlob::decode(blob).map_err(|error| {
        let BlobError::Rail { got } = error else { return None };
        let mut known = blob.to_vec();
        if let Some(first) = known.first_mut() {
            *first = *first & 0xf0 | Rail::Eip3009.number();
        }
        PaymentBlob::decode(&known).is_ok().then_some(got)
    })
}
