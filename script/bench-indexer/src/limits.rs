//! What the databases take at most: the same rows into the same tables with the same indexes, and nothing else.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use bursar_indexer::{Store, store::PARTITION_BLOCKS};
use bursar_test_stores::Cluster;
use futures::TryStreamExt as _;
use sqlx::{
    AssertSqlSafe, Connection as _, PgConnection, Row as _, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};
use url::Url;

/// Bytes that are sent at a time.
const PIECE: usize = 1 << 20;
/// Rows of one statement, and of one transaction: about as many as an answer of the chain holds.
const STATEMENT: usize = 100;
const TRANSACTION: usize = 5_000;

/// Rows, and how long they took.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wrote {
    pub(crate) rows: u64,
    pub(crate) wall: Duration,
}

/// The faster of a round and of those before it.
pub(crate) fn better(before: Option<Wrote>, now: Wrote) -> Option<Wrote> {
    [before, Some(now)].into_iter().flatten().min_by_key(|wrote| wrote.wall)
}

/// A database of that name on the cluster, empty.
pub(crate) async fn database(cluster: &Cluster, name: &'static str) -> Result<Url> {
    let mut connection = PgConnection::connect(cluster.url().as_str()).await?;
    let sql = format!("CREATE DATABASE {name}");
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await?;
    connection.close().await?;
    let mut url = cluster.url().clone();
    url.set_path(name);
    Ok(url)
}

/// Copies the settlements of one database into another, in one stream.
pub(crate) async fn copy(from: &Url, to: &Url) -> Result<Wrote> {
    let mut source = PgConnection::connect(from.as_str()).await?;
    let sql =
        "COPY (SELECT * FROM settlement ORDER BY block_number, log_index) TO STDOUT WITH (FORMAT binary)";
    let pieces: Vec<_> = source.copy_out_raw(sql).await?.try_collect().await?;
    let bytes = pieces.concat();
    drop(pieces);

    let store = Store::connect(&to.as_str().parse()?).await?;
    let ends = "SELECT min(block_number), max(block_number) FROM settlement";
    let (first, last): (i64, i64) = sqlx::query_as(ends).fetch_one(&mut source).await?;
    store.make_room(&[first.try_into()?, last.try_into()?], PARTITION_BLOCKS).await?;
    store.close().await;
    source.close().await?;
    let mut target = PgConnection::connect(to.as_str()).await?;
    let began = Instant::now();
    let mut stream = target.copy_in_raw("COPY settlement FROM STDIN WITH (FORMAT binary)").await?;
    for piece in bytes.chunks(PIECE) {
        stream.send(piece).await?;
    }
    let rows = stream.finish().await?;
    let wall = began.elapsed();
    target.close().await?;
    Ok(Wrote { rows, wall })
}

/// A settlement as SQLite has it: numbers and text, and bytes.
struct Settlement {
    block_number: i64,
    log_index: i64,
    timestamp: i64,
    transfer_log_index: i64,
    amount: String,
    rail: String,
    bytes: [Option<Vec<u8>>; 7],
}

/// Inserts the settlements of one file into another, several in one statement.
pub(crate) async fn insert(from: &Path, to: &Path) -> Result<Wrote> {
    let rows = read(from).await?;
    let url = to.to_str().context("a path that is text")?;
    Store::connect(&url.parse()?).await?.close().await;
    let options = SqliteConnectOptions::new()
        .filename(to)
        .journal_mode(SqliteJournalMode::Wal)
        // As the store has them.
        .pragma("cache_size", "-32768")
        .pragma("wal_autocheckpoint", "16384")
        .synchronous(SqliteSynchronous::Full);
    let mut target = SqliteConnection::connect_with(&options).await?;
    let count = rows.len() as u64;
    let began = Instant::now();
    let mut rows = rows.into_iter().peekable();
    while rows.peek().is_some() {
        let mut tx = target.begin().await?;
        let mut some = rows.by_ref().take(TRANSACTION).peekable();
        while some.peek().is_some() {
            let some: Vec<Settlement> = some.by_ref().take(STATEMENT).collect();
            let row = format!("({})", vec!["?"; 13].join(", "));
            let sql = format!(
                "INSERT INTO settlement (block_number, log_index, timestamp, transfer_log_index, amount, rail, \
                 block_hash, tx_hash, payer, asset, payee, nonce, facilitator) VALUES {}",
                vec![row.as_str(); some.len()].join(", ")
            );
            let mut query = sqlx::query(AssertSqlSafe(sql));
            for one in some {
                query = query.bind(one.block_number).bind(one.log_index).bind(one.timestamp);
                query = query.bind(one.transfer_log_index).bind(one.amount).bind(one.rail);
                for bytes in one.bytes {
                    query = query.bind(bytes);
                }
            }
            query.execute(&mut *tx).await?;
        }
        tx.commit().await?;
    }
    let wall = began.elapsed();
    target.close().await?;
    Ok(Wrote { rows: count, wall })
}

async fn read(from: &Path) -> Result<Vec<Settlement>> {
    let mut source = SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(from)).await?;
    let query = sqlx::query("SELECT * FROM settlement ORDER BY block_number, log_index");
    let rows = query.fetch(&mut source).map_err(anyhow::Error::from).and_then(|row| async move {
        let bytes = |column| row.try_get::<Option<Vec<u8>>, _>(column);
        Ok(Settlement {
            block_number: row.try_get("block_number")?,
            log_index: row.try_get("log_index")?,
            timestamp: row.try_get("timestamp")?,
            transfer_log_index: row.try_get("transfer_log_index")?,
            amount: row.try_get("amount")?,
            rail: row.try_get("rail")?,
            bytes: [
                bytes("block_hash")?,
                bytes("tx_hash")?,
                bytes("payer")?,
                bytes("asset")?,
                bytes("payee")?,
                bytes("nonce")?,
                bytes("facilitator")?,
            ],
        })
    });
    let rows = rows.try_collect().await?;
    source.close().await?;
    Ok(rows)
}
