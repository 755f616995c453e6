//! The calls about groups.

use alloy::primitives::aliases::U96;
use bursar_sdk::abi::Treasury::{self, Policy, TreasuryCalls as C, WindowLimit};

use crate::{acts::Act, play::number, world::World};

impl World {
    pub(crate) fn groups_of(&self, act: &Act) -> C {
        match act {
            Act::CreateGroup { parent, token, limits } => {
                let limits = limits.policy();
                C::createGroup(Treasury::createGroupCall {
                    parent: number(self.group_number(*parent)),
                    asset: self.token(*token),
                    windows: limits.windows,
                    lifetimeLimit: limits.lifetimeLimit,
                })
            }
            Act::SetGroupLimits(of, limits) => {
                let group = self.group_number(*of);
                let limits = limits.of(self.limits_in_force(group));
                C::setGroupLimits(Treasury::setGroupLimitsCall {
                    group: number(group),
                    windows: limits.windows,
                    lifetimeLimit: limits.lifetimeLimit,
                })
            }
            Act::SetGroup(of, group) => {
                let (envelope, group) = (number(self.number(*of)), number(self.group_number(*group)));
                C::setGroup(Treasury::setGroupCall { envelope, group })
            }
            other => unreachable!("{other:?} is not of groups"),
        }
    }

    /// A group's limits, as a policy has them.
    fn limits_in_force(&self, group: u32) -> Policy {
        let mut policy = Policy::default();
        for window in self.model.group(group).iter().flat_map(|group| &group.limits.windows) {
            let limit: U96 = window.limit.to_u96();
            match window.period {
                0 => policy.lifetimeLimit = limit,
                period => policy.windows.push(WindowLimit { period, limit }),
            }
        }
        policy
    }
}
