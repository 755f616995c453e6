//! How far the ledger is, as clients read it.

use bursar_indexer::Phase;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    state::{AppState, AsOf},
    wire::Hash,
};

/// How far the ledger has followed the chain.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// The chain's name.
    pub chain_name: String,
    /// The chain's head, as last seen; null before the first sight of it.
    pub head: Option<u64>,
    /// The last block in the ledger.
    pub indexed: Option<u64>,
    /// That block's hash.
    pub indexed_hash: Option<Hash>,
    /// That block's time, in unix seconds.
    pub indexed_at: Option<u64>,
    /// Blocks that the ledger is behind.
    pub lag: Option<u64>,
    /// The last block that is unlikely to be taken back: at least the last final one.
    pub safe_block: Option<u64>,
    /// The last block that counts as final.
    pub final_block: Option<u64>,
    /// Whether the ledger is close enough to the head to be relied on.
    pub ready: bool,
    /// Why not.
    pub problem: Option<String>,
    /// The version of this service.
    pub version: &'static str,
}

impl Status {
    /// How far the ledger is.
    pub fn new(state: &AppState, as_of: &AsOf) -> Self {
        let problem = problem(state, as_of);
        let checkpoint = as_of.checkpoint.as_ref();
        Self {
            chain_id: state.config.chain_id,
            chain_name: state.config.chain_name.clone(),
            head: as_of.head,
            indexed: checkpoint.map(|checkpoint| checkpoint.number),
            indexed_hash: checkpoint.map(|checkpoint| checkpoint.hash.into()),
            indexed_at: checkpoint.map(|checkpoint| checkpoint.timestamp),
            lag: as_of.lag(),
            safe_block: as_of.settled().map(|settled| settled.safe_number.max(settled.final_number)),
            final_block: as_of.settled().map(|settled| settled.final_number),
            ready: problem.is_none(),
            problem,
            version: env!("CARGO_PKG_VERSION"),
        }
    }
}

fn problem(state: &AppState, as_of: &AsOf) -> Option<String> {
    // Its own words may hold a provider's address; clients learn what it means for them.
    match state.indexer().map(|status| status.phase) {
        Some(Phase::Waiting) => return Some("the indexer waits for its provider or its database".into()),
        Some(Phase::Stopped) => return Some("the indexer has stopped".into()),
        Some(Phase::Starting) => return Some("the indexer is starting".into()),
        Some(Phase::Standby | Phase::Backfilling | Phase::Following) | None => {}
    }
    let Some(lag) = as_of.lag() else { return Some("the ledger holds no block yet".into()) };
    let most = state.config.max_lag;
    (lag > most).then(|| format!("the ledger is {lag} blocks behind the chain, more than {most}"))
}
