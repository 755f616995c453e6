//! Several indexers on one PostgreSQL store divide a backfill: no block is asked for twice and none is left out, whoever dies, and whatever
//! is wrong with what one has left for another, the ledger is right.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use alloy::{
    primitives::{Address, B256, U64},
    sol_types::SolEvent as _,
};
use anyhow::{Context, Result, ensure};
use async_trait::async_trait;
use bursar_indexer::{
    Config, Phase, Store,
    db::Query,
    ledger::{
        Label,
        WatchKind::{Payer, Token},
    },
    source::{
        Answer, BlockHeader, Calls, Landmark, LogQuery, RpcConfig, RpcSource, Source, SourceError, Sources,
        TransactionInput,
    },
};
use bursar_replay::{Chain, FACTORY, Fault, Params, Provider, Request, Settlement, TOKEN};
use bursar_sdk::abi::Treasury::EnvelopeCreated;
use bursar_test_stores::Stores;

use crate::{
    node::{Node, Running, assert_right, chain, config, sources},
    outside::{assert_watched, some_payers},
};

/// How long a turn and a claim live.
const LIFE: Duration = Duration::from_millis(600);
/// Where the ledger stands before there is much to read.
const EARLY: u64 = 10;
/// The last block that a backfill reads of a small chain.
const FINAL: u64 = 200 - 16;

/// Small ranges, several at a time.
fn shared(params: &Params) -> Config {
    Config { lease: Some(LIFE), max_range: 4, ahead: 2, shared: 16, ..config(params) }
}

fn slow() -> Provider {
    Provider { latency: 5, ..Provider::default() }
}

/// A chain of which its nodes tell the first blocks only, until they are told to go on, and what they are asked meanwhile.
struct Story {
    stores: Stores,
    params: Params,
    chain: Arc<RwLock<Chain>>,
    behind: Arc<AtomicU64>,
}

/// The ranges of blocks that a node was asked the factory's logs of: each range is asked for those first, and once.
#[derive(Clone, Default)]
struct Asked(Arc<Mutex<Vec<(u64, u64)>>>);

impl Asked {
    fn note(&self, request: &Request<'_>) {
        let filter = &request.params[0];
        let of_factory = filter["address"].as_array().is_some_and(|addresses| {
            addresses.iter().any(|one| one.as_str().and_then(|one| one.parse().ok()) == Some(FACTORY))
        });
        let at = |name: &str| Some(filter[name].as_str()?.parse::<U64>().ok()?.to::<u64>());
        if let Some(range) = at("fromBlock").zip(at("toBlock")).filter(|_| of_factory) {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).push(range);
        }
    }

    fn ranges(&self) -> Vec<(u64, u64)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Each block from `first` on to the last final one was asked for exactly once.
fn assert_once(asked: &[&Asked], first: u64) -> Result<()> {
    let mut all: Vec<(u64, u64)> = asked.iter().flat_map(|asked| asked.ranges()).collect();
    all.sort_unstable();
    let mut next = first;
    for (from, to) in &all {
        ensure!(*from == next, "expected block {next} to be asked for once, got {all:?}");
        next = to + 1;
    }
    ensure!(next == FINAL + 1, "expected all up to {FINAL} to be asked for, got {all:?}");
    Ok(())
}

impl Story {
    fn new(params: Params) -> Result<Self> {
        let (chain, behind) = (chain(params.clone()), Arc::new(AtomicU64::new(params.blocks - EARLY)));
        Ok(Self { stores: Stores::postgres()?, params, chain, behind })
    }

    /// A node of it that fails as `plan` says once there is something to ask for.
    async fn node(
        &self,
        provider: Provider,
        plan: impl Fn(&Request<'_>) -> Option<Fault> + Send + Sync + 'static,
    ) -> Result<(Node, Asked)> {
        let (node, asked) = (Node::on(&self.chain, provider).await?, Asked::default());
        let (behind, noted) = (Arc::clone(&self.behind), asked.clone());
        node.replay.misbehave(move |request| match behind.load(Ordering::SeqCst) {
            0 => {
                noted.note(&request);
                plan(&request)
            }
            behind => Some(Fault::Lags(behind)),
        });
        Ok((node, asked))
    }

    /// One that answers, if slowly.
    async fn sound(&self) -> Result<(Node, Asked)> {
        self.node(slow(), |_| None).await
    }

    /// One that, once there is something to ask for, does not answer for logs.
    async fn stuck(&self) -> Result<(Node, Asked)> {
        self.node(slow(), |request| (request.method == "eth_getLogs").then_some(Fault::Slow(60_000))).await
    }

    async fn store(&self) -> Result<Store> {
        Ok(Store::connect(&self.stores.url("ledger").await?.parse()?).await?)
    }

    async fn start(&self, sources: &Sources) -> Result<Running> {
        Ok(Running::start(shared(&self.params), sources, &self.store().await?))
    }

    /// One that follows the first blocks.
    async fn leads(&self, sources: &Sources) -> Result<Running> {
        let mut running = self.start(sources).await?;
        is_at(&mut running, EARLY).await?;
        Ok(running)
    }

    /// One that stands by, ready to help.
    async fn helps(&self, sources: &Sources) -> Result<Running> {
        let running = self.stands_by(sources).await?;
        let asks = async {
            while !sources.calls().asked.contains_key("eth_getCode") {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), asks).await.context("it does not begin to help")?;
        let there = "SELECT COUNT(*) AS number FROM lease WHERE name = 'help'";
        self.until("somebody offers help", there, |count| count == 1).await?;
        Ok(running)
    }

    async fn stands_by(&self, sources: &Sources) -> Result<Running> {
        let mut running = self.start(sources).await?;
        is_about(&mut running, Phase::Standby).await?;
        Ok(running)
    }

    fn goes_on(&self) {
        self.behind.store(0, Ordering::SeqCst);
    }

    /// Waits until a count is as expected.
    async fn until(&self, what: &str, sql: &'static str, is: impl Fn(u64) -> bool) -> Result<()> {
        let store = self.store().await?;
        let waits = async {
            while !is(count(&store, sql).await?) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            anyhow::Ok(())
        };
        tokio::time::timeout(Duration::from_secs(30), waits).await.with_context(|| what.to_owned())??;
        store.close().await;
        Ok(())
    }

    /// The ledger is right, and nothing of its backfill is left.
    async fn assert_right(&self, node: &Node) -> Result<()> {
        let store = self.store().await?;
        assert_right(&store, &node.replay).await?;
        let left = count(&store, "SELECT COUNT(*) AS number FROM backfill_range").await?;
        ensure!(left == 0, "expected no range to be left, got {left}");
        store.close().await;
        Ok(())
    }

    /// What others have fetched, with nobody there who has: the leader was stuck, and all have died since.
    async fn left_behind(&self, helper: Sources) -> Result<Vec<(u64, u64)>> {
        let (stuck, _) = self.stuck().await?;
        let leader = self.leads(&sources(&[&stuck], 1)?).await?;
        let helper = self.helps(&helper).await?;
        self.goes_on();
        let fetched = "SELECT COUNT(*) AS number FROM backfill_range WHERE body IS NOT NULL";
        self.until("all that is offered is fetched", fetched, |count| count == 16).await?;
        leader.die();
        helper.die();
        let store = self.store().await?;
        let rows = Query::new("SELECT from_block, to_block FROM backfill_range ORDER BY from_block");
        let rows = rows.rows(store.db()).await?;
        rows.iter().map(|row| Ok((row.number("from_block")?, row.number("to_block")?))).collect()
    }
}

async fn count(store: &Store, sql: &'static str) -> Result<u64> {
    let row = Query::new(sql).row(store.db()).await?.context("a count")?;
    Ok(row.number("number")?)
}

async fn is_about(running: &mut Running, phase: Phase) -> Result<()> {
    let waiting = running.status.wait_for(|status| status.phase == phase);
    tokio::time::timeout(Duration::from_secs(30), waiting).await.context("it is about something else")??;
    Ok(())
}

async fn is_at(running: &mut Running, block: u64) -> Result<()> {
    let waiting = running.status.wait_for(|status| status.indexed == Some(block));
    tokio::time::timeout(Duration::from_secs(30), waiting).await.context("it does not get there")??;
    Ok(())
}

fn helped(running: &Running) -> u64 {
    running.status.borrow().helped
}

/// A node that leaves things out, and is not caught at it by anybody who asks nobody else.
struct Liar {
    node: RpcSource,
    /// Logs that begin with this.
    without: Option<B256>,
    without_code: bool,
}

fn liar(node: &Node, without: Option<B256>, without_code: bool) -> Result<Sources> {
    let node = RpcSource::new(node.served.url().parse()?, RpcConfig { timeout: Duration::from_secs(5) });
    Ok(Sources::from(Arc::new(Liar { node, without, without_code })))
}

#[async_trait]
impl Source for Liar {
    async fn chain_id(&self) -> Result<u64, SourceError> {
        self.node.chain_id().await
    }

    async fn has_code(&self, address: Address) -> Result<bool, SourceError> {
        Ok(!self.without_code && self.node.has_code(address).await?)
    }

    async fn head(&self) -> Result<BlockHeader, SourceError> {
        self.node.head().await
    }

    async fn landmark(&self, which: Landmark) -> Result<Option<BlockHeader>, SourceError> {
        self.node.landmark(which).await
    }

    async fn header(&self, number: u64) -> Result<Option<BlockHeader>, SourceError> {
        self.node.header(number).await
    }

    async fn logs(&self, query: &LogQuery) -> Result<Answer, SourceError> {
        let mut answer = self.node.logs(query).await?;
        answer.logs.retain(|log| log.topics.first().copied() != self.without || self.without.is_none());
        Ok(answer)
    }

    async fn transactions(
        &self,
        block: B256,
        wanted: &[B256],
    ) -> Result<HashMap<B256, TransactionInput>, SourceError> {
        self.node.transactions(block, wanted).await
    }

    fn calls(&self) -> Calls {
        self.node.calls()
    }
}

/// Treasuries are created within the ranges: whom to watch grows under those who help.
#[tokio::test]
async fn those_that_stand_by_fetch_and_no_block_is_asked_for_twice() -> Result<()> {
    let story = Story::new(Params::small())?;
    let nodes = [story.sound().await?, story.sound().await?, story.sound().await?];
    let [leader, one, other] = &nodes;
    let mut leads = story.leads(&sources(&[&leader.0], 1)?).await?;
    let first = story.helps(&sources(&[&one.0], 1)?).await?;
    let second = story.helps(&sources(&[&other.0], 1)?).await?;
    story.goes_on();
    let status = leads.at_head(&leader.0.replay).await?;
    assert_once(&nodes.each_ref().map(|(_, asked)| asked), EARLY + 1)?;
    for (_, asked) in &nodes {
        assert!(!asked.ranges().is_empty(), "one was not asked");
    }
    let fetched = one.1.ranges().len() + other.1.ranges().len();
    assert_eq!(status.helped, fetched as u64, "all that they have fetched is used");
    assert_eq!(status.waits, 0);
    story.assert_right(&leader.0).await?;
    for running in [leads, first, second] {
        running.stop().await?;
    }
    Ok(())
}

#[tokio::test]
async fn what_one_is_at_that_dies_is_asked_for_by_the_leader() -> Result<()> {
    let story = Story::new(Params::small())?;
    let ((leader, asked), (stuck, _)) = (story.sound().await?, story.stuck().await?);
    let mut leads = story.leads(&sources(&[&leader], 1)?).await?;
    let helper = story.helps(&sources(&[&stuck], 1)?).await?;
    story.goes_on();
    let claimed = "SELECT COUNT(*) AS number FROM backfill_range WHERE holder IS NOT NULL AND body IS NULL";
    story.until("something is claimed", claimed, |count| count > 0).await?;
    helper.die();
    let status = leads.at_head(&leader.replay).await?;
    assert_eq!((status.helped, status.waits), (0, 0));
    assert_once(&[&asked], EARLY + 1)?;
    story.assert_right(&leader).await?;
    leads.stop().await
}

/// Each range takes this one longer than a claim lives: it renews them.
#[tokio::test]
async fn one_that_takes_its_time_keeps_what_it_has_claimed() -> Result<()> {
    let story = Story::new(Params::small())?;
    let (leader, asked) = story.sound().await?;
    let (node, claimed) = story.node(Provider { latency: 300, ..Provider::default() }, |_| None).await?;
    let mut leads = story.leads(&sources(&[&leader], 1)?).await?;
    let helper = story.helps(&sources(&[&node], 1)?).await?;
    story.goes_on();
    let status = leads.at_head(&leader.replay).await?;
    assert_once(&[&asked, &claimed], EARLY + 1)?;
    assert_eq!(status.helped, claimed.ranges().len() as u64, "all that it has fetched is used");
    assert!(status.helped > 0, "it has not helped");
    story.assert_right(&leader).await?;
    leads.stop().await?;
    helper.stop().await
}

/// Its node is gone, and it is there: what it has claimed would be its own for ever.
#[tokio::test]
async fn who_lives_and_does_not_come_to_an_end_is_not_waited_for_again() -> Result<()> {
    let story = Story::new(Params::small())?;
    let ((leader, asked), (stuck, _)) = (story.sound().await?, story.stuck().await?);
    let mut leads = story.leads(&sources(&[&leader], 1)?).await?;
    let helper = story.helps(&sources(&[&stuck], 1)?).await?;
    story.goes_on();
    let status = leads.at_head(&leader.replay).await?;
    assert_eq!((status.helped, status.waits), (0, 0));
    assert_once(&[&asked], EARLY + 1)?;
    story.assert_right(&leader).await?;
    leads.stop().await?;
    helper.die();
    Ok(())
}

/// A file is one machine's: whoever stands by asks the chain for nothing.
#[tokio::test]
async fn nobody_helps_on_sqlite() -> Result<()> {
    let params = Params::small();
    let chain = chain(params.clone());
    let (leader, other) = (Node::on(&chain, slow()).await?, Node::on(&chain, slow()).await?);
    let stores = Stores::sqlite()?;
    let store = Store::connect(&stores.url("ledger").await?.parse()?).await?;
    // Longer than a batch may keep others from writing.
    let config = Config { lease: Some(Duration::from_secs(10)), ..shared(&params) };
    let mut leads = Running::start(config.clone(), &sources(&[&leader], 1)?, &store);
    let its_turn = leads.status.wait_for(|status| status.head.is_some());
    tokio::time::timeout(Duration::from_secs(30), its_turn).await.context("its turn does not come")??;
    let mut stands_by = Running::start(config, &sources(&[&other], 1)?, &store);
    is_about(&mut stands_by, Phase::Standby).await?;
    leads.at_head(&leader.replay).await?;
    assert_right(&store, &leader.replay).await?;
    assert_eq!(other.replay.calls(), Default::default());
    leads.stop().await?;
    stands_by.die();
    Ok(())
}

#[tokio::test]
async fn who_takes_over_uses_what_was_fetched() -> Result<()> {
    let story = Story::new(Params::small())?;
    let ((stuck, _), (sound, asked)) = (story.stuck().await?, story.sound().await?);
    let leader = story.leads(&sources(&[&stuck], 1)?).await?;
    let mut helper = story.helps(&sources(&[&sound], 1)?).await?;
    story.goes_on();
    let fetched = "SELECT COUNT(*) AS number FROM backfill_range WHERE body IS NOT NULL";
    story.until("all that is offered is fetched", fetched, |count| count == 16).await?;
    leader.die();
    let status = helper.at_head(&sound.replay).await?;
    assert_eq!((status.helped, status.waits), (16, 0));
    // It has asked for these once: while it stood by.
    assert_once(&[&asked], EARLY + 1)?;
    story.assert_right(&sound).await?;
    helper.stop().await
}

#[tokio::test]
async fn bytes_that_are_no_answer_are_not_believed() -> Result<()> {
    let story = Story::new(Params::small())?;
    let (node, _) = story.sound().await?;
    let ranges = story.left_behind(sources(&[&node], 1)?).await?;
    let store = story.store().await?;
    // Each of the first ranges is another fault; the rest is good.
    let faults = [
        "UPDATE backfill_range SET body = '' WHERE from_block = $1",
        "UPDATE backfill_range SET body = '\\x00ff' WHERE from_block = $1",
        "UPDATE backfill_range SET body = substring(body FROM 1 FOR length(body) - 1) WHERE from_block = $1",
        "UPDATE backfill_range SET body = body || '\\x00' WHERE from_block = $1",
        "UPDATE backfill_range SET body = set_byte(body, 0, (get_byte(body, 0) + 1) % 256) WHERE from_block = $1",
        "UPDATE backfill_range SET body = set_byte(body, 90, (get_byte(body, 90) + 1) % 256) WHERE from_block = $1",
        "UPDATE backfill_range SET body = other.body FROM backfill_range other \
         WHERE backfill_range.from_block = $1 AND other.from_block = $1 + 4",
        "UPDATE backfill_range SET revision = 7 WHERE from_block = $1",
        "UPDATE backfill_range SET to_block = to_block + 1 WHERE from_block = $1",
        "UPDATE backfill_range SET to_block = from_block - 1 WHERE from_block = $1",
    ];
    for (fault, (from, _)) in faults.into_iter().zip(&ranges) {
        assert_eq!(Query::new(fault).bind(*from).execute(store.db()).await?, 1, "{fault}");
    }
    let (node, asked) = story.sound().await?;
    let mut running = story.start(&sources(&[&node], 1)?).await?;
    let status = running.at_head(&node.replay).await?;
    assert_eq!((status.helped, status.waits), ((ranges.len() - faults.len()) as u64, 0));
    let asked = asked.ranges();
    for (place, (from, to)) in ranges.iter().enumerate() {
        let is_asked = asked.iter().any(|(first, last)| first <= to && last >= from);
        assert_eq!(is_asked, place < faults.len(), "{from} to {to}: {asked:?}");
    }
    story.assert_right(&node).await?;
    running.stop().await
}

#[tokio::test]
async fn what_is_of_another_chain_is_not_believed() -> Result<()> {
    let story = Story::new(Params::small())?;
    // It says that it is the same one.
    let other = Node::on(&chain(Params { seed: 2, ..Params::small() }), slow()).await?;
    let ((leader, asked), helper) = (story.sound().await?, sources(&[&other], 1)?);
    let mut leads = story.leads(&sources(&[&leader], 1)?).await?;
    let helper = story.helps(&helper).await?;
    story.goes_on();
    let status = leads.at_head(&leader.replay).await?;
    assert_eq!((status.helped, status.waits), (0, 0));
    assert!(other.replay.calls().contains_key("eth_getLogs"), "it has not helped");
    assert_once(&[&asked], EARLY + 1)?;
    story.assert_right(&leader).await?;
    leads.stop().await?;
    helper.stop().await
}

/// What was fetched reads, and yet it does not follow from the ledger.
#[tokio::test]
async fn what_does_not_go_in_is_asked_for_again() -> Result<()> {
    let story = Story::new(Params::small())?;
    let (node, _) = story.sound().await?;
    let helper = || liar(&node, Some(EnvelopeCreated::SIGNATURE_HASH), false);
    story.left_behind(helper()?).await?;
    let (sound, asked) = story.sound().await?;
    let mut leads = story.start(&sources(&[&sound], 1)?).await?;
    let its_turn = leads.status.wait_for(|status| status.head.is_some());
    tokio::time::timeout(Duration::from_secs(30), its_turn).await.context("its turn does not come")??;
    // It goes on leaving more of the same.
    let helper = story.stands_by(&helper()?).await?;
    let status = leads.at_head(&sound.replay).await?;
    assert!(status.waits > 0, "all of it went in");
    assert!(status.helped > 0 && !asked.ranges().is_empty());
    story.assert_right(&sound).await?;
    leads.stop().await?;
    helper.die();
    Ok(())
}

#[tokio::test]
async fn a_watch_list_that_changes_meanwhile() -> Result<()> {
    let story = Story::new(Params::small())?;
    let store = story.store().await?;
    let (leader, _) = story.node(Provider { latency: 50, ..Provider::default() }, |_| None).await?;
    let (node, _) = story.sound().await?;
    let payers = some_payers(&leader.replay);
    let (early, late) = payers.split_at(payers.len() / 2);
    store.put_watched(Token, &[TOKEN], None).await?;
    store.put_watched(Payer, early, None).await?;
    let mut leads = story.leads(&sources(&[&leader], 1)?).await?;
    let helper = story.helps(&sources(&[&node], 1)?).await?;
    story.goes_on();
    let fetched = "SELECT COUNT(*) AS number FROM backfill_range WHERE body IS NOT NULL";
    story.until("something is fetched", fetched, |count| count > 0).await?;
    store.put_watched(Payer, late, None).await?;
    let from = "SELECT MAX(from_block) AS number FROM watched";
    let from = count(&store, from).await?;
    assert!((EARLY..FINAL).contains(&from), "{from}");
    leads.at_head(&leader.replay).await?;
    assert!(helped(&leads) > 0);
    let is_watched =
        |one: &Settlement| early.contains(&one.payer) || (late.contains(&one.payer) && one.block >= from);
    assert_watched(&store, &leader.replay, false, is_watched).await?;
    story.assert_right(&leader).await?;
    leads.stop().await?;
    helper.stop().await
}

#[tokio::test]
async fn one_that_cannot_help_stands_by() -> Result<()> {
    let story = Story::new(Params::small())?;
    let ((leader, asked), (node, unasked)) = (story.sound().await?, story.sound().await?);
    let wrong = Node::on(&chain(Params { chain_id: 10, ..Params::small() }), slow()).await?;
    let mut leads = story.leads(&sources(&[&leader], 1)?).await?;
    let other_chain = story.stands_by(&sources(&[&wrong], 1)?).await?;
    let no_code = story.stands_by(&liar(&node, None, true)?).await?;
    let asked_once = async {
        let asks = |node: &Node| node.replay.calls().contains_key("eth_chainId");
        while !(asks(&wrong) && asks(&node)) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), asked_once).await?;
    story.goes_on();
    let status = leads.at_head(&leader.replay).await?;
    assert_eq!((status.helped, status.waits), (0, 0));
    assert_once(&[&asked], EARLY + 1)?;
    assert_eq!(unasked.ranges(), []);
    assert_eq!(wrong.replay.calls().get("eth_getLogs"), None);
    for running in [&other_chain, &no_code] {
        assert_eq!(running.status.borrow().phase, Phase::Standby);
    }
    story.assert_right(&leader).await?;
    leads.stop().await?;
    other_chain.die();
    no_code.die();
    Ok(())
}

#[tokio::test]
async fn what_the_chain_takes_back_takes_what_was_fetched_with_it() -> Result<()> {
    let story = Story::new(Params::small())?;
    story.goes_on();
    let (node, _) = story.sound().await?;
    let mut running = story.start(&sources(&[&node], 1)?).await?;
    running.at_head(&node.replay).await?;
    let store = story.store().await?;
    let left =
        "INSERT INTO backfill_range (from_block, to_block, revision, body) VALUES (900, 901, 0, '\\x01')";
    Query::new(left).execute(store.db()).await?;
    node.replay.change(|chain| chain.mine(1));
    running.at_head(&node.replay).await?;
    assert_eq!(count(&store, "SELECT COUNT(*) AS number FROM backfill_range").await?, 1);
    node.replay.change(|chain| chain.turn(3));
    let status = running.at_head(&node.replay).await?;
    assert_eq!(status.reorgs, 1);
    story.assert_right(&node).await?;
    running.stop().await
}

#[tokio::test]
async fn what_is_too_much_for_one_that_helps_is_asked_for_in_parts() -> Result<()> {
    for (at_leader, at_helper) in [(0, 3), (3, 3), (3, 0)] {
        let story = Story::new(Params::small())?;
        let narrow = |max_range| Provider { max_range, ..slow() };
        let (leader, _) = story.node(narrow(at_leader), |_| None).await?;
        let (node, _) = story.node(narrow(at_helper), |_| None).await?;
        let mut leads = story.leads(&sources(&[&leader], 1)?).await?;
        let helper = story.helps(&sources(&[&node], 1)?).await?;
        story.goes_on();
        let status = leads.at_head(&leader.replay).await?;
        assert_eq!(status.waits, 0, "{at_leader} and {at_helper}");
        assert!(node.replay.calls().contains_key("eth_getLogs"), "it has not helped");
        story.assert_right(&leader).await?;
        leads.stop().await?;
        helper.stop().await?;
    }
    Ok(())
}

/// Writers wait for the ledger while a batch is open, and those who divide it need the database, too.
#[tokio::test]
async fn whoever_writes_beside_it_is_in_nobodys_way() -> Result<()> {
    let story = Story::new(Params::small())?;
    let ((leader, _), (node, _)) = (story.sound().await?, story.sound().await?);
    let store = story.store().await?;
    store.put_watched(Token, &[TOKEN], None).await?;
    let long = Config { linger: Duration::from_millis(200), ..shared(&story.params) };
    let mut leads = Running::start(long, &sources(&[&leader], 1)?, &store);
    is_at(&mut leads, EARLY).await?;
    let helper = story.helps(&sources(&[&node], 1)?).await?;
    let label: Label = "a token".parse()?;
    let writers: Vec<_> = (0..12)
        .map(|_| {
            let (store, label) = (store.clone(), label.clone());
            tokio::spawn(async move {
                loop {
                    // A label makes no other revision, and waits for the ledger all the same.
                    if let Err(error) = store.put_watched(Token, &[TOKEN], Some(&label)).await {
                        return error;
                    }
                }
            })
        })
        .collect();
    story.goes_on();
    let status = leads.at_head(&leader.replay).await?;
    assert!(status.helped > 0);
    assert_eq!(status.waits, 0);
    for writer in &writers {
        assert!(!writer.is_finished(), "a writer was turned away");
        writer.abort();
    }
    story.assert_right(&leader).await?;
    leads.stop().await?;
    helper.stop().await
}
