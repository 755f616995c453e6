//! That lists of what PostgreSQL has in partitions read those that they show, by their indexes, and leave the others alone.

use std::collections::BTreeSet;

use alloy::primitives::{Address, B256};
use bursar_test_stores::Stores;

use super::{Position, TimeRange, select::Select, settlements};
use crate::{
    Store,
    db::{DbError, Query},
};

const WIDTH: u64 = 400;
const BLOCKS: u64 = 5 * WIDTH;

/// Five partitions, full of settlements of eight payers and of events of eight envelopes, one each second.
async fn filled(stores: &Stores) -> anyhow::Result<Store> {
    let store = Store::connect(&stores.url("ledger").await?.parse()?).await?;
    let blocks: Vec<u64> = (0..BLOCKS).collect();
    store.make_room(&blocks, WIDTH).await?;
    let byte = |n: &str| format!("decode(repeat(lpad(to_hex({n}), 2, '0'), 20), 'hex')");
    let hash = "decode(lpad(to_hex(n), 64, '0'), 'hex')";
    let (who, from) =
        (byte("1 + l"), format!("generate_series(0, {}) n, generate_series(0, 7) l", BLOCKS - 1));
    for sql in [
        format!(
            "INSERT INTO settlement (block_number, log_index, block_hash, tx_hash, timestamp, payer, asset, payee, amount, \
             transfer_log_index, rail) SELECT n, l, {hash}, {hash}, 1000 + n, {who}, {who}, {who}, lpad(n::TEXT, 29, '0'), \
             l, 'eip3009' FROM {from}"
        ),
        format!(
            "INSERT INTO event (block_number, log_index, block_hash, tx_hash, address, treasury, envelope, kind, args) \
             SELECT n, l, {hash}, {hash}, {0}, {0}, l, CASE n % 4 WHEN 0 THEN 'topped_up' ELSE 'transfer' END, '{{}}' \
             FROM {from}",
            byte("1")
        ),
        format!(
            "INSERT INTO block (number, hash, timestamp) SELECT n, {hash}, 1000 + n FROM generate_series(0, {}) n",
            BLOCKS - 1
        ),
        "ANALYZE".to_owned(),
    ] {
        Query::made(sql, Vec::new()).execute(store.db()).await?;
    }
    Ok(store)
}

/// The partitions of a table that a question looked into, and those of them that gave rows, by the block that they begin at;
/// and whether what was found was sorted.
#[derive(Debug, Default)]
struct Read {
    looked: BTreeSet<u64>,
    gave: BTreeSet<u64>,
    sorted: bool,
}

async fn read(store: &Store, table: &str, select: Select) -> anyhow::Result<Read> {
    let plan = select.ran(store.db()).await?;
    let mut read = Read::default();
    for line in plan.iter().filter(|line| !line.contains("never executed")) {
        read.sorted |= line.trim_start_matches([' ', '-', '>']).starts_with("Sort (");
        let Some((step, name)) = line.split_once(&format!(" on {table}_from_")) else { continue };
        anyhow::ensure!(!step.contains("Seq Scan"), "expected indexes, got {plan:#?}");
        // An index has more to its name.
        let Some(begins) = name.split(' ').next().and_then(|name| name.parse().ok()) else { continue };
        read.looked.insert(begins);
        if !["actual rows=0 ", "actual rows=0.00 "].iter().any(|none| line.contains(none)) {
            read.gave.insert(begins);
        }
    }
    Ok(read)
}

#[tokio::test]
async fn a_page_of_settlements_reads_the_partitions_it_shows() -> anyhow::Result<()> {
    let stores = Stores::postgres()?;
    let store = filled(&stores).await?;
    let whose = Some(Address::repeat_byte(3));
    let of = |payer, payee, time| settlements::Filter { payer, payee, time, ..Default::default() };
    let any = TimeRange::default();
    for filter in [of(None, None, any), of(whose, None, any), of(None, whose, any)] {
        let at = |block, log| Some(Position { block, log });
        for (after, expected) in [
            (None, &[1600][..]),
            (at(1000, 1), &[800]),
            (at(801, 0), &[400, 800]),
            (at(800, 0), &[400]),
            (at(200, 0), &[0]),
        ] {
            // A page of 40 is more than 40 blocks of one payer.
            let read = read(&store, "settlement", settlements::select_list(&filter, after, 40)).await?;
            assert!(read.gave.iter().eq(expected), "{filter:?} after {after:?}: {read:?}");
            // Newer ones say that they have none; older ones are not asked.
            assert_eq!(read.looked.first(), read.gave.first(), "{filter:?} after {after:?}: {read:?}");
            assert!(!read.sorted, "{filter:?} after {after:?}");
        }
    }
    // The first and the last block of a time are looked for in the index of times of each partition.
    let time = TimeRange { from: Some(1500), until: Some(1600) };
    let found = settlements::list(store.db(), &of(None, None, time), None, 5).await?;
    assert_eq!(found.iter().map(|row| row.position.block).collect::<Vec<_>>(), [599; 5]);
    let read = read(&store, "settlement", settlements::select_list(&of(None, None, time), None, 5)).await?;
    assert!(!read.sorted, "{read:?}");
    Ok(())
}

/// Backfill asks this with each batch: it must not cost more as the chain grows.
#[tokio::test]
async fn pruning_reads_no_partition_beyond_its_blocks() -> anyhow::Result<()> {
    let stores = Stores::postgres()?;
    let store = filled(&stores).await?;
    let hash = B256::ZERO;
    let stands = Query::new(
        "INSERT INTO checkpoint (id, number, hash, timestamp, head, final_number, safe_number) VALUES (1, 2000, $1, 1, 2000, 0, 0)",
    );
    stands.bind(hash).execute(store.db()).await?;
    Query::new("DELETE FROM event WHERE block_number = 1500").execute(store.db()).await?;
    let sql = format!("EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) {}", crate::store::PRUNE_BLOCKS);
    let rows = Query::made(sql, Vec::new()).bind(1_210u64).bind(1_590u64).rows(store.db()).await?;
    let plan = rows.iter().map(|row| row.text("QUERY PLAN")).collect::<Result<Vec<_>, DbError>>()?;
    let read = |line: &&String| line.contains(" on event_from_") && !line.contains("never executed");
    let parts: Vec<_> = plan.iter().filter(read).collect();
    assert!(!parts.is_empty() && parts.iter().all(|line| line.contains(" on event_from_1200")), "{plan:#?}");
    let left =
        Query::new("SELECT number FROM block WHERE number IN (1499, 1500, 1501)").rows(store.db()).await?;
    assert_eq!(left.len(), 2, "only the block that nothing names is gone");
    Ok(())
}
