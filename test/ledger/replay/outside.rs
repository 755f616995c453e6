//! Who pays outside any envelope, and the comparison of what is kept of it with the oracle.

use alloy::primitives::Address;
use anyhow::{Result, ensure};
use bursar_indexer::{Store, db::Query};
use bursar_replay::{Replay, Settlement};

use crate::node::line;

/// Every other account that pays outside any envelope.
pub fn some_payers(replay: &Replay) -> Vec<Address> {
    replay.chain().payers().into_iter().step_by(2).collect()
}

/// The ledger holds these settlements of the chain and no others.
pub async fn assert_watched(
    store: &Store,
    replay: &Replay,
    senders: bool,
    is_watched: impl Fn(&Settlement) -> bool,
) -> Result<usize> {
    let sql = "SELECT block_number, block_hash, timestamp, tx_hash, log_index, facilitator, payer, payee, amount, \
               nonce FROM settlement ORDER BY block_number, log_index";
    let mut got = Vec::new();
    for row in Query::new(sql).rows(store.db()).await? {
        let sender = row.maybe_address("facilitator")?;
        ensure!(sender.is_some() == senders, "expected a sender: {senders}, got {sender:?}");
        got.push(line(&Settlement {
            block: row.number("block_number")?,
            block_hash: row.hash("block_hash")?,
            timestamp: row.number("timestamp")?,
            tx_hash: row.hash("tx_hash")?,
            log_index: row.number("log_index")?,
            sender: sender.unwrap_or_default(),
            payer: row.address("payer")?,
            payee: row.address("payee")?,
            amount: row.text("amount")?.parse()?,
            nonce: row.maybe_hash("nonce")?.unwrap_or_default(),
            decision: None,
        }));
    }
    let chain = replay.chain();
    let all = (0..=chain.head()).flat_map(|number| chain.settlements(number));
    let expected = all.filter(|one| one.decision.is_none() && is_watched(one));
    let expected: Vec<String> = expected
        .map(|one| line(&Settlement { sender: if senders { one.sender } else { Address::ZERO }, ..one }))
        .collect();
    let differs = got.iter().zip(&expected).find(|(got, expected)| got != expected);
    ensure!(differs.is_none(), "got and expected: {differs:#?}");
    ensure!(got.len() == expected.len(), "expected {} settlements, got {}", expected.len(), got.len());
    Ok(got.len())
}
