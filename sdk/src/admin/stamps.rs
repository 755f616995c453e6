//! What watchers say on chain: stamps revoked, scores, roots of the transparency log.

use alloy::primitives::B256;

use super::{Sent, TreasuryAdmin};
use crate::{chain::envelope_number, error::AgentError};

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

    /// Has sessions of an envelope open only within `seconds` of a reviewer's score; 0 asks for none, which is
    /// loosening, as a longer life is. Policy manager only.
    pub async fn set_score_life(&self, envelope: u32, seconds: u32) -> Result<Sent<()>, AgentError> {
        self.send(self.contract.setScoreLife(envelope_number(envelope)?, seconds)).await
    }

    /// Reports an envelope's score. Reviewer only.
    pub async fn report_score(&self, envelope: u32, score: u16) -> Result<Sent<()>, AgentError> {
        self.send(self.contract.reportScore(envelope_number(envelope)?, score)).await
    }

    /// Puts the transparency log's root over its first `size` entries on chain. Reviewer or owner.
    pub async fn anchor(&self, root: B256, size: u64) -> Result<Sent<()>, AgentError> {
        self.send(self.contract.anchor(root, size)).await
    }
}
