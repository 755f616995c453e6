//! Treasuries, and what is listed in them: roles, assets, payees.

use alloy::primitives::Address;

use crate::{
    db::{DbError, DbRow, table},
    ledger::{AssetRow, TreasuryRow},
};

table! {
    TREASURY, fn treasury(it: Address, row: &TreasuryRow) {
        key { address: it }
        factory: row.factory,
        owner: row.owner,
        frozen: row.frozen,
        delay: row.delay,
        separation: row.separation,
        created_block: row.created_block,
        epoch: row.epoch,
        stamp_epoch: row.stamp_epoch,
    }
}

pub(super) fn read_treasury(row: &DbRow) -> Result<TreasuryRow, DbError> {
    Ok(TreasuryRow {
        factory: row.address("factory")?,
        owner: row.address("owner")?,
        frozen: row.flag("frozen")?,
        delay: row.number("delay")?,
        separation: row.flag("separation")?,
        created_block: row.number("created_block")?,
        epoch: row.number("epoch")?,
        stamp_epoch: row.number("stamp_epoch")?,
    })
}

table! {
    ROLE, fn role(of: Address, account: Address, bit: u8) {
        key { treasury: of, account: account, role: bit }
    }
}

table! {
    ASSET, fn asset(of: Address, token: Address, row: &AssetRow) {
        key { treasury: of, address: token }
        idx: row.index,
        domain_separator: row.domain_separator,
    }
}

pub(super) fn read_asset(row: &DbRow) -> Result<AssetRow, DbError> {
    Ok(AssetRow { index: row.number("idx")?, domain_separator: row.hash("domain_separator")? })
}

table! {
    PAYEE, fn payee(of: Address, list: u16, who: Address) {
        key { treasury: of, list: list, payee: who }
    }
}
