//! Groups: what they allow, what was drawn from them, and which envelopes are under them. And what else the
//! organisation says of an envelope beside its policy.

use alloy::primitives::Address;
use bursar_sdk::{
    abi::Treasury::TreasuryEvents,
    amount::Amount,
    windows::{Draw, Limits, Window, limits_of},
};

use super::{Halt, Projector, Step};
use crate::{
    ledger::{GroupRow, Key, LimitUse, Row, Rows},
    source::RawLog,
};

impl<R: Rows> Projector<'_, R> {
    pub(super) async fn grouping(&mut self, log: &RawLog, event: &TreasuryEvents) -> Step<(), R> {
        let treasury = log.address;
        match event {
            TreasuryEvents::GroupCreated(e) => {
                let row = GroupRow {
                    parent: e.parent.to(),
                    asset: e.asset,
                    frozen: false,
                    epoch: 0,
                    created_block: self.block.header.number,
                };
                self.set(Key::Group(treasury, e.group.to()), Some(Row::Group(row))).await
            }
            TreasuryEvents::GroupLimitsSet(e) => {
                let group = e.group.to();
                let mut limits = self.group_limits(treasury, group).await?;
                let windows = e.windows.iter().map(|window| (window.period, window.limit));
                // The periods never change, so what was counted is.
                limits.lay_out(1, &limits_of(windows, e.lifetimeLimit), self.block.header.timestamp);
                self.put_group_limits(treasury, group, &limits).await
            }
            TreasuryEvents::GroupSet(e) => {
                let number = e.envelope.to();
                let mut row = self.envelope_row(treasury, number).await?;
                row.group = e.group.to();
                self.put_envelope(treasury, number, row).await
            }
            TreasuryEvents::ScoreLifeSet(e) => {
                let number = e.envelope.to();
                let mut row = self.envelope_row(treasury, number).await?;
                row.score_life = e.life;
                self.score_lives((treasury, number), &row).await?;
                self.put_envelope(treasury, number, row).await
            }
            TreasuryEvents::ScoreReported(e) => {
                let number = e.envelope.to();
                let mut row = self.envelope_row(treasury, number).await?;
                (row.score, row.scored_at) = (e.score, self.block.header.timestamp);
                self.score_lives((treasury, number), &row).await?;
                self.put_envelope(treasury, number, row).await
            }
            TreasuryEvents::Permit2Set(e) => {
                let number = e.envelope.to();
                let mut row = self.envelope_row(treasury, number).await?;
                row.permit2 = e.on;
                self.put_envelope(treasury, number, row).await
            }
            _ => Ok(()),
        }
    }

    /// A session was opened: its budget counts in the envelope's group and in every group above.
    pub(super) async fn draw_from_groups(
        &mut self,
        treasury: Address,
        group: u32,
        budget: Amount,
    ) -> Step<(), R> {
        let now = self.block.header.timestamp;
        for number in self.chain(treasury, group).await? {
            let mut limits = self.group_limits(treasury, number).await?;
            limits.draw(now, budget).map_err(|error| Halt::Aside(error.to_string()))?;
            self.put_group_limits(treasury, number, &limits).await?;
        }
        Ok(())
    }

    /// A session has ended: what it did not spend no longer counts in the groups that it was drawn from.
    pub(super) async fn return_to_groups(
        &mut self,
        treasury: Address,
        group: u32,
        opened_at: u64,
        unspent: Amount,
    ) -> Step<(), R> {
        let now = self.block.header.timestamp;
        for number in self.chain(treasury, group).await? {
            let mut limits = self.group_limits(treasury, number).await?;
            // A group's periods are the same for good: whatever was drawn was counted.
            limits.give_back(now, Draw { opened_at, policy_version: limits.windows_since }, unspent);
            self.put_group_limits(treasury, number, &limits).await?;
        }
        Ok(())
    }

    /// What payments of an envelope under `group` commit to beside the policy version.
    pub(super) async fn epoch(&mut self, treasury: Address, group: u32) -> Step<u64, R> {
        let mut epoch = u64::from(self.treasury_row(treasury).await?.epoch);
        for number in self.chain(treasury, group).await? {
            epoch += u64::from(self.group_row(treasury, number).await?.epoch);
        }
        Ok(epoch)
    }

    pub(super) async fn group_row(&mut self, treasury: Address, number: u32) -> Step<GroupRow, R> {
        match self.get(Key::Group(treasury, number)).await? {
            Some(Row::Group(row)) => Ok(row),
            _ => self.gap(format!("group {number} of treasury {treasury} is not there")),
        }
    }

    /// The group and those above it. A parent has a smaller number than its child, so this ends.
    async fn chain(&mut self, treasury: Address, group: u32) -> Step<Vec<u32>, R> {
        let (mut chain, mut next) = (Vec::new(), group);
        while next != 0 {
            chain.push(next);
            let parent = self.group_row(treasury, next).await?.parent;
            if parent >= next {
                return self.gap(format!("expected a parent of group {next} below it, got {parent}"));
            }
            next = parent;
        }
        Ok(chain)
    }

    pub(super) async fn group_limits(&mut self, treasury: Address, number: u32) -> Step<Limits, R> {
        let uses = match self.get(Key::GroupLimits(treasury, number)).await? {
            Some(Row::Limits(uses)) => uses,
            _ => Vec::new(),
        };
        Ok(Limits { windows: uses.iter().map(Window::from).collect(), windows_since: 0 })
    }

    async fn put_group_limits(&mut self, treasury: Address, number: u32, limits: &Limits) -> Step<(), R> {
        let uses: Vec<LimitUse> = limits.windows.iter().map(LimitUse::from).collect();
        let row = (!uses.is_empty()).then_some(Row::Limits(uses));
        self.set(Key::GroupLimits(treasury, number), row).await
    }
}
