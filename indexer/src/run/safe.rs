//! What is safe: not final yet, and unlikely to be taken back.

use super::follow::Follower;
use crate::{
    source::{BlockHeader, Landmark},
    store::StoreError,
};

impl Follower<'_> {
    /// The last block that counts as safe at this head, with the ledger at `tip`, as far as a depth or the node tells; 0
    /// where neither does. One node's word is enough: it is held against the ledger, and nothing is thrown away for it.
    pub(super) async fn safe_number(&self, head: BlockHeader, tip: BlockHeader) -> Result<u64, StoreError> {
        let told = match self.config.final_at {
            None => return Ok(self.config.safety.map_or(0, |deep| head.number.saturating_sub(deep))),
            // There, nothing is safe that is not final.
            Some(Landmark::Safe) => return Ok(0),
            Some(Landmark::Finalized) => self.sources.mentioned(Landmark::Safe).await,
        };
        let told = match told {
            Ok(Some(told)) => told,
            Ok(None) => return Ok(0),
            // The ledger goes on: what was safe before still is.
            Err(error) => {
                tracing::debug!(%error, "no node says what is safe");
                return Ok(0);
            }
        };
        if told.number > head.number {
            // No block is safe that is not there.
            return Ok(0);
        }
        if told.number > tip.number {
            // The ledger is behind.
            return Ok(tip.number);
        }
        let ours = match told.number {
            number if number == tip.number => Some(tip.hash),
            number => self.store.block(number).await?.map(|ours| ours.hash),
        };
        match ours {
            Some(ours) if ours == told.hash => Ok(told.number),
            // Below what is final blocks are not kept, and nothing is to be learnt.
            None => Ok(0),
            Some(ours) => {
                let (number, theirs) = (told.number, told.hash);
                tracing::warn!(number, %ours, %theirs, "a node calls a block safe that is not the ledger's");
                Ok(0)
            }
        }
    }
}
