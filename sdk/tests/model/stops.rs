//! The calls that stop, release and appoint.

use alloy::primitives::B256;
use bursar_sdk::{
    abi::Treasury::{self, TreasuryCalls as C},
    model::Envelope,
};

use crate::{
    acts::Act,
    play::{nth, number},
    steps::{EnvelopeAt, GroupAt},
    world::World,
};

impl World {
    /// An envelope, rather one of those than another: what is released is mostly what was stopped.
    fn number_of(&self, of: EnvelopeAt, rather: impl Fn(&Envelope) -> bool) -> u32 {
        let those = (1u32..).zip(&self.model.envelopes).filter(|(_, envelope)| rather(envelope));
        let those: Vec<u32> = those.map(|(number, _)| number).collect();
        match of {
            EnvelopeAt::Known(which) => nth(&those, which).copied().unwrap_or_else(|| self.number(of)),
            _ => self.number(of),
        }
    }

    pub(crate) fn stops_and_people(&self, act: &Act) -> C {
        match act {
            Act::FreezeOrganisation(true) => C::freezeOrganisation(Treasury::freezeOrganisationCall {}),
            Act::FreezeOrganisation(false) => C::unfreezeOrganisation(Treasury::unfreezeOrganisationCall {}),
            Act::FreezeEnvelope(of, frozen) => {
                let stopped = |envelope: &Envelope| !*frozen && envelope.frozen;
                let envelope = number(self.number_of(*of, stopped));
                if *frozen {
                    C::freezeEnvelope(Treasury::freezeEnvelopeCall { envelope })
                } else {
                    C::unfreezeEnvelope(Treasury::unfreezeEnvelopeCall { envelope })
                }
            }
            Act::FreezeSession(purse) => {
                let (.., purse) = self.purse(*purse);
                C::freezeSession(Treasury::freezeSessionCall { purse })
            }
            Act::FreezeGroup(of, frozen) => {
                let frozen_ones = (1u32..).zip(&self.model.groups).filter(|(_, group)| group.frozen);
                let frozen_ones: Vec<u32> = frozen_ones.map(|(number, _)| number).collect();
                let group = match (of, *frozen) {
                    (GroupAt::Known(which), false) => nth(&frozen_ones, *which).copied(),
                    _ => None,
                };
                let group = number(group.unwrap_or_else(|| self.group_number(*of)));
                if *frozen {
                    C::freezeGroup(Treasury::freezeGroupCall { group })
                } else {
                    C::unfreezeGroup(Treasury::unfreezeGroupCall { group })
                }
            }
            Act::RevokeStamp(stamp) => {
                C::revokeStamp(Treasury::revokeStampCall { stampHash: B256::with_last_byte(*stamp) })
            }
            Act::SetStampEpoch(epoch) => {
                C::setStampEpoch(Treasury::setStampEpochCall { epoch: u32::from(*epoch) })
            }
            Act::Anchor => C::anchor(Treasury::anchorCall { root: B256::repeat_byte(0x0a), size: 7 }),
            Act::Review(of, on) => {
                let stopped = |envelope: &Envelope| !*on && envelope.under_review;
                let (envelope, reason) = (number(self.number_of(*of, stopped)), B256::repeat_byte(0x0e));
                if *on {
                    C::setReview(Treasury::setReviewCall { envelope, reason })
                } else {
                    C::clearReview(Treasury::clearReviewCall { envelope, reason })
                }
            }
            Act::SetScoreLife(of, life) => {
                let envelope = number(self.number(*of));
                C::setScoreLife(Treasury::setScoreLifeCall { envelope, life: *life })
            }
            Act::ReportScore(of, score) => {
                let envelope = number(self.number(*of));
                C::reportScore(Treasury::reportScoreCall { envelope, score: *score })
            }
            Act::Grant(who, role) => {
                C::grantRole(Treasury::grantRoleCall { account: self.at(*who), role: *role })
            }
            Act::Revoke(who, role) => {
                C::revokeRole(Treasury::revokeRoleCall { account: self.at(*who), role: *role })
            }
            Act::SetDelay(delay) => C::setDelay(Treasury::setDelayCall { delay: *delay }),
            Act::SeparateDuties(on) => {
                C::setSeparationOfDuties(Treasury::setSeparationOfDutiesCall { on: *on })
            }
            other => unreachable!("{other:?} is money or rules"),
        }
    }
}
