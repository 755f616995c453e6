//! Writing what a block adds. Its rows name it, so unwinding deletes by block.

use sqlx::SqliteConnection;

use super::{
    StoreError,
    read::{integer, padded},
};
use crate::{
    ledger::{AnchorRow, Effects, EventRow, PaymentRow, PolicyRow, StampRow, StopRow},
    source::BlockHeader,
};

/// Tables that blocks only add to, with how to delete what came after a block.
pub(super) const DELETE_AFTER: &[&str] = &[
    "DELETE FROM payment WHERE block_number > ?",
    "DELETE FROM policy WHERE block_number > ?",
    "DELETE FROM stop WHERE block_number > ?",
    "DELETE FROM stamp_revocation WHERE block_number > ?",
    "DELETE FROM anchor WHERE block_number > ?",
    "DELETE FROM undecoded WHERE block_number > ?",
    "DELETE FROM event WHERE block_number > ?",
    "DELETE FROM journal WHERE block_number > ?",
    "DELETE FROM block WHERE number > ?",
];

pub(super) async fn insert_block(db: &mut SqliteConnection, block: &BlockHeader) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO block (number, hash, parent_hash, timestamp) VALUES (?, ?, ?, ?)")
        .bind(integer(block.number)?)
        .bind(block.hash.as_slice())
        .bind(block.parent_hash.as_slice())
        .bind(integer(block.timestamp)?)
        .execute(db)
        .await?;
    Ok(())
}

pub(super) async fn insert(
    db: &mut SqliteConnection,
    block: &BlockHeader,
    effects: &Effects,
) -> Result<(), StoreError> {
    for row in &effects.events {
        event(db, block, row).await?;
    }
    for row in &effects.payments {
        payment(db, block, row).await?;
    }
    for row in &effects.policies {
        policy(db, block, row).await?;
    }
    for row in &effects.stops {
        stop(db, block, row).await?;
    }
    for row in &effects.stamps {
        stamp(db, block, row).await?;
    }
    for row in &effects.anchors {
        anchor(db, block, row).await?;
    }
    let sql = "INSERT INTO undecoded (block_number, log_index, tx_hash, address, raw, error) \
               VALUES (?, ?, ?, ?, ?, ?)";
    for row in &effects.aside {
        sqlx::query(sql)
            .bind(integer(block.number)?)
            .bind(integer(row.log_index)?)
            .bind(row.tx_hash.as_slice())
            .bind(row.address.as_slice())
            .bind(&row.raw)
            .bind(&row.error)
            .execute(&mut *db)
            .await?;
    }
    Ok(())
}

async fn event(db: &mut SqliteConnection, block: &BlockHeader, row: &EventRow) -> Result<(), StoreError> {
    let sql = "INSERT INTO event \
               (block_number, log_index, block_hash, tx_hash, address, treasury, envelope, kind, args) \
               VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)";
    sqlx::query(sql)
        .bind(integer(block.number)?)
        .bind(integer(row.log_index)?)
        .bind(block.hash.as_slice())
        .bind(row.tx_hash.as_slice())
        .bind(row.address.as_slice())
        .bind(row.treasury.as_ref().map(|it| it.as_slice()))
        .bind(row.envelope)
        .bind(row.kind)
        .bind(&row.args)
        .execute(db)
        .await?;
    Ok(())
}

async fn payment(db: &mut SqliteConnection, block: &BlockHeader, row: &PaymentRow) -> Result<(), StoreError> {
    let sql = "INSERT INTO payment \
               (block_number, log_index, block_hash, tx_hash, timestamp, treasury, envelope, agent, purse, \
               session, policy_version, asset, payee, amount, nonce, transfer_log_index, decision_hash, \
               approver, facilitator, rail) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    sqlx::query(sql)
        .bind(integer(block.number)?)
        .bind(integer(row.log_index)?)
        .bind(block.hash.as_slice())
        .bind(row.tx_hash.as_slice())
        .bind(integer(block.timestamp)?)
        .bind(row.treasury.as_slice())
        .bind(row.envelope)
        .bind(row.agent.as_slice())
        .bind(row.purse.as_slice())
        .bind(row.session.as_slice())
        .bind(row.policy_version)
        .bind(row.asset.as_slice())
        .bind(row.payee.as_slice())
        .bind(padded(row.amount))
        .bind(row.nonce.as_ref().map(|it| it.as_slice()))
        .bind(integer(row.transfer_log_index)?)
        .bind(row.decision_hash.as_ref().map(|it| it.as_slice()))
        .bind(row.approver.as_ref().map(|it| it.as_slice()))
        .bind(row.facilitator.as_slice())
        .bind(row.rail)
        .execute(db)
        .await?;
    Ok(())
}

async fn policy(db: &mut SqliteConnection, block: &BlockHeader, row: &PolicyRow) -> Result<(), StoreError> {
    let sql = "INSERT INTO policy \
               (treasury, envelope, version, policy_hash, rules, set_by, block_number, tx_hash, timestamp) \
               VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)";
    sqlx::query(sql)
        .bind(row.treasury.as_slice())
        .bind(row.envelope)
        .bind(row.version)
        .bind(row.policy_hash.as_slice())
        .bind(&row.rules)
        .bind(row.set_by.as_slice())
        .bind(integer(block.number)?)
        .bind(row.tx_hash.as_slice())
        .bind(integer(block.timestamp)?)
        .execute(db)
        .await?;
    Ok(())
}

async fn stop(db: &mut SqliteConnection, block: &BlockHeader, row: &StopRow) -> Result<(), StoreError> {
    let sql = "INSERT INTO stop \
               (block_number, log_index, tx_hash, timestamp, treasury, envelope, session, level, stopped, by, \
               reason, group_number) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    sqlx::query(sql)
        .bind(integer(block.number)?)
        .bind(integer(row.log_index)?)
        .bind(row.tx_hash.as_slice())
        .bind(integer(block.timestamp)?)
        .bind(row.treasury.as_slice())
        .bind(row.envelope)
        .bind(row.session.as_ref().map(|it| it.as_slice()))
        .bind(row.level)
        .bind(row.stopped)
        .bind(row.by.as_slice())
        .bind(row.reason.as_ref().map(|it| it.as_slice()))
        .bind(row.group)
        .execute(db)
        .await?;
    Ok(())
}

async fn stamp(db: &mut SqliteConnection, block: &BlockHeader, row: &StampRow) -> Result<(), StoreError> {
    let sql = "INSERT INTO stamp_revocation \
               (block_number, log_index, tx_hash, timestamp, treasury, stamp_hash, by) \
               VALUES (?, ?, ?, ?, ?, ?, ?)";
    sqlx::query(sql)
        .bind(integer(block.number)?)
        .bind(integer(row.log_index)?)
        .bind(row.tx_hash.as_slice())
        .bind(integer(block.timestamp)?)
        .bind(row.treasury.as_slice())
        .bind(row.stamp_hash.as_slice())
        .bind(row.by.as_slice())
        .execute(db)
        .await?;
    Ok(())
}

async fn anchor(db: &mut SqliteConnection, block: &BlockHeader, row: &AnchorRow) -> Result<(), StoreError> {
    let sql = "INSERT INTO anchor \
               (block_number, log_index, tx_hash, timestamp, treasury, root, size, by) \
               VALUES (?, ?, ?, ?, ?, ?, ?, ?)";
    sqlx::query(sql)
        .bind(integer(block.number)?)
        .bind(integer(row.log_index)?)
        .bind(row.tx_hash.as_slice())
        .bind(integer(block.timestamp)?)
        .bind(row.treasury.as_slice())
        .bind(row.root.as_slice())
        // As text: its 64 bits have no sign.
        .bind(row.size.to_string())
        .bind(row.by.as_slice())
        .execute(db)
        .await?;
    Ok(())
}
