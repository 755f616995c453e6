//! What an envelope knows of a payee: one small record each, kept beside the score.

use serde::{Deserialize, Serialize};

use super::fade::week;
use crate::amount::Amount;

/// For how long after its first payment a payee is new, in seconds.
pub const NEW_FOR: u64 = 604_800;

/// How many failures to deliver of one payee in one week count against the agent; further ones count against the
/// payee alone.
pub const FAILURES_SHARED: u32 = 2;

/// One payee of one envelope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PayeeRecord {
    /// When it was first paid, in unix seconds.
    pub first_paid_at: u64,
    /// What came back from it, by transfer to a purse, and was not paid to it again.
    pub returned: Amount,
    /// In which week it failed last, and how often in that week.
    pub week: u64,
    /// See `week`.
    pub failures: u32,
}

/// What a payment to a payee can earn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// A payee paid before, or vetted: on the policy's list.
    Known,
    /// First paid less than [`NEW_FOR`] ago.
    New,
    /// Money on its way round: to the treasury's own people and purses, or back to where it came from. It counts as
    /// spent, it can do harm, and it earns nothing.
    Own,
}

/// Who answers for a payment that delivered nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Blame {
    /// The agent, that picked the payee.
    Agent,
    /// The payee, that failed more often than [`FAILURES_SHARED`] this week.
    Payee,
}

impl PayeeRecord {
    /// Of a payee first paid at `at` (unix seconds).
    pub fn new(at: u64) -> Self {
        Self { first_paid_at: at, returned: Amount::ZERO, week: 0, failures: 0 }
    }

    /// Pays it `amount` at `at`; call it once for every payment, the first included.
    ///
    /// `own`: the payee is the treasury, one of its purses, or an account with a role or a key in it. `listed`: it is
    /// on the policy's list of payees.
    pub fn paid(&mut self, at: u64, amount: Amount, own: bool, listed: bool) -> Standing {
        let again = self.returned.min(amount);
        self.returned = self.returned.saturating_sub(amount);
        // Half: so that whoever sends a payee's payments dust cannot take away what they earn.
        let is_round = !again.is_zero() && again >= amount.saturating_sub(again);
        if own || is_round {
            Standing::Own
        } else if !listed && at.saturating_sub(self.first_paid_at) < NEW_FOR {
            Standing::New
        } else {
            Standing::Known
        }
    }

    /// Takes note of money that the payee sent to a purse.
    pub fn gave_back(&mut self, amount: Amount) {
        let most = Amount::from(alloy::primitives::aliases::U96::MAX);
        self.returned = self.returned.checked_add(amount).unwrap_or(most);
    }

    /// Takes note of a failure to deliver that became known at `at` (unix seconds).
    pub fn failed(&mut self, at: u64) -> Blame {
        if self.week != week(at) {
            (self.week, self.failures) = (week(at), 0);
        }
        self.failures = self.failures.saturating_add(1);
        if self.failures > FAILURES_SHARED { Blame::Payee } else { Blame::Agent }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::score::fade::MEMORY;

    const AT: u64 = 1_767_571_200;

    #[test]
    fn is_new_for_a_week_unless_listed() {
        let mut payee = PayeeRecord::new(AT);
        let ten = Amount::new(10);
        assert_eq!(payee.paid(AT, ten, false, false), Standing::New);
        assert_eq!(payee.paid(AT, ten, false, true), Standing::Known);
        assert_eq!(payee.paid(AT + NEW_FOR - 1, ten, false, false), Standing::New);
        assert_eq!(payee.paid(AT + NEW_FOR, ten, false, false), Standing::Known);
        assert_eq!(payee.paid(AT + NEW_FOR, ten, true, true), Standing::Own);
    }

    #[test]
    fn what_came_back_earns_nothing_when_it_is_paid_again() {
        let mut payee = PayeeRecord::new(AT);
        let paid = |payee: &mut PayeeRecord, units| payee.paid(AT, Amount::new(units), false, true);
        payee.gave_back(Amount::new(5));
        assert_eq!(paid(&mut payee, 10), Standing::Own);
        assert_eq!(paid(&mut payee, 10), Standing::Known);
        payee.gave_back(Amount::new(4));
        assert_eq!(paid(&mut payee, 10), Standing::Known);
        payee.gave_back(Amount::new(25));
        assert_eq!([paid(&mut payee, 10), paid(&mut payee, 10)], [Standing::Own; 2]);
        assert_eq!(payee.returned, Amount::new(5));
        assert_eq!(PayeeRecord::new(AT).paid(AT, Amount::ZERO, false, true), Standing::Known);
    }

    #[test]
    fn from_the_third_failure_of_a_week_on_the_payee_answers() {
        let mut payee = PayeeRecord::new(AT);
        let blames = [AT, AT + 1, AT + 2].map(|at| payee.failed(at));
        assert_eq!(blames, [Blame::Agent, Blame::Agent, Blame::Payee]);
        assert_eq!(payee.failed(AT + u64::from(MEMORY)), Blame::Agent);
    }
}
