//! Treasuries, roles, and the lists they keep.

use bursar_sdk::abi::{Treasury::TreasuryEvents, TreasuryFactory::TreasuryCreated};

use super::{Outcome, Projector, Step};
use crate::{
    ledger::{AssetRow, Key, Row, Rows, TreasuryRow},
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
        };
        self.set(Key::Treasury(event.treasury), Some(Row::Treasury(row))).await?;
        Ok(Outcome::default())
    }

    pub(super) async fn organisation(&mut self, log: &RawLog, event: &TreasuryEvents) -> Step<(), R> {
        let treasury = log.address;
        match event {
            // A treasury grants its first role while it is created, before the factory tells of it.
            TreasuryEvents::RoleGranted(e) => {
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
