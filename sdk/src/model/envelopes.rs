//! Assets, envelopes with their policies and purses, and payee lists.

use alloy::primitives::{Address, U256};

use super::{Answer, Asset, Envelope, Purse, Refused, TokenRefusal, Turn, number, policy};
use crate::{
    abi::Treasury::{self, Policy},
    amount::Amount,
    policy::tightens,
    role::Role,
    windows::{Limits, limits_of},
};

/// Envelopes are numbered in 24 bits.
const MAX_ENVELOPES: u32 = (1 << 24) - 1;

impl Turn {
    /* ASSETS */

    pub(super) fn add_asset(&mut self, token: Address) -> Answer {
        self.only(Role::Owner.bit())?;
        if self.model.assets.iter().any(|asset| asset.token == token) {
            return Err(Treasury::AssetKnown { asset: token }.into());
        }
        let index = u8::try_from(self.model.assets.len()).unwrap_or(u8::MAX);
        if index == u8::MAX {
            return Err(too_many(u64::from(u8::MAX)));
        }
        let reason = TokenRefusal::NotAToken;
        let state = self.model.tokens.get(&token).ok_or(Refused::TokenCall { token, reason })?;
        let separator = state.domain.separator();
        self.model.assets.push(Asset { token, escrowed: Amount::ZERO, domain_separator: separator });
        self.emit(Treasury::AssetAdded { asset: token, index, domainSeparator: separator });
        Ok(())
    }

    /* ENVELOPES */

    pub(super) fn create_envelope(&mut self, agent: Address, asset: Address, policy: &Policy) -> Answer {
        self.only(Role::PolicyManager.bit())?;
        let index = self.asset_index(asset)?;
        let count = u32::try_from(self.model.envelopes.len()).unwrap_or(MAX_ENVELOPES);
        if count >= MAX_ENVELOPES {
            return Err(too_many(u64::from(MAX_ENVELOPES)));
        }
        let envelope = count + 1;
        self.assign_agent(envelope, agent)?;
        self.model.envelopes.push(Envelope {
            agent,
            asset: index,
            group: 0,
            permit2: false,
            score_life: 0,
            scored_at: 0,
            score: 0,
            escrow: Amount::ZERO,
            policy: Policy::default(),
            version: 0,
            hashes: Vec::new(),
            limits: Limits::default(),
            frozen: false,
            under_review: false,
            last_purse: 0,
        });
        let by = self.caller;
        self.emit(Treasury::EnvelopeCreated { envelope: number(envelope), agent, asset, by });
        self.write_policy(envelope, policy)?;
        self.create_purse(envelope, 0)
    }

    pub(super) fn set_policy(&mut self, envelope: u32, next: &Policy) -> Answer {
        self.only(Role::PolicyManager.bit())?;
        if !tightens(next, &self.existing(envelope)?.policy) {
            self.require_announced()?;
        }
        self.write_policy(envelope, next)
    }

    pub(super) fn set_agent(&mut self, envelope: u32, agent: Address) -> Answer {
        self.only(Role::Owner.bit())?;
        let before = self.existing(envelope)?.agent;
        self.require_announced()?;
        self.model.accounts.entry(before).or_default().agent_of = 0;
        self.assign_agent(envelope, agent)?;
        self.existing_mut(envelope)?.agent = agent;
        self.emit(Treasury::AgentSet { envelope: number(envelope), agent, by: self.caller });
        self.renew_policy(envelope)
    }

    pub(super) fn create_purses(&mut self, envelope: u32, count: u16) -> Answer {
        self.only(Role::PolicyManager.bit())?;
        let record = self.existing_mut(envelope)?;
        let first = record.last_purse;
        record.last_purse = first.checked_add(count).ok_or_else(|| too_many(u64::from(u16::MAX)))?;
        (0..count).try_for_each(|i| self.create_purse(envelope, first.saturating_add(i + 1)))
    }

    pub(super) fn asset_index(&self, asset: Address) -> Result<usize, Refused> {
        let known = self.model.assets.iter().position(|known| known.token == asset);
        known.ok_or_else(|| Treasury::AssetUnknown { asset }.into())
    }

    fn assign_agent(&mut self, envelope: u32, agent: Address) -> Answer {
        if agent.is_zero() {
            return Err(Treasury::AddressZero {}.into());
        }
        let account = self.model.accounts.entry(agent).or_default();
        if account.agent_of != 0 {
            return Err(Treasury::AgentTaken { agent, envelope: U256::from(account.agent_of) }.into());
        }
        account.agent_of = envelope;
        Ok(())
    }

    fn create_purse(&mut self, envelope: u32, index: u16) -> Answer {
        let Some(purse) = self.model.purse_of(envelope, index) else { return Ok(()) };
        self.model.purses.insert(purse, Purse { envelope, index, sequence: 0, session: None });
        self.emit(Treasury::PurseCreated { envelope: number(envelope), purse, index });
        Ok(())
    }

    fn write_policy(&mut self, envelope: u32, policy: &Policy) -> Answer {
        policy::validate(policy)?;
        let now = self.now;
        let windows = policy.windows.iter().map(|window| (window.period, window.limit));
        let limits = limits_of(windows, policy.lifetimeLimit);
        self.model.accounts.entry(self.caller).or_default().author = true;
        self.next_version(envelope, policy.clone())?;
        let record = self.existing_mut(envelope)?;
        record.limits.lay_out(record.version, &limits, now);
        Ok(())
    }

    /// The same policy under a new version: what was signed, and who may sign, ends with the one before.
    pub(super) fn renew_policy(&mut self, envelope: u32) -> Answer {
        let policy = self.existing(envelope)?.policy.clone();
        self.next_version(envelope, policy)
    }

    /// Puts a policy in force under the next version.
    fn next_version(&mut self, envelope: u32, policy: Policy) -> Answer {
        let record = self.existing_mut(envelope)?;
        let version = record.version.checked_add(1).ok_or_else(|| too_many(u64::from(u16::MAX)))?;
        record.version = version;
        record.hashes.push(policy.policyHash);
        record.policy = policy.clone();
        let by = self.caller;
        self.emit(Treasury::PolicySet { envelope: number(envelope), version, policy, by });
        Ok(())
    }

    /* PAYEES */

    pub(super) fn list_payee(&mut self, list: u16, payee: Address) -> Answer {
        self.only(Role::PolicyManager.bit())?;
        if list == 0 {
            return Err(Treasury::PayeeListZero {}.into());
        }
        self.require_announced()?;
        self.model.payees.insert((list, payee));
        self.emit(Treasury::PayeeListed { list, payee });
        Ok(())
    }

    pub(super) fn unlist_payee(&mut self, list: u16, payee: Address) -> Answer {
        self.only(Role::PolicyManager.bit() | Role::Guardian.bit())?;
        self.model.payees.remove(&(list, payee));
        self.emit(Treasury::PayeeUnlisted { list, payee, by: self.caller });
        Ok(())
    }
}

pub(super) fn too_many(limit: u64) -> Refused {
    Treasury::TooMany { limit: U256::from(limit) }.into()
}
