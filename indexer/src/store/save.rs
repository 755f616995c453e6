//! Writing the rows that blocks change; no row means deleting it.

use alloy::primitives::Address;
use sqlx::SqliteConnection;

use super::{
    StoreError,
    read::{integer, padded},
};
use crate::ledger::{AssetRow, EnvelopeRow, GroupRow, Key, LimitUse, PurseRow, Row, SessionRow, TreasuryRow};

/// Puts `row` where `key` says, or deletes what is there.
pub(super) async fn save(db: &mut SqliteConnection, key: &Key, row: Option<&Row>) -> Result<(), StoreError> {
    match (key, row) {
        (Key::Treasury(it), Some(Row::Treasury(row))) => treasury(db, it, row).await,
        (Key::Role(of, account, role), Some(Row::Role)) => {
            let sql = "INSERT OR REPLACE INTO role (treasury, account, role) VALUES (?, ?, ?)";
            let query = sqlx::query(sql).bind(of.as_slice()).bind(account.as_slice()).bind(*role);
            query.execute(db).await?;
            Ok(())
        }
        (Key::Asset(of, token), Some(Row::Asset(row))) => asset(db, of, token, row).await,
        (Key::Envelope(of, number), Some(Row::Envelope(row))) => envelope(db, of, *number, row).await,
        (Key::Limits(of, number) | Key::GroupLimits(of, number), Some(Row::Limits(uses))) => {
            delete(&mut *db, key).await?;
            limits(db, key, of, *number, uses).await
        }
        (Key::Group(of, number), Some(Row::Group(row))) => group(db, of, *number, row).await,
        (Key::Purse(it), Some(Row::Purse(row))) => purse(db, it, row).await,
        (Key::Payee(of, list, payee), Some(Row::Payee)) => {
            let sql = "INSERT OR REPLACE INTO payee (treasury, list, payee) VALUES (?, ?, ?)";
            let query = sqlx::query(sql).bind(of.as_slice()).bind(*list).bind(payee.as_slice());
            query.execute(db).await?;
            Ok(())
        }
        (Key::Session(purse, sequence), Some(Row::Session(row))) => session(db, purse, *sequence, row).await,
        (key, None) => delete(db, key).await,
        (key, Some(row)) => {
            Err(StoreError::Corrupt { what: "row of its key's kind", got: format!("{key:?}: {row:?}") })
        }
    }
}

async fn delete(db: &mut SqliteConnection, key: &Key) -> Result<(), StoreError> {
    let query = match key {
        Key::Treasury(it) => sqlx::query("DELETE FROM treasury WHERE address = ?").bind(it.as_slice()),
        Key::Role(of, account, role) => {
            sqlx::query("DELETE FROM role WHERE treasury = ? AND account = ? AND role = ?")
                .bind(of.as_slice())
                .bind(account.as_slice())
                .bind(*role)
        }
        Key::Asset(of, token) => sqlx::query("DELETE FROM asset WHERE treasury = ? AND address = ?")
            .bind(of.as_slice())
            .bind(token.as_slice()),
        Key::Envelope(of, number) => sqlx::query("DELETE FROM envelope WHERE treasury = ? AND number = ?")
            .bind(of.as_slice())
            .bind(*number),
        Key::Limits(of, number) => sqlx::query("DELETE FROM limit_use WHERE treasury = ? AND envelope = ?")
            .bind(of.as_slice())
            .bind(*number),
        Key::Purse(it) => sqlx::query("DELETE FROM purse WHERE address = ?").bind(it.as_slice()),
        Key::Payee(of, list, payee) => {
            sqlx::query("DELETE FROM payee WHERE treasury = ? AND list = ? AND payee = ?")
                .bind(of.as_slice())
                .bind(*list)
                .bind(payee.as_slice())
        }
        Key::Session(purse, sequence) => sqlx::query("DELETE FROM session WHERE purse = ? AND sequence = ?")
            .bind(purse.as_slice())
            .bind(*sequence),
        Key::Group(of, number) => sqlx::query("DELETE FROM envelope_group WHERE treasury = ? AND number = ?")
            .bind(of.as_slice())
            .bind(*number),
        Key::GroupLimits(of, number) => {
            sqlx::query("DELETE FROM group_limit_use WHERE treasury = ? AND group_number = ?")
                .bind(of.as_slice())
                .bind(*number)
        }
    };
    query.execute(db).await?;
    Ok(())
}

async fn treasury(db: &mut SqliteConnection, it: &Address, row: &TreasuryRow) -> Result<(), StoreError> {
    let sql = "INSERT OR REPLACE INTO treasury \
               (address, factory, owner, frozen, delay, separation, created_block, epoch, stamp_epoch) \
               VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)";
    sqlx::query(sql)
        .bind(it.as_slice())
        .bind(row.factory.as_slice())
        .bind(row.owner.as_slice())
        .bind(row.frozen)
        .bind(row.delay)
        .bind(row.separation)
        .bind(integer(row.created_block)?)
        .bind(row.epoch)
        .bind(row.stamp_epoch)
        .execute(db)
        .await?;
    Ok(())
}

async fn group(
    db: &mut SqliteConnection,
    of: &Address,
    number: u32,
    row: &GroupRow,
) -> Result<(), StoreError> {
    let sql = "INSERT OR REPLACE INTO envelope_group \
               (treasury, number, parent, asset, frozen, epoch, created_block) VALUES (?, ?, ?, ?, ?, ?, ?)";
    sqlx::query(sql)
        .bind(of.as_slice())
        .bind(number)
        .bind(row.parent)
        .bind(row.asset.as_slice())
        .bind(row.frozen)
        .bind(row.epoch)
        .bind(integer(row.created_block)?)
        .execute(db)
        .await?;
    Ok(())
}

async fn asset(
    db: &mut SqliteConnection,
    of: &Address,
    token: &Address,
    row: &AssetRow,
) -> Result<(), StoreError> {
    let sql = "INSERT OR REPLACE INTO asset (treasury, address, idx, domain_separator) VALUES (?, ?, ?, ?)";
    sqlx::query(sql)
        .bind(of.as_slice())
        .bind(token.as_slice())
        .bind(row.index)
        .bind(row.domain_separator.as_slice())
        .execute(db)
        .await?;
    Ok(())
}

async fn envelope(
    db: &mut SqliteConnection,
    of: &Address,
    number: u32,
    row: &EnvelopeRow,
) -> Result<(), StoreError> {
    let sql = "INSERT OR REPLACE INTO envelope \
               (treasury, number, agent, asset, frozen, under_review, policy_version, approval_threshold, \
               windows_since, purses, funded, withdrawn, drawn, returned, paid, donated, payments, \
               created_block, group_number, permit2, score_life, score, scored_at) \
               VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    sqlx::query(sql)
        .bind(of.as_slice())
        .bind(number)
        .bind(row.agent.as_slice())
        .bind(row.asset.as_slice())
        .bind(row.frozen)
        .bind(row.under_review)
        .bind(row.policy_version)
        .bind(padded(row.approval_threshold))
        .bind(row.windows_since)
        .bind(row.purses)
        .bind(padded(row.funded))
        .bind(padded(row.withdrawn))
        .bind(padded(row.drawn))
        .bind(padded(row.returned))
        .bind(padded(row.paid))
        .bind(padded(row.donated))
        .bind(integer(row.payments)?)
        .bind(integer(row.created_block)?)
        .bind(row.group)
        .bind(row.permit2)
        .bind(row.score_life)
        .bind(row.score)
        .bind(integer(row.scored_at)?)
        .execute(db)
        .await?;
    Ok(())
}

async fn limits(
    db: &mut SqliteConnection,
    key: &Key,
    of: &Address,
    number: u32,
    uses: &[LimitUse],
) -> Result<(), StoreError> {
    let sql = match key {
        Key::GroupLimits(..) => {
            "INSERT INTO group_limit_use \
             (treasury, group_number, idx, period, limit_amount, used, window_index) \
             VALUES (?, ?, ?, ?, ?, ?, ?)"
        }
        _ => {
            "INSERT INTO limit_use (treasury, envelope, idx, period, limit_amount, used, window_index) \
             VALUES (?, ?, ?, ?, ?, ?, ?)"
        }
    };
    for (idx, it) in (0i64..).zip(uses) {
        sqlx::query(sql)
            .bind(of.as_slice())
            .bind(number)
            .bind(idx)
            .bind(it.period)
            .bind(padded(it.limit.to_u256()))
            .bind(padded(it.used.to_u256()))
            .bind(integer(it.index)?)
            .execute(&mut *db)
            .await?;
    }
    Ok(())
}

async fn purse(db: &mut SqliteConnection, it: &Address, row: &PurseRow) -> Result<(), StoreError> {
    let sql = "INSERT OR REPLACE INTO purse (address, treasury, envelope, idx, sequence, open, balance) \
               VALUES (?, ?, ?, ?, ?, ?, ?)";
    sqlx::query(sql)
        .bind(it.as_slice())
        .bind(row.treasury.as_slice())
        .bind(row.envelope)
        .bind(row.index)
        .bind(row.sequence)
        .bind(row.open)
        .bind(padded(row.balance))
        .execute(db)
        .await?;
    Ok(())
}

async fn session(
    db: &mut SqliteConnection,
    purse: &Address,
    sequence: u32,
    row: &SessionRow,
) -> Result<(), StoreError> {
    let sql = "INSERT OR REPLACE INTO session \
               (purse, sequence, id, treasury, envelope, key, budget, opened_at, expiry, policy_version, \
               approval_threshold, scope, stamp_hash, frozen, closed_at, returned, unspent, paid, payments, \
               opened_tx, group_number) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    sqlx::query(sql)
        .bind(purse.as_slice())
        .bind(sequence)
        .bind(bursar_sdk::payment::session_id(*purse, sequence).to_vec())
        .bind(row.treasury.as_slice())
        .bind(row.envelope)
        .bind(row.key.as_slice())
        .bind(padded(row.budget))
        .bind(integer(row.opened_at)?)
        .bind(integer(row.expiry)?)
        .bind(row.policy_version)
        .bind(padded(row.approval_threshold))
        .bind(&row.scope)
        .bind(row.stamp_hash.as_slice())
        .bind(row.frozen)
        .bind(row.closed_at.map(integer).transpose()?)
        .bind(row.returned.map(padded))
        .bind(row.unspent.map(padded))
        .bind(padded(row.paid))
        .bind(integer(row.payments)?)
        .bind(row.opened_tx.as_slice())
        .bind(row.group)
        .execute(db)
        .await?;
    Ok(())
}
