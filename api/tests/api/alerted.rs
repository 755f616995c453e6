//! Alerts, beside what `seed` has.

use alloy::primitives::{Address, B256, keccak256};
use bursar_indexer::{
    Store,
    db::{Db, Query},
};

use crate::seed::{NOW, treasury};

/// One to tell of: kind, severity, place (envelope 0: all of it), from when until when, and the block that closed it.
pub(crate) struct Seed(
    pub(crate) &'static str,
    pub(crate) &'static str,
    pub(crate) Option<(Address, u32)>,
    pub(crate) u64,
    pub(crate) Option<u64>,
    pub(crate) Option<u64>,
);

pub(crate) fn id(n: usize) -> B256 {
    keccak256(n.to_be_bytes())
}

pub(crate) async fn put(db: &Db, n: usize, seed: &Seed) -> anyhow::Result<()> {
    let Seed(kind, severity, place, raised_at, closed_at, closed_block) = *seed;
    Query::new(
        "INSERT INTO alert (id, kind, severity, treasury, envelope, subject, raised_at, block_number, block_hash, \
         foreseen, closed_at, closed_block, count, detail) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, 990, NULL, $8, $9, $10, $11, $12)",
    )
    .bind(id(n))
    .bind(kind)
    .bind(severity)
    .bind(place.map(|(treasury, _)| treasury))
    .bind(place.map(|(_, envelope)| envelope).filter(|envelope| *envelope != 0))
    .bind("payees")
    .bind(raised_at)
    .bind(raised_at > NOW)
    .bind(closed_at)
    .bind(closed_block)
    .bind(3u64)
    .bind(r#"{"payees":12}"#)
    .execute(db)
    .await?;
    Ok(())
}

/// Some that stand, some that are over, and one whose time is still to come.
pub(crate) async fn alerted(store: &Store) -> anyhow::Result<()> {
    let one = Some((treasury(), 1));
    let seeds = [
        Seed("payee_burst", "warning", one, NOW - 50, Some(NOW + 50), None),
        Seed("review", "critical", one, NOW, None, None),
        Seed("score_silent", "warning", one, NOW + 1, None, None),
        Seed("policy_drift", "warning", Some((treasury(), 2)), NOW - 90, Some(NOW), None),
        Seed("frozen", "critical", Some((treasury(), 2)), NOW - 80, Some(NOW - 10), Some(999)),
        Seed("frozen", "critical", Some((treasury(), 0)), NOW - 70, None, None),
        Seed("ungoverned_payer", "warning", None, NOW - 60, Some(NOW + 1), None),
    ];
    for (n, seed) in seeds.iter().enumerate() {
        put(store.db(), n, seed).await?;
    }
    Ok(())
}
