//! What a batch comes to, before it is written: each row is read once and written once however many blocks change it,
//! and what is added goes to its table together.

use std::{collections::BTreeMap, sync::Arc};

use alloy::primitives::{
    Address, B256,
    map::{AddressMap, AddressSet, HashMap},
};

use super::{
    StoreError, alerts,
    held::{Changed, Held},
    known::{Known, KnownAlert},
    lent::{HasTx, Lent},
    tables::{self, Entry, Seen, Written},
};
use crate::{
    db::{Changes, DbError, Query, Table, Tx, Value},
    ledger::{Change, Effects, Fact, Key, PaymentRow, Row, Settlement, SettlementRow, Telling, Then},
    outbox::{self, Event, Origin},
    project::ungoverned,
    source::BlockHeader,
};

/// Rows that may wait while others are being written: projecting is faster than a database.
const MOST_WAITING: usize = 16_384;

/// So many rows that changed are put together at a time, while the database takes those before them.
const PIECE: usize = 4_096;

/// What a purse may pay only once: purse and nonce.
pub(super) type PaymentKey = (Address, B256);

/// What there is of one table, and of the next: rows, where nothing else is said.
pub(super) struct Tables<T = Vec<Vec<Value>>>(Vec<(&'static Table, T)>);

impl<T> Default for Tables<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: Default> Tables<T> {
    fn of(&mut self, table: &'static Table) -> &mut T {
        let known = self.0.iter().position(|(known, _)| std::ptr::eq(*known, table));
        let place = known.unwrap_or_else(|| {
            self.0.push((table, T::default()));
            self.0.len() - 1
        });
        &mut self.0[place].1
    }
}

impl Tables {
    pub(super) fn add(&mut self, table: &'static Table, rows: impl IntoIterator<Item = Vec<Value>>) {
        self.of(table).extend(rows);
    }

    pub(super) async fn write(self, tx: &mut Tx) -> Result<(), StoreError> {
        for (table, rows) in self.0 {
            table.insert_all(tx, rows).await?;
        }
        Ok(())
    }
}

/// What some of a batch's blocks add.
#[derive(Default)]
struct Part {
    blocks: Vec<Vec<Value>>,
    added: Tables,
    /// Most of what there is on most chains: put into cells where it is written.
    settlements: Vec<(BlockHeader, SettlementRow)>,
}

impl Part {
    fn rows(&self) -> usize {
        let added: usize = self.added.0.iter().map(|(_, rows)| rows.len()).sum();
        self.blocks.len() + added + self.settlements.len()
    }

    async fn write(self, tx: &mut Tx) -> Result<(), StoreError> {
        // Events name their blocks.
        tables::BLOCK.insert_all(tx, self.blocks).await?;
        self.added.write(tx).await?;
        let rows = self.settlements.iter().map(|(block, row)| tables::settlement(block, row));
        Ok(tables::SETTLEMENT.insert_all(tx, rows.collect()).await?)
    }
}

/// What a batch has come to so far.
#[derive(Default)]
pub(super) struct Pending {
    /// What is known of the ledger, where it is that all its purses are.
    known: Option<Known>,
    /// Payers outside any envelope whose alerts to remember, and what tells of them.
    payers: AddressMap<Telling>,
    /// Rows as the batch has them; what is changed is written once, when it does not change any more.
    pub(super) held: Held,
    /// Payments that were looked for, and those that the batch itself has settled.
    pub(super) settled: HashMap<PaymentKey, Option<Settlement>>,
    /// Policies that the batch itself has put in force, as JSON: of which envelope, and which version.
    pub(super) policies: HashMap<(Address, u32, u16), String>,
    /// What was taken in about payments that were looked for, at whichever height.
    pub(super) records: HashMap<PaymentKey, Vec<Entry>>,
    /// What is added and not written yet.
    part: Part,
    /// How many rows are.
    written: usize,
    scores: BTreeMap<(Address, u32, u64), Vec<Value>>,
    journal: Vec<Vec<Value>>,
    /// The next number in the journal of a block.
    next: HashMap<u64, u64>,
    /// The first block that is told of, where any is.
    tells_from: Option<u64>,
    /// What is told of them, in order.
    told: Vec<Event>,
    /// The block that was added last, until its changes are.
    last: Option<(u64, B256)>,
}

impl Pending {
    /// Nothing yet, on a ledger that this is known of and that tells of blocks from that one on.
    pub(super) fn of(known: Known, tells_from: Option<u64>) -> Self {
        Self { known: Some(known), tells_from, ..Self::default() }
    }

    /// Nothing yet, on a ledger that tells of blocks from that one on.
    pub(super) fn telling(tells_from: Option<u64>) -> Self {
        Self { tells_from, ..Self::default() }
    }

    fn tells(&self, block: u64) -> bool {
        self.tells_from.is_some_and(|from| block >= from)
    }

    /// Whether it takes no question to know that there is no such row.
    pub(super) fn lacks(&self, key: &Key) -> bool {
        let Key::Purse(account) = key else { return false };
        self.known.as_ref().is_some_and(|known| !known.purses.contains(account))
    }

    /// Takes the alerts of these payers outside any envelope from what is known, and gives the topics of which nothing is.
    /// All of them are remembered afterwards.
    pub(super) fn recall(&mut self, payers: AddressSet) -> Vec<B256> {
        let mut unknown = Vec::new();
        for payer in payers {
            // What the batch has made of its alerts since is newer.
            if self.payers.contains_key(&payer) {
                continue;
            }
            let known = self.known.as_ref().and_then(|known| known.alerts.get(&payer));
            let telling = match known {
                Some(KnownAlert { topic, id, row }) => {
                    self.held.found(Key::AlertTopic(*topic), Some(Arc::new(Row::AlertTopic(*id))));
                    self.held.found(Key::Alert(*id), Some(Arc::clone(row)));
                    Telling { topic: *topic, alert: Some(*id) }
                }
                None => {
                    let topic = ungoverned(payer).key();
                    if self.known.as_ref().is_some_and(|known| known.are_all) {
                        self.held.found(Key::AlertTopic(topic), None);
                    } else {
                        unknown.push(topic);
                    }
                    Telling { topic, alert: None }
                }
            };
            self.payers.insert(payer, telling);
        }
        unknown
    }

    /// What tells of a payer outside any envelope whose alerts are remembered.
    pub(super) fn outside(&self, payer: Address) -> Option<Telling> {
        self.payers.get(&payer).copied()
    }

    /// A block that the ledger keeps.
    pub(super) fn keep_block(&mut self, block: &BlockHeader) {
        self.part.blocks.push(tables::block(block));
    }

    /// What a block adds.
    pub(super) fn add(&mut self, block: &BlockHeader, effects: Effects) {
        self.last = Some((block.number, block.hash));
        if self.tells(block.number) {
            self.told.extend(outbox::of_block(block, &effects));
        }
        for (table, row) in tables::add(block, &effects) {
            self.part.added.add(table, [row]);
        }
        let unknown = effects.payments.iter().filter(|payment| !self.explained(payment));
        let unknown: Vec<_> = unknown.map(|payment| tables::unexplained(block, payment)).collect();
        self.part.added.add(&tables::UNEXPLAINED, unknown);
        self.part.settlements.extend(effects.settlements.into_iter().map(|row| (*block, row)));
        let policies = effects.policies.iter();
        self.policies
            .extend(policies.map(|row| ((row.treasury, row.envelope, row.version), row.rules.clone())));
        let named = effects.payments.iter().filter_map(|payment| Some((payment.nonce?, payment)));
        self.settled.extend(named.map(|(nonce, payment)| {
            let settled = Settlement {
                treasury: payment.treasury,
                envelope: payment.envelope,
                agent: payment.agent,
                payee: payment.payee,
                at: block.timestamp,
                standing: payment.standing,
                approved: payment.approver.is_some(),
            };
            ((payment.purse, nonce), Some(settled))
        }));
    }

    /// Whether a decision is known of a payment that was projected. To the score it may still be one to come: that is
    /// told in the ledger's order. Whoever asks is told what is known.
    fn explained(&self, payment: &PaymentRow) -> bool {
        let entries = payment.nonce.and_then(|nonce| self.records.get(&(payment.purse, nonce)));
        let decides = |entry: &Entry| matches!(entry.record.fact, Fact::Approved | Fact::Denied(_));
        entries.is_some_and(|entries| entries.iter().any(decides))
    }

    /// What changed at the height of `block`, so that it can be undone where that is not final.
    pub(super) async fn change(
        &mut self,
        tx: &mut impl HasTx,
        block: u64,
        changes: Vec<Change>,
        final_number: u64,
    ) -> Result<(), StoreError> {
        // What is taken in between blocks has a height and no block.
        let hash = self.last.take().filter(|(number, _)| *number == block).map(|(_, hash)| hash);
        let origin = Origin { block, hash, log: None };
        if self.tells(block) {
            self.told.extend(outbox::of_changes(origin, &changes));
            self.told.extend(alerts::tell(origin, &changes));
        }
        for Change { key, before, after } in changes {
            if block > final_number {
                let row = tables::written(&key)?;
                let was = before.as_deref().map(tables::written).transpose()?;
                let number = self.next_number(tx, block).await?;
                self.journal.push(tables::journal(block, number, row, was));
            }
            if let (Key::Score(treasury, envelope), Some(Row::Score(state))) = (key, after.as_deref()) {
                let row = tables::score_history(treasury, envelope, block, &Seen::of(state)?);
                self.scores.insert((treasury, envelope, block), row);
            }
            let stood = [&before, &after].map(|row| Then::of(&key, row.as_deref()));
            let [was, is] = stood.each_ref().map(Option::as_ref);
            for (table, row) in tables::then(block, &key, was, is)? {
                self.part.added.add(table, [row]);
            }
            if let (Key::Purse(account), Some(known)) = (key, &mut self.known) {
                known.purses.insert(account);
            }
            self.held.change(key, before, after);
        }
        Ok(())
    }

    /// Records are taken in at the height of a block that is in the journal already.
    async fn next_number(&mut self, tx: &mut impl HasTx, block: u64) -> Result<u64, StoreError> {
        let next = match self.next.get(&block) {
            Some(next) => *next,
            None => {
                let sql = "SELECT COALESCE(MAX(seq) + 1, 0) AS seq FROM journal WHERE block_number = $1";
                let row = Query::new(sql).bind(block).row(tx.tx().await?).await?;
                row.map(|row| row.number("seq")).transpose()?.unwrap_or_default()
            }
        };
        self.next.insert(block, next + 1);
        Ok(next)
    }

    /// How many rows it has come to.
    pub(super) fn rows(&self) -> usize {
        let added = self.written + self.part.rows();
        added + self.held.changed() + self.scores.len() + self.journal.len() + self.told.len()
    }

    /// Has what the blocks so far add written while the batch goes on, where it is so many rows and nothing else is being
    /// written; where too many wait, the batch does, too.
    pub(super) async fn write_ahead(&mut self, tx: &mut Lent, from: usize) -> Result<(), StoreError> {
        let rows = self.part.rows();
        if rows < from.max(1) || (rows < MOST_WAITING && !tx.is_free()) {
            return Ok(());
        }
        self.written += rows;
        let part = std::mem::take(&mut self.part);
        tx.lend(async move |mut tx| {
            part.write(&mut tx).await?;
            Ok(tx)
        })
        .await
    }

    /// Writes all that is left of it, and gives what is known of the ledger then.
    pub(super) async fn write(self, tx: &mut Tx) -> Result<Known, StoreError> {
        let mut known = self.known.unwrap_or_default();
        known.alerts(alerts(&self.held, self.payers));
        let mut changed = self.held.into_changed().into_iter();
        let mut next = || {
            let some: Vec<_> = changed.by_ref().take(PIECE).collect();
            (!some.is_empty()).then(|| tokio::task::spawn_blocking(move || Due::of(some)))
        };
        let mut piece = next();
        self.part.write(tx).await?;
        while let Some(due) = piece {
            let due = due.await.map_err(|_| DbError::Driver(sqlx::Error::WorkerCrashed))??;
            piece = next();
            due.write(tx).await?;
        }
        tables::SCORE_HISTORY.put_all(tx, self.scores.into_values().collect()).await?;
        tables::JOURNAL.insert_all(tx, self.journal).await?;
        outbox::add_all(tx, &self.told).await?;
        Ok(known)
    }
}

/// What has to be written of rows that a batch changed.
#[derive(Default)]
struct Due {
    /// Keys of what is deleted first.
    gone: Vec<(&'static Table, Vec<Value>)>,
    anew: Tables,
    changed: Tables<Changes>,
}

impl Due {
    fn of(changed: Vec<Changed>) -> Result<Self, StoreError> {
        let mut due = Self::default();
        for Changed { key, was, is } in changed {
            let row = is.as_deref();
            let Written { table, gone, rows } = tables::put(&key, row)?;
            match (gone, was) {
                (Some(gone), _) => {
                    due.gone.push((table, gone));
                    due.anew.add(table, rows);
                }
                (None, Some(before)) => {
                    let was = tables::replaced(&key, &before, row)?;
                    let changes = due.changed.of(table);
                    was.iter().zip(rows).for_each(|(was, is)| changes.add(was, is));
                }
                (None, None) => due.anew.add(table, rows),
            }
        }
        Ok(due)
    }

    async fn write(self, tx: &mut Tx) -> Result<(), StoreError> {
        for (table, key) in self.gone {
            table.delete(key).execute(&mut *tx).await?;
        }
        self.anew.write(tx).await?;
        for (table, changes) in self.changed.0 {
            table.change_all(tx, changes).await?;
        }
        Ok(())
    }
}

/// The alerts of these payers.
fn alerts(held: &Held, payers: AddressMap<Telling>) -> Vec<(Address, KnownAlert)> {
    let alert = |(payer, Telling { topic, .. })| {
        let Row::AlertTopic(id) = *held.get(&Key::AlertTopic(topic))?.as_deref()? else { return None };
        Some((payer, KnownAlert { topic, id, row: held.get(&Key::Alert(id))?.clone()? }))
    };
    payers.into_iter().filter_map(alert).collect()
}
