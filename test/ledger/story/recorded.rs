//! A chain in memory, taken from a real one, that misbehaves on request.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use alloy::primitives::{Address, B256};
use anyhow::{Context, Result};
use async_trait::async_trait;
use bursar_indexer::{
    Config,
    source::{
        Answer, BlockHeader, Blocks, Landmark, LogQuery, RawLog, Source, SourceError, TransactionInput,
    },
};
use tokio::sync::Notify;

use crate::{agrees::live, ledger::config, world::World};

/// The story's chain, and how it is followed.
pub async fn recorded() -> Result<(Arc<Recorded>, Config)> {
    let mut world = World::new().await?;
    live(&mut world).await?;
    let config = config(world.anvil.chain_id(), world.factory);
    Ok((Arc::new(Recorded::of(&world.source()).await?), config))
}

/// What a source does on one of its calls instead of answering.
#[derive(Clone)]
pub enum Fault {
    /// Says so.
    Error(SourceError),
    /// Answers as if the chain ended that many blocks earlier, and has no later block.
    Lags(u64),
    /// Gives blocks another parent than they have.
    FalseParent,
    /// Leaves the first log of an answer out, without a word.
    Truncates,
    /// Puts a log into the answer that was not asked for.
    Strays,
    /// Gives logs another block's hash.
    OtherChain,
    /// Never answers.
    Hangs,
}

pub type Plan = Box<dyn Fn(u64) -> Option<Fault> + Send + Sync>;

pub struct Recorded {
    pub chain_id: u64,
    pub headers: Vec<BlockHeader>,
    pub logs: Vec<RawLog>,
    pub transactions: HashMap<B256, TransactionInput>,
    /// The highest block it shows.
    pub ceiling: AtomicU64,
    /// Most blocks in one question.
    pub max_range: u64,
    pub calls: AtomicU64,
    pub plan: Mutex<Option<Plan>>,
    pub hanging: Arc<Notify>,
    asked: AtomicU64,
}

impl Recorded {
    /// All of a chain, as `source` has it.
    pub async fn of(source: &dyn Source) -> Result<Self> {
        let head = source.head().await?.number;
        let mut headers = Vec::new();
        let mut transactions = HashMap::new();
        for number in 0..=head {
            headers.push(source.header(number).await?.context("a block below the head")?);
        }
        let everything =
            LogQuery { blocks: Blocks::Range(0, head), addresses: vec![], topics: Default::default() };
        let logs = source.logs(&everything).await?.logs;
        for log in &logs {
            transactions.extend(source.transactions(log.block_hash, &[log.tx_hash]).await?);
        }
        Ok(Self {
            chain_id: source.chain_id().await?,
            headers,
            logs,
            transactions,
            ceiling: AtomicU64::new(head),
            max_range: u64::MAX,
            calls: AtomicU64::new(0),
            plan: Mutex::new(None),
            hanging: Arc::new(Notify::new()),
            asked: AtomicU64::new(u64::MAX),
        })
    }

    /// The block that logs were asked of last, where it was one block alone.
    pub fn last_asked(&self) -> Option<u64> {
        Some(self.asked.load(Ordering::SeqCst)).filter(|number| *number != u64::MAX)
    }

    pub fn head_number(&self) -> u64 {
        self.ceiling.load(Ordering::SeqCst).min(self.headers.len() as u64 - 1)
    }

    pub fn misbehave(&self, plan: impl Fn(u64) -> Option<Fault> + Send + Sync + 'static) {
        if let Ok(mut slot) = self.plan.lock() {
            *slot = Some(Box::new(plan));
        }
    }

    async fn fault(&self) -> Result<Option<Fault>, SourceError> {
        let call = self.calls.fetch_add(1, Ordering::SeqCst);
        let fault = self.plan.lock().ok().and_then(|plan| plan.as_ref().and_then(|plan| plan(call)));
        match fault {
            Some(Fault::Error(error)) => Err(error),
            Some(Fault::Hangs) => {
                self.hanging.notify_one();
                std::future::pending().await
            }
            fault => Ok(fault),
        }
    }

    fn at(&self, number: u64, fault: &Option<Fault>) -> Option<BlockHeader> {
        let lag = if let Some(Fault::Lags(lag)) = fault { *lag } else { 0 };
        let visible = number <= self.head_number().saturating_sub(lag);
        let mut header = visible.then(|| self.headers.get(number as usize).copied()).flatten()?;
        if matches!(fault, Some(Fault::FalseParent)) {
            header.parent_hash = Some(B256::repeat_byte(0xbd));
        }
        Some(header)
    }
}

#[async_trait]
impl Source for Recorded {
    async fn chain_id(&self) -> Result<u64, SourceError> {
        self.fault().await?;
        Ok(self.chain_id)
    }

    async fn has_code(&self, _: Address) -> Result<bool, SourceError> {
        self.fault().await?;
        Ok(true)
    }

    async fn head(&self) -> Result<BlockHeader, SourceError> {
        let fault = self.fault().await?;
        let lag = if let Some(Fault::Lags(lag)) = fault { lag } else { 0 };
        let number = self.head_number().saturating_sub(lag);
        self.at(number, &fault).ok_or_else(|| SourceError::NotFound("its latest block".into()))
    }

    async fn landmark(&self, _: Landmark) -> Result<Option<BlockHeader>, SourceError> {
        Ok(None)
    }

    async fn header(&self, number: u64) -> Result<Option<BlockHeader>, SourceError> {
        let fault = self.fault().await?;
        Ok(self.at(number, &fault))
    }

    async fn logs(&self, query: &LogQuery) -> Result<Answer, SourceError> {
        let alone = match query.blocks {
            Blocks::Hash(hash) => self.headers.iter().find(|header| header.hash == hash).map(|it| it.number),
            Blocks::Range(from, to) => (from == to).then_some(from),
        };
        self.asked.store(alone.unwrap_or(u64::MAX), Ordering::SeqCst);
        let fault = self.fault().await?;
        let visible = match query.blocks {
            Blocks::Hash(hash) => {
                let known = self.headers.iter().find(|header| header.hash == hash);
                let header = known.ok_or_else(|| SourceError::NotFound("unknown block".into()))?;
                if self.at(header.number, &fault).is_none() {
                    return Err(SourceError::NotFound("unknown block".into()));
                }
                self.head_number()
            }
            Blocks::Range(from, to) if to - from >= self.max_range => {
                return Err(SourceError::RangeTooWide(format!("{} blocks", to - from + 1).into()));
            }
            Blocks::Range(..) => self.head_number(),
        };
        let mut logs: Vec<RawLog> = self
            .logs
            .iter()
            .filter(|log| log.block_number <= visible && query.matches(log))
            .cloned()
            .collect();
        match fault {
            Some(Fault::Truncates) if !logs.is_empty() => {
                logs.remove(0);
            }
            Some(Fault::Strays) => logs.extend(self.logs.iter().find(|log| !query.matches(log)).cloned()),
            Some(Fault::OtherChain) => {
                logs.iter_mut().for_each(|log| log.block_hash = B256::repeat_byte(0xcc))
            }
            _ => {}
        }
        let tip = match query.blocks {
            Blocks::Hash(_) => None,
            Blocks::Range(_, to) => self.at(to, &fault),
        };
        Ok(Answer { logs, tip })
    }

    async fn transactions(
        &self,
        _: B256,
        wanted: &[B256],
    ) -> Result<HashMap<B256, TransactionInput>, SourceError> {
        let fault = self.fault().await?;
        if matches!(fault, Some(Fault::Lags(_))) {
            return Ok(HashMap::new());
        }
        let found = wanted.iter().filter_map(|hash| Some((*hash, self.transactions.get(hash)?.clone())));
        Ok(found.collect())
    }
}
