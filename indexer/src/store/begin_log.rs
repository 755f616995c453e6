//! Where a log begins: with what had come before there was one, oldest first.

use std::collections::BTreeMap;

use alloy::primitives::B256;
use bursar_sdk::{decision::DecisionRecord, outcome::OutcomeRecord};
use futures::TryStreamExt as _;

use super::{META, Store, StoreError, meta, tables};
use crate::{
    db::{Cell as _, DbError, DbRow, Query, Tx},
    query::{
        approvals,
        erasures::{self, note},
    },
    transparency::{self, Draft},
};

/// Where the store keeps that its logs have begun.
const BEGUN: &str = "log_begun";

/// How many entries are written together.
const TOGETHER: usize = 4096;

impl Store {
    /// Logs what is kept of before there were logs; once, whoever opens the store first.
    pub(super) async fn begin_logs(&self) -> Result<(), StoreError> {
        if self.meta(BEGUN).await?.is_some() {
            return Ok(());
        }
        let mut tx = self.db.begin().await?;
        if META.find(vec![BEGUN.value()]).row(&mut tx).await?.is_some() {
            return Ok(());
        }
        let mut drafts = self.drafts(&mut tx).await?;
        // Erasures come last among what came at the same time, answers after what they answer.
        drafts.sort_by_key(|draft| (draft.at, draft.kind, draft.subject));
        for some in drafts.chunks(TOGETHER) {
            transparency::append_all(&mut tx, some.iter().copied()).await?;
        }
        META.insert(meta(BEGUN, "1".to_owned())).execute(&mut tx).await?;
        Ok(tx.commit().await?)
    }

    /// What was kept when nobody wrote: a few hashes of each, so that all of it is held at once.
    async fn drafts(&self, tx: &mut Tx) -> Result<Vec<Draft>, StoreError> {
        let facts = self.each("SELECT * FROM intake", |row| {
            let entry = tables::read_intake(row)?;
            Ok((entry.record.subject, entry.digest()?))
        });
        let facts: BTreeMap<B256, B256> = facts.await?.into_iter().collect();
        let fact_of = |hash: B256| facts.get(&hash).copied();
        let mut drafts = self
            .each("SELECT hash, record, seal, received_at FROM decision", |row| {
                let record: DecisionRecord = row.json("record", "a decision record")?;
                let (hash, seal, at) = kept(row)?;
                // Every decision is taken in.
                Ok(Draft { fact: fact_of(hash), ..Draft::decision(&record, hash, seal, B256::ZERO, at) })
            })
            .await?;
        let outcomes = self.each("SELECT hash, record, seal, received_at FROM outcome", |row| {
            let record: OutcomeRecord = row.json("record", "an outcome record")?;
            let (hash, seal, at) = kept(row)?;
            Ok(Draft::outcome(&record, hash, seal, fact_of(hash), at))
        });
        drafts.extend(outcomes.await?);
        let stones = self
            .each(concat!("SELECT e.*, ", note!(), " FROM erasure e"), |row| {
                let stone = erasures::read(row)?;
                Ok([Draft::of_erased(&stone, fact_of(stone.note.hash)), Draft::erasure(&stone)?])
            })
            .await?;
        drafts.extend(stones.into_iter().flatten());
        let sql = "SELECT * FROM approval_request";
        for (asked, answered_at) in self.each(sql, read_asked).await? {
            let approvals::Approval { request, requested_at, answer } = asked;
            let envelope = approvals::envelope_of(tx, request.purse).await?;
            drafts.push(Draft::request(&request, envelope, requested_at)?);
            if let (Some(answer), Some(at)) = (answer, answered_at) {
                drafts.push(Draft::answer(&request, envelope, &answer, fact_of(request.digest), at)?);
            }
        }
        Ok(drafts)
    }

    async fn each<T>(
        &self,
        sql: &'static str,
        read: impl Fn(&DbRow) -> Result<T, DbError>,
    ) -> Result<Vec<T>, DbError> {
        let mut rows = Query::new(sql).stream(&self.db);
        let mut all = Vec::new();
        while let Some(row) = rows.try_next().await? {
            all.push(read(&row)?);
        }
        Ok(all)
    }
}

fn read_asked(row: &DbRow) -> Result<(approvals::Approval, Option<u64>), DbError> {
    Ok((approvals::read(row)?, row.maybe_number("answered_at")?))
}

fn kept(row: &DbRow) -> Result<(B256, B256, u64), DbError> {
    let seal = transparency::seal_content(row.maybe_bytes("seal")?.as_ref())?;
    Ok((row.hash("hash")?, seal, row.number("received_at")?))
}
