//! Roots of a treasury's transparency log, as the chain has them.

use alloy::{primitives::Address, sol_types::SolEvent as _};
use bursar_indexer::{
    query::{Position, log::Anchor},
    source::{Blocks, LogQuery, SourceError, Sources},
};
use bursar_sdk::abi::Treasury::Anchored;

use super::logs::Walk;

/// Every root that was anchored through a treasury from a block on, up to the chain's head, oldest first.
///
/// # Errors
/// When the node does not answer.
pub async fn anchors(sources: &Sources, treasury: Address, from: u64) -> Result<Vec<Anchor>, SourceError> {
    let mut found = Vec::new();
    let mut walk = Walk::new(from, sources.head().await?.number);
    while let Some(span) = walk.span() {
        let query = LogQuery {
            blocks: Blocks::Range(span.0, span.1),
            addresses: vec![treasury],
            topics: [vec![Anchored::SIGNATURE_HASH], Vec::new(), Vec::new()],
        };
        let logs = match sources.logs(&query).await {
            Ok(answer) => answer.what.logs,
            Err(error) if walk.less(&error) => continue,
            Err(error) => return Err(error),
        };
        for log in logs {
            // A treasury emits no other event of that signature.
            let Ok(event) = Anchored::decode_raw_log(log.topics.iter().copied(), &log.data) else { continue };
            found.push(Anchor {
                position: Position { block: log.block_number, log: log.log_index },
                timestamp: log.block_timestamp.unwrap_or_default(),
                tx_hash: log.tx_hash,
                size: event.size,
                root: event.root,
                by: event.by,
            });
        }
        walk.done(span);
    }
    Ok(found)
}
