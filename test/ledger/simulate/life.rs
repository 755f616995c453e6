//! One life of an indexer: it follows a chain that moves, through nodes that fail, until it is killed or has come to the head.

use std::{fmt, time::Duration};

use anyhow::{Context as _, Result, bail};
use bursar_indexer::{Config, Indexer, Phase, Status, Store, db::fuse::killed_after};
use bursar_replay::{Replay, Settlement, mix};
use bursar_sdk::{
    amount::Amount, decision::DecisionRecord, delivery::SealedRecord, payment::session_id, record::RecordKind,
};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::{
    history::turn,
    nodes::{Manners, Nodes},
    record::record,
};

/// Numbers from a seed.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(mix(seed))
    }

    /// The next number below `bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 = mix(self.0);
        self.0 % bound.max(1)
    }
}

/// What became of histories.
#[derive(Debug, Clone, Copy, Default)]
pub struct Count {
    pub blocks: u64,
    pub rows: u64,
    pub turns: u64,
    pub unwound: u64,
    pub faults: u64,
    /// What one of several nodes said that is not so.
    pub lies: u64,
    pub records: u64,
    /// Events that followers were told.
    pub told: u64,
    /// How often the chain was read again from its start.
    pub again: u64,
    /// Settlements outside any envelope, by who is watched.
    pub outside: u64,
    pub killed_asking: u64,
    pub killed_writing: u64,
}

impl Count {
    pub fn add(&mut self, other: &Self) {
        for (into, from) in [
            (&mut self.blocks, other.blocks),
            (&mut self.rows, other.rows),
            (&mut self.turns, other.turns),
            (&mut self.unwound, other.unwound),
            (&mut self.faults, other.faults),
            (&mut self.lies, other.lies),
            (&mut self.records, other.records),
            (&mut self.told, other.told),
            (&mut self.again, other.again),
            (&mut self.outside, other.outside),
            (&mut self.killed_asking, other.killed_asking),
            (&mut self.killed_writing, other.killed_writing),
        ] {
            *into += from;
        }
    }

    /// Whether so many histories had of everything.
    pub fn is_rich(&self, histories: u64) -> bool {
        [
            self.turns,
            self.unwound,
            self.faults,
            self.lies,
            self.records,
            self.told,
            self.again,
            self.outside,
            self.killed_asking,
            self.killed_writing,
        ]
        .into_iter()
        .all(|of| of > histories / 4)
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { blocks, rows, turns, unwound, faults, lies, records, told, again, outside, .. } = self;
        let Self { killed_asking, killed_writing, .. } = self;
        write!(
            f,
            "{blocks} blocks, {rows} rows, {turns} reorgs ({unwound} unwound), {faults} faults, {lies} lies, {records} records, \
             {told} events, {outside} settlements outside, read again {again} times, killed \
             {killed_asking} times asking a node and {killed_writing} times at the database"
        )
    }
}

/// What ends a life.
#[derive(Debug, Clone, Copy)]
pub enum Death {
    Never,
    /// At the request of that number to a node.
    Asking(u64),
    /// After so many steps of the database.
    Writing(u64),
}

impl Death {
    pub fn drawn(dice: &mut Dice) -> Self {
        match dice.below(5) {
            0 => Self::Never,
            1 | 2 => Self::Asking(dice.below(120)),
            _ => Self::Writing(dice.below(400)),
        }
    }
}

/// How a life goes.
#[derive(Debug, Clone, Copy)]
pub struct Life {
    pub death: Death,
    /// Of 100 requests, how many fail.
    pub faults: u64,
    /// How often something happens, each time when the ledger has come to the head.
    pub events: u64,
}

/// How the indexer goes about it: in small and large steps, each life otherwise.
pub fn config(usual: &Config, dice: &mut Dice) -> Config {
    Config {
        max_range: 1 + dice.below(40),
        max_logs: 1 + dice.below(200),
        ahead: usize::try_from(1 + dice.below(4)).unwrap_or(1),
        batch_logs: dice.below(200),
        linger: Duration::from_millis(dice.below(3)),
        write_from: usize::try_from(1 + dice.below(100)).unwrap_or(1),
        max_filter: usize::try_from(1 + dice.below(6)).unwrap_or(1),
        poll: Duration::from_millis(1),
        first_delay: Duration::from_micros(100),
        max_delay: Duration::from_millis(1),
        ..usual.clone()
    }
}

/// Lives it.
///
/// # Errors
/// Where the indexer stops by itself, or comes to no end.
pub async fn live(
    config: &Config,
    nodes: &Nodes,
    url: &str,
    life: Life,
    dice: &mut Dice,
    count: &mut Count,
) -> Result<()> {
    let dead_at = if let Death::Asking(number) = life.death { Some(number) } else { None };
    let manners = Manners { draw: dice.below(u64::MAX), faults: life.faults, dead_at };
    let behaved = nodes.behave(manners);
    let replay = nodes.replay()?;
    let store = Store::connect(&url.parse()?).await?;
    let indexer = Indexer::new(config.clone(), nodes.sources()?, store.clone());
    let (mut status, cancel) = (indexer.subscribe(), CancellationToken::new());
    let working = indexer.run(cancel.clone());
    let directing = async {
        for _ in 0..life.events {
            at_head(&mut status, replay).await?;
            happen(replay, config.finality, &store, dice, count).await?;
        }
        at_head(&mut status, replay).await
    };
    let steps = if let Death::Writing(steps) = life.death { steps } else { u64::MAX };
    let ended = tokio::select! {
        biased;
        () = behaved.died() => { count.killed_asking += 1; Ok(()) }
        worked = killed_after(steps, working) => match worked {
            None => { count.killed_writing += 1; Ok(()) }
            Some(stopped) => Err(anyhow::anyhow!("the indexer stopped by itself: {stopped:?}")),
        },
        directed = tokio::time::timeout(Duration::from_secs(60), directing) => {
            directed.context("the indexer comes to no end")?
        }
    };
    count.unwound += status.borrow().reorgs;
    let (faults, lies) = behaved.struck();
    (count.faults, count.lies) = (count.faults + faults, count.lies + lies);
    drop(indexer);
    store.close().await;
    ended
}

async fn at_head(status: &mut watch::Receiver<Status>, replay: &Replay) -> Result<()> {
    let hash = {
        let chain = replay.chain();
        chain.hash(chain.head()).unwrap_or_default()
    };
    let there = |status: &Status| status.indexed_hash == hash || status.phase == Phase::Stopped;
    let reached = status.wait_for(there).await?.clone();
    if reached.indexed_hash != hash {
        bail!("the indexer stopped: {:?}", reached.error);
    }
    Ok(())
}

/// Something happens to the chain, or somebody says why they paid.
async fn happen(
    replay: &Replay,
    finality: u64,
    store: &Store,
    dice: &mut Dice,
    count: &mut Count,
) -> Result<()> {
    match dice.below(4) {
        0 => replay.change(|chain| chain.mine(1 + dice.below(4))),
        1 | 2 => count.turns += turn(replay, finality, dice),
        _ => {
            let settled: Vec<Settlement> = {
                let chain = replay.chain();
                (0..=chain.head()).flat_map(|number| chain.settlements(number)).collect()
            };
            let governed: Vec<&Settlement> = settled.iter().filter(|one| one.decision.is_some()).collect();
            for _ in 0..1 + dice.below(5) {
                let at = usize::try_from(dice.below(governed.len() as u64)).unwrap_or_default();
                let Some(one) = governed.get(at) else { continue };
                count.records += explain(store, one, dice).await?;
            }
        }
    }
    Ok(())
}

/// Hands in why a purse paid.
async fn explain(store: &Store, of: &Settlement, dice: &mut Dice) -> Result<u64> {
    let hash = of.decision.unwrap_or_default();
    let record = DecisionRecord {
        id: hash.to_string(),
        chain_id: 8453,
        purse: of.payer,
        session: session_id(of.payer, 1),
        payee: of.payee,
        amount: Amount::new(of.amount),
        created_at: of.timestamp.saturating_sub(1),
        ..record()
    };
    let sealed = SealedRecord {
        kind: RecordKind::Decision,
        hash,
        canonical: "{}".into(),
        seal: [7; 65].into(),
        trace: None,
    };
    // Whatever time this machine takes it to be.
    let now = (of.timestamp + dice.below(2 << 20)).saturating_sub(1 << 20);
    let stored = store.insert_decision(&record, &sealed, now).await?;
    Ok(u64::from(stored == bursar_indexer::Inserted::New))
}
