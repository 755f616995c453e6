//! Reading the rows that blocks change.

use alloy::primitives::{Address, B256};
use async_trait::async_trait;
use sqlx::{Row as _, SqliteConnection, sqlite::SqliteRow};

use super::{
    StoreError,
    read::{address, amount, b256, flag, optional_total, total, whole},
};
use crate::ledger::{
    AssetRow, EnvelopeRow, GroupRow, Key, LimitUse, PurseRow, Row, Rows, SessionRow, TreasuryRow,
};

/// Rows as a transaction sees them.
pub(super) struct Loader<'a>(pub(super) &'a mut SqliteConnection);

#[async_trait]
impl Rows for Loader<'_> {
    type Error = StoreError;

    async fn load(&mut self, key: &Key) -> Result<Option<Row>, StoreError> {
        if let Key::Limits(treasury, number) = key {
            let sql = "SELECT * FROM limit_use WHERE treasury = ? AND envelope = ? ORDER BY idx";
            return self.limits(sql, treasury, *number).await;
        }
        if let Key::GroupLimits(treasury, number) = key {
            let sql = "SELECT * FROM group_limit_use WHERE treasury = ? AND group_number = ? ORDER BY idx";
            return self.limits(sql, treasury, *number).await;
        }
        let row = self.one(key).await?;
        row.map(|row| read(key, &row)).transpose()
    }

    async fn is_used(&mut self, purse: Address, nonce: B256) -> Result<bool, StoreError> {
        let row = sqlx::query("SELECT 1 FROM payment WHERE purse = ? AND nonce = ?")
            .bind(purse.as_slice())
            .bind(nonce.as_slice())
            .fetch_optional(&mut *self.0)
            .await?;
        Ok(row.is_some())
    }
}

impl Loader<'_> {
    async fn one(&mut self, key: &Key) -> Result<Option<SqliteRow>, StoreError> {
        let query = match key {
            Key::Treasury(it) => sqlx::query("SELECT * FROM treasury WHERE address = ?").bind(it.as_slice()),
            Key::Role(treasury, account, role) => {
                sqlx::query("SELECT role FROM role WHERE treasury = ? AND account = ? AND role = ?")
                    .bind(treasury.as_slice())
                    .bind(account.as_slice())
                    .bind(*role)
            }
            Key::Asset(treasury, token) => {
                sqlx::query("SELECT * FROM asset WHERE treasury = ? AND address = ?")
                    .bind(treasury.as_slice())
                    .bind(token.as_slice())
            }
            Key::Envelope(treasury, number) | Key::Limits(treasury, number) => {
                sqlx::query("SELECT * FROM envelope WHERE treasury = ? AND number = ?")
                    .bind(treasury.as_slice())
                    .bind(*number)
            }
            Key::Purse(it) => sqlx::query("SELECT * FROM purse WHERE address = ?").bind(it.as_slice()),
            Key::Payee(treasury, list, payee) => {
                sqlx::query("SELECT list FROM payee WHERE treasury = ? AND list = ? AND payee = ?")
                    .bind(treasury.as_slice())
                    .bind(*list)
                    .bind(payee.as_slice())
            }
            Key::Session(purse, sequence) => {
                sqlx::query("SELECT * FROM session WHERE purse = ? AND sequence = ?")
                    .bind(purse.as_slice())
                    .bind(*sequence)
            }
            Key::Group(treasury, number) | Key::GroupLimits(treasury, number) => {
                sqlx::query("SELECT * FROM envelope_group WHERE treasury = ? AND number = ?")
                    .bind(treasury.as_slice())
                    .bind(*number)
            }
        };
        Ok(query.fetch_optional(&mut *self.0).await?)
    }

    async fn limits(
        &mut self,
        sql: &'static str,
        treasury: &Address,
        number: u32,
    ) -> Result<Option<Row>, StoreError> {
        let rows = sqlx::query(sql).bind(treasury.as_slice()).bind(number).fetch_all(&mut *self.0).await?;
        let uses = rows.iter().map(|row| {
            Ok(LimitUse {
                period: whole(row, "period")?,
                limit: amount(row, "limit_amount")?,
                used: amount(row, "used")?,
                index: whole(row, "window_index")?,
            })
        });
        let uses = uses.collect::<Result<Vec<_>, StoreError>>()?;
        Ok((!uses.is_empty()).then_some(Row::Limits(uses)))
    }
}

fn read(key: &Key, row: &SqliteRow) -> Result<Row, StoreError> {
    Ok(match key {
        Key::Treasury(_) => Row::Treasury(TreasuryRow {
            factory: address(row, "factory")?,
            owner: address(row, "owner")?,
            frozen: flag(row, "frozen")?,
            delay: whole(row, "delay")?,
            separation: flag(row, "separation")?,
            created_block: whole(row, "created_block")?,
            epoch: whole(row, "epoch")?,
            stamp_epoch: whole(row, "stamp_epoch")?,
        }),
        Key::Role(..) => Row::Role,
        Key::Payee(..) => Row::Payee,
        Key::Asset(..) => Row::Asset(AssetRow {
            index: whole(row, "idx")?,
            domain_separator: b256(row, "domain_separator")?,
        }),
        Key::Envelope(..) | Key::Limits(..) => Row::Envelope(envelope(row)?),
        Key::Purse(_) => Row::Purse(PurseRow {
            treasury: address(row, "treasury")?,
            envelope: whole(row, "envelope")?,
            index: whole(row, "idx")?,
            sequence: whole(row, "sequence")?,
            open: flag(row, "open")?,
            balance: total(row, "balance")?,
        }),
        Key::Session(..) => Row::Session(session(row)?),
        Key::Group(..) | Key::GroupLimits(..) => Row::Group(GroupRow {
            parent: whole(row, "parent")?,
            asset: address(row, "asset")?,
            frozen: flag(row, "frozen")?,
            epoch: whole(row, "epoch")?,
            created_block: whole(row, "created_block")?,
        }),
    })
}

fn envelope(row: &SqliteRow) -> Result<EnvelopeRow, StoreError> {
    Ok(EnvelopeRow {
        agent: address(row, "agent")?,
        asset: address(row, "asset")?,
        frozen: flag(row, "frozen")?,
        under_review: flag(row, "under_review")?,
        policy_version: whole(row, "policy_version")?,
        approval_threshold: total(row, "approval_threshold")?,
        windows_since: whole(row, "windows_since")?,
        purses: whole(row, "purses")?,
        funded: total(row, "funded")?,
        withdrawn: total(row, "withdrawn")?,
        drawn: total(row, "drawn")?,
        returned: total(row, "returned")?,
        paid: total(row, "paid")?,
        donated: total(row, "donated")?,
        payments: whole(row, "payments")?,
        created_block: whole(row, "created_block")?,
        group: whole(row, "group_number")?,
        permit2: flag(row, "permit2")?,
        score_life: whole(row, "score_life")?,
        score: whole(row, "score")?,
        scored_at: whole(row, "scored_at")?,
    })
}

fn session(row: &SqliteRow) -> Result<SessionRow, StoreError> {
    let closed_at: Option<i64> = row.try_get("closed_at")?;
    Ok(SessionRow {
        treasury: address(row, "treasury")?,
        envelope: whole(row, "envelope")?,
        key: address(row, "key")?,
        budget: total(row, "budget")?,
        opened_at: whole(row, "opened_at")?,
        expiry: whole(row, "expiry")?,
        policy_version: whole(row, "policy_version")?,
        approval_threshold: total(row, "approval_threshold")?,
        scope: row.try_get("scope")?,
        stamp_hash: b256(row, "stamp_hash")?,
        frozen: flag(row, "frozen")?,
        closed_at: closed_at.map(|_| whole(row, "closed_at")).transpose()?,
        returned: optional_total(row, "returned")?,
        unspent: optional_total(row, "unspent")?,
        paid: total(row, "paid")?,
        payments: whole(row, "payments")?,
        opened_tx: b256(row, "opened_tx")?,
        group: whole(row, "group_number")?,
    })
}
