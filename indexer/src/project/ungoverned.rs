//! What watched accounts pay outside any envelope. A settlement's row tells all there is; no event goes with it.

use alloy::primitives::Address;
use bursar_sdk::{
    abi::Eip3009::{AuthorizationUsed, Transfer},
    payment::Rail,
};

use super::{Halt, Projector, Step, amount};
use crate::{
    ledger::{Rows, SettlementRow},
    source::RawLog,
};

impl<R: Rows> Projector<'_, R> {
    /// An account that is no purse used an authorization, and the transfer beside it moved the money.
    pub(super) async fn settled_outside(&mut self, log: &RawLog, event: &AuthorizationUsed) -> Step<(), R> {
        let payer = event.authorizer;
        if !self.is_looked_at(payer, log) {
            return Err(Halt::Ignore);
        }
        let (transfer, moved) = self.transfer_of(log)?;
        let row = SettlementRow {
            log_index: log.log_index,
            transfer_log_index: transfer,
            tx_hash: log.tx_hash,
            payer,
            asset: log.address,
            payee: moved.to,
            amount: amount(moved.value)?,
            nonce: Some(event.nonce),
            rail: Rail::Eip3009.code(),
            facilitator: self.sender_outside(log)?,
        };
        self.ungoverned(&row).await?;
        self.effects.settlements.push(row);
        Ok(())
    }

    /// Money of an account that is no purse moved: a payment where an x402 proxy moved it.
    pub(super) async fn moved_outside(&mut self, log: &RawLog, event: &Transfer) -> Step<(), R> {
        let proxy = self.proxied.get(&log.log_index).copied();
        let Some(proxy) = proxy.filter(|_| self.is_looked_at(event.from, log)) else {
            return Err(Halt::Ignore);
        };
        let row = SettlementRow {
            log_index: log.log_index,
            transfer_log_index: log.log_index,
            tx_hash: log.tx_hash,
            payer: event.from,
            asset: log.address,
            payee: event.to,
            amount: amount(event.value)?,
            nonce: None,
            rail: proxy.rail(),
            facilitator: self.sender_outside(log)?,
        };
        self.ungoverned(&row).await?;
        self.effects.settlements.push(row);
        Ok(())
    }

    fn is_looked_at(&self, payer: Address, log: &RawLog) -> bool {
        self.list.covers(payer, log.address, self.block.header.number)
    }

    fn sender_outside(&self, log: &RawLog) -> Step<Option<Address>, R> {
        if self.list.wants_senders(self.block.header.number) { self.sender(log).map(Some) } else { Ok(None) }
    }
}
