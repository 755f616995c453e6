//! Envelopes: their agents, purses, policies, and money in and out of their escrow.

use alloy::primitives::{Address, U256};
use bursar_sdk::{
    abi::Treasury::{PolicySet, TreasuryEvents},
    score,
    windows::{Limits, limits_of},
};

use super::{Projector, Step, add};
use crate::{
    decode::rules,
    ledger::{EnvelopeRow, Key, LimitUse, Newcomers, PolicyRow, PurseRow, Row, Rows},
    source::RawLog,
};

impl<R: Rows> Projector<'_, R> {
    pub(super) async fn envelope_set_up(&mut self, log: &RawLog, event: &TreasuryEvents) -> Step<(), R> {
        let treasury = log.address;
        match event {
            TreasuryEvents::EnvelopeCreated(e) => {
                let row = EnvelopeRow {
                    agent: e.agent,
                    asset: e.asset,
                    frozen: false,
                    under_review: false,
                    policy_version: 0,
                    approval_threshold: U256::ZERO,
                    windows_since: 0,
                    purses: 0,
                    funded: U256::ZERO,
                    withdrawn: U256::ZERO,
                    drawn: U256::ZERO,
                    returned: U256::ZERO,
                    paid: U256::ZERO,
                    donated: U256::ZERO,
                    payments: 0,
                    created_block: self.block.header.number,
                    group: 0,
                    permit2: false,
                    score_life: 0,
                    score: 0,
                    scored_at: 0,
                    payee_list: 0,
                    open_sessions: 0,
                    open_until: 0,
                    newcomers: Newcomers::default(),
                    unexplained: 0,
                };
                self.put_envelope(treasury, e.envelope.to(), row).await?;
                self.insider(treasury, e.agent).await?;
                let score = score::State::new(self.block.header.timestamp);
                self.set(Key::Score(treasury, e.envelope.to()), Some(Row::Score(Box::new(score)))).await
            }
            TreasuryEvents::AgentSet(e) => {
                let number = e.envelope.to();
                let mut row = self.envelope_row(treasury, number).await?;
                row.agent = e.agent;
                self.insider(treasury, e.agent).await?;
                self.put_envelope(treasury, number, row).await
            }
            TreasuryEvents::PurseCreated(e) => {
                let number = e.envelope.to();
                let mut row = self.envelope_row(treasury, number).await?;
                row.purses = row.purses.saturating_add(1);
                self.put_envelope(treasury, number, row).await?;
                self.insider(treasury, e.purse).await?;
                let purse = PurseRow {
                    treasury,
                    envelope: number,
                    index: e.index,
                    sequence: 0,
                    open: false,
                    balance: U256::ZERO,
                };
                self.put_purse(e.purse, purse).await
            }
            TreasuryEvents::PolicySet(e) => self.policy_set(log, e).await,
            _ => Ok(()),
        }
    }

    async fn policy_set(&mut self, log: &RawLog, event: &PolicySet) -> Step<(), R> {
        let (treasury, number) = (log.address, event.envelope.to());
        let policy = &event.policy;
        let mut row = self.envelope_row(treasury, number).await?;
        row.policy_version = event.version;
        row.approval_threshold = policy.approvalThreshold.to();
        row.payee_list = policy.payeeList;
        // Those of the version before pay no more.
        (row.open_sessions, row.open_until) = (0, 0);
        let mut limits = self.limits(treasury, number, &row).await?;
        let windows = policy.windows.iter().map(|window| (window.period, window.limit));
        let next = limits_of(windows, policy.lifetimeLimit);
        limits.lay_out(event.version, &next, self.block.header.timestamp);
        row.windows_since = limits.windows_since;
        self.put_envelope(treasury, number, row).await?;
        self.put_limits(treasury, number, &limits).await?;
        self.effects.policies.push(PolicyRow {
            treasury,
            envelope: number,
            version: event.version,
            policy_hash: policy.policyHash,
            rules: rules(policy).to_string(),
            set_by: event.by,
            tx_hash: log.tx_hash,
        });
        Ok(())
    }

    pub(super) async fn escrow(&mut self, log: &RawLog, event: &TreasuryEvents) -> Step<(), R> {
        let treasury = log.address;
        let (number, amount) = match event {
            TreasuryEvents::ToppedUp(e) => (e.envelope.to(), e.amount),
            TreasuryEvents::Withdrawn(e) => (e.envelope.to(), e.amount),
            _ => return Ok(()),
        };
        let mut row = self.envelope_row(treasury, number).await?;
        match event {
            TreasuryEvents::ToppedUp(_) => add(&mut row.funded, amount)?,
            _ => add(&mut row.withdrawn, amount)?,
        }
        self.put_envelope(treasury, number, row).await
    }

    pub(super) async fn limits(
        &mut self,
        treasury: Address,
        number: u32,
        row: &EnvelopeRow,
    ) -> Step<Limits, R> {
        let uses = match self.get(Key::Limits(treasury, number)).await? {
            Some(Row::Limits(uses)) => uses,
            _ => Vec::new(),
        };
        Ok(row.limits(&uses))
    }

    pub(super) async fn put_limits(
        &mut self,
        treasury: Address,
        number: u32,
        limits: &Limits,
    ) -> Step<(), R> {
        let uses: Vec<LimitUse> = limits.windows.iter().map(LimitUse::from).collect();
        let row = (!uses.is_empty()).then_some(Row::Limits(uses));
        self.set(Key::Limits(treasury, number), row).await?;
        self.score((treasury, number), score::Event::Limits(&limits.windows)).await
    }

    pub(super) async fn put_envelope(
        &mut self,
        treasury: Address,
        number: u32,
        row: EnvelopeRow,
    ) -> Step<(), R> {
        self.set(Key::Envelope(treasury, number), Some(Row::Envelope(Box::new(row)))).await
    }

    pub(super) async fn put_purse(&mut self, purse: Address, row: PurseRow) -> Step<(), R> {
        self.set(Key::Purse(purse), Some(Row::Purse(row))).await
    }
}
