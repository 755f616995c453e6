//! Time partitions: in PostgreSQL, tables that only grow are cut by block, so that the part that is written and read most stays
//! small, and old parts can be moved, kept apart or detached. SQLite has these tables whole.

mod span;

use super::{Db, DbError, DbRow, Query, Tx};

use span::{Span, missing};

/// The tables that are cut.
const CUT: [&str; 3] = ["event", "settlement", "undecoded"];

/// How PostgreSQL says that there is a table of that name.
const TAKEN: &str = "42P07";

/// The partitions of each table that is cut.
#[derive(Debug, Default)]
pub(crate) struct Partitions([Vec<Span>; CUT.len()]);

impl Partitions {
    /// Where tables are whole: one for every block.
    fn whole() -> Self {
        Self([(); CUT.len()].map(|()| vec![Span::ALL]))
    }

    /// Whether every table has a place for what a block causes.
    pub(crate) fn have(&self, block: u64) -> bool {
        self.0.iter().all(|spans| spans.iter().any(|span| span.has(block)))
    }
}

impl Db {
    /// As [`Tx::make_partitions`], by itself.
    pub(crate) async fn make_partitions(&self, blocks: &[u64], width: u64) -> Result<Partitions, DbError> {
        if let Self::Sqlite(_) = self {
            return Ok(Partitions::whole());
        }
        let mut tx = self.begin().await?;
        let all = tx.make_partitions(blocks, width).await?;
        tx.commit().await?;
        Ok(all)
    }
}

impl Tx {
    /// Sees to it that each of these blocks has its partition, and gives all there are. New ones are for `width` blocks at most.
    ///
    /// A partition is made beside its table and then attached: neither takes a lock that a reader waits for, nor does any
    /// reader's lock stand in its way. Who writes the ledger is alone: of several processes one makes it, and the others find it
    /// there.
    pub(crate) async fn make_partitions(
        &mut self,
        blocks: &[u64],
        width: u64,
    ) -> Result<Partitions, DbError> {
        if let Self::Sqlite(_) = self {
            return Ok(Partitions::whole());
        }
        // Who analyzes a table or detaches a part of it is in the way, and this in the way of all who write.
        Query::new("SET LOCAL lock_timeout TO '2s'").execute(&mut *self).await?;
        let mut all = look(self).await?;
        for (table, spans) in CUT.into_iter().zip(&mut all.0) {
            for span in missing(blocks.iter().copied(), width, spans) {
                attach(self, table, span).await?;
                spans.push(span);
            }
        }
        Query::new("SET LOCAL lock_timeout TO DEFAULT").execute(self).await?;
        Ok(all)
    }
}

async fn look(tx: &mut Tx) -> Result<Partitions, DbError> {
    let query = Query::new(
        "SELECT t.relname::TEXT AS name, pg_get_expr(p.relpartbound, p.oid) AS bound FROM pg_inherits i \
         JOIN pg_class t ON t.oid = i.inhparent JOIN pg_class p ON p.oid = i.inhrelid \
         WHERE i.inhparent IN ('event'::REGCLASS, 'settlement'::REGCLASS, 'undecoded'::REGCLASS) \
         AND NOT i.inhdetachpending",
    );
    let mut all = Partitions::default();
    for row in query.rows(tx).await? {
        let (name, span) = read(&row)?;
        let spans = CUT.iter().zip(&mut all.0).find(|(table, _)| **table == name);
        spans.into_iter().for_each(|(_, spans)| spans.extend(span));
    }
    Ok(all)
}

fn read(row: &DbRow) -> Result<(String, Option<Span>), DbError> {
    // One for the rest, which we do not make, has no span.
    Ok((row.text("name")?, Span::read(&row.text("bound")?)))
}

/// A table like the whole one, with its indexes, attached as a part of it.
async fn attach(tx: &mut Tx, table: &'static str, Span { from, to }: Span) -> Result<(), DbError> {
    let name = format!("{table}_from_{from}");
    let made = Query::made(format!("CREATE TABLE {name} (LIKE {table} INCLUDING ALL)"), Vec::new());
    match made.execute(&mut *tx).await {
        Err(DbError::Driver(sqlx::Error::Database(error))) if error.code().as_deref() == Some(TAKEN) => {
            return Err(DbError::Apart { name, table });
        }
        made => made?,
    };
    let attach = format!("ALTER TABLE {table} ATTACH PARTITION {name} FOR VALUES FROM ({from}) TO ({to})");
    Query::made(attach, Vec::new()).execute(tx).await?;
    tracing::info!(name, from, to, "made a partition");
    Ok(())
}
