//! What an indexer of this chain has to come to, straight from the seed.

use std::collections::BTreeSet;

use alloy::primitives::{Address, B256};
use serde::Serialize;

use crate::{body::Body, chain::Chain, seed::mix3, setup};

/// A settlement of the chain that stands.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Settlement {
    pub block: u64,
    pub block_hash: B256,
    pub timestamp: u64,
    pub tx_hash: B256,
    /// Of `AuthorizationUsed`; of `Transfer` where Permit2 moved it.
    pub log_index: u64,
    pub sender: Address,
    pub payer: Address,
    pub payee: Address,
    /// In atomic units.
    pub amount: u64,
    /// Zero where Permit2 moved it, which logs none.
    pub nonce: B256,
    /// Where a purse pays.
    pub decision: Option<B256>,
}

/// Settlements in sum. Equal sums of the digest mean equal settlements, in whatever order they were counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// How many.
    pub settlements: u64,
    /// In atomic units.
    pub amount: u64,
    /// The wrapping sum of [`digest`].
    pub digest: u64,
}

impl Tally {
    /// Counts one more.
    pub fn add(&mut self, tx_hash: B256, log_index: u64, amount: u64, block: u64) {
        self.settlements += 1;
        self.amount = self.amount.wrapping_add(amount);
        self.digest = self.digest.wrapping_add(digest(tx_hash, log_index, amount, block));
    }
}

/// A settlement as one number.
pub fn digest(tx_hash: B256, log_index: u64, amount: u64, block: u64) -> u64 {
    let mut first = [0; 8];
    first.copy_from_slice(&tx_hash[..8]);
    mix3(u64::from_be_bytes(first), (log_index << 32) ^ amount, block)
}

/// All settlements up to a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Truth {
    /// The last block that counts, and its hash.
    pub to: u64,
    /// The identity of that block.
    pub to_hash: B256,
    /// Those that purses paid.
    pub governed: Tally,
    /// Those that other accounts paid.
    pub ungoverned: Tally,
    /// Blocks with a settlement of a purse.
    pub governed_blocks: u64,
    /// Blocks with a log of the token.
    pub blocks: u64,
}

impl Truth {
    /// All settlements.
    pub fn all(&self) -> Tally {
        let (one, other) = (self.governed, self.ungoverned);
        Tally {
            settlements: one.settlements + other.settlements,
            amount: one.amount.wrapping_add(other.amount),
            digest: one.digest.wrapping_add(other.digest),
        }
    }
}

impl Chain {
    /// Everybody who pays outside any envelope, in order.
    pub fn payers(&self) -> Vec<Address> {
        let all = (0..=self.head()).flat_map(|number| self.settlements(number));
        let all: BTreeSet<Address> = all.filter(|one| one.decision.is_none()).map(|one| one.payer).collect();
        all.into_iter().collect()
    }

    /// The settlements of a block, in order.
    pub fn settlements(&self, number: u64) -> Vec<Settlement> {
        let Some(block) = self.block(number) else { return Vec::new() };
        let body = self.body(block);
        let mut log_index = self.before_items(&body);
        let mut found = Vec::new();
        for item in &body.items {
            let tx = &body.txs[item.tx];
            if item.nonce.is_some() || item.proxy.is_some() {
                found.push(Settlement {
                    block: number,
                    block_hash: block.hash,
                    timestamp: block.at,
                    tx_hash: tx.hash,
                    log_index,
                    sender: tx.sender,
                    payer: item.payer,
                    payee: item.payee,
                    amount: item.value,
                    nonce: item.nonce.unwrap_or_default(),
                    decision: item.decision,
                });
            }
            log_index += item.logs();
        }
        found
    }

    /// What an index up to `to` has to come to; a `to` beyond the head means the head.
    pub fn truth(&self, to: u64) -> Truth {
        let to = to.min(self.head());
        let mut truth = Truth {
            to,
            to_hash: self.hash(to).unwrap_or_default(),
            governed: Tally::default(),
            ungoverned: Tally::default(),
            governed_blocks: 0,
            blocks: 0,
        };
        for number in 0..=to {
            let Some(block) = self.block(number) else { continue };
            let body = self.body(block);
            truth.blocks += u64::from(!body.txs.is_empty());
            let before = truth.governed.settlements;
            for one in self.settlements(number) {
                let tally = if one.decision.is_some() { &mut truth.governed } else { &mut truth.ungoverned };
                tally.add(one.tx_hash, one.log_index, one.amount, one.block);
            }
            truth.governed_blocks += u64::from(truth.governed.settlements > before);
        }
        truth
    }

    fn before_items(&self, body: &Body) -> u64 {
        body.setup.map_or(0, |treasury| setup::logs(self.params(), treasury, 0).len() as u64)
    }
}

#[cfg(test)]
mod tests {
    use alloy::sol_types::SolEvent as _;
    use bursar_sdk::{abi::Eip3009::AuthorizationUsed, payment::permit2};

    use super::*;
    use crate::params::Params;

    #[test]
    fn counts_what_the_logs_hold() {
        let params = Params { permit2_pct: 30, ..Params::small() };
        let chain = Chain::new(params.clone());
        let truth = chain.truth(u64::MAX);
        assert_eq!(truth.all().settlements, params.settlements);
        assert!(truth.governed.settlements > params.settlements / 5);
        assert_eq!(truth.to, params.blocks);
        for number in 0..=chain.head() {
            let block = chain.block(number).map(|block| (block, chain.body(block)));
            let logs = block.map(|(block, body)| chain.logs(block, &body)).unwrap_or_default();
            let settled = |(index, log): (u64, &crate::body::Entry)| match log.data.topics() {
                [first, ..] if *first == AuthorizationUsed::SIGNATURE_HASH => Some(index),
                // A proxy's own, just behind the transfer.
                [_] if [permit2::EXACT_PROXY, permit2::UPTO_PROXY].contains(&log.address) => Some(index - 1),
                _ => None,
            };
            let used: Vec<u64> = (0..).zip(&logs).filter_map(settled).collect();
            let told: Vec<u64> = chain.settlements(number).iter().map(|one| one.log_index).collect();
            assert_eq!(used, told, "block {number}");
        }
    }
}
