//! Tables that PostgreSQL has in parts hold and answer what whole ones do, wherever the borders are.

use std::{
    collections::HashMap,
    path::Path,
    sync::{Arc, atomic::Ordering},
};

use alloy::primitives::{Address, B256};
use anyhow::{Context, Result, ensure};
use bursar_indexer::{
    Config, IndexerError, Store, StoreError,
    db::DbError,
    ledger::{BlockFacts, WatchList},
    project::Realm,
    query::checkpoint::Settled,
    source::{BlockHeader, Source},
    store::{ApplyError, Batch},
};
use bursar_test_stores::Stores;
use sqlx::{AssertSqlSafe, Connection as _, migrate::Migrator};

use crate::{
    by_hand::{connection, run, somebody_waits},
    ledger::{Running, assert_same, count, dump, fresh, index, open, rows},
    recorded::{Recorded, recorded},
};

/// The last migration before there were partitions.
const BEFORE: i64 = 109;

const PARTS: &str = "SELECT p.relname::TEXT AS name, pg_get_expr(p.relpartbound, p.oid) AS bound \
                     FROM pg_inherits i JOIN pg_class p ON p.oid = i.inhrelid \
                     WHERE i.inhparent IN ('event'::REGCLASS, 'settlement'::REGCLASS, 'undecoded'::REGCLASS) \
                     ORDER BY 1";

/// The story's chain, and a configuration that cuts it into many parts.
async fn cut() -> Result<(Arc<Recorded>, Config)> {
    let (source, config) = recorded().await?;
    Ok((source, Config { partition_blocks: 3, ..config }))
}

/// Name and bounds of each part.
async fn parts(store: &Store) -> Result<Vec<(String, String)>> {
    let found = rows(store, PARTS).await?;
    Ok(found.iter().map(|row| Ok((row.text("name")?, row.text("bound")?))).collect::<Result<_, DbError>>()?)
}

#[tokio::test]
async fn a_ledger_in_parts_holds_what_a_whole_one_holds() -> Result<()> {
    let (source, config) = cut().await?;
    let whole = fresh(config.clone(), Arc::clone(&source) as Arc<dyn Source>, &Stores::sqlite()?).await?;
    let stores = Stores::postgres()?;
    let store = open(&stores, "ledger").await?;
    index(config, Arc::clone(&source) as Arc<dyn Source>, &store).await?;
    assert_same(&dump(&store).await?, &whole);
    let last = source.head_number() / 3 * 3;
    let parts = parts(&store).await?;
    let bound = format!("FOR VALUES FROM ('{last}') TO ('{}')", last + 3);
    for table in ["event", "settlement", "undecoded"] {
        let named = (format!("{table}_from_{last}"), bound.clone());
        assert!(parts.contains(&named), "{named:?} is not among {parts:?}");
    }
    assert!(count(&store, "SELECT COUNT(DISTINCT tableoid) FROM event").await? > 5, "{parts:?}");
    // No part lacks an index.
    let bare = "SELECT COUNT(*) FROM pg_inherits i WHERE i.inhparent = 'event'::REGCLASS \
                AND (SELECT COUNT(*) FROM pg_index x WHERE x.indrelid = i.inhrelid AND x.indisvalid) <> 2";
    assert_eq!(count(&store, bare).await?, 0);
    Ok(())
}

#[tokio::test]
async fn unwinding_crosses_borders() -> Result<()> {
    let (source, mut config) = cut().await?;
    // Nothing is final, so that all of it can be taken back.
    config.finality = 1_000_000;
    let stores = Stores::postgres()?;
    let store = open(&stores, "ledger").await?;
    let mut dumps = Vec::new();
    for height in 0..=source.head_number() {
        source.ceiling.store(height, Ordering::SeqCst);
        index(config.clone(), Arc::clone(&source) as Arc<dyn Source>, &store).await?;
        dumps.push(dump(&store).await?);
    }
    for (height, expected) in dumps.iter().enumerate().rev() {
        store.unwind(height as u64).await?;
        assert_same(&dump(&store).await?, expected);
    }
    // The parts are still there, and taken again.
    let before = parts(&store).await?;
    index(config, source, &store).await?;
    assert_same(&dump(&store).await?, dumps.last().context("a dump")?);
    assert_eq!(parts(&store).await?, before);
    Ok(())
}

#[tokio::test]
async fn a_width_that_changes_leaves_the_parts_there_are() -> Result<()> {
    let (source, config) = cut().await?;
    let stores = Stores::postgres()?;
    let head = source.head_number();
    let mut before = Vec::new();
    for (height, partition_blocks) in [(0, 4), (head / 3, 7), (head / 2, 2), (head * 2 / 3, 5), (head, 11)] {
        source.ceiling.store(height, Ordering::SeqCst);
        // Opened anew each time, as a restarted process does.
        let store = open(&stores, "ledger").await?;
        let config = Config { partition_blocks, ..config.clone() };
        index(config, Arc::clone(&source) as Arc<dyn Source>, &store).await?;
        let now = parts(&store).await?;
        let lost: Vec<_> = before.iter().filter(|part| !now.contains(part)).collect();
        assert!(lost.is_empty(), "{lost:?} became others");
        before = now;
        store.close().await;
    }
    let store = open(&stores, "ledger").await?;
    assert_same(&dump(&store).await?, &fresh(config, source, &stores).await?);
    Ok(())
}

#[tokio::test]
async fn of_several_processes_one_makes_each_part() -> Result<()> {
    let stores = Stores::postgres()?;
    let url = stores.url("ledger").await?.parse()?;
    let opened = futures::future::join_all((0..6).map(|_| Store::connect(&url))).await;
    let processes = opened.into_iter().collect::<Result<Vec<_>, _>>()?;
    for step in 0..5 {
        let blocks: Vec<u64> = (step * 4..step * 4 + 6).collect();
        let made = processes.iter().map(|store| store.make_room(&blocks, 3));
        for done in futures::future::join_all(made).await {
            done?;
        }
    }
    let first = processes.first().context("a process")?;
    let parts = parts(first).await?;
    assert_eq!(parts.len(), 3 * 8, "{parts:?}");
    assert!(parts.contains(&("event_from_21".into(), "FOR VALUES FROM ('21') TO ('24')".into())));
    // And nothing where all is there.
    first.make_room(&[0, 11, 23], 3).await?;
    assert_eq!(self::parts(first).await?, parts);
    Ok(())
}

#[tokio::test]
async fn a_far_start_makes_no_more_parts_than_are_written_to() -> Result<()> {
    let store = open(&Stores::postgres()?, "ledger").await?;
    store.make_room(&[30_000_000, 30_000_299, 41_000_000], 100).await?;
    let parts = parts(&store).await?;
    let names: Vec<_> =
        parts.iter().map(|(name, _)| name.as_str()).filter(|name| name.starts_with("event")).collect();
    assert_eq!(names, ["event_from_30000000", "event_from_30000200", "event_from_41000000"]);
    Ok(())
}

/// A ledger of before there were partitions, with all that another one holds.
async fn written_before(stores: &Stores, other: &Store) -> Result<()> {
    let mut on = connection(stores).await?;
    let migrations = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../indexer/migrations/postgres");
    Migrator::new(migrations).await?.run_to(BEFORE, &mut on).await?;
    let schema = rows(other, "SELECT current_schema()::TEXT AS name").await?;
    let schema = schema.first().context("a schema")?.text("name")?;
    let columns = "SELECT table_name::TEXT, string_agg(column_name, ', ' ORDER BY ordinal_position) \
                   FROM information_schema.columns \
                   WHERE table_schema = current_schema() AND table_name <> '_sqlx_migrations' GROUP BY 1";
    let tables: Vec<(String, String)> = sqlx::query_as(columns).fetch_all(&mut on).await?;
    ensure!(tables.iter().any(|(name, _)| name == "event"), "no events in {tables:?}");
    for (name, columns) in tables {
        run(&mut on, format!("INSERT INTO {name} ({columns}) SELECT {columns} FROM {schema}.{name}")).await?;
    }
    Ok(on.close().await?)
}

#[tokio::test]
async fn what_a_whole_table_held_stays_where_it_is() -> Result<()> {
    let (source, config) = cut().await?;
    let (stores, head) = (Stores::postgres()?, source.head_number());
    source.ceiling.store(head / 2, Ordering::SeqCst);
    let first = open(&stores, "first").await?;
    index(config.clone(), Arc::clone(&source) as Arc<dyn Source>, &first).await?;
    let before = dump(&first).await?;
    written_before(&stores, &first).await?;
    let mut on = connection(&stores).await?;
    let file = "SELECT pg_relation_filepath($1::REGCLASS)";
    let lies: String = sqlx::query_scalar(file).bind("event").fetch_one(&mut on).await?;

    // It is read and written all along: nobody has to go away first.
    run(&mut on, "BEGIN; SELECT COUNT(*) FROM event").await?;
    let url = stores.url("ledger").await?.parse()?;
    let connecting = tokio::spawn(async move { Store::connect(&url).await });
    let mut other = connection(&stores).await?;
    somebody_waits(&mut other, "event").await?;
    run(&mut other, "SELECT COUNT(*) FROM event").await?;
    run(&mut on, "COMMIT").await?;
    let store = connecting.await??;

    assert_same(&dump(&store).await?, &before);
    let part =
        |table: &str| (format!("{table}_before"), "FOR VALUES FROM (MINVALUE) TO ('1500000')".to_owned());
    assert_eq!(parts(&store).await?, ["event", "settlement", "undecoded"].map(part));
    let now: String = sqlx::query_scalar(file).bind("event_before").fetch_one(&mut on).await?;
    assert_eq!(now, lies, "rows were written anew");
    // It goes on, and goes back, where it is.
    source.ceiling.store(head, Ordering::SeqCst);
    index(config.clone(), Arc::clone(&source) as Arc<dyn Source>, &store).await?;
    assert_same(&dump(&store).await?, &fresh(config.clone(), source, &stores).await?);
    assert_eq!(parts(&store).await?.len(), 3);
    // What comes next begins where that ends.
    store.make_room(&[1_499_999, 1_500_000], config.partition_blocks).await?;
    let next = ("event_from_1500000".to_owned(), "FOR VALUES FROM ('1500000') TO ('1500003')".to_owned());
    assert!(parts(&store).await?.contains(&next));
    // Every index is a whole one's.
    let loose = "SELECT COUNT(*) FROM pg_index x JOIN pg_class c ON c.oid = x.indexrelid \
                 WHERE x.indrelid IN ('event_before'::REGCLASS, 'settlement_before'::REGCLASS, \
                 'undecoded_before'::REGCLASS) AND NOT c.relispartition";
    assert_eq!(count(&store, loose).await?, 0);
    Ok(())
}

#[tokio::test]
async fn readers_and_new_parts_do_not_wait_for_each_other() -> Result<()> {
    let stores = Stores::postgres()?;
    let store = open(&stores, "ledger").await?;
    store.make_room(&[0], 3).await?;
    let (mut reader, mut other) = (connection(&stores).await?, connection(&stores).await?);
    let reads = "SELECT COUNT(*) FROM event; SELECT COUNT(*) FROM settlement; SELECT COUNT(*) FROM undecoded";
    run(&mut reader, format!("BEGIN; {reads}")).await?;
    // It gives up after two seconds of waiting, and does not wait.
    store.make_room(&[3], 3).await?;
    run(&mut reader, "COMMIT").await?;

    // Held up by somebody who analyzes, after two of three are made: who reads is not.
    run(&mut reader, "SET lock_timeout = '100ms'").await?;
    run(&mut other, "BEGIN; LOCK TABLE undecoded IN SHARE UPDATE EXCLUSIVE MODE").await?;
    let (making, blocks) = (store.clone(), [6]);
    let made = tokio::spawn(async move {
        loop {
            match making.make_room(&blocks, 3).await {
                Err(StoreError::Db(error)) if error.is_busy() => {}
                made => return made,
            }
        }
    });
    somebody_waits(&mut reader, "undecoded").await?;
    run(&mut reader, reads).await?;
    let written = "INSERT INTO undecoded (block_number, log_index, tx_hash, address, raw, error) \
                   VALUES (5, 0, '', '', '', '')";
    run(&mut reader, written).await?;
    ensure!(!made.is_finished(), "it waited for nobody");
    run(&mut other, "COMMIT").await?;
    made.await??;
    assert_eq!(parts(&store).await?.len(), 9);
    Ok(())
}

/// What an administrator does with an old part: it is gone from the ledger, which goes on, and nothing is written over it.
#[tokio::test]
async fn a_part_that_was_detached_is_gone_and_not_made_again() -> Result<()> {
    let (source, config) = cut().await?;
    let stores = Stores::postgres()?;
    let head = source.head_number();
    source.ceiling.store(head - 10, Ordering::SeqCst);
    let store = open(&stores, "ledger").await?;
    index(config.clone(), Arc::clone(&source) as Arc<dyn Source>, &store).await?;
    let mut on = connection(&stores).await?;
    let last = (head - 10) / 3 * 3 - 18;
    let sql = |what: String| format!("ALTER TABLE event {what}");
    let all = count(&store, "SELECT COUNT(*) FROM event").await?;
    run(&mut on, sql(format!("DETACH PARTITION event_from_{last} CONCURRENTLY"))).await?;
    let gone: i64 = sqlx::query_scalar(AssertSqlSafe(format!("SELECT COUNT(*) FROM event_from_{last}")))
        .fetch_one(&mut on)
        .await?;
    assert!(gone > 0, "nothing was in it");
    assert_eq!(count(&store, "SELECT COUNT(*) FROM event").await?, all - gone);
    source.ceiling.store(head, Ordering::SeqCst);
    index(config.clone(), Arc::clone(&source) as Arc<dyn Source>, &store).await?;

    // Read again from the start, its place is taken.
    store.forget_chain().await?;
    let running = Running::start(config.clone(), Arc::clone(&source) as Arc<dyn Source>, store.clone());
    let stopped = running.task.await?;
    let Err(IndexerError::Store(StoreError::Db(DbError::Apart { name, table: "event" }))) = stopped else {
        anyhow::bail!("expected a table that stands in the way, got {stopped:?}");
    };
    assert_eq!(name, format!("event_from_{last}"));
    run(&mut on, format!("DELETE FROM {name}")).await?;
    run(&mut on, sql(format!("ATTACH PARTITION {name} FOR VALUES FROM ({last}) TO ({})", last + 3))).await?;
    index(config.clone(), Arc::clone(&source) as Arc<dyn Source>, &store).await?;
    assert_same(&dump(&store).await?, &fresh(config, source, &stores).await?);
    Ok(())
}

#[tokio::test]
async fn what_is_not_needed_yet_is_not_waited_for() -> Result<()> {
    let stores = Stores::postgres()?;
    let store = open(&stores, "ledger").await?;
    store.make_room(&[0], 30).await?;
    let (mut other, list) = (connection(&stores).await?, WatchList::default());
    let header = |number: u64| BlockHeader {
        number,
        hash: B256::with_last_byte(u8::try_from(number).unwrap_or(u8::MAX)),
        parent_hash: None,
        timestamp: number,
    };
    let go = async |after: Option<u64>, number| {
        let facts = BlockFacts { header: header(number), entries: Vec::new(), transactions: HashMap::new() };
        let batch = Batch {
            after: after.map(|number| header(number).hash),
            list: &list,
            blocks: &[facts],
            tip: header(number),
            head: number,
            settled: Settled::default(),
            write_from: 1,
            partition_blocks: 30,
            seen: None,
        };
        store.apply(Realm { chain_id: 1, factory: Address::ZERO }, batch).await
    };
    go(None, 26).await?;
    assert_eq!(parts(&store).await?.len(), 3, "there is time until block 27");
    // Somebody analyzes: the ledger goes on as long as it has room.
    run(&mut other, "BEGIN; LOCK TABLE event IN SHARE UPDATE EXCLUSIVE MODE").await?;
    go(Some(26), 27).await?;
    go(Some(27), 29).await?;
    assert_eq!(parts(&store).await?.len(), 3);
    let stands_still = go(Some(29), 30).await;
    ensure!(
        matches!(&stands_still, Err(ApplyError::Store(StoreError::Db(error))) if error.is_busy()),
        "expected to be told to wait, got {stands_still:?}"
    );
    assert_eq!(store.checkpoint().await?.map(|at| at.number), Some(29));
    run(&mut other, "COMMIT").await?;
    go(Some(29), 30).await?;
    assert_eq!(parts(&store).await?.len(), 6);
    Ok(())
}
