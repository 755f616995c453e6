//! What verifiers of identity stamps and of the transparency log look for on chain.

use alloy::primitives::{B256, U256};

use super::{Answer, Turn};
use crate::{abi::Treasury, role::Role};

impl Turn {
    fn only_who_may_revoke(&self) -> Answer {
        self.only(Role::Owner.bit() | Role::Guardian.bit() | Role::Stamper.bit())
    }

    pub(super) fn revoke_stamp(&mut self, stamp_hash: B256) -> Answer {
        self.only_who_may_revoke()?;
        self.model.revoked_stamps.insert(stamp_hash);
        self.emit(Treasury::StampRevoked { stampHash: stamp_hash, by: self.caller });
        Ok(())
    }

    pub(super) fn set_stamp_epoch(&mut self, epoch: u32) -> Answer {
        self.only_who_may_revoke()?;
        let current = self.model.organisation.stamp_epoch;
        if epoch <= current {
            let (current, epoch) = (U256::from(current), U256::from(epoch));
            return Err(Treasury::EpochNotLater { current, epoch }.into());
        }
        self.model.organisation.stamp_epoch = epoch;
        self.emit(Treasury::StampEpochSet { epoch, by: self.caller });
        Ok(())
    }

    pub(super) fn anchor(&mut self, root: B256, size: u64) -> Answer {
        self.only(Role::Owner.bit() | Role::Reviewer.bit())?;
        self.emit(Treasury::Anchored { root, size, by: self.caller });
        Ok(())
    }
}
