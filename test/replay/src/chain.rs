//! The chain: blocks with real hashes, that can be mined and turned.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use alloy::{
    consensus::{EMPTY_OMMER_ROOT_HASH, Header},
    primitives::{B64, B256, Bloom, Bytes, U256},
};

use crate::{
    body::{Body, Entry, Shape, block_of},
    params::Params,
    record::Spools,
    seed::{Use, address, mix3, word},
};

/// When the chain begins, unix seconds, and how far apart its blocks are.
const BEGINS: u64 = 1_750_000_000;
const BLOCK_TIME: u64 = 2;

/// A block, without what is worked out again when it is asked for.
#[derive(Debug, Clone)]
pub(crate) struct Block {
    pub(crate) shape: Shape,
    /// Unix seconds.
    pub(crate) at: u64,
    pub(crate) hash: B256,
    pub(crate) parent: B256,
    pub(crate) bloom: Box<Bloom>,
    /// What its payments commit to, where there are records of it.
    pub(crate) decisions: Box<[B256]>,
}

/// A chain of settlements: a function of its parameters, and of what was mined and turned since.
#[derive(Debug)]
pub struct Chain {
    params: Params,
    blocks: Vec<Block>,
    by_hash: HashMap<B256, u64>,
    reorgs: u64,
    spools: Spools,
    /// What is in the block that was asked for last: a node does not work it out anew for each of its transactions.
    last: Mutex<Option<(B256, Arc<Body>)>>,
}

impl Chain {
    /// The chain of those parameters.
    pub fn new(params: Params) -> Self {
        let weights: Vec<u64> = (0..=params.blocks).map(|block| weight(&params, block)).collect();
        let total = weights.iter().copied().map(u128::from).sum::<u128>().max(1);
        let settlements = u128::from(params.settlements);
        let spools = Spools::new(&params);
        let (blocks, by_hash, last) = (Vec::new(), HashMap::new(), Mutex::default());
        let mut chain = Self { params, blocks, by_hash, reorgs: 0, spools, last };
        let (mut weighed, mut done) = (0, 0);
        for weight in weights {
            weighed += u128::from(weight);
            let due = settlements * weighed / total;
            chain.append(0, u32::try_from(due - done).unwrap_or(u32::MAX));
            done = due;
        }
        chain
    }

    /// What it is a function of.
    pub fn params(&self) -> &Params {
        &self.params
    }

    /// The height of the last block.
    pub fn head(&self) -> u64 {
        self.blocks.len() as u64 - 1
    }

    /// How often it was turned.
    pub fn reorgs(&self) -> u64 {
        self.reorgs
    }

    /// The hash of a block.
    pub fn hash(&self, number: u64) -> Option<B256> {
        self.block(number).map(|block| block.hash)
    }

    /// Adds blocks.
    pub fn mine(&mut self, blocks: u64) {
        for _ in 0..blocks {
            let fork = self.blocks.last().map_or(0, |block| block.shape.fork);
            self.mine_on(fork);
        }
    }

    /// Takes the last `depth` blocks back and puts `depth + 1` others in their place. Where there are records of
    /// payments, these stay as they were told: only new blocks come.
    pub fn turn(&mut self, depth: u64) {
        let depth = if self.params.recorded { 0 } else { depth.min(self.head()) };
        let fork = self.blocks.last().map_or(0, |block| block.shape.fork) + 1;
        for _ in 0..depth {
            if let Some(block) = self.blocks.pop() {
                self.by_hash.remove(&block.hash);
            }
        }
        for _ in 0..=depth {
            self.mine_on(fork);
        }
        self.reorgs += 1;
    }

    pub(crate) fn block(&self, number: u64) -> Option<&Block> {
        self.blocks.get(usize::try_from(number).ok()?)
    }

    pub(crate) fn number_of(&self, hash: &B256) -> Option<u64> {
        self.by_hash.get(hash).copied()
    }

    pub(crate) fn body(&self, block: &Block) -> Arc<Body> {
        let last = || self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((hash, body)) = &*last()
            && *hash == block.hash
        {
            return Arc::clone(body);
        }
        let mut body = Body::of(&self.params, block.shape);
        body.decide(&block.decisions);
        let body = Arc::new(body);
        *last() = Some((block.hash, Arc::clone(&body)));
        body
    }

    pub(crate) fn logs(&self, block: &Block, body: &Body) -> Vec<Entry> {
        body.logs(&self.params, block.at)
    }

    pub(crate) fn header(&self, block: &Block, transactions: usize) -> Header {
        header(&self.params, (block.shape, block.at), block.parent, *block.bloom, transactions)
    }

    /// The block of a transaction and its place there.
    pub(crate) fn find(&self, tx: B256) -> Option<(&Block, Arc<Body>, usize)> {
        let block = self.block(block_of(tx))?;
        let body = self.body(block);
        let place = body.txs.iter().position(|other| other.hash == tx)?;
        Some((block, body, place))
    }

    /// How long after the block before it.
    fn step(&self, Shape { number, fork, .. }: Shape) -> u64 {
        let draw = mix3(self.params.seed ^ 0x71c7, number, fork.into());
        if draw % 100 >= self.params.jumps_pct {
            return BLOCK_TIME;
        }
        // From a second to some weeks, short ones as often as long ones.
        1 + (draw >> 32) % (1 << ((draw >> 8) % 22))
    }

    fn mine_on(&mut self, fork: u32) {
        let number = self.blocks.len() as u64;
        let usual = (self.params.settlements / self.params.blocks.max(1)).max(1);
        let settlements = mix3(self.params.seed, 99, number) % (2 * usual + 1);
        self.append(fork, u32::try_from(settlements).unwrap_or(u32::MAX));
    }

    fn append(&mut self, fork: u32, settlements: u32) {
        let number = self.blocks.len() as u64;
        let spread = mix3(self.params.seed, 5, number) % 100;
        let noise =
            if number == 0 { 0 } else { (u64::from(settlements) * self.params.noise_pct + spread) / 100 };
        let noise = u32::try_from(noise).unwrap_or(u32::MAX);
        let shape = Shape { number, fork, settlements, noise };
        let at = self.blocks.last().map_or(BEGINS, |before| before.at + self.step(shape));
        let mut body = Body::of(&self.params, shape);
        let mut decisions: Box<[B256]> = Box::default();
        if self.params.recorded {
            // None of these records is too large.
            let told = self.spools.tell(&self.params, number, &body).unwrap_or_default();
            decisions = told.iter().flatten().map(|story| story.decided.hash).collect();
            body.decide(&decisions);
        }
        let mut bloom = Bloom::ZERO;
        for log in body.logs(&self.params, at) {
            bloom.accrue_raw_log(log.address, log.data.topics());
        }
        let parent = self.blocks.last().map_or(B256::ZERO, |block| block.hash);
        let hash = header(&self.params, (shape, at), parent, bloom, body.txs.len()).hash_slow();
        self.by_hash.insert(hash, number);
        self.blocks.push(Block { shape, at, hash, parent, bloom: Box::new(bloom), decisions });
    }
}

/// Unix seconds, of a chain whose clock does not jump.
pub(crate) fn timestamp(number: u64) -> u64 {
    BEGINS + BLOCK_TIME * number
}

/// How much of the settlements a block has: many have little, some very much.
fn weight(params: &Params, block: u64) -> u64 {
    let draw = mix3(params.seed, 77, block);
    if block == 0 { 0 } else { (draw & 15) * ((draw >> 8) & 15) }
}

fn header(
    params: &Params,
    (shape, at): (Shape, u64),
    parent: B256,
    bloom: Bloom,
    transactions: usize,
) -> Header {
    let key = mix3(params.seed ^ 0x4ead, shape.number, shape.fork.into());
    Header {
        parent_hash: parent,
        ommers_hash: EMPTY_OMMER_ROOT_HASH,
        beneficiary: address(Use::Sequencer, 0),
        state_root: word(key ^ 1),
        transactions_root: word(key ^ 2),
        receipts_root: word(key ^ 3),
        logs_bloom: bloom,
        difficulty: U256::ZERO,
        number: shape.number,
        gas_limit: 240_000_000,
        gas_used: 50_000 + 85_000 * transactions as u64,
        timestamp: at,
        extra_data: Bytes::new(),
        mix_hash: word(key ^ 4),
        nonce: B64::ZERO,
        base_fee_per_gas: Some(1_000_000),
        ..Default::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fingerprint(chain: &Chain) -> Vec<B256> {
        chain.blocks.iter().map(|block| block.hash).collect()
    }

    #[test]
    fn the_same_seed_gives_the_same_bytes_and_another_gives_others() {
        let (one, two) = (Chain::new(Params::small()), Chain::new(Params::small()));
        assert_eq!(fingerprint(&one), fingerprint(&two));
        let other = Chain::new(Params { seed: 2, ..Params::small() });
        assert_ne!(one.hash(0), other.hash(0));
    }

    #[test]
    fn turning_keeps_what_is_below_and_links_what_is_above() {
        let mut chain = Chain::new(Params::small());
        let before = fingerprint(&chain);
        let head = chain.head();
        chain.turn(3);
        let after = fingerprint(&chain);
        assert_eq!((chain.head(), chain.reorgs()), (head + 1, 1));
        let shared = before.iter().zip(&after).take_while(|(one, other)| one == other).count();
        assert_eq!(shared as u64, head - 2);
        for pair in chain.blocks.windows(2) {
            assert_eq!(pair[1].parent, pair[0].hash);
        }
        assert!(chain.number_of(&before[head as usize]).is_none());
    }
}
