//! Who asked what: kept several together, and logged by one entry for those of a treasury. Not from the chain: no reorg
//! touches them.

use std::collections::BTreeMap;

use alloy::primitives::{Address, B256, keccak256};

use super::{Store, StoreError};
use crate::{
    db::{Db, DbError, Query, Tx, table},
    query::accesses::{self, Access},
    transparency::{self, Draft, access_digest},
};

impl Store {
    /// Keeps accesses and logs them, at `now` (unix seconds), in one transaction. The same ones a second time change
    /// nothing: whoever was not told whether they were kept may try again with all of them.
    ///
    /// # Errors
    /// When the database fails; then none of them is kept, as far as is known.
    pub async fn keep_accesses(&self, some: &[Access], now: u64) -> Result<(), StoreError> {
        let mut tx = self.db.begin().await?;
        if let Some(first) = some.first()
            && !is_kept(&mut tx, first).await?
        {
            keep(&mut tx, some, now).await?;
            tx.commit().await?;
        }
        Ok(())
    }
}

async fn is_kept(tx: &mut Tx, access: &Access) -> Result<bool, DbError> {
    let query = Query::new("SELECT seq FROM access WHERE request = $1").bind(access.request.as_str());
    Ok(query.row(tx).await?.is_some())
}

/// Keeps accesses that are not kept yet, in their order.
pub(super) async fn keep(tx: &mut Tx, some: &[Access], now: u64) -> Result<(), DbError> {
    let mut digests: BTreeMap<Address, Vec<B256>> = BTreeMap::new();
    for access in some {
        if let Some(treasury) = access.treasury {
            digests.entry(treasury).or_default().push(access_digest(access)?);
        }
    }
    let batches: BTreeMap<Address, B256> =
        digests.into_iter().map(|(treasury, all)| (treasury, together(&all))).collect();
    let last = Query::new("SELECT MAX(seq) AS seq FROM access").row(&mut *tx).await?;
    let last: Option<u64> = last.map(|row| row.maybe_number("seq")).transpose()?.flatten();
    let rows = some.iter().zip(last.unwrap_or_default() + 1..).map(|(it, seq)| {
        let batch = it.treasury.and_then(|treasury| batches.get(&treasury).copied());
        access(seq, it, batch)
    });
    ACCESS.insert_all(tx, rows.collect()).await?;
    let drafts = batches.into_iter().map(|(treasury, batch)| Draft::accesses(treasury, batch, now));
    transparency::append_all(tx, drafts).await
}

/// The digest of accesses together, from those of each in their order.
fn together(digests: &[B256]) -> B256 {
    keccak256(digests.concat())
}

/// The digest of what is kept of a batch; `None` where none of it is.
pub(super) async fn digest_of(db: &Db, batch: B256) -> Result<Option<B256>, DbError> {
    let rows = Query::new("SELECT * FROM access WHERE batch = $1 ORDER BY seq").bind(batch).rows(db).await?;
    let digests: Vec<B256> =
        rows.iter().map(|row| access_digest(&accesses::read(row)?)).collect::<Result<_, _>>()?;
    Ok((!digests.is_empty()).then(|| together(&digests)))
}

table! {
    ACCESS, fn access(seq: u64, it: &Access, batch: Option<B256>) {
        key { seq: seq }
        request: it.request.as_str(),
        at: it.at,
        by: it.by.as_str(),
        role: it.role.map(|role| role.code()),
        scope: it.scope,
        treasury: it.treasury,
        method: it.method.as_str(),
        route: it.route.as_str(),
        asked: it.asked.as_str(),
        status: it.status,
        batch: batch,
    }
}
