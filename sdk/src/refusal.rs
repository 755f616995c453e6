//! Why a payment or a session is refused: one list, the contract's.

use serde::{Deserialize, Serialize};

macro_rules! refusals {
    ($($number:literal $name:ident $code:literal $help:literal;)*) => {
        /// Why a payment or a session is refused, as the contract's `Refusal` enum numbers it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[repr(u8)]
        #[serde(rename_all = "snake_case")]
        pub enum Refusal {
            $(#[doc = $help] $name = $number,)*
        }

        impl Refusal {
            /// Every refusal, in the contract's order.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The refusal with the contract's number; `None` for 0 (not refused) and for unknown numbers.
            pub fn from_number(number: u8) -> Option<Self> {
                match number { $($number => Some(Self::$name),)* _ => None }
            }

            /// The stable name used in records, tables and routes.
            pub fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            /// The refusal with that code.
            pub fn from_code(code: &str) -> Option<Self> {
                match code { $($code => Some(Self::$name),)* _ => None }
            }

            /// What would help, in one line for a person.
            pub fn help(self) -> &'static str {
                match self { $(Self::$name => $help,)* }
            }
        }
    };
}

refusals! {
    1 OrganisationFrozen "organisation_frozen" "The organisation is frozen; an owner can release it.";
    2 EnvelopeFrozen "envelope_frozen" "The envelope is frozen; an owner can release it.";
    3 UnderReview "under_review" "The envelope is under review; an owner clears it once a human has looked.";
    4 SessionUnknown "session_unknown" "No session is open on this purse; open one.";
    5 SessionFrozen "session_frozen" "The session is frozen for good; the treasury's people close it, then open another.";
    6 SessionExpired "session_expired" "The session has expired; open the next one.";
    7 PolicyChanged "policy_changed" "The policy changed since the session was opened; open a session under the new one.";
    8 SignatureMalformed "signature_malformed" "The signature blob has the wrong shape.";
    9 RailUnknown "rail_unknown" "The signature blob names a rail that this treasury does not take.";
    10 DigestMismatch "digest_mismatch" "What was signed is not the payment that the blob describes: nonce, payee, amount or times differ.";
    11 SessionKeyMismatch "session_key_mismatch" "The signature is not by the session key.";
    12 AmountZero "amount_zero" "A payment of nothing is refused.";
    13 PaymentCapExceeded "payment_cap_exceeded" "The amount is above the cap for one payment; ask for a policy with a higher cap.";
    14 PayeeNotListed "payee_not_listed" "The payee is not on the policy's list; ask the policy manager to list it.";
    15 SessionBudgetExceeded "session_budget_exceeded" "The purse holds less than the amount; open a session with a larger budget.";
    16 ApprovalMissing "approval_missing" "The amount is above the approval threshold; a human has to approve this payment.";
    17 ApproverNotAuthorized "approver_not_authorized" "The approval is not by somebody who may approve this payment.";
    18 ApprovalInvalid "approval_invalid" "The approval's signature is not valid for this payment.";
    19 EnvelopeUnknown "envelope_unknown" "The treasury has no such envelope.";
    20 PurseUnknown "purse_unknown" "The envelope has no such purse; create more purses.";
    21 SequenceMismatch "sequence_mismatch" "The request's sequence number is not the purse's next; ask the chain and sign again.";
    22 SessionKeyInvalid "session_key_invalid" "The session key is zero, the agent's own, or the last session's; use a fresh one.";
    23 BudgetZero "budget_zero" "A session needs a budget.";
    24 SessionLimitExceeded "session_limit_exceeded" "The budget is above the limit for one session; ask for less.";
    25 EscrowExceeded "escrow_exceeded" "The envelope's escrow is smaller than the budget; top it up.";
    26 ExpiryInPast "expiry_in_past" "The session would be over already.";
    27 SessionTooLong "session_too_long" "The session would be longer than the policy allows.";
    28 ExpiryPastWindow "expiry_past_window" "The session would outlive the current window of a limit; end it with the window.";
    29 WindowLimitExceeded "window_limit_exceeded" "The budget does not fit what a calendar limit has left; wait for the next window or ask for less.";
    30 LifetimeLimitExceeded "lifetime_limit_exceeded" "The budget does not fit what the lifetime limit has left.";
    31 ScopeWidens "scope_widens" "A session's scope may only narrow the policy.";
    32 AgentSignatureInvalid "agent_signature_invalid" "The request is not signed by the envelope's agent.";
    33 GroupFrozen "group_frozen" "The envelope's group, or one above it, is frozen; an owner can release it.";
    34 GroupWindowLimitExceeded "group_window_limit_exceeded" "The budget does not fit what a calendar limit of the envelope's group, or of one above it, has left; wait for the next window or ask for less.";
    35 GroupLifetimeLimitExceeded "group_lifetime_limit_exceeded" "The budget does not fit what the lifetime limit of the envelope's group, or of one above it, has left.";
    36 RailNotAllowed "rail_not_allowed" "The envelope does not let its purses pay through Permit2; a policy manager can.";
    37 DecisionSettled "decision_settled" "The decision was paid for on another rail; decide again.";
    38 StampRevoked "stamp_revoked" "The identity stamp that the session names is revoked; get a new one.";
    39 ScoreStale "score_stale" "The envelope asks for a fresh score and the last one is too old; the reviewer's scorer has to report again.";
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_the_contracts_and_codes_are_unique() {
        for (i, refusal) in Refusal::ALL.iter().enumerate() {
            assert_eq!(*refusal as usize, i + 1);
            assert_eq!(Refusal::from_number(*refusal as u8), Some(*refusal));
            assert_eq!(Refusal::from_code(refusal.code()), Some(*refusal));
            assert_eq!(refusal.to_string(), refusal.code());
            assert_eq!(serde_json::to_value(refusal).ok(), Some(refusal.code().into()));
        }
        assert_eq!(Refusal::from_number(0), None);
        assert_eq!(Refusal::from_number(40), None);
    }

    #[test]
    fn the_contract_declares_the_same_list() {
        let source = include_str!("../../contracts/libraries/Types.sol");
        let body = source.split("enum Refusal {").nth(1).and_then(|rest| rest.split('}').next());
        let names: Vec<&str> = body
            .into_iter()
            .flat_map(str::lines)
            .map(str::trim)
            .filter(|line| !line.is_empty() && !line.starts_with("//"))
            .map(|line| line.trim_end_matches(','))
            .collect();
        let ours: Vec<String> = Refusal::ALL.iter().map(|refusal| format!("{refusal:?}")).collect();
        assert_eq!(names.first(), Some(&"None"));
        assert_eq!(names[1..], ours);
    }
}
