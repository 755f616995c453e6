//! A JSON-RPC endpoint over HTTP.

use std::{future::Future, time::Duration};

use alloy::{
    consensus::Transaction as _,
    eips::BlockNumberOrTag,
    network::TransactionResponse as _,
    primitives::{Address, B256},
    providers::{DynProvider, Provider, ProviderBuilder},
    rpc::types::{Filter, Log},
    transports::{RpcError, TransportErrorKind},
};
use async_trait::async_trait;
use backon::{ExponentialBuilder, Retryable};
use url::Url;

use super::{BlockHeader, Blocks, LogQuery, RawLog, Source, SourceError, TransactionInput, classify};

/// How patient a source is with its provider.
#[derive(Debug, Clone)]
pub struct HttpConfig {
    /// How long one answer may take. Default: 20 s.
    pub timeout: Duration,
    /// How often a transient error is asked again before it is reported. Default: 4.
    pub retries: usize,
    /// The first pause between two attempts; doubles, with jitter. Default: 100 ms.
    pub first_delay: Duration,
    /// The longest pause between two attempts. Default: 5 s.
    pub max_delay: Duration,
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(20),
            retries: 4,
            first_delay: Duration::from_millis(100),
            max_delay: Duration::from_secs(5),
        }
    }
}

/// A JSON-RPC endpoint over HTTP.
///
/// Retries are our own: alloy's retry layer takes "more than N results" (-32005) for a limited rate and
/// repeats it for ever.
#[derive(Debug, Clone)]
pub struct HttpSource {
    provider: DynProvider,
    config: HttpConfig,
}

impl HttpSource {
    /// A source that asks `url`. Nothing is asked yet.
    pub fn new(url: Url, config: HttpConfig) -> Self {
        Self { provider: ProviderBuilder::new().connect_http(url).erased(), config }
    }

    async fn ask<T, F>(&self, what: &'static str, question: impl Fn() -> F) -> Result<T, SourceError>
    where
        F: Future<Output = Result<T, RpcError<TransportErrorKind>>>,
    {
        let attempt = || async {
            match tokio::time::timeout(self.config.timeout, question()).await {
                Ok(answer) => answer.map_err(translate),
                Err(_) => Err(SourceError::Timeout(format!("{what} took over {:?}", self.config.timeout))),
            }
        };
        let backoff = ExponentialBuilder::default()
            .with_jitter()
            .with_min_delay(self.config.first_delay)
            .with_max_delay(self.config.max_delay)
            .with_max_times(self.config.retries);
        attempt
            .retry(backoff)
            .when(SourceError::is_transient)
            .notify(|error, pause| tracing::debug!(%error, ?pause, what, "asking the provider again"))
            .await
    }
}

#[async_trait]
impl Source for HttpSource {
    async fn chain_id(&self) -> Result<u64, SourceError> {
        self.ask("eth_chainId", || async { self.provider.get_chain_id().await }).await
    }

    async fn has_code(&self, address: Address) -> Result<bool, SourceError> {
        let code = self.ask("eth_getCode", || async { self.provider.get_code_at(address).await }).await?;
        Ok(!code.is_empty())
    }

    async fn head(&self) -> Result<BlockHeader, SourceError> {
        let block = self.block(BlockNumberOrTag::Latest).await?;
        block.ok_or_else(|| SourceError::NotFound("its latest block".into()))
    }

    async fn header(&self, number: u64) -> Result<Option<BlockHeader>, SourceError> {
        match self.block(BlockNumberOrTag::Number(number)).await? {
            Some(block) if block.number != number => {
                Err(SourceError::Nonsense(format!("expected block {number}, got block {}", block.number)))
            }
            block => Ok(block),
        }
    }

    async fn logs(&self, query: &LogQuery) -> Result<Vec<RawLog>, SourceError> {
        let filter = filter(query);
        let logs = self.ask("eth_getLogs", || async { self.provider.get_logs(&filter).await }).await?;
        let mut logs = logs.into_iter().map(raw_log).collect::<Result<Vec<_>, _>>()?;
        logs.sort_by_key(|log| (log.block_number, log.log_index));
        Ok(logs)
    }

    async fn transaction(&self, hash: B256) -> Result<Option<TransactionInput>, SourceError> {
        let ask = || async { self.provider.get_transaction_by_hash(hash).await };
        let found = self.ask("eth_getTransactionByHash", ask).await?;
        Ok(found.map(|tx| TransactionInput { from: tx.from(), input: tx.inner.input().clone() }))
    }
}

impl HttpSource {
    async fn block(&self, tag: BlockNumberOrTag) -> Result<Option<BlockHeader>, SourceError> {
        let ask = || async { self.provider.get_block_by_number(tag).await };
        let block = self.ask("eth_getBlockByNumber", ask).await?;
        Ok(block.map(|block| BlockHeader {
            number: block.header.number,
            hash: block.header.hash,
            parent_hash: block.header.parent_hash,
            timestamp: block.header.timestamp,
        }))
    }
}

fn filter(query: &LogQuery) -> Filter {
    let filter = match query.blocks {
        Blocks::Hash(hash) => Filter::new().at_block_hash(hash),
        Blocks::Range(from, to) => Filter::new().from_block(from).to_block(to),
    };
    let [first, second, third] = query.topics.clone();
    filter.address(query.addresses.clone()).event_signature(first).topic1(second).topic2(third)
}

fn raw_log(log: Log) -> Result<RawLog, SourceError> {
    if log.removed {
        return Err(SourceError::Nonsense("a log that was removed".into()));
    }
    let lacks = |what: &str| SourceError::Nonsense(format!("a log without {what}"));
    Ok(RawLog {
        address: log.inner.address,
        topics: log.inner.data.topics().to_vec(),
        block_number: log.block_number.ok_or_else(|| lacks("block number"))?,
        block_hash: log.block_hash.ok_or_else(|| lacks("block hash"))?,
        tx_hash: log.transaction_hash.ok_or_else(|| lacks("transaction hash"))?,
        log_index: log.log_index.ok_or_else(|| lacks("log index"))?,
        data: log.inner.data.data,
    })
}

fn translate(error: RpcError<TransportErrorKind>) -> SourceError {
    let short = |text: String| text.chars().take(300).collect::<String>();
    match error {
        RpcError::ErrorResp(payload) => classify(payload.code, &payload.message),
        RpcError::Transport(TransportErrorKind::HttpError(http)) => match http.status {
            429 => SourceError::RateLimited("HTTP status 429".into()),
            413 => SourceError::TooManyResults("HTTP status 413".into()),
            status @ 500.. => SourceError::Unavailable(format!("HTTP status {status}")),
            // Some providers put their JSON-RPC error into the body of a 400.
            status => classify(i64::from(status), &short(http.body)),
        },
        // The message may hold the endpoint's address, and with it a key: only its kind is told.
        RpcError::Transport(_) => SourceError::Unavailable("no connection".into()),
        RpcError::DeserError { .. } | RpcError::NullResp => {
            SourceError::Nonsense("an answer that does not parse".into())
        }
        error => SourceError::Other(short(error.to_string())),
    }
}
