//! While the ledger is far behind, what is paid at the head is heard beside it, as the chain stands, and goes over to the ledger
//! as that arrives.

use std::{
    collections::{BTreeSet, HashSet},
    sync::{
        Arc, RwLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use alloy::primitives::{Address, B256};
use anyhow::{Context, Result, ensure};
use bursar_indexer::{
    Config, Phase, Store,
    db::{DbRow, Query},
    ledger::WatchKind::{Payer, Token},
    query::heard,
    source::Sources,
};
use bursar_replay::{Chain, Fault, Params, Provider, Replay, Settlement, TOKEN, mix};
use bursar_test_stores::{Stores, on_both_stores};
use sqlx::{Connection as _, SqliteConnection};

use crate::{
    node::{Node, Running, assert_right, chain, config, line, node, sources},
    outside::{assert_watched, some_payers},
};

on_both_stores!(
    the_head_is_heard_long_before_the_ledger_gets_there,
    what_is_not_final_is_far_behind_as_well,
    what_the_chain_takes_back_is_heard_no_more,
    heads_before_all_that_was_heard_are_believed_in_the_end,
    each_payment_is_heard_or_in_the_ledger_at_any_moment,
    purses_that_the_ledger_finds_are_heard_from_then_on,
    so_many_blocks_are_kept_and_no_more,
    a_head_that_cannot_be_heard_does_not_stop_the_ledger,
    a_restart_begins_anew,
    what_was_heard_goes_where_the_indexer_stops_for_good,
    who_loses_the_lease_hears_no_more,
);

/// Where the ledger stands when the others begin.
const BEHIND: u64 = 120;

/// A ledger that is far behind a chain, with a node that answers no range while it is held.
struct Stage {
    params: Params,
    node: Node,
    sources: Sources,
    store: Store,
    payers: Vec<Address>,
    held: Arc<AtomicBool>,
}

/// Small ranges: far behind is little.
fn small_ranges(params: &Params) -> Config {
    Config { max_range: 10, linger: Duration::from_millis(20), ..config(params) }
}

/// Gives logs of no range while that says so, nor by its hash of a block before `first`: whoever gets no range asks so for its blocks in
/// the end.
fn holds(replay: &Replay, held: &Arc<AtomicBool>, first: u64) {
    let (held, chain) = (Arc::clone(held), replay.chain());
    let hashes = (0..first).filter_map(|number| chain.hash(number));
    let behind: HashSet<String> = hashes.map(|hash| hash.to_string()).collect();
    drop(chain);
    replay.misbehave(move |request| {
        let is_behind = !request.by_hash
            || request.params[0]["blockHash"].as_str().is_some_and(|hash| behind.contains(hash));
        let is_held = request.method == "eth_getLogs" && is_behind && held.load(Ordering::SeqCst);
        is_held.then_some(Fault::Unavailable)
    });
}

impl Stage {
    /// A ledger that has not begun.
    async fn empty(stores: &Stores) -> Result<(Self, Arc<RwLock<Chain>>)> {
        let params = Params { permit2_pct: 30, ..Params::small() };
        let chain = chain(params.clone());
        let node = Node::on(&chain, Provider::default()).await?;
        let payers = some_payers(&node.replay);
        let store = Store::connect(&stores.url("ledger").await?.parse()?).await?;
        store.put_watched(Token, &[TOKEN], None).await?;
        store.put_watched(Payer, &payers, None).await?;
        let (sources, held) = (sources(&[&node], 1)?, Arc::new(AtomicBool::new(true)));
        let head = node.replay.chain().head();
        holds(&node.replay, &held, head);
        Ok((Self { params, node, sources, store, payers, held }, chain))
    }

    /// A ledger at [`BEHIND`] of 200 blocks, which knows every purse.
    async fn set(stores: &Stores) -> Result<Self> {
        let (stage, chain) = Self::empty(stores).await?;
        let lags = stage.params.blocks - BEHIND;
        let behind = Node::on(&chain, Provider { lags, ..Provider::default() }).await?;
        let mut before = Running::start(config(&stage.params), &sources(&[&behind], 1)?, &stage.store);
        before.status.wait_for(|status| status.indexed == Some(BEHIND)).await?;
        before.stop().await?;
        Ok(stage)
    }

    fn start(&self) -> Running {
        Running::start(small_ranges(&self.params), &self.sources, &self.store)
    }

    fn mine(&self, blocks: u64) {
        self.node.replay.change(|chain| chain.mine(blocks));
    }

    fn head(&self) -> u64 {
        self.node.replay.chain().head()
    }

    /// What the chain says of these blocks and of those that are looked at.
    fn expected(&self, from: u64) -> Vec<String> {
        let chain = self.node.replay.chain();
        let all = (from..=chain.head()).flat_map(|number| chain.settlements(number));
        let ours = all.filter(|one| one.decision.is_some() || self.payers.contains(&one.payer));
        ours.map(|one| told(&one)).collect()
    }

    /// Waits until what is heard is what the chain says from that block on.
    async fn hears(&self, from: u64) -> Result<()> {
        let expected = self.expected(from);
        self.until(async || Ok(self.heard().await? == expected))
            .await
            .with_context(|| format!("expected what is paid from block {from} on: {expected:#?}"))
    }

    /// Waits until nothing is heard any more, nor kept of it.
    async fn is_quiet(&self) -> Result<()> {
        self.until(async || Ok(self.kept().await? == 0)).await
    }

    async fn until(&self, holds: impl AsyncFn() -> Result<bool>) -> Result<()> {
        let mut waits = 0;
        while !holds().await? {
            waits += 1;
            ensure!(waits < 6_000, "it is heard otherwise: {:#?}", self.heard().await?);
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Ok(())
    }

    /// As readers get it, the oldest first.
    async fn heard(&self) -> Result<Vec<String>> {
        let all = heard::list(self.store.db(), &heard::Filter::default(), None, 100_000).await?;
        Ok(all.iter().rev().map(spelled).collect())
    }

    /// How many rows there are, whoever may read them.
    async fn kept(&self) -> Result<u64> {
        let row = Query::new("SELECT COUNT(*) AS number FROM heard").row(self.store.db()).await?;
        Ok(row.context("a count")?.number("number")?)
    }

    async fn ledger(&self) -> Result<u64> {
        Ok(self.store.checkpoint().await?.context("a checkpoint")?.number)
    }

    /// The ranges are answered, and the ledger comes to the head and is right.
    async fn arrives(&self, mut running: Running) -> Result<()> {
        self.held.store(false, Ordering::SeqCst);
        running.at_head(&self.node.replay).await?;
        self.is_quiet().await?;
        running.stop().await?;
        assert_right(&self.store, &self.node.replay).await?;
        let is_ours = |one: &Settlement| self.payers.contains(&one.payer);
        assert_watched(&self.store, &self.node.replay, false, is_ours).await?;
        Ok(())
    }
}

/// As far as a block by itself tells.
fn told(one: &Settlement) -> String {
    let purse = one.decision.is_some();
    format!("{}, purse: {purse}", line(&Settlement { sender: Address::ZERO, decision: None, ..one.clone() }))
}

fn spelled(row: &heard::Heard) -> String {
    let one = line(&Settlement {
        block: row.position.block,
        block_hash: row.block_hash,
        timestamp: row.timestamp,
        tx_hash: row.tx_hash,
        log_index: row.position.log,
        sender: Address::ZERO,
        payer: row.payer,
        payee: row.payee,
        amount: row.amount.to_string().parse().unwrap_or_default(),
        nonce: row.nonce.unwrap_or_default(),
        decision: None,
    });
    format!("{one}, purse: {}", row.place.is_some())
}

async fn the_head_is_heard_long_before_the_ledger_gets_there(stores: Stores) -> Result<()> {
    let stage = Stage::set(&stores).await?;
    let running = stage.start();
    let first = stage.head();
    stage.hears(first).await?;
    for _ in 0..5 {
        stage.mine(3);
        stage.hears(first).await?;
        assert_eq!(stage.ledger().await?, BEHIND);
    }
    assert!(running.status.borrow().waits > 0, "no range was answered");
    let purses = stage.heard().await?.iter().filter(|line| line.ends_with("purse: true")).count();
    assert!(purses > 3, "{purses} payments of purses are too few to tell");
    stage.arrives(running).await
}

/// Block by block the ledger is as far behind as in ranges.
async fn what_is_not_final_is_far_behind_as_well(stores: Stores) -> Result<()> {
    let stage = Stage::set(&stores).await?;
    let held = Arc::clone(&stage.held);
    stage.node.replay.misbehave(move |request| {
        let is_head = request.params[0] == "latest";
        let holds = request.method == "eth_getBlockByNumber" && !is_head && held.load(Ordering::SeqCst);
        holds.then_some(Fault::Unavailable)
    });
    let config = Config { finality: 500, ..small_ranges(&stage.params) };
    let running = Running::start(config, &stage.sources, &stage.store);
    let first = stage.head();
    stage.hears(first).await?;
    for _ in 0..3 {
        stage.mine(1);
        stage.hears(first).await?;
    }
    assert!(!stage.heard().await?.is_empty(), "there is nothing to hear");
    assert_eq!(stage.ledger().await?, BEHIND);
    stage.arrives(running).await
}

/// A head that the chain never had would be waited for.
async fn heads_before_all_that_was_heard_are_believed_in_the_end(stores: Stores) -> Result<()> {
    let stage = Stage::set(&stores).await?;
    let running = stage.start();
    let first = stage.head();
    stage.hears(first).await?;
    let all = stage.expected(first - 40);
    let of = |number: u64| -> Vec<_> {
        all.iter().filter(|line| line.starts_with(&format!("{number}."))).cloned().collect()
    };
    let lag = (20..40).find(|lag| !of(first - lag).is_empty()).context("nothing is paid")?;
    stage.node.replay.misbehave(move |request| {
        let is_range = request.method == "eth_getLogs" && !request.by_hash;
        Some(if is_range { Fault::Unavailable } else { Fault::Lags(lag) })
    });
    let expected = of(first - lag);
    stage.until(async || Ok(stage.heard().await? == expected)).await?;
    holds(&stage.node.replay, &stage.held, first - lag);
    stage.hears(first - lag).await?;
    stage.arrives(running).await
}

async fn what_the_chain_takes_back_is_heard_no_more(stores: Stores) -> Result<()> {
    let stage = Stage::set(&stores).await?;
    let running = stage.start();
    let first = stage.head();
    stage.hears(first).await?;
    stage.mine(8);
    for depth in [1, 3, 0, 7] {
        stage.hears(first).await?;
        stage.node.replay.change(|chain| chain.turn(depth));
    }
    stage.hears(first).await?;
    // From before it began to listen: nothing of what it heard is left, and it begins at the head of then.
    let before = stage.head() - first + 5;
    stage.node.replay.change(|chain| chain.turn(before));
    stage.hears(stage.head()).await?;
    stage.arrives(running).await
}

/// One statement sees the ledger and what is heard as they are at one moment.
async fn each_payment_is_heard_or_in_the_ledger_at_any_moment(stores: Stores) -> Result<()> {
    let stage = Stage::set(&stores).await?;
    let mut running = stage.start();
    let first = stage.head();
    stage.hears(first).await?;
    stage.mine(30);
    stage.hears(first).await?;
    let expected: BTreeSet<(u64, u64, B256)> = places(&stage).await?.into_iter().map(|(_, at)| at).collect();
    assert!(expected.len() > 40, "{} payments are too few to tell", expected.len());
    stage.held.store(false, Ordering::SeqCst);
    let (mut moments, mut both) = (0, 0);
    loop {
        let found = places(&stage).await?;
        let all: BTreeSet<_> = found.iter().map(|(_, at)| *at).collect();
        ensure!(all.len() == found.len(), "a payment is heard, and in the ledger: {found:?}");
        ensure!(all == expected, "a payment is neither heard nor in the ledger: {found:?}");
        let heard = found.iter().filter(|(is_heard, _)| *is_heard).count();
        moments += 1;
        both += usize::from(heard > 0 && heard < found.len());
        if heard == 0 {
            break;
        }
    }
    assert!(both > 0, "of {moments} moments none was on the way");
    running.at_head(&stage.node.replay).await?;
    stage.arrives(running).await
}

/// Every payment from block 200 on that is heard, and every one that is in the ledger; nothing is kept of what the ledger has.
async fn places(stage: &Stage) -> Result<Vec<(bool, (u64, u64, B256))>> {
    let sql = "SELECT CAST(1 AS BIGINT) AS heard, block_number, log_index, block_hash FROM heard UNION ALL \
               SELECT CAST(0 AS BIGINT) AS heard, block_number, log_index, block_hash FROM payment WHERE block_number >= $1 UNION ALL \
               SELECT CAST(0 AS BIGINT) AS heard, block_number, log_index, block_hash FROM settlement WHERE block_number >= $1";
    let rows = Query::new(sql).bind(stage.params.blocks).rows(stage.store.db()).await?;
    let place = |row: &DbRow| {
        let heard = row.maybe_number::<u64>("heard")?.unwrap_or_default();
        Ok((heard == 1, (row.number("block_number")?, row.number("log_index")?, row.hash("block_hash")?)))
    };
    rows.iter().map(place).collect()
}

async fn purses_that_the_ledger_finds_are_heard_from_then_on(stores: Stores) -> Result<()> {
    let (stage, _) = Stage::empty(&stores).await?;
    let mut running = stage.start();
    let purses = async || {
        let all = heard::list(stage.store.db(), &heard::Filter::default(), None, 100_000).await?;
        anyhow::Ok(all.into_iter().filter(|row| row.place.is_some()).collect::<Vec<_>>())
    };
    stage.until(async || Ok(!stage.heard().await?.is_empty())).await?;
    assert_eq!(purses().await?, [], "nobody knows of a purse yet");
    // Block 67 creates the last of them; an answer on its way is waited for.
    stage.held.store(false, Ordering::SeqCst);
    running.status.wait_for(|status| status.indexed.is_some_and(|indexed| indexed >= 67)).await?;
    stage.held.store(true, Ordering::SeqCst);
    stage
        .until(async || {
            stage.mine(1);
            Ok(purses().await?.len() > 3)
        })
        .await?;
    assert!(stage.ledger().await? < stage.params.blocks);
    for row in purses().await? {
        assert!(row.payer_label.is_none(), "{row:?}");
        assert!(stage.expected(row.position.block).contains(&spelled(&row)), "{row:?}");
    }
    stage.arrives(running).await
}

async fn so_many_blocks_are_kept_and_no_more(stores: Stores) -> Result<()> {
    let stage = Stage::set(&stores).await?;
    let config = Config { tail_blocks: 4, ..small_ranges(&stage.params) };
    let running = Running::start(config, &stage.sources, &stage.store);
    stage.hears(stage.head()).await?;
    let first = stage.head();
    for _ in 0..9 {
        stage.mine(1);
        stage.hears(first.max(stage.head() - 3)).await?;
    }
    // Too many at once to hear all of them.
    stage.mine(5);
    stage.hears(stage.head()).await?;
    stage.mine(2);
    stage.hears(stage.head() - 2).await?;
    stage.arrives(running).await
}

async fn a_head_that_cannot_be_heard_does_not_stop_the_ledger(stores: Stores) -> Result<()> {
    let stage = Stage::set(&stores).await?;
    stage.node.replay.misbehave(|request| request.by_hash.then_some(Fault::Unavailable));
    let mut running = stage.start();
    // What is not final is asked for by hash, by the ledger as well.
    let last = stage.head() - config(&stage.params).finality;
    let came = running.status.wait_for(|status| status.indexed == Some(last));
    if tokio::time::timeout(Duration::from_secs(60), came).await.is_err() {
        anyhow::bail!("the ledger is stuck: {:?}", running.status.borrow());
    }
    assert_eq!(stage.kept().await?, 0);
    // Nor does a node whose head comes and goes.
    stage.node.replay.misbehave(|request| match mix(request.number) % 12 {
        0 => Some(Fault::Lags(3)),
        1 => Some(Fault::Unavailable),
        2 => Some(Fault::OtherChain),
        _ => None,
    });
    stage.mine(3);
    stage.arrives(running).await
}

async fn a_restart_begins_anew(stores: Stores) -> Result<()> {
    let stage = Stage::set(&stores).await?;
    let running = stage.start();
    let first = stage.head();
    stage.mine(4);
    stage.until(async || Ok(stage.heard().await?.last() == stage.expected(first).last())).await?;
    running.stop().await?;
    assert!(stage.kept().await? > 0);
    // Whoever comes next does not know what has become of it.
    stage.node.replay.change(|chain| chain.turn(2));
    let running = stage.start();
    stage.hears(stage.head()).await?;
    running.stop().await?;
    // Nor does one that is not far behind, and hears nothing.
    let config = Config { tail_blocks: 0, ..small_ranges(&stage.params) };
    let running = Running::start(config, &stage.sources, &stage.store);
    stage.is_quiet().await?;
    stage.arrives(running).await
}

async fn what_was_heard_goes_where_the_indexer_stops_for_good(stores: Stores) -> Result<()> {
    let stage = Stage::set(&stores).await?;
    let running = stage.start();
    stage.hears(stage.head()).await?;
    stage.mine(4);
    stage.until(async || Ok(stage.kept().await? > 0)).await?;
    running.die();
    let (kept, other) = (stage.kept().await?, Params { chain_id: 10, ..stage.params.clone() });
    let node = node(other.clone(), Provider::default()).await?;
    // The store is none of that one's.
    let error = Running::start(config(&other), &sources(&[&node], 1)?, &stage.store).fails().await?;
    assert!(stage.kept().await? >= kept, "{error}");
    let error = Running::start(config(&stage.params), &sources(&[&node], 1)?, &stage.store).fails().await?;
    assert_eq!(stage.kept().await?, 0, "{error}");
    Ok(())
}

async fn who_loses_the_lease_hears_no_more(stores: Stores) -> Result<()> {
    let stage = Stage::set(&stores).await?;
    let config = Config { lease: Some(Duration::from_millis(400)), ..small_ranges(&stage.params) };
    let mut running = Running::start(config, &stage.sources, &stage.store);
    stage.hears(stage.head()).await?;
    let other = Query::new("UPDATE lease SET holder = $1, until = 9000000000000").bind(B256::repeat_byte(7));
    other.execute(stage.store.db()).await?;
    running.status.wait_for(|status| status.phase == Phase::Standby).await?;
    let (before, known) = (stage.heard().await?, stage.expected(0).len());
    stage.mine(3);
    assert!(stage.expected(0).len() > known, "there is nothing to hear");
    // Twenty times as long as it takes to look again.
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(stage.heard().await?, before);
    Query::new("DELETE FROM lease").execute(stage.store.db()).await?;
    stage.hears(stage.head()).await?;
    stage.arrives(running).await
}

/// A file takes one writer at a time.
#[tokio::test]
async fn who_writes_to_the_file_is_waited_for() -> Result<()> {
    let stores = Stores::sqlite()?;
    let stage = Stage::set(&stores).await?;
    let running = stage.start();
    let first = stage.head();
    stage.hears(first).await?;
    let mut other = SqliteConnection::connect(&stores.url("ledger").await?).await?;
    sqlx::query("BEGIN IMMEDIATE").execute(&mut other).await?;
    let before = stage.heard().await?;
    stage.node.replay.forget_calls();
    stage.mine(6);
    // It has asked, and has nowhere to write to.
    stage.until(async || Ok(stage.node.replay.calls().contains_key("eth_getLogs"))).await?;
    assert_eq!(stage.heard().await?, before);
    sqlx::query("ROLLBACK").execute(&mut other).await?;
    stage.hears(first).await?;
    stage.arrives(running).await
}
