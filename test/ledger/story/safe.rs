//! What is safe stands between what is final and the head, whatever a node says, and may be taken back.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use alloy::primitives::{Address, B256, keccak256};
use anyhow::{Context, Result};
use async_trait::async_trait;
use bursar_indexer::{
    Config, IndexerError, Status, Store,
    source::{Answer, BlockHeader, Blocks, Landmark, LogQuery, Source, SourceError, TransactionInput},
    store::{ApplyError, Checkpoint},
};
use bursar_test_stores::{Stores, on_both_stores};

use crate::ledger::{Running, config, open};

on_both_stores!(
    a_depth_tells_what_is_safe,
    the_node_tells_what_is_safe_beside_what_is_final,
    a_node_that_lies_of_what_is_safe_moves_nothing_but_that,
    a_reorg_through_safe_is_unwound_counted_and_said,
);

/// A chain on which nothing happens, and a node that says of it what it is told to say.
#[derive(Default)]
struct Quiet(Mutex<Said>);

#[derive(Default)]
struct Said {
    blocks: Vec<BlockHeader>,
    safe: Option<BlockHeader>,
    finalized: Option<u64>,
    refuses_safe: bool,
}

impl Quiet {
    fn said(&self) -> std::sync::MutexGuard<'_, Said> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has the chain branch off after `after` and end at `head`.
    fn grow(&self, after: Option<u64>, head: u64, branch: u8) -> B256 {
        let mut said = self.said();
        said.blocks.truncate(after.map_or(0, |after| after as usize + 1));
        for number in said.blocks.len() as u64..=head {
            let parent_hash = said.blocks.last().map(|parent| parent.hash);
            let hash = keccak256([&number.to_be_bytes()[..], &[branch]].concat());
            said.blocks.push(BlockHeader { number, hash, parent_hash, timestamp: 1_000 + number });
        }
        said.blocks[head as usize].hash
    }

    fn mine(&self) -> B256 {
        let head = self.said().blocks.len() as u64;
        self.grow(Some(head - 1), head, 0)
    }

    fn says(&self, safe: Option<u64>, finalized: u64) {
        let mut said = self.said();
        said.finalized = Some(finalized);
        said.safe = safe.and_then(|safe| said.blocks.get(safe as usize).copied());
    }
}

#[async_trait]
impl Source for Quiet {
    async fn chain_id(&self) -> Result<u64, SourceError> {
        Ok(1)
    }

    async fn has_code(&self, _: Address) -> Result<bool, SourceError> {
        Ok(true)
    }

    async fn head(&self) -> Result<BlockHeader, SourceError> {
        self.said().blocks.last().copied().ok_or_else(|| SourceError::NotFound("its latest block".into()))
    }

    async fn landmark(&self, which: Landmark) -> Result<Option<BlockHeader>, SourceError> {
        let said = self.said();
        match which {
            Landmark::Safe if said.refuses_safe => Err(SourceError::Other("what is that?".into())),
            Landmark::Safe => Ok(said.safe),
            Landmark::Finalized => {
                Ok(said.finalized.and_then(|number| said.blocks.get(number as usize).copied()))
            }
        }
    }

    async fn header(&self, number: u64) -> Result<Option<BlockHeader>, SourceError> {
        Ok(self.said().blocks.get(number as usize).copied())
    }

    async fn logs(&self, query: &LogQuery) -> Result<Answer, SourceError> {
        let tip = match query.blocks {
            Blocks::Hash(_) => None,
            Blocks::Range(_, to) => self.said().blocks.get(to as usize).copied(),
        };
        Ok(Answer { logs: Vec::new(), tip })
    }

    async fn transactions(
        &self,
        _: B256,
        _: &[B256],
    ) -> Result<HashMap<B256, TransactionInput>, SourceError> {
        Ok(HashMap::new())
    }
}

fn by_node() -> Config {
    Config { final_at: Some(Landmark::Finalized), ..config(1, Address::ZERO) }
}

/// What the ledger and its status say alike: safe and final.
async fn heights(store: &Store, status: &Status) -> Result<(u64, u64)> {
    let at: Checkpoint = store.checkpoint().await?.context("a checkpoint")?;
    assert_eq!((status.safe_number, status.final_number), (at.safe_number, at.final_number));
    Ok((at.safe_number, at.final_number))
}

async fn a_depth_tells_what_is_safe(stores: Stores) -> Result<()> {
    // Depths, and what is safe and final with a head of 20: never below what is final, and that itself where none is told.
    for (finality, safety, expected) in [
        (8, Some(3), (17, 12)),
        (8, Some(0), (20, 12)),
        (8, Some(7), (13, 12)),
        (8, Some(8), (12, 12)),
        (8, Some(9), (12, 12)),
        (8, None, (12, 12)),
        (0, Some(3), (20, 20)),
        (30, Some(25), (0, 0)),
        (30, Some(20), (0, 0)),
        (30, Some(19), (1, 0)),
    ] {
        let store = Store::connect(&stores.another().await?.parse()?).await?;
        let chain = Arc::new(Quiet::default());
        let head = chain.grow(None, 20, 0);
        let config = Config { finality, safety, ..config(1, Address::ZERO) };
        let mut running = Running::start(config, chain, store.clone());
        let status = running.until(head).await?;
        assert_eq!(heights(&store, &status).await?, expected, "{finality} {safety:?}");
        running.stop().await?;
        store.close().await;
    }
    Ok(())
}

async fn the_node_tells_what_is_safe_beside_what_is_final(stores: Stores) -> Result<()> {
    let store = open(&stores, "ledger").await?;
    let chain = Arc::new(Quiet::default());
    let head = chain.grow(None, 20, 0);
    chain.says(Some(15), 10);
    // A depth says nothing where the node does.
    let config = Config { safety: Some(1), ..by_node() };
    let mut running = Running::start(config, Arc::clone(&chain), store.clone());
    let status = running.until(head).await?;
    assert_eq!(heights(&store, &status).await?, (15, 10));
    // Each says no more than it is asked, and what was safe stays so without a reorg.
    for (safe, finalized, expected) in [
        (Some(16), 10, (16, 10)),
        (Some(14), 11, (16, 11)),
        (None, 11, (16, 11)),
        (Some(17), 17, (17, 17)),
        (Some(18), 17, (18, 17)),
        (None, 19, (19, 19)),
    ] {
        chain.says(safe, finalized);
        let status = running.until(chain.mine()).await?;
        assert_eq!(heights(&store, &status).await?, expected, "{safe:?} {finalized}");
    }
    // One that does not know the word is followed all the same.
    chain.said().refuses_safe = true;
    chain.says(Some(25), 20);
    let status = running.until(chain.mine()).await?;
    assert_eq!(heights(&store, &status).await?, (20, 20));
    assert_eq!((status.waits, status.error), (0, None));
    running.stop().await
}

async fn a_node_that_lies_of_what_is_safe_moves_nothing_but_that(stores: Stores) -> Result<()> {
    let store = open(&stores, "ledger").await?;
    let chain = Arc::new(Quiet::default());
    let head = chain.grow(None, 20, 0);
    // Below what is final.
    chain.says(Some(9), 10);
    let mut running = Running::start(by_node(), Arc::clone(&chain), store.clone());
    let status = running.until(head).await?;
    assert_eq!(heights(&store, &status).await?, (10, 10));
    // A block of another chain, at a height that the ledger has.
    let forged = |number| {
        let hash = B256::repeat_byte(0x66);
        Some(BlockHeader { number, hash, parent_hash: None, timestamp: 0 })
    };
    for number in [11, 20, 21] {
        chain.said().safe = forged(number);
        let status = running.until(chain.mine()).await?;
        assert_eq!(heights(&store, &status).await?, (10, 10), "{number}");
    }
    // Above the head: no block is safe that is not there.
    chain.said().safe = forged(1_000_000);
    let status = running.until(chain.mine()).await?;
    assert_eq!(heights(&store, &status).await?, (10, 10));
    // It cost nothing: the chain turns, and is followed.
    let status = running.until(chain.grow(Some(12), 25, 1)).await?;
    assert_eq!((status.reorgs, status.safe_reorgs, status.waits), (1, 0, 0));
    running.stop().await
}

async fn a_reorg_through_safe_is_unwound_counted_and_said(stores: Stores) -> Result<()> {
    let store = open(&stores, "ledger").await?;
    let chain = Arc::new(Quiet::default());
    let head = chain.grow(None, 20, 0);
    let config = Config { safety: Some(4), ..config(1, Address::ZERO) };
    let mut running = Running::start(config, Arc::clone(&chain), store.clone());
    let status = running.until(head).await?;
    assert_eq!(heights(&store, &status).await?, (16, 12));
    // The last safe block stays: nothing of it is taken back.
    let status = running.until(chain.grow(Some(16), 21, 1)).await?;
    assert_eq!((status.reorgs, status.safe_reorgs), (1, 0));
    assert_eq!(heights(&store, &status).await?, (17, 13));
    // One block deeper, one that was safe goes; what is safe goes back to where the chains part, and no further.
    let status = running.until(chain.grow(Some(16), 17, 2)).await?;
    assert_eq!((status.reorgs, status.safe_reorgs), (2, 1));
    assert_eq!(heights(&store, &status).await?, (16, 13));
    let status = running.until(chain.grow(Some(17), 24, 2)).await?;
    assert_eq!(heights(&store, &status).await?, (20, 16));
    // Down to the last final one.
    let status = running.until(chain.grow(Some(16), 18, 3)).await?;
    assert_eq!((status.reorgs, status.safe_reorgs), (3, 2));
    assert_eq!(heights(&store, &status).await?, (16, 16));
    // What is final is not taken back.
    chain.grow(Some(15), 30, 4);
    let stopped = running.task.await?;
    let Err(IndexerError::Apply(ApplyError::TooDeep { final_number: 16, to: 16 | 15 })) = stopped else {
        anyhow::bail!("expected a reorg that is too deep, got {stopped:?}");
    };
    Ok(())
}
