//! That how rows stood is kept up to the ledger's last block. Whoever writes a block keeps it with that block; a store that an
//! earlier version has written is filled once, from what treasuries said and what was paid.

mod check;
mod replay;

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use futures::{StreamExt as _, TryStreamExt as _, stream::BoxStream};

use self::replay::{Paid, Replay, Step};
use super::{
    Store, StoreError,
    pending::Tables,
    tables::{self, THEN},
};
use crate::{
    db::{Db, DbError, DbRow, Query, Tx},
    query::{Position, checkpoint},
};

/// So many rows are written together.
const TOGETHER: usize = 4_096;

/// In the chain's order, which is the order of both tables.
const SAID: &str = "SELECT e.block_number, e.log_index, e.treasury, e.envelope, e.kind, e.args, b.timestamp \
                    FROM event e JOIN block b ON b.number = e.block_number \
                    WHERE e.treasury IS NOT NULL AND e.kind NOT IN ('transfer', 'authorization_used') \
                    ORDER BY e.block_number, e.log_index";
const PAID: &str = "SELECT p.block_number, p.log_index, p.treasury, p.envelope, p.purse, p.session, p.amount \
                    FROM payment p ORDER BY p.block_number, p.log_index";

/// Whether this process has found that a store cannot be filled.
pub(super) type GivenUp = Arc<AtomicBool>;

impl Store {
    /// Fills what is not kept of how rows stood; whoever opens the store first.
    pub(super) async fn fill_then(&self) -> Result<(), StoreError> {
        if checkpoint::keeps_then(&self.db).await? {
            return Ok(());
        }
        let mut tx = match self.db.begin().await {
            Ok(tx) => tx,
            // Whoever it is may be filling it, or is asked for it when it writes the next block.
            Err(error) if error.is_busy() => {
                tracing::info!(%error, "somebody else writes: how rows stood is not filled here");
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        };
        if self.keeps_then(&mut tx).await? {
            tx.commit().await?;
        }
        Ok(())
    }

    /// Whether how rows stood is kept up to the ledger's last block. Where it is not, it is filled, if what treasuries said is
    /// all there.
    pub(super) async fn keeps_then(&self, tx: &mut Tx) -> Result<bool, StoreError> {
        if checkpoint::keeps_then(&mut *tx).await? {
            return Ok(true);
        }
        if self.given_up.load(Ordering::Relaxed) {
            return Ok(false);
        }
        match fill(&self.db, tx).await {
            Ok(()) => Ok(true),
            Err(StoreError::Db(error @ DbError::Inconsistent { .. })) => {
                tracing::warn!(%error, "as of earlier blocks nothing is told: what treasuries said is not all there");
                self.given_up.store(true, Ordering::Relaxed);
                clear(tx).await?;
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }
}

async fn clear(tx: &mut Tx) -> Result<(), DbError> {
    for table in THEN {
        table.clear().execute(&mut *tx).await?;
    }
    Ok(())
}

/// Goes through all that was said and paid, and keeps what stood after each block. Nobody writes the ledger meanwhile.
async fn fill(db: &Db, tx: &mut Tx) -> Result<(), StoreError> {
    if checkpoint::get(&mut *tx).await?.is_some() {
        tracing::info!("filling how rows stood after each block, once: until it is done nobody else writes");
    }
    tx.take_time(true).await?;
    clear(tx).await?;
    let (mut said, mut paid) = (steps(db, SAID, read_said), steps(db, PAID, read_paid));
    let (mut next_said, mut next_paid) = (said.try_next().await?, paid.try_next().await?);
    let (mut replay, mut kept) = (Replay::default(), Kept::default());
    let mut block = 0;
    loop {
        let is_said = match (&next_said, &next_paid) {
            (None, None) => break,
            (Some((said, _)), Some((paid, _))) => said < paid,
            (said, _) => said.is_some(),
        };
        let next = if is_said {
            std::mem::replace(&mut next_said, said.try_next().await?)
        } else {
            std::mem::replace(&mut next_paid, paid.try_next().await?)
        };
        let Some((position, step)) = next else { break };
        if position.block != block {
            kept.add(tx, block, &mut replay).await?;
            block = position.block;
        }
        replay.take(&step)?;
    }
    kept.add(tx, block, &mut replay).await?;
    kept.write(tx).await?;
    drop((said, paid));
    check::comes_to_today(tx, &mut replay).await?;
    tx.take_time(false).await?;
    Query::new("UPDATE checkpoint SET then_hash = hash").execute(tx).await?;
    Ok(())
}

/// Rows that are not written yet.
#[derive(Default)]
struct Kept {
    tables: Tables,
    rows: usize,
}

impl Kept {
    /// What has changed since the last block, in this one.
    async fn add(&mut self, tx: &mut Tx, block: u64, replay: &mut Replay) -> Result<(), StoreError> {
        for (key, before, after) in replay.changes() {
            for (table, row) in tables::then(block, &key, before.as_ref(), after.as_ref())? {
                self.tables.add(table, [row]);
                self.rows += 1;
            }
        }
        if self.rows < TOGETHER { Ok(()) } else { self.write(tx).await }
    }

    async fn write(&mut self, tx: &mut Tx) -> Result<(), StoreError> {
        self.rows = 0;
        std::mem::take(&mut self.tables).write(tx).await
    }
}

fn steps<'a>(
    db: &'a Db,
    sql: &'static str,
    read: fn(&DbRow) -> Result<Step, DbError>,
) -> BoxStream<'a, Result<(Position, Step), DbError>> {
    let rows = Query::new(sql).stream(db);
    rows.map(move |row| row.and_then(|row| Ok((Position::read(&row)?, read(&row)?)))).boxed()
}

fn read_said(row: &DbRow) -> Result<Step, DbError> {
    Ok(Step::Said {
        treasury: row.address("treasury")?,
        envelope: row.maybe_number("envelope")?,
        at: row.number("timestamp")?,
        said: replay::said(&row.text("kind")?, &row.text("args")?)?,
    })
}

fn read_paid(row: &DbRow) -> Result<Step, DbError> {
    Ok(Step::Paid(Paid {
        envelope: (row.address("treasury")?, row.number("envelope")?),
        purse: row.address("purse")?,
        session: row.hash("session")?,
        amount: row.amount("amount")?,
    }))
}
