//! What a treasury answers about itself, in the contract's own words.

use alloy::primitives::{Address, U256, aliases::U24};

use super::{Envelope, Model, Stop, number};
use crate::{
    abi::Treasury::{self, EnvelopeView, GroupView, Headroom, SessionView},
    windows::{Limits, Window, end_at},
};

impl Model {
    /// As the contract's `organisation`.
    pub fn organisation_view(&self) -> Treasury::Organisation {
        Treasury::Organisation {
            frozen: self.organisation.frozen,
            separateDuties: self.organisation.separate_duties,
            assets: u8::try_from(self.assets.len()).unwrap_or(u8::MAX),
            owners: self.organisation.owners,
            envelopes: U24::saturating_from(self.envelopes.len()),
            delay: self.organisation.delay,
            groups: U24::saturating_from(self.groups.len()),
            epoch: self.organisation.epoch,
            stampEpoch: self.organisation.stamp_epoch,
        }
    }

    /// As the contract's `account`.
    pub fn account_view(&self, who: Address) -> Treasury::Account {
        let account = self.account(who);
        let (roles, author) = (account.roles, account.author);
        Treasury::Account { roles, author, agentOf: number(account.agent_of) }
    }

    /// As the contract's `envelope`; `None` where there is no such envelope.
    pub fn envelope_view(&self, envelope: u32) -> Option<EnvelopeView> {
        let record = self.envelope(envelope)?;
        Some(EnvelopeView {
            agent: record.agent,
            asset: self.assets.get(record.asset)?.token,
            escrow: record.escrow.to_u256(),
            policyVersion: U256::from(record.version),
            frozen: record.frozen,
            underReview: record.under_review,
            purses: U256::from(record.last_purse) + U256::from(1),
            group: U256::from(record.group),
            permit2: record.permit2,
            scoreLife: U256::from(record.score_life),
            scoredAt: U256::from(record.scored_at),
            score: U256::from(record.score),
            policy: record.policy.clone(),
        })
    }

    /// As the contract's `headroom`: what each limit of an envelope has counted at `now`.
    pub fn headroom(&self, now: u64, envelope: u32) -> Option<Vec<Headroom>> {
        Some(rooms(&self.envelope(envelope)?.limits, now))
    }

    /// As the contract's `group`; `None` where there is no such group.
    pub fn group_view(&self, group: u32) -> Option<GroupView> {
        let record = self.group(group)?;
        Some(GroupView {
            parent: U256::from(record.parent),
            asset: self.assets.get(record.asset)?.token,
            frozen: record.frozen,
            epoch: U256::from(record.epoch),
        })
    }

    /// As the contract's `groupHeadroom`: what each limit of a group has counted at `now`.
    pub fn group_headroom(&self, now: u64, group: u32) -> Option<Vec<Headroom>> {
        Some(rooms(&self.group(group)?.limits, now))
    }

    /// As the contract's `session`: all zero but the sequence while none is open.
    pub fn session_view(&self, purse: Address) -> SessionView {
        let sequence = U256::from(self.sequence(purse));
        let Some(session) = self.session(purse) else {
            let epoch = if self.organisation.frozen { 0 } else { self.organisation.epoch };
            return SessionView { sequence, epoch: U256::from(epoch), ..SessionView::default() };
        };
        // The contract tells none while somebody has stopped the envelope.
        let runs = |envelope: &&Envelope| Stop::ALL.iter().all(|stop| stop.check(self, envelope).is_ok());
        let running = self.envelope(session.envelope).filter(runs);
        let epoch = running.map(|envelope| self.epoch(envelope)).unwrap_or_default();
        SessionView {
            envelope: U256::from(session.envelope),
            sequence,
            key: session.key,
            expiry: U256::from(session.expiry),
            policyVersion: U256::from(session.policy_version),
            frozen: session.frozen,
            budget: session.budget.to_u256(),
            openedAt: U256::from(session.opened_at),
            scope: session.scope.clone(),
            epoch: U256::from(epoch),
            group: U256::from(session.group),
        }
    }
}

fn rooms(limits: &Limits, now: u64) -> Vec<Headroom> {
    let room = |window: &Window| Headroom {
        period: U256::from(window.period),
        limit: window.limit.to_u256(),
        used: window.used_at(now).to_u256(),
        endsAt: end_at(window.period, now).map_or(U256::MAX, U256::from),
    };
    limits.windows.iter().map(room).collect()
}
