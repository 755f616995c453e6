//! Groups: budgets that several envelopes draw against, beside their own.

use alloy::primitives::Address;

use super::{Sent, TreasuryAdmin};
use crate::{abi::Treasury, amount::Amount, chain::envelope_number, error::AgentError, policy::WindowLimit};

/// What a group allows. Amounts in the asset's atomic units.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GroupLimits {
    /// Up to four calendar windows, shortest period first; the periods never change.
    pub windows: Vec<WindowLimit>,
    /// Most that is drawn in all; zero means no such limit.
    pub lifetime: Amount,
}

impl GroupLimits {
    fn to_chain(&self) -> Vec<Treasury::WindowLimit> {
        let windows = self.windows.iter();
        windows
            .map(|window| Treasury::WindowLimit { period: window.period, limit: window.limit.to_u96() })
            .collect()
    }
}

/// See [`TreasuryAdmin`] for when these fail.
#[allow(clippy::missing_errors_doc)]
impl TreasuryAdmin {
    /// Creates a group below `parent`, or below none (0); returns its number. Policy manager only.
    pub async fn create_group(
        &self,
        parent: u32,
        asset: Address,
        limits: &GroupLimits,
    ) -> Result<Sent<u32>, AgentError> {
        let lifetime = limits.lifetime.to_u96();
        let call = self.contract.createGroup(envelope_number(parent)?, asset, limits.to_chain(), lifetime);
        let sent = self.send(call).await?;
        let group = sent.event::<Treasury::GroupCreated>("GroupCreated")?.group.to();
        Ok(sent.with(group))
    }

    /// Changes a group's limits, not their periods: at once when none rises, otherwise after its announcement.
    /// Policy manager only.
    pub async fn set_group_limits(&self, group: u32, limits: &GroupLimits) -> Result<Sent<()>, AgentError> {
        let lifetime = limits.lifetime.to_u96();
        self.send(self.contract.setGroupLimits(envelope_number(group)?, limits.to_chain(), lifetime)).await
    }

    /// Puts an envelope under a group, or under none (0); its policy gets a new version, so its sessions end.
    /// Loosening where it was under one before. Policy manager only.
    pub async fn set_group(&self, envelope: u32, group: u32) -> Result<Sent<()>, AgentError> {
        self.send(self.contract.setGroup(envelope_number(envelope)?, envelope_number(group)?)).await
    }
}
