//! Treasuries, roles, and the lists they keep.

use bursar_sdk::abi::{Treasury::TreasuryEvents, TreasuryFactory::TreasuryCreated};

use super::{Outcome, Projector, Step};
use crate::{
    ledger::{AnchorRow, AssetRow, Key, Row, Rows, StampRow, TreasuryRow},
    source::RawLog,
};

impl<R: Rows> Projector<'_, R> {
    pub(super) async fn created(&mut self, event: &TreasuryCreated) -> Step<Outcome, R> {
        let row = TreasuryRow {
            factory: self.realm.factory,
            owner: event.owner,
            frozen: false,
            delay: 0,
            separation: false,
            created_block: self.block.header.number,
            epoch: 0,
            stamp_epoch: 0,
        };
        self.set(Key::Treasury(event.treasury), Some(Row::Treasury(row))).await?;
        Ok(Outcome::default())
    }

    pub(super) async fn organisation(&mut self, log: &RawLog, event: &TreasuryEvents) -> Step<(), R> {
        let treasury = log.address;
        match event {
            // A treasury grants its first role while it is created, before the factory tells of it.
            TreasuryEvents::RoleGranted(e) => {
                self.insider(treasury, e.account).await?;
                self.set(Key::Role(treasury, e.account, e.role), Some(Row::Role)).await
            }
            TreasuryEvents::RoleRevoked(e) => self.set(Key::Role(treasury, e.account, e.role), None).await,
            _ => {
                let mut row = self.treasury_row(treasury).await?;
                match event {
                    TreasuryEvents::DelaySet(e) => row.delay = e.delay,
                    TreasuryEvents::SeparationOfDutiesSet(e) => row.separation = e.on,
                    _ => {}
                }
                self.set(Key::Treasury(treasury), Some(Row::Treasury(row))).await
            }
        }
    }

    /// What verifiers of stamps and of the transparency log look for.
    pub(super) async fn stamps(&mut self, log: &RawLog, event: &TreasuryEvents) -> Step<(), R> {
        let (treasury, log_index, tx_hash) = (log.address, log.log_index, log.tx_hash);
        match event {
            TreasuryEvents::StampRevoked(e) => {
                let (stamp_hash, by) = (e.stampHash, e.by);
                self.effects.stamps.push(StampRow { log_index, tx_hash, treasury, stamp_hash, by });
            }
            TreasuryEvents::Anchored(e) => {
                let (root, size, by) = (e.root, e.size, e.by);
                self.effects.anchors.push(AnchorRow { log_index, tx_hash, treasury, root, size, by });
            }
            TreasuryEvents::StampEpochSet(e) => {
                let mut row = self.treasury_row(treasury).await?;
                row.stamp_epoch = e.epoch;
                self.set(Key::Treasury(treasury), Some(Row::Treasury(row))).await?;
            }
            _ => {}
        }
        Ok(())
    }

    pub(super) async fn lists(&mut self, log: &RawLog, event: &TreasuryEvents) -> Step<(), R> {
        let treasury = log.address;
        match event {
            TreasuryEvents::AssetAdded(e) => {
                let row = AssetRow { index: e.index, domain_separator: e.domainSeparator };
                self.set(Key::Asset(treasury, e.asset), Some(Row::Asset(row))).await
            }
            TreasuryEvents::PayeeListed(e) => {
                self.set(Key::Payee(treasury, e.list, e.payee), Some(Row::Payee)).await
            }
            TreasuryEvents::PayeeUnlisted(e) => self.set(Key::Payee(treasury, e.list, e.payee), None).await,
            _ => Ok(()),
        }
    }
}
