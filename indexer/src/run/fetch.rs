//! Asking for all of some blocks that concerns us.

use alloy::{
    primitives::{
        Address, B256,
        map::{AddressSet, HashMap},
    },
    sol_types::SolEvent,
};
use bursar_sdk::abi::{
    Eip3009::{AuthorizationUsed, Transfer},
    Treasury::TreasuryEvents,
};
use futures::{StreamExt, TryStreamExt, future::Either, stream};

use super::{Config, assemble::Assembler};
use crate::{
    decode::{Event, Proxy, SETTLED, decode_log},
    ledger::{BlockFacts, WatchList},
    source::{Answer, BlockHeader, Blocks, Given, Givers, LogQuery, Nonsense, RawLog, SourceError, Sources},
    store::Watch,
};

/// Questions that wait for their answer at the same time.
pub(super) const CONCURRENCY: usize = 8;

/// All of some blocks that concerns us, as far as it was known whom to watch.
#[derive(Debug, Clone, Default)]
pub struct Fetched {
    /// The blocks that concern us, in order.
    pub facts: Vec<BlockFacts>,
    /// The last block of the range; `None` where one block was asked for by hash.
    pub tip: Option<BlockHeader>,
    /// Whom they tell of that was not watched before.
    pub found: Watch,
    /// How many logs the answers held, whomever they concern.
    pub logs: u64,
}

/// Asks for all of `blocks` that concerns us, in chain order.
///
/// What is created within the blocks is followed within them: first the factory's and the treasuries' own
/// logs, then those of treasuries found in them, then tokens for the purses there are by then, and what watched payers do.
///
/// # Errors
/// As the sources answer; also when answers contradict each other.
pub async fn fetch(
    sources: &Sources,
    config: &Config,
    list: &WatchList,
    watch: &Watch,
    blocks: Blocks,
    known: Option<BlockHeader>,
) -> Result<Fetched, SourceError> {
    let fetcher = Fetcher { sources, config, list, blocks };
    fetcher.run(&Watch::default(), watch, known, Fetched::default()).await
}

/// Asks for what is missing of `fetched` because, when it was asked for, nobody knew of `new`.
///
/// # Errors
/// As [`fetch`].
pub(super) async fn fetch_more(
    sources: &Sources,
    config: &Config,
    list: &WatchList,
    known_then: &Watch,
    new: &Watch,
    blocks: Blocks,
    fetched: Fetched,
) -> Result<Fetched, SourceError> {
    let mut known = known_then.clone();
    known.add(&fetched.found);
    let new = new.without(&known);
    Fetcher { sources, config, list, blocks }.run(&known, &new, None, fetched).await
}

/// Logs in the order of their places, each once.
#[derive(Default)]
pub(super) struct Logs(Vec<Given<RawLog>>);

/// Block and index in it.
fn place(log: &Given<RawLog>) -> (u64, u64) {
    (log.what.block_number, log.what.log_index)
}

impl Logs {
    /// Adds some, in whatever order: answers come in order, which costs no more than a look. Of two that differ in one place, one is
    /// wrong.
    pub(super) fn add(&mut self, logs: Vec<Given<RawLog>>) -> Result<(), Given<Nonsense>> {
        if logs.is_empty() {
            return Ok(());
        }
        if self.0.is_empty() {
            self.0 = logs;
        } else {
            self.0.extend(logs);
        }
        self.0.sort_by_key(place);
        let mut wrong = None;
        self.0.dedup_by(|log, first| {
            let (block, index) = place(first);
            let is_again = place(log) == (block, index);
            if is_again && !first.what.is_same(&log.what) && wrong.is_none() {
                wrong =
                    Some(Given { what: Nonsense::Contradicts { block, index }, by: first.by.and(&log.by) });
            }
            if is_again {
                first.what.complete(&log.what);
                first.by = first.by.and(&log.by);
            }
            is_again
        });
        wrong.map_or(Ok(()), Err)
    }

    /// Whether there is the log just before this one, of the same transaction.
    fn has_before(&self, log: &RawLog) -> bool {
        let before = log.log_index.checked_sub(1).map(|before| (log.block_number, before));
        let at = before.and_then(|before| self.0.binary_search_by_key(&before, place).ok());
        at.and_then(|at| self.0.get(at)).is_some_and(|before| before.what.tx_hash == log.tx_hash)
    }

    /// The same by block, in order.
    pub(super) fn by_block(self) -> Vec<(u64, Vec<Given<RawLog>>)> {
        let mut blocks = Vec::new();
        let sizes: Vec<(u64, usize)> = self
            .0
            .chunk_by(|one, next| one.what.block_number == next.what.block_number)
            .filter_map(|block| Some((block.first()?.what.block_number, block.len())))
            .collect();
        let mut logs = self.0.into_iter();
        for (number, count) in sizes {
            blocks.push((number, logs.by_ref().take(count).collect()));
        }
        blocks
    }
}

/// Whom these logs tell of.
pub(super) fn discover<'a>(factory: Address, logs: impl IntoIterator<Item = &'a RawLog>) -> Watch {
    let mut found = Watch::default();
    for log in logs {
        match decode_log(log, factory, |_| false) {
            Ok(Event::Created(event)) => {
                found.treasuries.insert(event.treasury);
            }
            Ok(Event::Treasury(event)) => match *event {
                TreasuryEvents::AssetAdded(event) => {
                    found.assets.insert(event.asset);
                }
                TreasuryEvents::PurseCreated(event) => {
                    found.purses.insert(event.purse);
                }
                _ => {}
            },
            _ => {}
        }
    }
    found
}

struct Fetcher<'a> {
    sources: &'a Sources,
    config: &'a Config,
    list: &'a WatchList,
    blocks: Blocks,
}

/// Blocks by height and hash, and who says that they are the chain's.
pub(super) type Samples = HashMap<(u64, B256), Givers>;

/// Logs that came in answer to one question after another, and what the answers say of the last block.
#[derive(Default)]
struct Found {
    logs: Logs,
    tip: Option<BlockHeader>,
    /// The last block of each answer that has logs: what it says of it is looked at.
    samples: Samples,
    /// How many logs the answers held.
    count: u64,
}

/// An answer, what is not wanted left out.
struct Told {
    answer: Answer,
    by: Givers,
    /// How many logs it held.
    count: u64,
    /// The block of the last of them.
    last: Option<(u64, B256)>,
}

impl Fetcher<'_> {
    async fn run(
        &self,
        known: &Watch,
        new: &Watch,
        header: Option<BlockHeader>,
        fetched: Fetched,
    ) -> Result<Fetched, SourceError> {
        let mut found = Found { tip: fetched.tip, count: fetched.logs, ..Found::default() };
        let first = known.treasuries.is_empty() && known.purses.is_empty() && fetched.tip.is_none();
        let mut ask: Vec<Address> = first.then_some(self.config.factory).into_iter().collect();
        ask.extend(&new.treasuries);
        let (mut all, mut told) = (known.clone(), Watch::default());
        all.add(new);
        let own = self.all(self.of_addresses(&ask), |_| true);
        // Once for these blocks: who is found in them pays from purses.
        let of_payers = if first { self.of_payers() } else { Vec::new() };
        let paid = self.all(of_payers, |log| self.is_of_payer(log));
        // Whom tokens have been asked for, and what was answered.
        let (mut asked, mut moved) = (known.clone(), Vec::new());
        let (own, paid) = if let Blocks::Hash(_) = self.blocks {
            let purses = self.all(self.of_new(known, &all, new), |_| true);
            let (own, of_purses, of_payers) = tokio::try_join!(own, purses, paid)?;
            (asked, moved) = (all.clone(), of_purses);
            (own, Either::Left(std::future::ready(Ok(of_payers))))
        } else {
            // One after the other: of a range that is too wide, one answer says so.
            (own.await?, Either::Right(paid))
        };
        let mut own = self.take(&mut found, own)?;
        loop {
            let more = discover(self.config.factory, own.iter().map(|log| &log.what)).without(&all);
            self.keep(&mut found, own)?;
            all.add(&more);
            told.add(&more);
            ask = more.treasuries.into_iter().collect();
            if ask.is_empty() {
                break;
            }
            own = self.take(&mut found, self.all(self.of_addresses(&ask), |_| true).await?)?;
        }
        moved.extend(self.all(self.of_new(&asked, &all, &all.without(&asked)), |_| true).await?);
        let moved = self.take(&mut found, moved)?;
        self.keep(&mut found, moved)?;
        let paid = self.take(&mut found, paid.await?)?;
        self.ungoverned(&mut found, paid)?;
        let mut discovered = fetched.found;
        discovered.add(&told);
        let (sources, config, list) = (self.sources, self.config, self.list);
        let assembler = Assembler { sources, config, list, watch: &all, known: header };
        let facts = assembler.assemble(found.logs, &found.samples, found.tip, fetched.facts).await?;
        Ok(Fetched { facts, tip: found.tip, found: discovered, logs: found.count })
    }

    fn of_addresses(&self, addresses: &[Address]) -> Vec<LogQuery> {
        let query = |addresses: &[Address]| LogQuery {
            blocks: self.blocks,
            addresses: addresses.to_vec(),
            topics: Default::default(),
        };
        addresses.chunks(self.config.max_filter.max(1)).map(query).collect()
    }

    /// Tokens that are new for every purse, those that were known before for new ones.
    fn of_new(&self, before: &Watch, all: &Watch, new: &Watch) -> Vec<LogQuery> {
        let mut queries = self.of_tokens(&new.assets, &all.purses);
        queries.extend(self.of_tokens(&before.assets, &new.purses));
        queries
    }

    /// Authorizations that purses used, and transfers from and to them.
    fn of_tokens(&self, assets: &AddressSet, purses: &AddressSet) -> Vec<LogQuery> {
        let most = self.config.max_filter.max(1);
        let assets: Vec<Address> = assets.iter().copied().collect();
        let purses: Vec<B256> = purses.iter().map(|purse| purse.into_word()).collect();
        let mut queries = Vec::new();
        for addresses in assets.chunks(most) {
            for purses in purses.chunks(most) {
                let query = |topics| LogQuery { blocks: self.blocks, addresses: addresses.to_vec(), topics };
                let both = vec![AuthorizationUsed::SIGNATURE_HASH, Transfer::SIGNATURE_HASH];
                queries.push(query([both, purses.to_vec(), vec![]]));
                queries.push(query([vec![Transfer::SIGNATURE_HASH], vec![], purses.to_vec()]));
            }
        }
        queries
    }

    /// What watched payers did in watched tokens, and what the x402 proxies say behind it.
    fn ungoverned(&self, found: &mut Found, mut logs: Vec<Given<RawLog>>) -> Result<(), SourceError> {
        // Of the proxies, what tells of these: they settle for everybody. In the order of their places, so that all of it is gone
        // through once and little of it moves.
        logs.sort_by_key(place);
        let mut before = None;
        logs.retain(|log| {
            let RawLog { block_number, log_index, tx_hash, .. } = log.what;
            if Proxy::at(log.what.address).is_none() {
                before = Some((block_number, log_index.checked_add(1), tx_hash));
                return true;
            }
            before == Some((block_number, Some(log_index), tx_hash)) || found.logs.has_before(&log.what)
        });
        self.keep(found, logs)
    }

    fn keep(&self, found: &mut Found, logs: Vec<Given<RawLog>>) -> Result<(), SourceError> {
        found.logs.add(logs).map_err(|wrong| self.sources.not_believed(wrong.what, &wrong.by))
    }

    fn of_payers(&self) -> Vec<LogQuery> {
        if self.list.is_idle() {
            return Vec::new();
        }
        let query = |addresses, topics| LogQuery { blocks: self.blocks, addresses, topics };
        let mut tokens: Vec<Address> = self.list.tokens().collect();
        let both = vec![AuthorizationUsed::SIGNATURE_HASH, Transfer::SIGNATURE_HASH];
        let most = self.config.max_filter.max(1);
        if self.list.payers().len().div_ceil(most) > self.config.max_questions {
            tokens.extend(Proxy::ADDRESSES);
            let any = [both, SETTLED.to_vec()].concat();
            let of = |tokens: &[Address]| query(tokens.to_vec(), [any.clone(), vec![], vec![]]);
            return tokens.chunks(most).map(of).collect();
        }
        let payers: Vec<B256> = self.list.payers().map(|payer| payer.into_word()).collect();
        let proxies = query(Proxy::ADDRESSES.to_vec(), [SETTLED.to_vec(), vec![], vec![]]);
        let mut queries = vec![proxies];
        for tokens in tokens.chunks(most) {
            let of = |payers: &[B256]| query(tokens.to_vec(), [both.clone(), payers.to_vec(), vec![]]);
            queries.extend(payers.chunks(most).map(of));
        }
        queries
    }

    /// Whether a log is of a watched payer in a token and a block that are looked at, or of a proxy.
    fn is_of_payer(&self, log: &RawLog) -> bool {
        let payer = log.topics.get(1).map(|topic| Address::from_word(*topic));
        let covered = |payer| self.list.covers(payer, log.address, log.block_number);
        Proxy::at(log.address).is_some() || payer.is_some_and(covered)
    }

    /// Asks all of these, and keeps what is `wanted`.
    async fn all(
        &self,
        queries: Vec<LogQuery>,
        wanted: impl Fn(&RawLog) -> bool,
    ) -> Result<Vec<Told>, SourceError> {
        let answers = stream::iter(queries).map(|query| async move { self.sources.logs(&query).await });
        let mut answers = answers.buffered(CONCURRENCY);
        let mut told = Vec::new();
        while let Some(Given { what: mut answer, by }) = answers.try_next().await? {
            let (count, last) = (answer.logs.len() as u64, answer.logs.last());
            let last = last.map(|log| (log.block_number, log.block_hash));
            answer.logs.retain(&wanted);
            told.push(Told { answer, by, count, last });
        }
        Ok(told)
    }

    /// What these answers say, held against what was found before.
    fn take(&self, found: &mut Found, answers: Vec<Told>) -> Result<Vec<Given<RawLog>>, SourceError> {
        let mut logs = Vec::with_capacity(answers.iter().map(|told| told.answer.logs.len()).sum());
        for Told { answer, by, count, last } in answers {
            match (found.tip, answer.tip) {
                (Some(one), Some(other)) if one.hash != other.hash => {
                    let (number, expected, got) = (one.number, one.hash, other.hash);
                    let wrong = Nonsense::OtherChain { number, expected, got };
                    return Err(self.sources.not_believed(wrong, &by));
                }
                (_, tip) => found.tip = tip.or(found.tip),
            }
            if let Some(last) = last {
                let says = found.samples.entry(last).or_default();
                *says = says.and(&by);
            }
            found.count += count;
            logs.extend(answer.logs.into_iter().map(|what| Given { what, by: by.clone() }));
        }
        Ok(logs)
    }
}
