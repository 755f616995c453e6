//! What verifiers of identity stamps and of the transparency log look for on chain.

use alloy::primitives::B256;

use super::{Sent, TreasuryAdmin};
use crate::error::AgentError;

/// See [`TreasuryAdmin`] for when these fail.
#[allow(clippy::missing_errors_doc)]
impl TreasuryAdmin {
    /// Revokes a stamp, and all that are chained to it, for good. Stamper, guardian or owner.
    pub async fn revoke_stamp(&self, stamp_hash: B256) -> Result<Sent<()>, AgentError> {
        self.send(self.contract.revokeStamp(stamp_hash)).await
    }

    /// Revokes every stamp of an earlier epoch. Stamper, guardian or owner.
    pub async fn set_stamp_epoch(&self, epoch: u32) -> Result<Sent<()>, AgentError> {
        self.send(self.contract.setStampEpoch(epoch)).await
    }

    /// Puts the transparency log's root over its first `size` entries on chain. Reviewer or owner.
    pub async fn anchor(&self, root: B256, size: u64) -> Result<Sent<()>, AgentError> {
        self.send(self.contract.anchor(root, size)).await
    }
}
