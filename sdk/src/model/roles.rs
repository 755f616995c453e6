//! Who may do what, and how a loosening waits its turn.

use alloy::primitives::{Address, B256, Bytes, U256, keccak256};

use super::{Announcement, Answer, Model, Turn};
use crate::{abi::Treasury, role::Role};

/// The longest delay of a loosening, in seconds: 30 days.
pub const MAX_DELAY: u32 = 30 * 86_400;

/// An announcement that nobody used for this long after it was ready, in seconds, is void: 14 days.
pub const ANNOUNCEMENT_LIFE: u64 = 14 * 86_400;

impl Model {
    /// When an announced call may run, in unix seconds; `None` where it is not announced. A delay that got
    /// longer since binds too.
    pub fn announced_for(&self, id: B256) -> Option<u64> {
        let announcement = self.announcements.get(&id)?;
        let by_delay = announcement.made_at.saturating_add(u64::from(self.organisation.delay));
        Some(announcement.ready_at.max(by_delay))
    }
}

impl Turn {
    /// Uses up the announcement of the current call, unless the organisation asks for no delay.
    pub(super) fn require_announced(&mut self) -> Answer {
        if self.model.organisation.delay == 0 {
            return Ok(());
        }
        let (id, by) = (self.id, self.caller);
        let ready_at = self.model.announced_for(id);
        let Some(ready) = ready_at.filter(|ready| self.now >= *ready) else {
            let ready_at = U256::from(ready_at.unwrap_or_default());
            return Err(Treasury::NotAnnounced { id, readyAt: ready_at }.into());
        };
        let stale_at = ready.saturating_add(ANNOUNCEMENT_LIFE);
        if self.now >= stale_at {
            return Err(Treasury::AnnouncementStale { id, staleAt: U256::from(stale_at) }.into());
        }
        self.model.announcements.remove(&id);
        self.emit(Treasury::AnnouncementUsed { id, by });
        Ok(())
    }

    pub(super) fn announce(&mut self, call: &Bytes) -> Answer {
        self.only(Role::Owner.bit() | Role::PolicyManager.bit())?;
        let id = keccak256(call);
        let ready_at = self.now.saturating_add(u64::from(self.model.organisation.delay));
        self.model.announcements.insert(id, Announcement { made_at: self.now, ready_at });
        let (by, call) = (self.caller, call.clone());
        self.emit(Treasury::Announced { id, by, readyAt: U256::from(ready_at), call });
        Ok(())
    }

    pub(super) fn cancel_announcement(&mut self, id: B256) -> Answer {
        self.only(Role::Owner.bit() | Role::PolicyManager.bit() | Role::Guardian.bit())?;
        if self.model.announcements.remove(&id).is_none() {
            return Err(Treasury::NotAnnounced { id, readyAt: U256::ZERO }.into());
        }
        self.emit(Treasury::AnnouncementCancelled { id, by: self.caller });
        Ok(())
    }

    pub(super) fn grant_role(&mut self, account: Address, role: u8) -> Answer {
        self.only(Role::Owner.bit())?;
        check_one_role(role)?;
        if account.is_zero() {
            return Err(Treasury::AddressZero {}.into());
        }
        if !stops(role) {
            self.require_announced()?;
        }
        let by = self.caller;
        let record = self.model.accounts.entry(account).or_default();
        if record.roles & role != 0 {
            return Ok(());
        }
        record.roles |= role;
        if role == Role::Owner.bit() {
            self.model.organisation.owners += 1;
        }
        self.emit(Treasury::RoleGranted { account, role, by });
        Ok(())
    }

    pub(super) fn revoke_role(&mut self, account: Address, role: u8) -> Answer {
        self.only(Role::Owner.bit())?;
        check_one_role(role)?;
        if stops(role) {
            self.require_announced()?;
        }
        let by = self.caller;
        let record = self.model.accounts.entry(account).or_default();
        if record.roles & role == 0 {
            return Ok(());
        }
        if role == Role::Owner.bit() {
            if self.model.organisation.owners == 1 {
                return Err(Treasury::LastOwner { owner: account }.into());
            }
            self.model.organisation.owners -= 1;
        }
        record.roles &= !role;
        self.emit(Treasury::RoleRevoked { account, role, by });
        Ok(())
    }

    pub(super) fn set_delay(&mut self, delay: u32) -> Answer {
        self.only(Role::Owner.bit())?;
        if delay > MAX_DELAY {
            return Err(Treasury::Overflow { value: U256::from(delay), max: U256::from(MAX_DELAY) }.into());
        }
        if delay < self.model.organisation.delay {
            self.require_announced()?;
        }
        self.model.organisation.delay = delay;
        self.emit(Treasury::DelaySet { delay, by: self.caller });
        Ok(())
    }

    pub(super) fn set_separation_of_duties(&mut self, on: bool) -> Answer {
        self.only(Role::Owner.bit())?;
        if !on {
            self.require_announced()?;
        }
        self.model.organisation.separate_duties = on;
        self.emit(Treasury::SeparationOfDutiesSet { on, by: self.caller });
        Ok(())
    }
}

/// Whether holders of the role only stop things: granting it is no loosening, taking it is.
fn stops(role: u8) -> bool {
    role & (Role::Guardian.bit() | Role::Reviewer.bit()) != 0
}

fn check_one_role(role: u8) -> Answer {
    if Role::ALL.iter().any(|known| known.bit() == role) {
        return Ok(());
    }
    Err(Treasury::RoleUnknown { role }.into())
}
