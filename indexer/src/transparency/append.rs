//! The way in: the next number, the leaf, and the nodes that it completes.

use std::collections::BTreeMap;

use alloy::primitives::{Address, B256};
use bursar_sdk::transparency::{Entry, Growth, SCHEMA, leaf_hash};

use super::Draft;
use crate::{
    db::{Cell as _, DbError, Link, Query, Tx, Value, table},
    query::checkpoint,
};

/// Logs something, in the transaction that takes it in.
pub(crate) async fn append(tx: &mut Tx, draft: Draft) -> Result<(), DbError> {
    append_all(tx, [draft]).await
}

/// Logs several things, one after another, each in its treasury's log.
pub(crate) async fn append_all(tx: &mut Tx, drafts: impl IntoIterator<Item = Draft>) -> Result<(), DbError> {
    let height = checkpoint::get(&mut *tx).await?.map_or(0, |at| at.number);
    let mut logs: BTreeMap<Address, Vec<Draft>> = BTreeMap::new();
    for draft in drafts {
        logs.entry(draft.treasury).or_default().push(draft);
    }
    for (treasury, drafts) in logs {
        let size = size_of(treasury, &mut *tx).await?;
        let edge = nodes_at(treasury, &Growth::edge_of(size), &mut *tx).await?;
        let mut growth = Growth::from(size, edge).map_err(broken)?;
        let (mut entries, mut nodes) = (Vec::new(), Vec::new());
        for draft in drafts {
            let (number, entry) = (growth.size(), draft.at_height(height));
            let leaf = entry.canonical().map_err(broken)?;
            let grown = growth.push(leaf_hash(leaf.as_bytes())).map_err(broken)?;
            nodes.extend(grown.into_iter().map(|(position, hash)| log_node(treasury, position, hash)));
            entries.push(log_entry(number, &entry, &leaf));
        }
        LOG_ENTRY.insert_all(tx, entries).await?;
        LOG_NODE.insert_all(tx, nodes).await?;
    }
    Ok(())
}

/// How many entries a treasury's log has.
pub(crate) async fn size_of(treasury: Address, on: impl Into<Link<'_>>) -> Result<u64, DbError> {
    let last = Query::new("SELECT number FROM log_entry WHERE treasury = $1 ORDER BY number DESC LIMIT 1");
    let last: Option<u64> = last.bind(treasury).row(on).await?.map(|row| row.number("number")).transpose()?;
    Ok(last.map_or(0, |last| last.saturating_add(1)))
}

/// Nodes at those positions, as far as they are there.
pub(crate) async fn nodes_at(
    treasury: Address,
    positions: &[u64],
    on: impl Into<Link<'_>>,
) -> Result<Vec<(u64, B256)>, DbError> {
    if positions.is_empty() {
        return Ok(Vec::new());
    }
    let keys: Vec<Vec<Value>> =
        positions.iter().map(|position| vec![treasury.value(), position.value()]).collect();
    let rows = LOG_NODE.among(LOG_NODE.key(), &keys).rows(on).await?;
    rows.iter().map(|row| Ok((row.number("position")?, row.hash("hash")?))).collect()
}

/// What a log cannot go on from.
pub(super) fn broken(error: impl std::fmt::Display) -> DbError {
    let expected = "the log of a treasury, as it was written";
    DbError::Inconsistent { column: "log_node.hash", expected, got: error.to_string() }
}

impl Draft {
    fn at_height(self, height: u64) -> Entry {
        let Self { kind, treasury, envelope, subject, content, fact, at } = self;
        Entry { schema: SCHEMA.to_owned(), kind, treasury, envelope, subject, content, fact, at, height }
    }
}

table! {
    LOG_ENTRY, fn log_entry(number: u64, entry: &Entry, leaf: &str) {
        key { treasury: entry.treasury, number: number }
        kind: entry.kind.code(),
        subject: entry.subject,
        at: entry.at,
        entry: leaf,
    }
}

table! {
    LOG_NODE, fn log_node(treasury: Address, position: u64, hash: B256) {
        key { treasury: treasury, position: position }
        hash: hash,
    }
}
