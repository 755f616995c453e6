//! Stops and releases: a guardian stops, only an owner releases.

use alloy::primitives::{Address, B256, Bytes};

use super::{Sent, TreasuryAdmin};
use crate::{chain::envelope_number, error::AgentError};

/// See [`TreasuryAdmin`] for when these fail.
#[allow(clippy::missing_errors_doc)]
impl TreasuryAdmin {
    /// Stops every payment and every opening of the organisation. Owner, policy manager or guardian.
    pub async fn freeze_organisation(&self) -> Result<Sent<()>, AgentError> {
        self.send(self.contract.freezeOrganisation()).await
    }

    /// Releases the organisation. Sessions run on; what they had signed is void. Owner only.
    pub async fn unfreeze_organisation(&self) -> Result<Sent<()>, AgentError> {
        self.send(self.contract.unfreezeOrganisation()).await
    }

    /// Stops an envelope, with whatever is outstanding. Owner, policy manager or guardian.
    pub async fn freeze_envelope(&self, envelope: u32) -> Result<Sent<()>, AgentError> {
        self.send(self.contract.freezeEnvelope(envelope_number(envelope)?)).await
    }

    /// Releases an envelope. Its policy gets a new version, so its sessions pay no more. Owner only.
    pub async fn unfreeze_envelope(&self, envelope: u32) -> Result<Sent<()>, AgentError> {
        self.send(self.contract.unfreezeEnvelope(envelope_number(envelope)?)).await
    }

    /// Stops the payments of one purse's session for good: close it, or let it expire. Owner, policy manager or guardian.
    pub async fn freeze_session(&self, purse: Address) -> Result<Sent<()>, AgentError> {
        self.send(self.contract.freezeSession(purse)).await
    }

    /// Stops every payment and every opening of a group's envelopes, and of the groups' below it. Owner, policy
    /// manager or guardian.
    pub async fn freeze_group(&self, group: u32) -> Result<Sent<()>, AgentError> {
        self.send(self.contract.freezeGroup(envelope_number(group)?)).await
    }

    /// Releases a group. Sessions run on; what they had signed is void. Owner only.
    pub async fn unfreeze_group(&self, group: u32) -> Result<Sent<()>, AgentError> {
        self.send(self.contract.unfreezeGroup(envelope_number(group)?)).await
    }

    /// Stops new sessions of an envelope until a human clears it. Reviewer, owner, policy manager or guardian.
    pub async fn set_review(&self, envelope: u32, reason: B256) -> Result<Sent<()>, AgentError> {
        self.send(self.contract.setReview(envelope_number(envelope)?, reason)).await
    }

    /// Clears a review. Owner only.
    pub async fn clear_review(&self, envelope: u32, reason: B256) -> Result<Sent<()>, AgentError> {
        self.send(self.contract.clearReview(envelope_number(envelope)?, reason)).await
    }

    /// Closes a purse's session on the treasury's side. Owner, policy manager or guardian at any time; anyone
    /// once it has expired or its policy is gone.
    pub async fn close_session(&self, purse: Address) -> Result<Sent<()>, AgentError> {
        self.send(self.contract.closeSession(purse, Bytes::new())).await
    }
}
