//! What watched accounts paid outside any envelope, as clients read it.

use bursar_indexer::query::{checkpoint::Settled, settlements};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    model::payment::PaymentState,
    wire::{Addr, Hash, Units},
};

/// One x402 settlement that no envelope, policy or decision stands behind. Times in unix seconds.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Settlement {
    /// Always true: nothing limited it.
    pub ungoverned: bool,
    /// Who paid.
    pub payer: Addr,
    /// What the watch list calls the payer.
    pub payer_label: Option<String>,
    /// Who was paid.
    pub payee: Addr,
    /// The token.
    pub asset: Addr,
    /// How much, in the asset's atomic units.
    pub amount: Units,
    /// Whether the chain may still take it back.
    pub state: PaymentState,
    /// How it settled: `eip3009`, `permit2_exact` or `permit2_upto`.
    pub rail: String,
    /// The authorization's nonce; null where it settled through Permit2, which logs none.
    pub nonce: Option<Hash>,
    /// Who sent the settling transaction; null where no facilitator was watched at that time.
    pub facilitator: Option<Addr>,
    /// What the watch list calls the facilitator. A label only: who is not on the list settles as well.
    pub facilitator_label: Option<String>,
    /// When it settled.
    pub timestamp: u64,
    /// The block.
    pub block_number: u64,
    /// That block's hash.
    pub block_hash: Hash,
    /// Index of the token's `AuthorizationUsed` log in that block; of its `Transfer` log where Permit2 moved it.
    pub log_index: u64,
    /// The settling transaction.
    pub tx_hash: Hash,
}

impl Settlement {
    /// A settlement; how sure it is to stay, `settled` tells.
    pub fn new(row: settlements::Settlement, settled: Option<Settled>) -> Self {
        Self {
            ungoverned: true,
            payer: row.payer.into(),
            payer_label: row.payer_label,
            payee: row.payee.into(),
            asset: row.asset.into(),
            amount: row.amount.into(),
            state: PaymentState::at(row.position.block, settled),
            rail: row.rail,
            nonce: row.nonce.map(Hash),
            facilitator: row.facilitator.map(Addr),
            facilitator_label: row.facilitator_label,
            timestamp: row.timestamp,
            block_number: row.position.block,
            block_hash: row.block_hash.into(),
            log_index: row.position.log,
            tx_hash: row.tx_hash.into(),
        }
    }
}
