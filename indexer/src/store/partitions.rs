//! Room for what blocks add: in PostgreSQL, partitions are made in good time, and at the latest by the batch that writes to them.

use std::sync::{Mutex, PoisonError};

use super::{Store, StoreError, lent::HasTx};
use crate::{db::Partitions, ledger::BlockFacts};

/// How many blocks a partition is for, where nobody has said otherwise: 35 days of a chain with a block every two seconds.
pub const PARTITION_BLOCKS: u64 = 1_500_000;

/// A partition is made when the ledger is this part of its width away from it: a tenth.
const AHEAD: u64 = 10;

/// What partitions there are, as the last batch that was applied has seen them.
#[derive(Debug, Default)]
pub(super) struct Memory(Mutex<Room>);

/// What partitions there are.
#[derive(Debug, Default)]
pub(super) struct Room {
    there: Partitions,
    /// Somebody was in the way of the next one: it is not tried again before it is needed.
    put_off: bool,
}

impl Memory {
    /// What is known. It is given away, so that after a batch that fails it is looked at again.
    pub(super) fn take(&self) -> Room {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn keep(&self, room: Room) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = room;
    }
}

impl Room {
    /// Makes what is missing for these blocks, in the transaction that writes what they add.
    pub(super) async fn reach(
        &mut self,
        tx: &mut impl HasTx,
        blocks: &[BlockFacts],
        width: u64,
    ) -> Result<(), StoreError> {
        if blocks.iter().all(|block| self.there.have(block.header.number)) {
            return Ok(());
        }
        let blocks: Vec<u64> = blocks.iter().map(|block| block.header.number).collect();
        let there = tx.tx().await?.make_partitions(&blocks, width).await?;
        *self = Self { there, put_off: false };
        Ok(())
    }
}

impl Store {
    /// Makes the partitions that rows of these blocks go to, each for `width` blocks at most, where they are not there yet; nothing
    /// in SQLite. Indexers do so by themselves: this is for whoever writes rows beside them.
    ///
    /// # Errors
    /// When the database fails, or has a table by a partition's name which is none.
    pub async fn make_room(&self, blocks: &[u64], width: u64) -> Result<(), StoreError> {
        self.db.make_partitions(blocks, width).await?;
        Ok(())
    }

    /// Makes the next partition where the ledger, which stands at `tip`, comes near to it, and remembers what there is. There is time:
    /// what goes wrong is told, and left until it is needed.
    pub(super) async fn make_next(&self, mut room: Room, tip: u64, width: u64) {
        let block = tip.saturating_add(width / AHEAD);
        if !room.put_off && !room.there.have(block) {
            match self.db.make_partitions(&[block], width).await {
                Ok(there) => room.there = there,
                Err(error) => {
                    tracing::warn!(%error, block, "making a partition ahead of its time");
                    room.put_off = true;
                }
            }
        }
        self.room.keep(room);
    }
}
