//! Decision records, as agents sent them. Not from the chain: no reorg touches them.

use alloy::primitives::B256;
use bursar_sdk::decision::DecisionRecord;

use super::{
    Store, StoreError,
    read::{integer, padded},
};

/// What became of a record that was handed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inserted {
    /// It is stored now.
    New,
    /// It was stored before.
    Existing,
}

impl Store {
    /// Stores a decision record that was checked against its hash ([`DecisionRecord::verified`]); once stored, it
    /// survives a power cut.
    ///
    /// `canonical` is its canonical JSON, `received_at` unix seconds.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn insert_decision(
        &self,
        record: &DecisionRecord,
        hash: B256,
        canonical: &str,
        received_at: u64,
    ) -> Result<Inserted, StoreError> {
        let purse = record.purse().map(|(purse, _)| purse);
        let session = purse.map(|_| record.session);
        let nonce = session.map(|_| record.nonce_of(hash));
        let sql = "INSERT INTO decision \
                   (hash, treasury, envelope, agent, seq, session, nonce, purse, payee, amount, verdict, reason, \
                   created_at, received_at, record) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) \
                   ON CONFLICT (hash) DO NOTHING";
        let done = sqlx::query(sql)
            .bind(hash.as_slice())
            .bind(record.treasury.as_slice())
            .bind(record.envelope)
            .bind(record.agent.as_slice())
            .bind(integer(record.seq)?)
            .bind(session.as_ref().map(|it| it.as_slice()))
            .bind(nonce.as_ref().map(|it| it.as_slice()))
            .bind(purse.as_ref().map(|it| it.as_slice()))
            .bind(record.payee.as_slice())
            .bind(padded(record.amount.to_u256()))
            .bind(record.verdict.code())
            .bind(record.reason_codes.first().map(|reason| reason.code()))
            .bind(integer(record.created_at)?)
            .bind(integer(received_at)?)
            .bind(canonical)
            .execute(&self.pool)
            .await?;
        Ok(if done.rows_affected() == 0 { Inserted::Existing } else { Inserted::New })
    }
}
