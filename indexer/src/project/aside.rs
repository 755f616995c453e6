//! What concerns us and makes no sense: kept for somebody to look at, with what it takes to tell what it was about.

use alloy::{
    primitives::{Address, B256},
    sol_types::SolEvent as _,
};
use bursar_sdk::abi::Eip3009::{AuthorizationUsed, Transfer};
use serde_json::json;

use super::{ProjectError, Projector};
use crate::{
    ledger::{Aside, KeptLog, KeptTransfer, Key, Row, Rows},
    source::RawLog,
};

impl<R: Rows> Projector<'_, R> {
    pub(super) async fn set_aside(
        &mut self,
        log: &RawLog,
        error: String,
    ) -> Result<(), ProjectError<R::Error>> {
        let block = self.block.header.number;
        tracing::warn!(block, log_index = log.log_index, address = %log.address, error, "kept a log aside");
        let treasury = self.whose(log).await?;
        // An authorization names neither payee nor amount, and of a payer who is no purse nothing else keeps the transfer.
        let beside = self.pairs.get(&log.log_index);
        let beside = self.block.entries.iter().find(|(other, _)| Some(&other.log_index) == beside);
        let transfer = beside.map(|(RawLog { log_index, topics, data, .. }, _)| KeptTransfer {
            log_index: *log_index,
            topics: topics.clone(),
            data: data.clone(),
        });
        let kept = KeptLog { topics: log.topics.clone(), data: log.data.clone(), transfer };
        self.effects.aside.push(Aside {
            log_index: log.log_index,
            tx_hash: log.tx_hash,
            address: log.address,
            treasury,
            raw: json!(kept).to_string(),
            error,
        });
        Ok(())
    }

    /// The treasury that emitted a log, or else that of the first purse that a token names in it.
    async fn whose(&mut self, log: &RawLog) -> Result<Option<Address>, ProjectError<R::Error>> {
        if self.ledger.get(Key::Treasury(log.address)).await.map_err(ProjectError::Rows)?.is_some() {
            return Ok(Some(log.address));
        }
        for account in named(log) {
            let row = self.ledger.get(Key::Purse(account)).await.map_err(ProjectError::Rows)?;
            if let Some(Row::Purse(purse)) = row {
                return Ok(Some(purse.treasury));
            }
        }
        Ok(None)
    }
}

/// Whose money a token's log is about, payers first, whether the rest of it reads or not.
fn named(log: &RawLog) -> impl Iterator<Item = Address> {
    let many = match log.topics.first().copied().unwrap_or_default() {
        Transfer::SIGNATURE_HASH => 2,
        AuthorizationUsed::SIGNATURE_HASH => 1,
        _ => 0,
    };
    let account = |topic: &B256| Some(Address::from_word(*topic)).filter(|of| of.into_word() == *topic);
    log.topics.iter().skip(1).take(many).filter_map(account)
}
