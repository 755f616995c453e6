//! Sessions draw: all that counts across sessions is counted where one opens or closes.

use std::collections::BTreeMap;

use alloy::primitives::{Address, B256, U256, aliases::U24};

use super::{
    Answer, Refused, Session, Turn, Verdict,
    escrow::narrow,
    session::{Settled, word},
    signature,
};
use crate::{abi::Treasury, amount::Amount, refusal::Refusal, role::Role, windows::Limits};

impl Turn {
    pub(super) fn open_session(&mut self, request: &Treasury::SessionRequest, signature: &[u8]) -> Answer {
        let plan = self.model.plan(self.now, request).map_err(Verdict::session_refused)?;
        let number = request.envelope.to::<u32>();
        self.check_agent(number, self.model.open_session_digest(request), signature)?;
        self.emit_settled(request.envelope, plan.purse, &plan.settled);

        let now = self.now;
        let budget = Amount::from(request.budget);
        let envelope = self.existing_mut(number)?;
        envelope.limits = plan.limits;
        let (version, group) = (envelope.version, envelope.group);
        self.write_groups(plan.groups);
        let session = Session {
            envelope: number,
            group,
            key: request.key,
            budget,
            opened_at: now,
            expiry: u64::from(request.expiry),
            policy_version: version,
            frozen: false,
            scope: request.scope.clone(),
        };
        self.move_escrow(number, plan.settled.held, budget.to_u256())?;
        if let Some(purse) = self.model.purses.get_mut(&plan.purse) {
            purse.sequence = request.sequence.to();
            purse.session = Some(session);
        }
        self.emit(Treasury::SessionOpened {
            envelope: request.envelope,
            purse: plan.purse,
            sequence: request.sequence,
            key: request.key,
            budget: request.budget,
            expiry: request.expiry,
            policyVersion: version,
            scope: request.scope.clone(),
            stampHash: request.stampHash,
        });
        self.level(number, plan.purse, plan.settled.held, budget.to_u256())
    }

    pub(super) fn close_session(&mut self, purse: Address, signature: &[u8]) -> Answer {
        let session = self.open_on(purse)?;
        let number = session.envelope;
        self.check_may_close(purse, &session, signature)?;
        let settled = self.model.settlement(self.now, self.existing(number)?, purse);
        let held = settled.held;
        self.emit_settled(super::number(number), purse, &settled);
        self.existing_mut(number)?.limits = settled.limits;
        self.write_groups(settled.groups);
        self.move_escrow(number, held, U256::ZERO)?;
        if let Some(record) = self.model.purses.get_mut(&purse) {
            record.session = None;
        }
        self.level(number, purse, held, U256::ZERO)
    }

    fn write_groups(&mut self, groups: BTreeMap<u32, Limits>) {
        for (number, limits) in groups {
            let index = (number as usize).checked_sub(1);
            if let Some(group) = index.and_then(|index| self.model.groups.get_mut(index)) {
                group.limits = limits;
            }
        }
    }

    /// The session open on a purse.
    pub(super) fn open_on(&self, purse: Address) -> Result<Session, Refused> {
        self.model.session(purse).cloned().ok_or_else(|| Treasury::SessionNotOpen { purse }.into())
    }

    fn check_agent(&self, number: u32, digest: B256, signature: &[u8]) -> Answer {
        let agent = self.existing(number)?.agent;
        if signature::is_by(&self.model.wallets, agent, digest, signature) {
            return Ok(());
        }
        Err(Verdict::new(Refusal::AgentSignatureInvalid, word(agent), U256::ZERO).session_refused())
    }

    fn check_may_close(&self, purse: Address, session: &Session, signature: &[u8]) -> Answer {
        let may = Role::Owner.bit() | Role::PolicyManager.bit() | Role::Guardian.bit();
        if self.only(may).is_ok() {
            return Ok(());
        }
        // Closed by its agent, a frozen session could be replaced by the next one.
        if session.held_frozen(self.now) {
            return Err(Verdict::plain(Refusal::SessionFrozen).session_refused());
        }
        if !signature.is_empty() {
            let sequence = self.model.sequence(purse);
            let digest = self.model.close_session_digest(purse, sequence);
            return self.check_agent(session.envelope, digest, signature);
        }
        let envelope = self.existing(session.envelope)?;
        let over = self.now >= session.expiry || session.policy_version != envelope.version;
        if self.caller == envelope.agent || over {
            return Ok(());
        }
        Err(Treasury::CloseNotAllowed { caller: self.caller, expiry: U256::from(session.expiry) }.into())
    }

    fn emit_settled(&mut self, envelope: U24, purse: Address, settled: &Settled) {
        let (returned, unspent) = (settled.held, settled.unspent.to_u256());
        if self.model.session(purse).is_some() {
            let sequence = self.model.sequence(purse);
            let sequence = super::number(sequence);
            let closed = Treasury::SessionClosed { envelope, purse, sequence, returned, unspent };
            self.emit(closed);
        } else if !returned.is_zero() {
            self.emit(Treasury::PurseSwept { envelope, purse, amount: returned });
        }
    }

    /// Escrow goes up by what the purse held and down by what it shall hold.
    fn move_escrow(&mut self, number: u32, held: U256, budget: U256) -> Answer {
        let moved = |was: Amount| narrow(was.to_u256().saturating_add(held).saturating_sub(budget));
        let envelope = self.existing_mut(number)?;
        envelope.escrow = moved(envelope.escrow)?;
        let asset = envelope.asset;
        if let Some(asset) = self.model.assets.get_mut(asset) {
            asset.escrowed = moved(asset.escrowed)?;
        }
        Ok(())
    }

    /// Moves the difference between what the purse holds and what it shall hold.
    fn level(&mut self, number: u32, purse: Address, held: U256, target: U256) -> Answer {
        let token = self.token_of(number)?;
        let treasury = self.model.address;
        let (from, to, amount) =
            if target > held { (treasury, purse, target - held) } else { (purse, treasury, held - target) };
        if amount.is_zero() {
            return Ok(());
        }
        self.model.transfer(token, from, to, amount).map_err(|reason| Refused::TokenCall { token, reason })
    }
}
