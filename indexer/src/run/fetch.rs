//! Asking for all of some blocks that concerns us.

use std::collections::{BTreeMap, HashMap, HashSet};

use alloy::{
    primitives::{Address, B256},
    sol_types::SolEvent,
};
use bursar_sdk::abi::{
    Eip3009::{AuthorizationUsed, Transfer},
    Treasury::TreasuryEvents,
};
use futures::{StreamExt, TryStreamExt, future, stream};

use crate::{
    decode::{Event, decode_log, pair_settlements, unannounced},
    ledger::BlockFacts,
    source::{BlockHeader, Blocks, LogQuery, RawLog, Source, SourceError, TransactionInput},
    store::Watch,
};

use super::Config;

/// Questions that wait for their answer at the same time.
const CONCURRENCY: usize = 8;

/// Asks for all of `blocks` that concerns us, in chain order, and adds to `watch` whom they tell of.
///
/// What is created within the blocks is followed within them: first the factory's and the treasuries' own
/// logs, then those of treasuries found in them, then tokens for the purses there are by then.
///
/// # Errors
/// As the source answers; also when its answers contradict each other or the question.
pub async fn fetch(
    source: &dyn Source,
    config: &Config,
    watch: &mut Watch,
    blocks: Blocks,
    known: Option<BlockHeader>,
) -> Result<Vec<BlockFacts>, SourceError> {
    let fetcher = Fetcher { source, config, blocks };
    let mut logs = Logs::default();
    let mut ask: Vec<Address> =
        std::iter::once(config.factory).chain(watch.treasuries.iter().copied()).collect();
    while !ask.is_empty() {
        let answer = fetcher.of_addresses(&ask).await?;
        ask = discover(config.factory, watch, &answer);
        logs.add(answer)?;
    }
    logs.add(fetcher.of_tokens(watch).await?)?;
    fetcher.assemble(watch, logs, known).await
}

/// Logs by place, each once.
#[derive(Default)]
struct Logs(BTreeMap<(u64, u64), RawLog>);

impl Logs {
    fn add(&mut self, logs: Vec<RawLog>) -> Result<(), SourceError> {
        for log in logs {
            let place = (log.block_number, log.log_index);
            if let Some(other) = self.0.insert(place, log.clone())
                && other != log
            {
                return Err(SourceError::Nonsense(format!(
                    "two different logs {} of block {}",
                    place.1, place.0
                )));
            }
        }
        Ok(())
    }
}

/// Adds whom these logs tell of to `watch`; gives the treasuries that are new.
fn discover(factory: Address, watch: &mut Watch, logs: &[RawLog]) -> Vec<Address> {
    let mut new = Vec::new();
    for log in logs {
        match decode_log(log, factory, |_| false) {
            Ok(Event::Created(event)) if watch.treasuries.insert(event.treasury) => new.push(event.treasury),
            Ok(Event::Treasury(event)) => match *event {
                TreasuryEvents::AssetAdded(event) => {
                    watch.assets.insert(event.asset);
                }
                TreasuryEvents::PurseCreated(event) => {
                    watch.purses.insert(event.purse);
                }
                _ => {}
            },
            _ => {}
        }
    }
    new
}

struct Fetcher<'a> {
    source: &'a dyn Source,
    config: &'a Config,
    blocks: Blocks,
}

impl Fetcher<'_> {
    async fn of_addresses(&self, addresses: &[Address]) -> Result<Vec<RawLog>, SourceError> {
        let query = |addresses: &[Address]| LogQuery {
            blocks: self.blocks,
            addresses: addresses.to_vec(),
            topics: Default::default(),
        };
        self.all(addresses.chunks(self.config.max_filter.max(1)).map(query).collect()).await
    }

    /// Authorizations that purses used, and transfers from and to them.
    async fn of_tokens(&self, watch: &Watch) -> Result<Vec<RawLog>, SourceError> {
        let assets: Vec<Address> = watch.assets.iter().copied().collect();
        let purses: Vec<B256> = watch.purses.iter().map(|purse| purse.into_word()).collect();
        let mut queries = Vec::new();
        for addresses in assets.chunks(self.config.max_filter.max(1)) {
            for purses in purses.chunks(self.config.max_filter.max(1)) {
                let query = |topics| LogQuery { blocks: self.blocks, addresses: addresses.to_vec(), topics };
                let both = vec![AuthorizationUsed::SIGNATURE_HASH, Transfer::SIGNATURE_HASH];
                queries.push(query([both, purses.to_vec(), vec![]]));
                queries.push(query([vec![Transfer::SIGNATURE_HASH], vec![], purses.to_vec()]));
            }
        }
        self.all(queries).await
    }

    async fn all(&self, queries: Vec<LogQuery>) -> Result<Vec<RawLog>, SourceError> {
        let answers = stream::iter(queries).map(|query| async move {
            let logs = self.source.logs(&query).await?;
            match logs.iter().find(|log| !query.matches(log)) {
                None => Ok(logs),
                Some(log) => Err(SourceError::Nonsense(format!(
                    "a log of {} in block {} that was not asked for",
                    log.address, log.block_number
                ))),
            }
        });
        Ok(answers.buffered(CONCURRENCY).try_collect::<Vec<_>>().await?.concat())
    }

    async fn assemble(
        &self,
        watch: &Watch,
        logs: Logs,
        known: Option<BlockHeader>,
    ) -> Result<Vec<BlockFacts>, SourceError> {
        let mut by_block: BTreeMap<u64, Vec<RawLog>> = BTreeMap::new();
        for log in logs.0.into_values() {
            by_block.entry(log.block_number).or_default().push(log);
        }
        let facts = stream::iter(by_block).map(|(number, logs)| async move {
            let header = match known {
                Some(header) => header,
                None => self.header(number).await?,
            };
            self.block(watch, header, logs).await
        });
        facts.buffered(CONCURRENCY).try_collect().await
    }

    async fn header(&self, number: u64) -> Result<BlockHeader, SourceError> {
        let header = self.source.header(number).await?;
        header.ok_or_else(|| SourceError::NotFound(format!("block {number}, whose logs it has")))
    }

    async fn block(
        &self,
        watch: &Watch,
        header: BlockHeader,
        logs: Vec<RawLog>,
    ) -> Result<BlockFacts, SourceError> {
        let stray = |log: &&RawLog| (log.block_hash, log.block_number) != (header.hash, header.number);
        if let Some(log) = logs.iter().find(stray) {
            return Err(SourceError::Nonsense(format!(
                "expected logs of block {} ({}), got one of block {} ({})",
                header.number, header.hash, log.block_number, log.block_hash
            )));
        }
        let is_token = |address| watch.assets.contains(&address);
        let entries: Vec<_> = logs
            .into_iter()
            .map(|log| {
                let decoded = decode_log(&log, self.config.factory, is_token);
                (log, decoded)
            })
            .collect();
        let settled =
            |(log, decoded): &(RawLog, _)| matches!(decoded, Ok(Event::Settled(_))).then_some(log.tx_hash);
        let pairs = pair_settlements(&entries);
        let silent = unannounced(&entries, &pairs, |purse| watch.purses.contains(&purse));
        let moved =
            entries.iter().filter(|(log, _)| silent.contains(&log.log_index)).map(|(log, _)| log.tx_hash);
        let hashes: HashSet<B256> = entries.iter().filter_map(settled).chain(moved).collect();
        let asked = hashes.into_iter().map(|hash| self.transaction(hash));
        let transactions: HashMap<B256, TransactionInput> =
            future::try_join_all(asked).await?.into_iter().collect();
        Ok(BlockFacts { header, entries, transactions })
    }

    async fn transaction(&self, hash: B256) -> Result<(B256, TransactionInput), SourceError> {
        let transaction = self.source.transaction(hash).await?;
        let transaction = transaction
            .ok_or_else(|| SourceError::NotFound(format!("transaction {hash}, whose logs it has")))?;
        Ok((hash, transaction))
    }
}
