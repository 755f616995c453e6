//! Budgets of the organisation: what a session draws counts in its envelope's group and in every group above.

use alloy::primitives::{Address, U256};

use super::{Answer, Envelope, Group, Model, Refused, Turn, envelopes::too_many, number, policy};
use crate::{
    abi::Treasury::{self, WindowLimit},
    role::Role,
    windows::{Limit, Limits, limits_of},
};
use alloy::primitives::aliases::U96;

/// Groups are numbered in 24 bits.
const MAX_GROUPS: u32 = (1 << 24) - 1;

/// Groups above one another, the lowest among them.
const MAX_DEPTH: u8 = 4;

impl Model {
    /// The group of that number.
    pub fn group(&self, number: u32) -> Option<&Group> {
        self.groups.get((number as usize).checked_sub(1)?)
    }

    /// A group and those above it, lowest first, by number.
    pub fn chain(&self, group: u32) -> impl Iterator<Item = (u32, &Group)> {
        let at = |number| Some((number, self.group(number)?));
        std::iter::successors(at(group), move |(_, group)| at(group.parent))
    }

    /// How often what stands above an envelope was released, which its payments commit to.
    pub(super) fn epoch(&self, envelope: &Envelope) -> u64 {
        let groups = self.chain(envelope.group).map(|(_, group)| u64::from(group.epoch));
        u64::from(self.organisation.epoch) + groups.sum::<u64>()
    }
}

impl Turn {
    pub(super) fn create_group(
        &mut self,
        parent: u32,
        asset: Address,
        windows: &[WindowLimit],
        lifetime: U96,
    ) -> Answer {
        self.only(Role::PolicyManager.bit())?;
        let index = self.asset_index(asset)?;
        let count = u32::try_from(self.model.groups.len()).unwrap_or(MAX_GROUPS);
        if count >= MAX_GROUPS {
            return Err(too_many(u64::from(MAX_GROUPS)));
        }
        if parent != 0 {
            let above = self.existing_group(parent)?.asset;
            self.check_asset(above, index)?;
            if self.model.chain(parent).count() >= usize::from(MAX_DEPTH) {
                return Err(too_many(u64::from(MAX_DEPTH)));
            }
        }
        policy::validate_limits(windows, lifetime, U256::from(1))?;
        let limits = limits(windows, lifetime);
        if limits.is_empty() {
            return Err(policy::invalid("limits", U256::from(1), U256::ZERO).into());
        }
        let mut counted = Limits::default();
        counted.lay_out(1, &limits, self.now);
        self.model.groups.push(Group { parent, asset: index, frozen: false, epoch: 0, limits: counted });
        let (group, by) = (number(count + 1), self.caller);
        self.emit(Treasury::GroupCreated { group, parent: number(parent), asset, by });
        self.limits_set(count + 1, windows, lifetime);
        Ok(())
    }

    pub(super) fn set_group_limits(&mut self, group: u32, windows: &[WindowLimit], lifetime: U96) -> Answer {
        self.only(Role::PolicyManager.bit())?;
        self.existing_group(group)?;
        policy::validate_limits(windows, lifetime, U256::from(1))?;
        let next = limits(windows, lifetime);
        let before = &self.existing_group(group)?.limits.windows;
        let same_periods = next.len() == before.len()
            && next.iter().zip(before).all(|(next, before)| next.period == before.period);
        if !same_periods {
            return Err(Treasury::PeriodsFixed { group: U256::from(group) }.into());
        }
        let loosens = next.iter().zip(before).any(|(next, before)| next.limit > before.limit);
        if loosens {
            self.require_announced()?;
        }
        for (window, next) in self.existing_group_mut(group)?.limits.windows.iter_mut().zip(next) {
            window.limit = next.limit;
        }
        self.limits_set(group, windows, lifetime);
        Ok(())
    }

    pub(super) fn set_group(&mut self, envelope: u32, group: u32) -> Answer {
        self.only(Role::PolicyManager.bit())?;
        let before = self.existing(envelope)?.group;
        if before != 0 {
            self.require_announced()?;
            // Only an owner releases: nobody is led out of a frozen group.
            let frozen = self.model.chain(before).find(|(_, group)| group.frozen);
            if let Some((number, _)) = frozen {
                return Err(Treasury::GroupIsFrozen { group: U256::from(number) }.into());
            }
        }
        if group != 0 {
            let asset = self.existing_group(group)?.asset;
            self.check_asset(asset, self.existing(envelope)?.asset)?;
        }
        self.existing_mut(envelope)?.group = group;
        let (number, by) = (number(envelope), self.caller);
        self.emit(Treasury::GroupSet { envelope: number, group: super::number(group), by });
        self.renew_policy(envelope)
    }

    pub(super) fn freeze_group(&mut self, group: u32) -> Answer {
        self.only_who_may_freeze(0)?;
        self.existing_group_mut(group)?.frozen = true;
        self.emit(Treasury::GroupFrozen { group: number(group), by: self.caller });
        Ok(())
    }

    pub(super) fn unfreeze_group(&mut self, group: u32) -> Answer {
        self.only(Role::Owner.bit())?;
        let record = self.existing_group_mut(group)?;
        if !record.frozen {
            return Err(Treasury::NotFrozen {}.into());
        }
        record.frozen = false;
        record.epoch += 1;
        let epoch = record.epoch;
        self.emit(Treasury::GroupUnfrozen { group: number(group), by: self.caller, epoch });
        Ok(())
    }

    fn limits_set(&mut self, group: u32, windows: &[WindowLimit], lifetime: U96) {
        let (group, windows, by) = (number(group), windows.to_vec(), self.caller);
        self.emit(Treasury::GroupLimitsSet { group, windows, lifetimeLimit: lifetime, by });
    }

    fn check_asset(&self, expected: usize, actual: usize) -> Answer {
        if expected == actual {
            return Ok(());
        }
        let token = |index: usize| self.model.assets.get(index).map(|asset| asset.token).unwrap_or_default();
        Err(Treasury::AssetMismatch { expected: token(expected), actual: token(actual) }.into())
    }

    fn unknown_group(&self, group: u32) -> Refused {
        let count = U256::from(self.model.groups.len());
        Treasury::GroupUnknown { group: U256::from(group), count }.into()
    }

    fn existing_group(&self, group: u32) -> Result<&Group, Refused> {
        self.model.group(group).ok_or_else(|| self.unknown_group(group))
    }

    fn existing_group_mut(&mut self, group: u32) -> Result<&mut Group, Refused> {
        let unknown = self.unknown_group(group);
        let index = (group as usize).checked_sub(1);
        index.and_then(|index| self.model.groups.get_mut(index)).ok_or(unknown)
    }
}

fn limits(windows: &[WindowLimit], lifetime: U96) -> Vec<Limit> {
    limits_of(windows.iter().map(|window| (window.period, window.limit)), lifetime)
}
