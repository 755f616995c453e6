//! What limits have counted, as a treasury counts: what sessions draw, less what they give back.

use bursar_sdk::{
    amount::Amount,
    windows::{Draw, DrawOverflow, Window, limits_of},
};

use super::{Books, Budget, Place, Session};
use crate::event::WindowLimit;

impl Books {
    /// The limits of a budget, with what each has counted; none where it has none.
    pub(crate) fn windows(&self, of: Budget) -> &[Window] {
        self.counted.get(&of).map(|limits| limits.windows.as_slice()).unwrap_or_default()
    }

    pub(super) fn lay_out(
        &mut self,
        of: Budget,
        version: u16,
        (windows, lifetime): (&[WindowLimit], Amount),
        time: u64,
    ) {
        let windows = windows.iter().map(|window| (window.period, window.limit.to_u96()));
        self.counted.entry(of).or_default().lay_out(version, &limits_of(windows, lifetime.to_u96()), time);
    }

    pub(super) fn draw(
        &mut self,
        envelope: u32,
        group: u32,
        time: u64,
        budget: Amount,
    ) -> Result<(), DrawOverflow> {
        for of in self.budgets(envelope, group) {
            if let Some(limits) = self.counted.get_mut(&of) {
                limits.draw(time, budget)?;
            }
        }
        Ok(())
    }

    pub(super) fn give_back(&mut self, place: Place, session: &Session, unspent: Amount) {
        let opened_at = session.place.time;
        for of in self.budgets(session.envelope, session.group) {
            let Some(limits) = self.counted.get_mut(&of) else { continue };
            let policy_version = match of {
                Budget::Envelope(_) => session.opened.policy_version,
                // A group's periods are the same for good: whatever was drawn was counted.
                Budget::Group(_) => limits.windows_since,
            };
            limits.give_back(place.time, Draw { opened_at, policy_version }, unspent);
        }
    }

    /// Every budget that a session of an envelope in a group draws from.
    pub(crate) fn budgets(&self, envelope: u32, group: u32) -> Vec<Budget> {
        let above = self.above(group).map(|(number, _)| Budget::Group(number));
        std::iter::once(Budget::Envelope(envelope)).chain(above).collect()
    }
}
