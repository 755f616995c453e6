//! The rules of a payment, one by one, in the order that the contract asks them.

use alloy::primitives::{Address, U256};

use super::{Case, LAST_RAIL, SHORTEST_BLOB};
use crate::{
    model::{Broken, Stop, broken::Values, session::word, signature},
    payment::{Approval, Rail},
    refusal::Refusal,
    role::Role,
};

/// One question about a payment. Where the answer is no, the payment is refused for [`Self::refusal`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PaymentRule {
    /// A session is open on the purse.
    SessionOpen,
    /// Nobody stopped what the purse belongs to.
    Runs(Stop),
    /// The policy is the one that the session was opened under.
    PolicyKept,
    /// The session is not frozen.
    SessionRuns,
    /// The session is not over.
    SessionNotOver,
    /// The signature blob has its shape.
    BlobShaped,
    /// The blob names a rail there is.
    RailKnown,
    /// The envelope lets its purses pay on that rail.
    RailAllowed,
    /// What the token asks about is the payment that the blob describes.
    DigestSame,
    /// The decision was not paid for on the other rail.
    NotSettledElsewhere,
    /// The payee is on the session's own list.
    OnSessionList,
    /// The payment moves something.
    AmountAboveZero,
    /// The amount is within the cap: the policy's or the session's, whichever is lower.
    WithinCap,
    /// The payee is on the policy's list.
    OnPolicyList,
    /// The session key signed.
    SignedByKey,
    /// The amount needs no approval.
    ApprovalNotDue,
    /// Somebody's account signed the approval.
    ApprovalSigned,
    /// Whoever approved may.
    ApproverMay,
    /// The approver's contract confirms its signature.
    ApprovalConfirmed,
    /// The purse holds the amount. The token's to say, once the purse has said yes.
    PurseHolds,
}

/// What a payment carries in the way of an approval.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Carried {
    /// None.
    Nothing,
    /// The signature of an externally owned account.
    Account,
    /// What a contract takes for its signature (EIP-1271).
    Contract,
}

impl Carried {
    /// Every way there is.
    pub const ALL: [Self; 3] = [Self::Nothing, Self::Account, Self::Contract];

    pub(super) fn of(approval: Option<&Approval>) -> Self {
        match approval {
            None => Self::Nothing,
            Some(Approval::Eoa(_)) => Self::Account,
            Some(Approval::Contract { .. }) => Self::Contract,
        }
    }

    /// The rules over what is carried.
    pub fn rules(self) -> &'static [PaymentRule] {
        match self {
            Self::Nothing => &[PaymentRule::ApprovalNotDue],
            // Judged even where none is due: nobody must be able to write an approver into a payment.
            Self::Account => &[PaymentRule::ApprovalSigned, PaymentRule::ApproverMay],
            // Asked before it is called: only an approver's own contract ever runs.
            Self::Contract => &[PaymentRule::ApproverMay, PaymentRule::ApprovalConfirmed],
        }
    }
}

impl PaymentRule {
    /// Whether a session may pay at all.
    pub const STANDING: &[Self] = &[
        Self::SessionOpen,
        Self::Runs(Stop::Organisation),
        Self::Runs(Stop::Envelope),
        Self::Runs(Stop::Group),
        Self::PolicyKept,
        Self::SessionRuns,
        Self::SessionNotOver,
    ];

    /// Whether what was signed is the payment that is asked about.
    pub const SIGNED: &[Self] =
        &[Self::BlobShaped, Self::RailKnown, Self::RailAllowed, Self::DigestSame, Self::NotSettledElsewhere];

    /// Whether it is within the policy and what the session narrows of it.
    pub const LIMITS: &[Self] =
        &[Self::OnSessionList, Self::AmountAboveZero, Self::WithinCap, Self::OnPolicyList];

    /// Why a payment that breaks the rule is refused.
    pub fn refusal(self) -> Refusal {
        match self {
            Self::SessionOpen => Refusal::SessionUnknown,
            Self::Runs(stop) => stop.refusal(),
            Self::PolicyKept => Refusal::PolicyChanged,
            Self::SessionRuns => Refusal::SessionFrozen,
            Self::SessionNotOver => Refusal::SessionExpired,
            Self::BlobShaped => Refusal::SignatureMalformed,
            Self::RailKnown => Refusal::RailUnknown,
            Self::RailAllowed => Refusal::RailNotAllowed,
            Self::DigestSame => Refusal::DigestMismatch,
            Self::NotSettledElsewhere => Refusal::DecisionSettled,
            Self::OnSessionList | Self::OnPolicyList => Refusal::PayeeNotListed,
            Self::AmountAboveZero => Refusal::AmountZero,
            Self::WithinCap => Refusal::PaymentCapExceeded,
            Self::SignedByKey => Refusal::SessionKeyMismatch,
            Self::ApprovalNotDue => Refusal::ApprovalMissing,
            Self::ApproverMay => Refusal::ApproverNotAuthorized,
            Self::ApprovalSigned | Self::ApprovalConfirmed => Refusal::ApprovalInvalid,
            Self::PurseHolds => Refusal::SessionBudgetExceeded,
        }
    }

    pub(super) fn ask(self, case: &Case<'_>) -> Result<(), Broken<Self>> {
        let asked = self.values(case);
        asked.map_err(|values| Broken { rule: self, verdict: values.verdict(self.refusal()) })
    }

    /// Whether the case keeps the rule; if not, what binds and what came.
    fn values(self, case: &Case<'_>) -> Result<(), Values> {
        // Only the first rule is asked where no session is open, or of an envelope there is not.
        let (Some(session), Some(envelope)) = (case.session, case.envelope) else {
            return Err(Values::default());
        };
        match self {
            Self::SessionOpen => Ok(()),
            Self::Runs(stop) => stop.check(case.model, envelope),
            Self::PolicyKept => {
                let (limit, actual) = (envelope.version, session.policy_version);
                Values::unless(limit == actual, U256::from(limit), U256::from(actual))
            }
            Self::SessionRuns => Values::unless(!session.frozen, U256::ZERO, U256::ZERO),
            Self::SessionNotOver => {
                let (expiry, now) = (session.expiry, case.now);
                Values::unless(now < expiry, U256::from(expiry), U256::from(now))
            }
            Self::BlobShaped | Self::RailKnown => self.readable(case),
            Self::RailAllowed => {
                let asked = U256::from(case.rail().number());
                let allowed = envelope.permit2 || case.rail() == Rail::Eip3009;
                Values::unless(allowed, U256::from(Rail::Eip3009.number()), asked)
            }
            Self::DigestSame => {
                let expected = case.expected_digest(session, envelope);
                Values::unless(case.digest == expected, expected, case.digest)
            }
            Self::NotSettledElsewhere => {
                let settled = envelope.permit2 && case.settled_elsewhere(session, envelope);
                Values::unless(!settled, U256::from(1), U256::from(2))
            }
            Self::OnSessionList => case.on_list(session.scope.payeeList),
            Self::OnPolicyList => case.on_list(envelope.policy.payeeList),
            Self::AmountAboveZero => Values::unless(!case.amount.is_zero(), U256::from(1), U256::ZERO),
            Self::WithinCap => {
                let cap = lower(session.scope.paymentCap.to(), envelope.policy.paymentCap.to());
                Values::unless(case.amount <= cap, cap, case.amount)
            }
            Self::SignedByKey => {
                let signer = case.signer().unwrap_or_default();
                let ours = !signer.is_zero() && signer == session.key;
                Values::unless(ours, word(session.key), word(signer))
            }
            Self::ApprovalNotDue => {
                let (own, policy) =
                    (session.scope.approvalThreshold.to(), envelope.policy.approvalThreshold.to());
                let threshold = lower(own, policy);
                Values::unless(case.amount <= threshold, threshold, case.amount)
            }
            Self::ApprovalSigned => Values::unless(case.approver(session).is_some(), U256::ZERO, U256::ZERO),
            Self::ApproverMay => {
                let approver = case.approver(session).unwrap_or_default();
                let may = case.may_approve(approver, session);
                Values::unless(may, U256::from(Role::Approver.bit()), word(approver))
            }
            Self::ApprovalConfirmed => {
                let approver = case.approver(session).unwrap_or_default();
                let confirmed = case.model.wallets.get(&approver).is_some_and(|says_yes| *says_yes);
                Values::unless(confirmed, U256::ZERO, word(approver))
            }
            Self::PurseHolds => {
                let asset = case.model.assets.get(envelope.asset);
                let held = asset.map(|asset| case.model.balance(asset.token, case.purse)).unwrap_or_default();
                Values::unless(case.amount <= held, held, case.amount)
            }
        }
    }

    /// A blob's shape is judged before its rail: one of no known rail is shaped as an EIP-3009 one.
    fn readable(self, case: &Case<'_>) -> Result<(), Values> {
        match (&case.blob, self) {
            (Err(Some(rail)), Self::RailKnown) => Err(Values::new(U256::from(LAST_RAIL), U256::from(*rail))),
            (Err(None), _) => Err(Values::new(U256::from(SHORTEST_BLOB), U256::from(case.length))),
            _ => Ok(()),
        }
    }
}

impl Case<'_> {
    fn on_list(&self, list: u16) -> Result<(), Values> {
        // 0 is the list of everybody.
        let listed = list == 0 || self.model.payees.contains(&(list, self.payee));
        Values::unless(listed, U256::from(list), word(self.payee))
    }

    fn signer(&self) -> Option<Address> {
        signature::signer(self.digest, &self.blob.as_ref().ok()?.signature)
    }

    /// Who approved; `None` where nobody did, or where nobody signed what is there.
    fn approver(&self, session: &crate::model::Session) -> Option<Address> {
        let payment = self.blob.as_ref().ok()?;
        match payment.approval.as_ref()? {
            Approval::Contract { approver, .. } => Some(*approver),
            Approval::Eoa(signed) => signature::signer(self.approval_digest(session), signed),
        }
    }

    /// Not an agent, not the session key; and never an author of policies where duties are separate.
    fn may_approve(&self, approver: Address, session: &crate::model::Session) -> bool {
        let account = self.model.account(approver);
        account.roles & Role::Approver.bit() != 0
            && account.agent_of == 0
            && approver != session.key
            && (!account.author || !self.model.organisation.separate_duties)
    }
}

/// The lower of what a session narrows and what the policy says; a session's zero narrows nothing.
fn lower(own: U256, policy: U256) -> U256 {
    if own.is_zero() { policy } else { own.min(policy) }
}
