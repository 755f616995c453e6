//! Forward: blocks into the ledger, with the checkpoint that says so, in one transaction.

use std::{sync::atomic::Ordering, time::SystemTime};

use alloy::primitives::B256;

use super::{
    Checkpoint, Store, StoreError, alerts, heard, intake,
    lent::{HasTx as _, Lent},
    load::Loader,
    partitions::Room,
    pending::Pending,
    tables, traces, watched,
};
use crate::{
    db::{DbError, Query, Tx},
    ledger::{BlockFacts, WatchList},
    outbox::{self, Origin},
    project::{ProjectError, Realm, project},
    query::checkpoint::{self, Settled},
    source::BlockHeader,
};

/// Blocks to apply at once.
#[derive(Debug, Clone, Copy)]
pub struct Batch<'a> {
    /// The block that the ledger stands at; `None` where it has not begun.
    pub after: Option<B256>,
    /// The watch list by which they were asked for.
    pub list: &'a WatchList,
    /// The blocks that concern us, in order.
    pub blocks: &'a [BlockFacts],
    /// The block that the ledger stands at afterwards: the last of `blocks`, or a later one without our logs.
    pub tip: BlockHeader,
    /// The chain's head.
    pub head: u64,
    /// How far the chain is to be relied on.
    pub settled: Settled,
    /// From so many rows on, what blocks add is written while the ones after them are projected.
    pub write_from: usize,
    /// How many blocks a partition is for, where PostgreSQL has none yet for some of these.
    pub partition_blocks: u64,
    /// When `tip` was seen, where its payments are to be told in the traces of their agents; `None` tells nothing.
    pub seen: Option<SystemTime>,
}

/// Why blocks were not applied, or not unwound. Nothing has changed.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The logs do not follow from the ledger.
    #[error(transparent)]
    Gap(ProjectError<StoreError>),
    /// Somebody else writes to this store.
    #[error(
        "expected the ledger at block {expected:?}, got {got:?}: is another indexer writing to this store?"
    )]
    Moved {
        /// Where this indexer left it.
        expected: Option<B256>,
        /// Where it is.
        got: Option<B256>,
    },
    /// Blocks that the ledger has, or out of order.
    #[error("expected blocks after {after}, in order and up to the tip, got {got}")]
    Order {
        /// The block that comes before.
        after: u64,
        /// The one that came.
        got: u64,
    },
    /// The watch list has changed since the blocks were asked for: they have to be asked for again.
    #[error("expected revision {expected} of the watch list, got {got}")]
    Listed {
        /// The one that the blocks were asked for by.
        expected: u64,
        /// The one that stands.
        got: u64,
    },
    /// A reorg beyond finality.
    #[error("expected no reorg below block {final_number}, got one that goes back to block {to}")]
    TooDeep {
        /// The last final block.
        final_number: u64,
        /// Where the chains part.
        to: u64,
    },
}

impl From<DbError> for ApplyError {
    fn from(error: DbError) -> Self {
        Self::Store(error.into())
    }
}

impl Store {
    /// Applies a batch: rows, projections, blocks and checkpoint, all or nothing. Gives where the ledger stands then: what is
    /// safe is within what is final and what is there, and does not go back by itself.
    ///
    /// # Errors
    /// When the database fails, the logs do not follow, or the ledger is not where it was left.
    pub async fn apply(&self, realm: Realm, batch: Batch<'_>) -> Result<Checkpoint, ApplyError> {
        let Batch { after, list, blocks, tip, head, settled, write_from, partition_blocks, seen } = batch;
        let mut applying = self.begin(realm, after, list, settled, write_from, partition_blocks).await?;
        applying.add(blocks, tip).await?;
        applying.finish(head, seen).await
    }

    /// Begins a batch that comes in parts.
    ///
    /// # Errors
    /// When the database fails, or the ledger is not where it was left.
    pub(crate) async fn begin<'a>(
        &'a self,
        realm: Realm,
        after: Option<B256>,
        list: &'a WatchList,
        settled: Settled,
        write_from: usize,
        partition_blocks: u64,
    ) -> Result<Applying<'a>, ApplyError> {
        let mut tx = self.db.begin().await?;
        let before = checkpoint::get(&mut tx).await?;
        let got = before.map(|at| at.hash);
        if got != after {
            return Err(ApplyError::Moved { expected: after, got });
        }
        let (expected, got) = (list.revision(), watched::revision(&mut tx).await?);
        if got != expected {
            return Err(ApplyError::Listed { expected, got });
        }
        let keeps_then = self.keeps_then(&mut tx).await?;
        let tells_from = outbox::tells_from(&mut tx, before, settled.final_number).await?;
        let pending = Pending::of(self.known.take(after, &mut tx).await?, tells_from);
        let tx = Lent::Here(tx);
        Ok(Applying {
            store: self,
            realm,
            list,
            before,
            keeps_then,
            settled,
            write_from,
            partition_blocks,
            tells_from,
            tx,
            room: self.room.take(),
            pending,
            aside: 0,
            to: None,
        })
    }
}

/// A batch that comes in parts, in one transaction. Dropped before it is finished, it has changed nothing.
pub(crate) struct Applying<'a> {
    store: &'a Store,
    realm: Realm,
    list: &'a WatchList,
    /// Where the ledger stood.
    before: Option<Checkpoint>,
    /// Whether how rows stood is kept up to there.
    keeps_then: bool,
    settled: Settled,
    write_from: usize,
    partition_blocks: u64,
    tells_from: Option<u64>,
    tx: Lent,
    room: Room,
    pending: Pending,
    /// How many logs were set aside so far.
    aside: usize,
    /// The last block so far, and whether it is kept already.
    to: Option<(BlockHeader, bool)>,
}

impl Applying<'_> {
    /// The last final block: none before the one that was.
    fn final_number(&self) -> u64 {
        self.settled.final_number.max(self.before.map_or(0, |at| at.final_number))
    }

    /// Adds blocks that concern us, in order, up to `tip`.
    ///
    /// # Errors
    /// When the database fails, or the logs do not follow.
    pub(crate) async fn add(&mut self, blocks: &[BlockFacts], tip: BlockHeader) -> Result<(), ApplyError> {
        let after = self.to.map(|(tip, _)| tip.number).or(self.before.map(|at| at.number));
        if let Some(after) = after {
            in_order(after, blocks, tip.number)?;
        }
        let final_number = self.final_number();
        let Self { realm, list, tx, room, pending, aside, .. } = self;
        room.reach(tx, blocks, self.partition_blocks).await?;
        let mut waiting = intake::waiting(tx.tx().await?, after, tip.number).await?;
        Loader { tx: &mut *tx, pending: &mut *pending }.look_ahead(blocks, list).await?;
        let mut kept = None;
        for block in blocks {
            let number = block.header.number;
            intake::take_in(tx, pending, &mut waiting, number, final_number).await?;
            let rows = Loader { tx: &mut *tx, pending: &mut *pending };
            let (added, changes) = project(*realm, list, block, rows).await.map_err(trouble)?;
            let is_named = !(added.events.is_empty() && added.aside.is_empty());
            // What is final is kept where rows name it; see also what is pruned.
            if is_named || number >= final_number {
                pending.keep_block(&block.header);
                kept = Some(number);
            }
            *aside = aside.saturating_add(added.aside.len());
            pending.add(&block.header, added);
            pending.change(tx, number, changes, final_number).await?;
            pending.write_ahead(tx, self.write_from).await?;
        }
        intake::take_in(tx, pending, &mut waiting, u64::MAX, final_number).await?;
        self.to = Some((tip, kept == Some(tip.number)));
        Ok(())
    }

    /// Writes what is left, moves the checkpoint to the last block, and commits. `head` is the chain's; `seen` is when the
    /// last block was, where its payments are to be told in the traces of their agents.
    ///
    /// # Errors
    /// When the database fails, or nothing was added.
    pub(crate) async fn finish(self, head: u64, seen: Option<SystemTime>) -> Result<Checkpoint, ApplyError> {
        let before = self.before;
        let pruned_to = before.map_or(0, |at| at.final_number);
        let Some((tip, kept)) = self.to else {
            let after = before.map_or(0, |at| at.number);
            return Err(ApplyError::Order { after, got: after });
        };
        let final_number = self.final_number().min(tip.number).max(pruned_to);
        let was_safe = before.map_or(0, |at| at.safe_number);
        let safe_number = self.settled.safe_number.min(tip.number).max(final_number).max(was_safe);
        let mut pending = self.pending;
        if !kept {
            pending.keep_block(&tip);
        }
        let mut tx = self.tx.returned().await?;
        let rows = pending.rows();
        let known = pending.write(&mut tx).await?;
        let tells = before.zip(self.tells_from.filter(|from| tip.number >= *from));
        let since = match tells {
            Some((before, from)) => {
                let since = outbox::told_until(&mut tx, before, from).await?;
                let settled_to = before.final_number.max(from.saturating_sub(1));
                outbox::settle(&mut tx, settled_to, since, &tip, final_number).await?;
                Some(since)
            }
            None => None,
        };
        let BlockHeader { number, hash, timestamp, .. } = tip;
        let at = Checkpoint { number, hash, timestamp, head, final_number, safe_number };
        tables::CHECKPOINT.put(tables::checkpoint(&at, self.keeps_then)).execute(&mut tx).await?;
        if let Some(since) = since {
            let origin = Origin { block: at.number, hash: Some(at.hash), log: None };
            let ripe = alerts::tell_ripe(&mut tx, origin, since, at.timestamp).await?;
            outbox::add_all(&mut tx, &ripe).await?;
        }
        let traced = match seen {
            Some(_) => traces::of_block(&mut tx, at.number).await?,
            None => Vec::new(),
        };
        prune(&mut tx, pruned_to, final_number).await?;
        heard::taken_over(&mut tx, tip.number).await?;
        if final_number >= tip.number {
            // In backfill there is the next batch right behind it.
            tx.hurry().await?;
        }
        tx.commit().await?;
        if let Some(seen) = seen {
            traces::tell(traced, seen);
        }
        self.store.known.keep(at.hash, known);
        for (counter, more) in [(&self.store.rows, rows), (&self.store.aside, self.aside)] {
            counter.fetch_add(u64::try_from(more).unwrap_or(u64::MAX), Ordering::Relaxed);
        }
        self.store.make_next(self.room, tip.number, self.partition_blocks).await;
        Ok(at)
    }
}

/// Each block after the one before it, the first after `stands`, the last no later than the tip.
fn in_order(stands: u64, blocks: &[BlockFacts], tip: u64) -> Result<(), ApplyError> {
    let mut after = stands;
    for got in blocks.iter().map(|block| block.header.number) {
        if got <= after {
            return Err(ApplyError::Order { after, got });
        }
        after = got;
    }
    if tip < after || tip == stands { Err(ApplyError::Order { after, got: tip }) } else { Ok(()) }
}

fn trouble(error: ProjectError<StoreError>) -> ApplyError {
    match error {
        ProjectError::Rows(error) => ApplyError::Store(error),
        gap => ApplyError::Gap(gap),
    }
}

/// The bounds are said of each table, so that PostgreSQL leaves all partitions alone in which none of these blocks is.
pub(crate) const PRUNE_BLOCKS: &str = "DELETE FROM block WHERE number >= $1 AND number < $2 \
    AND number < (SELECT number FROM checkpoint) \
    AND NOT EXISTS (SELECT 1 FROM event WHERE block_number = block.number \
    AND block_number >= $1 AND block_number < $2) \
    AND NOT EXISTS (SELECT 1 FROM undecoded WHERE block_number = block.number \
    AND block_number >= $1 AND block_number < $2)";

/// What is final needs no journal, and no block row but where rows name it.
async fn prune(tx: &mut Tx, pruned_to: u64, final_number: u64) -> Result<(), DbError> {
    // From where it was pruned to: PostgreSQL's index keeps what is gone until it is vacuumed, and would be read through from its start.
    let journal = Query::new("DELETE FROM journal WHERE block_number > $1 AND block_number <= $2");
    journal.bind(pruned_to).bind(final_number).execute(&mut *tx).await?;
    // The last final block stays: a reorg may go back to it. So the one before is looked at again.
    Query::new(PRUNE_BLOCKS).bind(pruned_to).bind(final_number).execute(tx).await?;
    Ok(())
}
