//! What PostgreSQL reads for a page: of what it has in partitions those that it shows, and of what stood as of a block those rows. It
//! leaves the others alone.

use std::collections::BTreeSet;

use alloy::primitives::{Address, B256};
use bursar_test_stores::Stores;

use super::{Position, TimeRange, envelopes, past, select::Select, sessions, settlements};
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

/// Ten treasuries of four hundred envelopes, each of which changed at five heights, with two sessions and what one of those paid.
async fn lived(stores: &Stores) -> anyhow::Result<Store> {
    let store = Store::connect(&stores.url("ledger").await?.parse()?).await?;
    let (zero, hash) = ("lpad('0', 29, '0')", "decode(lpad(to_hex(t * 1000 + n), 64, '0'), 'hex')");
    let who = |base: u64| format!("decode(lpad(to_hex({base} + t * 1000 + n), 40, '0'), 'hex')");
    let (treasury, agent, purse) =
        ("decode(repeat(lpad(to_hex(t), 2, '0'), 20), 'hex')", who(0), who(1_000_000));
    let id = format!("{purse} || decode(lpad(to_hex(s), 24, '0'), 'hex')");
    let of = "generate_series(1, 10) t, generate_series(1, 400) n";
    let rows = [
        (
            "treasury",
            format!(
                "SELECT {treasury}, {treasury}, {treasury}, FALSE, 0, FALSE, 1 FROM generate_series(1, 10) t"
            ),
        ),
        (
            "envelope",
            format!(
                "SELECT {treasury}, n, {agent}, {treasury}, {zero}, {zero}, {zero}, {zero}, {zero}, {zero}, {zero}, 10 FROM {of}"
            ),
        ),
        (
            "envelope_then",
            format!(
                "SELECT {treasury}, n, b * 10, {agent}, 0, FALSE, FALSE, FALSE, 1, 0, 0, 0, {zero}, {zero}, {zero}, {zero}, {zero}, {zero}, b FROM {of}, generate_series(1, 5) b"
            ),
        ),
        ("agent_then", format!("SELECT {treasury}, n, 10, {agent} FROM {of}")),
        ("limits_then", format!("SELECT {treasury}, n, b * 10, '[]' FROM {of}, generate_series(1, 5) b")),
        (
            "session",
            format!(
                "SELECT {purse}, s, {id}, {treasury}, n, {treasury}, {zero}, 100 + s, 9999, 1, {zero}, '{{}}', {hash}, {zero}, {hash} FROM {of}, generate_series(1, 2) s"
            ),
        ),
        (
            "session_then",
            format!(
                "SELECT {purse}, s, b * 10 + s, FALSE, FALSE, {zero}, b FROM {of}, generate_series(1, 3) b, generate_series(1, 2) s"
            ),
        ),
        (
            "payment",
            format!(
                "SELECT b, t * 1000 + n, {hash}, {hash}, 100 + b, {treasury}, n, {agent}, {purse}, {id}, 1, {treasury}, {treasury}, {zero}, 1, {treasury}, 'eip3009' FROM {of}, generate_series(1, 5) b, generate_series(1, 1) s"
            ),
        ),
        (
            "block",
            "SELECT b, decode(lpad(to_hex(b), 64, '0'), 'hex'), 100 + b FROM generate_series(1, 100) b"
                .to_owned(),
        ),
    ];
    let columns = [
        "address, factory, owner, frozen, delay, separation, created_block",
        "treasury, number, agent, asset, approval_threshold, funded, withdrawn, drawn, returned, paid, donated, created_block",
        "treasury, number, block_number, agent, group_number, permit2, frozen, under_review, policy_version, score_life, score, scored_at, \
         funded, withdrawn, drawn, returned, donated, paid, payments",
        "treasury, number, block_number, agent",
        "treasury, number, block_number, uses",
        "purse, sequence, id, treasury, envelope, key, budget, opened_at, expiry, policy_version, approval_threshold, scope, stamp_hash, \
         paid, opened_tx",
        "purse, sequence, block_number, frozen, closed, paid, payments",
        "block_number, log_index, block_hash, tx_hash, timestamp, treasury, envelope, agent, purse, session, policy_version, asset, payee, \
         amount, transfer_log_index, facilitator, rail",
        "number, hash, timestamp",
    ];
    for ((table, rows), columns) in rows.into_iter().zip(columns) {
        Query::made(format!("INSERT INTO {table} ({columns}) {rows}"), Vec::new())
            .execute(store.db())
            .await?;
    }
    Query::new("ANALYZE").execute(store.db()).await?;
    Ok(store)
}

/// Whatever else there is: what is looked at is no more than a few times what is shown.
#[tokio::test]
async fn a_page_of_what_stood_reads_the_rows_it_shows() -> anyhow::Result<()> {
    let stores = Stores::postgres()?;
    let store = lived(&stores).await?;
    let (whose, key) = (Some(Address::repeat_byte(7)), Some((Address::repeat_byte(7), 300)));
    let agent = Address::left_padding_from(&7_300u32.to_be_bytes());
    let some: Vec<_> =
        (7_300u32..7_350).map(|number| Address::left_padding_from(&number.to_be_bytes())).collect();
    let envelope = |filter: envelopes::Filter, after| past::select_envelopes(&filter, 55, after, 50);
    let session = |filter: sessions::Filter| past::select_sessions(&filter, (55, 155), None, 50);
    for select in [
        envelope(Default::default(), None),
        envelope(Default::default(), key),
        envelope(envelopes::Filter { treasury: whose, ..Default::default() }, None),
        envelope(envelopes::Filter { agent: Some(agent), ..Default::default() }, None),
        session(Default::default()),
        session(sessions::Filter { treasury: whose, ..Default::default() }),
        session(sessions::Filter { treasury: whose, envelope: Some(5), ..Default::default() }),
        past::select_agents(None, 55, None, 50),
        past::select_agents(None, 55, Some(agent), 50),
        past::select_agents(whose, 55, None, 50),
        past::select_of_agents(&some, None, 55, 9),
        past::select_of_agents(&some, whose, 55, 9),
        past::select_latest(agent, None, 55, 155),
    ] {
        let plan = select.ran(store.db()).await?;
        // Nothing is in what was never stopped, and nothing in groups.
        let empty =
            |line: &str| ["treasury_then", "envelope_group", "group_then"].iter().any(|it| line.contains(it));
        let all: Vec<_> = plan.iter().filter(|line| line.contains("Seq Scan") && !empty(line)).collect();
        anyhow::ensure!(all.is_empty(), "{all:?} of {select:?}: {plan:#?}");
        let rows = |line: &&String| {
            let rows = line
                .split("actual rows=")
                .nth(1)
                .and_then(|rest| rest.split([' ', '.']).next())
                .and_then(|rows| rows.parse().ok());
            rows.is_some_and(|rows: u64| rows > 200)
        };
        let many: Vec<_> = plan.iter().filter(rows).collect();
        anyhow::ensure!(many.is_empty(), "{many:?} of {select:?}: {plan:#?}");
    }
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
