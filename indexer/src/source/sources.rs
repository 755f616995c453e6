//! All endpoints of a chain: asked again where that may help, in turn where one fails, against each other on demand.

use std::{
    collections::HashMap,
    sync::{Arc, OnceLock},
    time::Instant,
};

use alloy::primitives::{Address, B256};
use futures::{StreamExt as _, stream::FuturesUnordered};

use super::{
    Answer, BlockHeader, Blocks, Calls, Given, Givers, Landmark, LogQuery, Nonsense, Patience, QuorumError,
    Source, SourceError, TransactionInput,
    calls::Meter,
    check::check,
    endpoint::Endpoint,
    rounds::{Failures, Rounds},
    voice::Lowest,
};

/// Whether less than a question can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Parts {
    /// It cannot: where it is too much for an endpoint, that one has failed.
    None,
    /// It can: where it is too much for an endpoint, whoever asks is told.
    Some,
}

/// All endpoints of a chain. Cheap to clone.
#[derive(Clone)]
pub struct Sources(pub(super) Arc<Inner>);

pub(super) struct Inner {
    pub(super) endpoints: Vec<Endpoint>,
    patience: Patience,
    pub(super) quorum: usize,
    chain_id: Arc<OnceLock<u64>>,
    pub(super) meter: Arc<Meter>,
}

impl std::fmt::Debug for Sources {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sources")
            .field("endpoints", &self.0.endpoints.len())
            .field("quorum", &self.0.quorum)
            .finish_non_exhaustive()
    }
}

impl From<Arc<dyn Source>> for Sources {
    fn from(source: Arc<dyn Source>) -> Self {
        Self::of(vec![Endpoint::new(source, 0, 0)], Patience::default(), 1)
    }
}

impl<S: Source + 'static> From<Arc<S>> for Sources {
    fn from(source: Arc<S>) -> Self {
        Self::from(source as Arc<dyn Source>)
    }
}

impl Sources {
    /// Nodes in the order of preference, each by all ways to it. Of `quorum` of them, everything that goes into the ledger
    /// has to be the same; with 1 nobody is asked twice. Whichever way a node answers, it has one voice.
    ///
    /// # Errors
    /// When `quorum` is 0, or more than there are nodes.
    pub fn new(
        nodes: Vec<Vec<Arc<dyn Source>>>,
        patience: Patience,
        quorum: usize,
    ) -> Result<Self, QuorumError> {
        let nodes: Vec<_> = nodes.into_iter().filter(|ways| !ways.is_empty()).collect();
        QuorumError::check(quorum, nodes.len())?;
        let ways = nodes.into_iter().enumerate();
        let ways = ways.flat_map(|(voter, ways)| ways.into_iter().map(move |way| (voter, way)));
        let endpoints = ways.enumerate().map(|(place, (voter, way))| Endpoint::new(way, voter, place));
        Ok(Self::of(endpoints.collect(), patience, quorum))
    }

    fn of(endpoints: Vec<Endpoint>, patience: Patience, quorum: usize) -> Self {
        Self(Arc::new(Inner { endpoints, patience, quorum, chain_id: Arc::default(), meter: Arc::default() }))
    }

    /// The same endpoints, held to the same chain and counted together, for somebody whose failures are no reason to
    /// ask others first here, nor the other way round.
    #[must_use]
    pub fn apart(&self) -> Self {
        let Inner { endpoints, patience, quorum, chain_id, meter } = &*self.0;
        Self(Arc::new(Inner {
            endpoints: endpoints.iter().map(Endpoint::apart).collect(),
            patience: patience.clone(),
            quorum: *quorum,
            chain_id: Arc::clone(chain_id),
            meter: Arc::clone(meter),
        }))
    }

    /// Waits until one tells of a new head by itself; for ever where none does that.
    pub async fn news(&self) {
        let all = self.0.endpoints.iter().map(|endpoint| endpoint.source.news());
        let mut told: FuturesUnordered<_> = all.collect();
        if told.next().await.is_none() {
            std::future::pending().await
        }
    }

    /// How often endpoints were asked, how often they failed, and how often they were asked again for that.
    pub fn calls(&self) -> Calls {
        let mut calls = self.0.meter.read();
        self.0.endpoints.iter().for_each(|endpoint| calls.add(&endpoint.source.calls()));
        calls
    }

    /// Counts an answer that others have shown to be wrong, and gives it as the error it is. Whoever gave it rests, so that others
    /// are asked next.
    pub(crate) fn not_believed(&self, nonsense: Nonsense, by: &Givers) -> SourceError {
        let error = SourceError::from(nonsense);
        self.0.meter.failed(error.code());
        by.places().iter().filter_map(|place| self.0.endpoints.get(*place)).for_each(Endpoint::lied);
        error
    }

    /// Holds every endpoint to a chain. One that cannot be asked yet is asked before its first answer counts.
    ///
    /// # Errors
    /// When one serves another chain, or none can be asked.
    pub async fn expect(&self, chain_id: u64) -> Result<(), SourceError> {
        let expected = *self.0.chain_id.get_or_init(|| chain_id);
        let told = self.0.endpoints.iter().map(|endpoint| endpoint.serves(expected));
        let mut unknown = None;
        let told = futures::future::join_all(told).await;
        let known = told.iter().any(Result::is_ok);
        for error in told.into_iter().filter_map(Result::err) {
            self.0.meter.failed(error.code());
            match error {
                error @ SourceError::OtherChain { .. } => return Err(error),
                error => unknown = Some(error),
            }
        }
        match unknown {
            Some(error) if !known => Err(error),
            _ => Ok(()),
        }
    }

    /// Whether there is code at an address, at the head.
    ///
    /// # Errors
    /// As endpoints answer; also when too few say the same.
    pub async fn has_code(&self, address: Address) -> Result<bool, SourceError> {
        let has = self.answer(Parts::None, |source| async move { source.has_code(address).await });
        Ok(has.await?.what)
    }

    /// The latest block that one knows.
    ///
    /// # Errors
    /// As endpoints answer.
    pub async fn head(&self) -> Result<BlockHeader, SourceError> {
        Ok(self.ask(Parts::None, |source| async move { source.head().await }).await?.what)
    }

    /// The height of the block that one names so, which has to be there. Of a quorum it is the lowest: no node raises it
    /// alone.
    ///
    /// # Errors
    /// As endpoints answer; also where none, or too few, name one.
    pub async fn height(&self, which: Landmark) -> Result<u64, SourceError> {
        let named = self.answer(Parts::None, |source| async move {
            let block = source.landmark(which).await?;
            let block =
                block.ok_or_else(|| SourceError::NotFound(format!("a block that it calls {}", which.code())));
            Ok(Lowest(block?.number))
        });
        Ok(named.await?.what.0)
    }

    /// The block that one names so; `None` where it names none, or does not know the word.
    ///
    /// # Errors
    /// As endpoints answer.
    pub async fn mentioned(&self, which: Landmark) -> Result<Option<BlockHeader>, SourceError> {
        let named = self.ask(Parts::None, |source| async move {
            match source.landmark(which).await {
                Err(SourceError::NotFound(_) | SourceError::Other(_)) => Ok(None),
                answer => answer,
            }
        });
        Ok(named.await?.what)
    }

    /// The block at that height, which has to be there.
    ///
    /// # Errors
    /// As endpoints answer; also where none has the block, or too few the same.
    pub async fn header(&self, number: u64) -> Result<Given<BlockHeader>, SourceError> {
        self.answer(Parts::None, |source| async move {
            let header = source.header(number).await?;
            header.ok_or_else(|| SourceError::NotFound(format!("block {number}, though the chain is higher")))
        })
        .await
    }

    /// Logs in chain order, each once.
    ///
    /// # Errors
    /// As endpoints answer; also when an answer cannot be true, or too few give the same. What of several blocks one of them finds
    /// too much can be asked for in parts.
    pub async fn logs(&self, query: &LogQuery) -> Result<Given<Answer>, SourceError> {
        let parts = match query.blocks {
            Blocks::Range(from, to) if from < to => Parts::Some,
            _ => Parts::None,
        };
        self.answer(parts, |source| async move { check(query, source.logs(query).await?) }).await
    }

    /// Transactions of a block, all of them.
    ///
    /// # Errors
    /// As endpoints answer; also where none has them all, or too few say the same of them.
    pub async fn transactions(
        &self,
        block: B256,
        wanted: &[B256],
    ) -> Result<HashMap<B256, TransactionInput>, SourceError> {
        let found = self.answer(Parts::None, |source| async move {
            let found = source.transactions(block, wanted).await?;
            match wanted.iter().find(|hash| !found.contains_key(*hash)) {
                Some(hash) => Err(SourceError::NotFound(format!("transaction {hash}, whose logs it has"))),
                None => Ok(found),
            }
        });
        Ok(found.await?.what)
    }

    /// The first answer there is; with pauses and again where that may help.
    pub(super) async fn ask<T, F>(
        &self,
        parts: Parts,
        question: impl Fn(Arc<dyn Source>) -> F,
    ) -> Result<Given<T>, SourceError>
    where
        F: Future<Output = Result<T, SourceError>>,
    {
        let mut rounds = self.rounds();
        let mut is_again = false;
        loop {
            let mut failures = Failures::default();
            for endpoint in self.in_order() {
                if std::mem::replace(&mut is_again, true) {
                    self.0.meter.asked_again();
                }
                match self.one(endpoint, parts, &question).await {
                    Err(error) if error.asks_for_less().is_none() => failures.add(error),
                    answer => return answer,
                }
            }
            rounds.next(failures.reason()).await?;
        }
    }

    /// One endpoint's answer, and what it says of the endpoint.
    pub(super) async fn one<T, F>(
        &self,
        endpoint: &Endpoint,
        parts: Parts,
        question: impl Fn(Arc<dyn Source>) -> F,
    ) -> Result<Given<T>, SourceError>
    where
        F: Future<Output = Result<T, SourceError>>,
    {
        if let Some(chain_id) = self.0.chain_id.get() {
            let serves = endpoint.serves(*chain_id).await;
            serves.map_err(|error| self.failed(endpoint, error.of_a_whole()))?;
        }
        match question(Arc::clone(&endpoint.source)).await {
            Ok(what) => {
                endpoint.did_well();
                Ok(Given { what, by: Givers::one(endpoint.place) })
            }
            Err(error) if parts == Parts::None => Err(self.failed(endpoint, error.of_a_whole())),
            Err(error) => Err(self.failed(endpoint, error)),
        }
    }

    /// Counts a failure, which has the endpoint rest where asking it for less is no way on.
    fn failed(&self, endpoint: &Endpoint, error: SourceError) -> SourceError {
        self.0.meter.failed(error.code());
        if error.asks_for_less().is_none() {
            tracing::debug!(%error, "an endpoint failed");
            endpoint.failed(error.asks_for_a_pause());
        }
        error
    }

    /// As preferred, but those that failed of late come last, the one that rests longest at the end.
    pub(super) fn in_order(&self) -> Vec<&Endpoint> {
        let now = Instant::now();
        let mut endpoints: Vec<_> = self.0.endpoints.iter().collect();
        endpoints.sort_by_key(|endpoint| endpoint.rests_until(now));
        endpoints
    }

    pub(super) fn rounds(&self) -> Rounds {
        self.0.patience.rounds()
    }
}
