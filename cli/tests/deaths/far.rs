//! Further behind the head than the indexer asks for at once: the indexes of settlements wait for the end, and the head is heard
//! meanwhile. It is killed in each of that.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use bursar_indexer::{
    Store,
    db::Query,
    ledger::WatchKind::{Payer, Token},
};
use bursar_replay::{Fault, Params, Provider, TOKEN};
use bursar_test_stores::Stores;
use sqlx::PgConnection;

use crate::{
    by_hand::{connection, run},
    move_on,
    node::{Node, assert_right, node},
    outside::{assert_watched, some_payers},
    running::{FINALITY, Running},
};

/// Most blocks that the indexer asks for at once.
const FAR: u64 = 10_000;
/// How many indexes wait for the end.
const INDEXES: u64 = 4;
/// So far the node answers ranges at first.
const BEGUN: u64 = 1_000;

/// No range is answered that begins after that block, and each takes so many milliseconds.
fn held(node: &Node) -> (Arc<AtomicU64>, Arc<AtomicU64>) {
    let (to, takes) = (Arc::new(AtomicU64::new(BEGUN)), Arc::new(AtomicU64::new(0)));
    let shared = (Arc::clone(&to), Arc::clone(&takes));
    node.replay.misbehave(move |request| {
        if request.method != "eth_getLogs" || request.by_hash {
            return None;
        }
        let from = request.params[0]["fromBlock"].as_str().and_then(|text| text.strip_prefix("0x"));
        let from = from.and_then(|digits| u64::from_str_radix(digits, 16).ok());
        Some(match from {
            Some(from) if from <= to.load(Ordering::SeqCst) => Fault::Slow(takes.load(Ordering::SeqCst)),
            _ => Fault::Unavailable,
        })
    });
    shared
}

/// How many of the indexes that wait for the end are there, whole.
async fn built(store: &Store) -> Result<u64> {
    let row = Query::new(
        "SELECT COUNT(*) AS number FROM pg_index WHERE indisvalid AND indexrelid IN (to_regclass('settlement_by_payer'), \
         to_regclass('settlement_by_payee'), to_regclass('settlement_by_time'), to_regclass('settlement_by_rail'))",
    )
    .row(store.db())
    .await?;
    Ok(row.map(|row| row.number("number")).transpose()?.unwrap_or_default())
}

/// Who are about to build an index, and have to wait for somebody.
async fn building(on: &mut PgConnection) -> Result<Vec<i32>> {
    let sql = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' \
               AND query LIKE 'CREATE INDEX%'";
    Ok(sqlx::query_scalar(sql).fetch_all(on).await?)
}

/// Waits until that server process has ended.
async fn goes(on: &mut PgConnection, pid: i32) -> Result<()> {
    let gone = async {
        let there = "SELECT COUNT(*) FROM pg_stat_activity WHERE pid = $1";
        while sqlx::query_scalar::<_, i64>(there).bind(pid).fetch_one(&mut *on).await? > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Ok(())
    };
    tokio::time::timeout(Duration::from_secs(60), gone).await.context("it stays")?
}

#[tokio::test(flavor = "multi_thread")]
async fn an_indexer_that_is_killed_far_behind_comes_to_the_same_ledger_with_its_indexes() -> Result<()> {
    let params = Params { blocks: 12_200, settlements: 4_000, permit2_pct: 30, ..Params::small() };
    let node = node(params, Provider { max_range: 500, ..Provider::default() }).await?;
    let (folder, stores) = (tempfile::tempdir()?, Stores::postgres()?);
    let url = stores.url("ledger").await?;
    let store = Store::connect(&url.parse()?).await?;
    let payers = some_payers(&node.replay);
    store.put_watched(Token, &[TOKEN], None).await?;
    store.put_watched(Payer, &payers, None).await?;
    ensure!(built(&store).await? == INDEXES, "they are there before anything is read");
    let (answered, takes) = held(&node);
    let start = || Running::start(folder.path(), &node, &url, 0);
    let head = || node.replay.chain().head();

    // While it hears the head.
    let mut running = start()?;
    running
        .until(async |running| {
            node.replay.change(|chain| chain.mine(1));
            let heard = running.json("v1/heard?limit=1").await?;
            Ok(heard["items"].as_array().is_some_and(|items| !items.is_empty()))
        })
        .await?;
    let mut stood = running.indexed().await.unwrap_or_default();
    ensure!(head() - stood > FAR, "it stands at {stood} of {}", head());
    running.kill()?;
    ensure!(built(&store).await? == 0, "they wait for the end");

    // In the middle of the way.
    answered.store(u64::MAX, Ordering::SeqCst);
    takes.store(500, Ordering::SeqCst);
    for _ in 0..2 {
        let mut running = start()?;
        running.passes(stood).await?;
        let at = running.indexed().await.unwrap_or_default();
        running.kill()?;
        ensure!(stood < at && at < head() - FINALITY, "expected it on its way from {stood}, got {at}");
        ensure!(built(&store).await? == 0, "they wait for the end");
        stood = at;
    }

    // While it builds the indexes, all at the same time: before anything of them is there, and after what it had asked for is done
    // without it.
    takes.store(0, Ordering::SeqCst);
    let (mut other, mut onlooker) = (connection(&stores).await?, connection(&stores).await?);
    for is_done in [false, true] {
        run(&mut other, "BEGIN; LOCK TABLE settlement IN ROW EXCLUSIVE MODE").await?;
        let (mut running, mut builders) = (start()?, Vec::new());
        running
            .until(async |_| {
                builders = building(&mut onlooker).await?;
                Ok(builders.len() as u64 == INDEXES)
            })
            .await?;
        let at = running.indexed().await.unwrap_or_default();
        ensure!(at >= head() - FINALITY, "it builds at its end, and stands at {at} of {}", head());
        running.kill()?;
        if !is_done {
            for builder in &builders {
                run(&mut onlooker, format!("SELECT pg_terminate_backend({builder})")).await?;
            }
        }
        run(&mut other, "COMMIT").await?;
        for builder in builders {
            goes(&mut onlooker, builder).await?;
        }
        let expected = if is_done { INDEXES } else { 0 };
        ensure!(built(&store).await? == expected, "all that was asked for, or none of it");
    }

    let mut last = start()?;
    last.at_head(&node).await?;
    for round in 0..4 {
        move_on(&node, round);
        last.at_head(&node).await?;
    }
    last.kill()?;
    ensure!(built(&store).await? == INDEXES, "all of them, at the head");
    let watched = assert_watched(&store, &node.replay, false, |one| payers.contains(&one.payer)).await?;
    ensure!(watched > 500, "{watched} settlements are too few to tell");
    assert_right(&store, &node.replay).await
}
