//! Answers of humans to requests for approval. Not from the chain: no reorg touches them.

use alloy::primitives::{Address, B256};

use super::{Store, StoreError, intake};
use crate::{
    db::Query,
    ledger::Record,
    outbox,
    query::approvals::{self, Answer},
    transparency::{self, Draft},
};

impl Store {
    /// Writes an answer that was checked over the one that was read before (`None`: over none), which is kept beside, and takes the first one
    /// into the ledger at the height where that stands; `false` where somebody else answered in between. `now` is in unix
    /// seconds.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn answer_request(
        &self,
        digest: B256,
        before: Option<Address>,
        answer: &Answer,
        now: u64,
    ) -> Result<bool, StoreError> {
        let (kind, by, signature, reason) = match answer {
            Answer::Approved { approver, signature, contract } => {
                (if *contract { "contract" } else { "eoa" }, approver, Some(signature.clone()), None)
            }
            Answer::Rejected { by, reason, signature } => {
                ("rejected", by, signature.clone(), Some(reason.as_str()))
            }
        };
        let mut tx = self.db.begin().await?;
        Query::new(
            "INSERT INTO approval_superseded \
             (digest, answered_at, superseded_at, answer, answered_by, signature, reason) \
             SELECT digest, answered_at, $1, answer, answered_by, signature, reason FROM approval_request \
             WHERE digest = $2 AND answered_at < $1 ON CONFLICT DO NOTHING",
        )
        .bind(now)
        .bind(digest)
        .execute(&mut tx)
        .await?;
        let written = Query::new(
            "UPDATE approval_request SET answer = $1, answered_by = $2, signature = $3, reason = $4, answered_at = $5 \
             WHERE digest = $6 AND answered_by IS NOT DISTINCT FROM $7 AND answer IS DISTINCT FROM 'rejected'",
        )
        .bind(kind)
        .bind(*by)
        .bind(signature)
        .bind(reason)
        .bind(now)
        .bind(digest)
        .bind(before)
        .execute(&mut tx)
        .await?;
        if written == 0 {
            return Ok(false);
        }
        if let Some(row) = approvals::find(&mut tx, digest).await? {
            let request = row.request;
            let envelope = approvals::envelope_of(&mut tx, request.purse).await?;
            // A request is one, however often it is answered.
            let fact = match envelope.filter(|_| before.is_none()) {
                Some(envelope) => {
                    let record = Record::of_answer(&request, envelope, answer, now);
                    Some(intake::enter(&mut tx, &record).await?.digest()?)
                }
                None => None,
            };
            outbox::add(&mut tx, &outbox::answered(&request, envelope, answer, now)).await?;
            let draft = Draft::answer(&request, envelope, answer, fact, now)?;
            transparency::append(&mut tx, draft).await?;
        }
        tx.commit().await?;
        Ok(true)
    }
}
