//! The ledger as values: rows that blocks change, facts that blocks add, and a working copy over a store.

mod alerts;
mod facts;
mod records;
mod rows;
mod then;
mod watch_list;

use std::{collections::BTreeMap, sync::Arc};

use alloy::primitives::{Address, B256};

pub use alerts::{AlertKind, AlertRow, Detail, Outside, Severity, Telling, Topic};
pub use facts::{
    AnchorRow, Aside, BlockFacts, Effects, EventRow, KeptLog, KeptTransfer, PaymentRow, PolicyRow,
    SettlementRow, StampRow, StopRow,
};
pub use records::{Fact, Record, Settlement, standing};
pub use rows::{
    AssetRow, EnvelopeRow, GroupRow, Key, LimitUse, Newcomers, PurseRow, Row, SessionRow, TreasuryRow,
};
pub use then::{EnvelopeThen, Paid, STEP, SessionThen, Then, TreasuryThen};
pub use watch_list::{Label, LabelError, WatchKind, WatchList};

/// Where in the ledger something happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// At which height.
    pub block: u64,
    /// In that block; `None` after it, where a record is taken in.
    pub hash: Option<B256>,
    /// That block's time, in unix seconds.
    pub at: u64,
}

/// Where rows are read from.
pub trait Rows: Send {
    /// What reading may fail with.
    type Error: std::error::Error + Send;

    /// The row; `None` where there is none.
    fn load(&mut self, key: &Key) -> impl Future<Output = Result<Option<Arc<Row>>, Self::Error>> + Send;

    /// Whether it takes no reading to know that there is no such row.
    fn lacks(&self, key: &Key) -> bool;

    /// The payment of that purse that used that nonce; `None` where none has.
    fn settlement(
        &mut self,
        purse: Address,
        nonce: B256,
    ) -> impl Future<Output = Result<Option<Settlement>, Self::Error>> + Send;

    /// What was taken in about that payment below that height, in the ledger's order.
    fn records(
        &mut self,
        purse: Address,
        nonce: B256,
        below: u64,
    ) -> impl Future<Output = Result<Vec<Record>, Self::Error>> + Send;

    /// That policy version of an envelope, put in force by an earlier block; as JSON.
    fn rules(
        &mut self,
        of: (Address, u32),
        version: u16,
    ) -> impl Future<Output = Result<Option<String>, Self::Error>> + Send;

    /// What tells of what that account pays outside any envelope, where it is at hand: to find it takes hashing.
    fn outside(&self, payer: Address) -> Option<Telling>;
}

/// A row that changed: as it was, and as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Which row.
    pub key: Key,
    /// Before the block; `None` where there was none.
    pub before: Option<Arc<Row>>,
    /// After the block; `None` where there is none any more.
    pub after: Option<Arc<Row>>,
}

/// A row as it was and as it is; `None` where there is none.
type Slot = (Option<Arc<Row>>, Option<Arc<Row>>);

/// A working copy of the rows that a block touches.
#[derive(Debug)]
pub struct Ledger<R> {
    rows: R,
    slots: BTreeMap<Key, Slot>,
    // What to put back if the log at hand comes to nothing.
    undo: Vec<(Key, Option<Arc<Row>>)>,
}

impl<R: Rows> Ledger<R> {
    /// A working copy over `rows`.
    pub fn new(rows: R) -> Self {
        Self { rows, slots: BTreeMap::new(), undo: Vec::new() }
    }

    /// The row as it stands; `None` where there is none.
    ///
    /// # Errors
    /// As reading fails.
    pub async fn get(&mut self, key: Key) -> Result<Option<Row>, R::Error> {
        Ok(self.look(key).await?.as_deref().cloned())
    }

    /// The same to look at.
    ///
    /// # Errors
    /// As reading fails.
    pub async fn look(&mut self, key: Key) -> Result<Option<Arc<Row>>, R::Error> {
        if let Some((_, now)) = self.slots.get(&key) {
            return Ok(now.clone());
        }
        let row = self.load(&key).await?;
        // Most accounts that a block names are nobody's: what is not there takes no place.
        if row.is_some() {
            self.slots.insert(key, (row.clone(), row.clone()));
        }
        Ok(row)
    }

    async fn load(&mut self, key: &Key) -> Result<Option<Arc<Row>>, R::Error> {
        if self.rows.lacks(key) { Ok(None) } else { self.rows.load(key).await }
    }

    /// Puts a row in the place of the one there is, or takes it away.
    ///
    /// # Errors
    /// As reading fails.
    pub async fn set(&mut self, key: Key, row: Option<Row>) -> Result<(), R::Error> {
        if !self.slots.contains_key(&key) {
            let before = self.load(&key).await?;
            self.slots.insert(key, (before.clone(), before));
        }
        if let Some((_, now)) = self.slots.get_mut(&key) {
            self.undo.push((key, std::mem::replace(now, row.map(Arc::new))));
        }
        Ok(())
    }

    /// Says that no block before this one can have left a row there, so that nobody is asked for it.
    pub fn begins_here(&mut self, key: Key) {
        self.slots.entry(key).or_insert((None, None));
    }

    /// From here on, [`Self::roll_back`] undoes.
    pub fn begin(&mut self) {
        self.undo.clear();
    }

    /// Undoes every change since [`Self::begin`].
    pub fn roll_back(&mut self) {
        while let Some((key, row)) = self.undo.pop() {
            if let Some((_, now)) = self.slots.get_mut(&key) {
                *now = row;
            }
        }
    }

    /// The payment of that purse that used that nonce, in an earlier block.
    ///
    /// # Errors
    /// As reading fails.
    pub async fn settlement(&mut self, purse: Address, nonce: B256) -> Result<Option<Settlement>, R::Error> {
        self.rows.settlement(purse, nonce).await
    }

    /// What was taken in about that payment below that height, in the ledger's order.
    ///
    /// # Errors
    /// As reading fails.
    pub async fn records(
        &mut self,
        purse: Address,
        nonce: B256,
        below: u64,
    ) -> Result<Vec<Record>, R::Error> {
        self.rows.records(purse, nonce, below).await
    }

    /// That policy version of an envelope, put in force by an earlier block; as JSON.
    ///
    /// # Errors
    /// As reading fails.
    pub async fn rules(&mut self, of: (Address, u32), version: u16) -> Result<Option<String>, R::Error> {
        self.rows.rules(of, version).await
    }

    /// What tells of what that account pays outside any envelope, where it is at hand.
    pub fn outside(&self, payer: Address) -> Option<Telling> {
        self.rows.outside(payer)
    }

    /// What changed, in the order of keys.
    pub fn into_changes(self) -> Vec<Change> {
        let changed = self.slots.into_iter().filter(|(_, (before, after))| before != after);
        changed.map(|(key, (before, after))| Change { key, before, after }).collect()
    }
}
