//! What questions are about: payments from all over the ledger, and what belongs to them.

use alloy::primitives::{Address, B256};
use anyhow::{Context as _, Result};
use bursar_bench::About;
use bursar_indexer::{
    Store,
    db::{Cell, DbRow, Query},
};

/// Each payment from a block of its own, with its decision where there is one; the chain is cut into as many pieces.
pub(crate) async fn samples(store: &Store, many: u64) -> Result<Vec<About>> {
    let head = store.checkpoint().await?.context("an empty ledger")?.number;
    // Before that, there is no request for approval to ask about.
    let sql = "SELECT MIN(block_number) AS first FROM payment \
               WHERE timestamp >= (SELECT MIN(requested_at) FROM approval_request)";
    let first = Query::new(sql).row(store.db()).await?.context("nothing there")?.number::<u64>("first")?;
    let mut all = Vec::new();
    for piece in 1..=many {
        let from = first + (head - first) * piece / (many + 1);
        all.push(
            sample(store, from, piece).await.with_context(|| format!("a payment from block {from} on"))?,
        );
    }
    Ok(all)
}

async fn sample(store: &Store, from: u64, piece: u64) -> Result<About> {
    // Half of them are copies, which nobody has explained.
    let payment = match piece % 2 {
        0 => Query::new(
            "SELECT * FROM payment WHERE block_number >= $1 ORDER BY block_number, log_index DESC LIMIT 1",
        ),
        _ => Query::new(
            "SELECT * FROM payment WHERE block_number >= $1 ORDER BY block_number, log_index LIMIT 1",
        ),
    };
    let payment = one(store, payment, from).await?;
    let decision = one(
        store,
        // Of the same treasury: its log is asked for it.
        Query::new(
            "SELECT hash FROM decision WHERE treasury = $1 AND created_at <= $2 \
             ORDER BY created_at DESC, hash DESC LIMIT 1",
        )
        .bind(payment.address("treasury")?),
        payment.number::<u64>("timestamp")?,
    )
    .await?;
    let settlement = one(
        store,
        Query::new(
            "SELECT * FROM settlement WHERE block_number >= $1 ORDER BY block_number, log_index LIMIT 1",
        ),
        from,
    )
    .await?;
    let request = one(
        store,
        Query::new(
            "SELECT digest FROM approval_request WHERE requested_at <= $1 ORDER BY requested_at DESC, digest LIMIT 1",
        ),
        payment.number::<u64>("timestamp")?,
    )
    .await?;
    let address = |row: &DbRow, column| -> Result<String> {
        let address: Address = row.address(column)?;
        Ok(address.to_checksum(None))
    };
    let hash = |row: &DbRow, column| -> Result<String> {
        let hash: B256 = row.hash(column)?;
        Ok(format!("{hash:#x}"))
    };
    Ok(About {
        treasury: address(&payment, "treasury")?,
        envelope: payment.number("envelope")?,
        agent: address(&payment, "agent")?,
        purse: address(&payment, "purse")?,
        session: hash(&payment, "session")?,
        payee: address(&payment, "payee")?,
        asset: address(&payment, "asset")?,
        amount: payment.amount("amount")?.to_string(),
        tx: hash(&payment, "tx_hash")?,
        nonce: hash(&payment, "nonce")?,
        policy_version: payment.number("policy_version")?,
        block: payment.number("block_number")?,
        time: payment.number("timestamp")?,
        decision: hash(&decision, "hash")?,
        payer: address(&settlement, "payer")?,
        paid: address(&settlement, "payee")?,
        digest: hash(&request, "digest")?,
        group: 1,
        list: 1,
    })
}

async fn one(store: &Store, query: Query, from: impl Cell) -> Result<DbRow> {
    query.bind(from).row(store.db()).await?.context("nothing there")
}
