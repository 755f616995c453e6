//! From logs to blocks: what else is needed of them is asked for, and what logs say of their block is looked at.

use std::collections::BTreeMap;

use alloy::primitives::{
    B256,
    map::{HashMap, HashSet},
};
use futures::{StreamExt, TryStreamExt, stream};

use super::{
    Config,
    fetch::{CONCURRENCY, Logs, Samples},
};
use crate::{
    decode::{Decoded, Event, decode_log, pair_settlements, proxied, unannounced},
    ledger::{BlockFacts, WatchList},
    source::{BlockHeader, Blocks, Given, Givers, LogQuery, Nonsense, RawLog, SourceError, Sources},
    store::Watch,
};

pub(super) struct Assembler<'a> {
    pub(super) sources: &'a Sources,
    pub(super) config: &'a Config,
    pub(super) list: &'a WatchList,
    pub(super) watch: &'a Watch,
    /// The block, where it is one and known.
    pub(super) known: Option<BlockHeader>,
}

pub(super) type Entries = Vec<(RawLog, Decoded)>;

impl Assembler<'_> {
    /// Blocks of `before` with these logs added, and the blocks that are new with them, in order.
    ///
    /// A log's own word for its block's hash and time is taken: to ask for every block costs more than all else.
    /// `samples` are looked at, one for each answer, so that an answer of another chain does not pass.
    pub(super) async fn assemble(
        &self,
        logs: Logs,
        samples: &Samples,
        tip: Option<BlockHeader>,
        before: Vec<BlockFacts>,
    ) -> Result<Vec<BlockFacts>, SourceError> {
        let headers = self.look_at(samples, tip).await?;
        let mut done: BTreeMap<u64, BlockFacts> =
            before.into_iter().map(|block| (block.header.number, block)).collect();
        let mut todo = Vec::new();
        for (number, new) in logs.by_block() {
            let Some(block) = done.remove(&number) else {
                todo.push((number, new));
                continue;
            };
            let mut logs = Logs::default();
            // Who gave what was there before is forgotten.
            let before = block.entries.into_iter().map(|(what, _)| Given { what, by: Givers::default() });
            for some in [before.collect(), new] {
                logs.add(some).map_err(|wrong| self.sources.not_believed(wrong.what, &wrong.by))?;
            }
            todo.extend(logs.by_block());
        }
        let headers = &headers;
        let blocks = stream::iter(todo).map(|(number, logs)| async move {
            let header = self.header(number, &logs, headers.get(&number)).await?;
            self.block(header, logs).await
        });
        let mut blocks = blocks.buffered(CONCURRENCY);
        while let Some(block) = blocks.try_next().await? {
            done.insert(block.header.number, block);
        }
        Ok(done.into_values().collect())
    }

    /// Asks for the blocks that answers are judged by.
    async fn look_at(
        &self,
        samples: &Samples,
        tip: Option<BlockHeader>,
    ) -> Result<HashMap<u64, BlockHeader>, SourceError> {
        let mut headers: HashMap<u64, BlockHeader> =
            tip.into_iter().chain(self.known).map(|header| (header.number, header)).collect();
        for ((number, hash), by) in samples {
            let header = match headers.get(number) {
                Some(header) => *header,
                None => self.sources.header(*number).await?.what,
            };
            headers.insert(*number, header);
            self.same(header, *hash, by)?;
        }
        Ok(headers)
    }

    async fn header(
        &self,
        number: u64,
        logs: &[Given<RawLog>],
        known: Option<&BlockHeader>,
    ) -> Result<BlockHeader, SourceError> {
        let said = logs.first().and_then(|log| Some((log.what.block_hash, log.what.block_timestamp?)));
        let header = match (known, said) {
            (Some(header), _) => *header,
            (None, Some((hash, timestamp))) => BlockHeader { number, hash, parent_hash: None, timestamp },
            (None, None) => self.sources.header(number).await?.what,
        };
        for Given { what: log, by } in logs {
            self.same(header, log.block_hash, by)?;
            let (block, expected) = (number, header.timestamp);
            if let Some(got) = log.block_timestamp.filter(|got| *got != expected) {
                return Err(self.sources.not_believed(Nonsense::OtherTime { block, expected, got }, by));
            }
        }
        Ok(header)
    }

    fn same(&self, header: BlockHeader, got: B256, by: &Givers) -> Result<(), SourceError> {
        let (number, expected) = (header.number, header.hash);
        if expected == got {
            return Ok(());
        }
        Err(self.sources.not_believed(Nonsense::OtherChain { number, expected, got }, by))
    }

    async fn block(&self, header: BlockHeader, logs: Vec<Given<RawLog>>) -> Result<BlockFacts, SourceError> {
        let is_token = |address| self.watch.assets.contains(&address) || self.list.has_token(address);
        let (entries, givers): (Entries, Vec<Givers>) = logs
            .into_iter()
            .map(|Given { what: log, by }| {
                let decoded = decode_log(&log, self.config.factory, is_token);
                ((log, decoded), by)
            })
            .unzip();
        let pairs = pair_settlements(&entries);
        let alone = |(log, decoded): &(RawLog, Decoded)| {
            matches!(decoded, Ok(Event::Settled(_))) && !pairs.contains_key(&log.log_index)
        };
        if let Some(((log, _), by)) = entries.iter().zip(&givers).find(|(entry, _)| alone(entry)) {
            self.has_no_transfer(header, log, by).await?;
        }
        let hashes = to_read(self.list, self.watch, header.number, &entries, &pairs);
        let transactions = match hashes.as_slice() {
            [] => Default::default(),
            hashes => self.sources.transactions(header.hash, hashes).await?,
        };
        Ok(BlockFacts { header, entries, transactions })
    }

    /// An authorization that no transfer goes with is either a token that lies or an answer with a hole: asked for the
    /// whole block by its hash, an honest provider gives the same again.
    async fn has_no_transfer(
        &self,
        header: BlockHeader,
        used: &RawLog,
        by: &Givers,
    ) -> Result<(), SourceError> {
        let query = LogQuery {
            blocks: Blocks::Hash(header.hash),
            addresses: vec![used.address],
            topics: Default::default(),
        };
        let again = self.sources.logs(&query).await?.what;
        let here = again.logs.into_iter().filter(|log| log.tx_hash == used.tx_hash).map(|log| {
            let decoded = decode_log(&log, self.config.factory, |_| true);
            (log, decoded)
        });
        let here: Entries = here.collect();
        if pair_settlements(&here).contains_key(&used.log_index) {
            return Err(self.sources.not_believed(Nonsense::LeavesOut(header.number), by));
        }
        Ok(())
    }
}

/// The transactions that have to be read: those in which purses paid, and those whose sender is kept.
pub(super) fn to_read(
    list: &WatchList,
    watch: &Watch,
    block: u64,
    entries: &Entries,
    pairs: &HashMap<u64, u64>,
) -> Vec<B256> {
    let is_purse = |address| watch.purses.contains(&address);
    let silent = unannounced(entries, pairs, is_purse);
    let senders = list.wants_senders(block);
    let proxied = if senders { proxied(entries) } else { HashMap::default() };
    let read = entries.iter().filter(|(log, decoded)| match decoded {
        Ok(Event::Settled(used)) => senders || is_purse(used.authorizer),
        _ => silent.contains(&log.log_index) || proxied.contains_key(&log.log_index),
    });
    let hashes: HashSet<B256> = read.map(|(log, _)| log.tx_hash).collect();
    hashes.into_iter().collect()
}
