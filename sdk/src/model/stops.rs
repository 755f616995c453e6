//! The kill switches, and reviews.

use alloy::primitives::{Address, B256};

use super::{Answer, Turn, number};
use crate::{abi::Treasury, role::Role};

impl Turn {
    pub(super) fn only_who_may_freeze(&self, or_also: u8) -> Answer {
        self.only(or_also | Role::Owner.bit() | Role::PolicyManager.bit() | Role::Guardian.bit())
    }

    pub(super) fn freeze_organisation(&mut self) -> Answer {
        self.only_who_may_freeze(0)?;
        self.model.organisation.frozen = true;
        self.emit(Treasury::OrganisationFrozen { by: self.caller });
        Ok(())
    }

    pub(super) fn unfreeze_organisation(&mut self) -> Answer {
        self.only(Role::Owner.bit())?;
        let organisation = &mut self.model.organisation;
        if !organisation.frozen {
            return Err(Treasury::NotFrozen {}.into());
        }
        organisation.frozen = false;
        organisation.epoch += 1;
        let epoch = organisation.epoch;
        self.emit(Treasury::OrganisationUnfrozen { by: self.caller, epoch });
        Ok(())
    }

    pub(super) fn freeze_envelope(&mut self, envelope: u32) -> Answer {
        self.only_who_may_freeze(0)?;
        self.existing_mut(envelope)?.frozen = true;
        self.emit(Treasury::EnvelopeFrozen { envelope: number(envelope), by: self.caller });
        Ok(())
    }

    pub(super) fn unfreeze_envelope(&mut self, envelope: u32) -> Answer {
        self.only(Role::Owner.bit())?;
        let record = self.existing_mut(envelope)?;
        if !record.frozen {
            return Err(Treasury::NotFrozen {}.into());
        }
        record.frozen = false;
        self.emit(Treasury::EnvelopeUnfrozen { envelope: number(envelope), by: self.caller });
        self.renew_policy(envelope)
    }

    pub(super) fn freeze_session(&mut self, purse: Address) -> Answer {
        self.only_who_may_freeze(0)?;
        let envelope = number(self.open_on(purse)?.envelope);
        if let Some(session) = self.model.purses.get_mut(&purse).and_then(|purse| purse.session.as_mut()) {
            session.frozen = true;
        }
        let (sequence, by) = (number(self.model.sequence(purse)), self.caller);
        self.emit(Treasury::SessionFrozen { envelope, purse, sequence, by });
        Ok(())
    }

    pub(super) fn set_review(&mut self, envelope: u32, reason: B256) -> Answer {
        self.only_who_may_freeze(Role::Reviewer.bit())?;
        self.existing_mut(envelope)?.under_review = true;
        let by = self.caller;
        self.emit(Treasury::ReviewSet { envelope: number(envelope), by, reason });
        Ok(())
    }

    pub(super) fn clear_review(&mut self, envelope: u32, reason: B256) -> Answer {
        self.only(Role::Owner.bit())?;
        self.existing_mut(envelope)?.under_review = false;
        let by = self.caller;
        self.emit(Treasury::ReviewCleared { envelope: number(envelope), by, reason });
        Ok(())
    }
}
