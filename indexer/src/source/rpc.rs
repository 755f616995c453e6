//! A JSON-RPC endpoint, over HTTP or WebSocket.

use std::{borrow::Cow, collections::HashMap, time::Duration};

use alloy::{
    eips::BlockNumberOrTag,
    primitives::{Address, B256, Bytes, U64},
    rpc::client::{ClientBuilder, RpcClient},
    transports::{RpcError, TransportError, TransportErrorKind},
};
use async_trait::async_trait;
use serde::{Serialize, de::DeserializeOwned};
use url::Url;

use super::{
    Answer, BlockHeader, Blocks, Calls, Landmark, Limit, LogQuery, Nonsense, Source, SourceError,
    TransactionInput,
    calls::Meter,
    classify,
    socket::Socket,
    wire::{Block, Log, LogFilter, Transaction},
};

/// How patient a source is with its provider.
#[derive(Debug, Clone)]
pub struct RpcConfig {
    /// How long one answer may take. Default: 20 s.
    pub timeout: Duration,
}

impl Default for RpcConfig {
    fn default() -> Self {
        Self { timeout: Duration::from_secs(20) }
    }
}

/// How questions travel.
#[derive(Debug)]
enum Wire {
    Http(RpcClient),
    Socket(Socket),
}

impl Wire {
    async fn client(&self) -> Result<RpcClient, TransportError> {
        match self {
            Self::Http(client) => Ok(client.clone()),
            Self::Socket(socket) => socket.client().await,
        }
    }
}

/// A JSON-RPC endpoint, over HTTP or WebSocket.
///
/// Nothing is repeated here: alloy's retry layer takes "more than N results" (-32005) for a limited rate and
/// repeats it for ever, so retries are our own ([`super::Sources`]).
#[derive(Debug)]
pub struct RpcSource {
    wire: Wire,
    config: RpcConfig,
    meter: Meter,
}

impl RpcSource {
    /// A source that asks `url`: over WebSocket where that says `ws` or `wss`, else over HTTP. Nothing is asked yet.
    pub fn new(url: Url, config: RpcConfig) -> Self {
        let wire = match url.scheme() {
            "ws" | "wss" => Wire::Socket(Socket::new(url)),
            _ => Wire::Http(ClientBuilder::default().http(url)),
        };
        Self { wire, config, meter: Meter::default() }
    }

    async fn ask<P, T>(&self, method: &'static str, params: P) -> Result<T, SourceError>
    where
        P: Serialize + Clone + std::fmt::Debug + Send + Sync + Unpin,
        T: DeserializeOwned + std::fmt::Debug + Send + Sync + Unpin + 'static,
    {
        self.meter.asked(method);
        self.in_time(method, async { self.wire.client().await?.request(Cow::Borrowed(method), params).await })
            .await
    }

    async fn in_time<T>(
        &self,
        what: &'static str,
        answer: impl Future<Output = Result<T, TransportError>>,
    ) -> Result<T, SourceError> {
        let answer = tokio::time::timeout(self.config.timeout, answer).await;
        if let (Wire::Socket(socket), Ok(Err(RpcError::Transport(_))) | Err(_)) = (&self.wire, &answer) {
            socket.lost().await;
        }
        match answer {
            Ok(answer) => answer.map_err(translate),
            Err(_) => Err(SourceError::Timeout(format!("{what} took over {:?}", self.config.timeout))),
        }
    }

    async fn block(&self, tag: BlockNumberOrTag) -> Result<Option<BlockHeader>, SourceError> {
        let block: Option<Block<B256>> = self.ask("eth_getBlockByNumber", (tag, false)).await?;
        Ok(block.as_ref().map(BlockHeader::from))
    }

    /// Logs of a range and its last block in one request: the same node answers both.
    async fn range(&self, filter: LogFilter<'_>, to: u64) -> Result<(Vec<Log>, BlockHeader), SourceError> {
        let (logs, block) = ("eth_getLogs", "eth_getBlockByNumber");
        self.meter.asked(logs);
        self.meter.asked(block);
        let both = async {
            let client = self.wire.client().await?;
            let mut batch = client.new_batch();
            let logs = batch.add_call::<_, Vec<Log>>(logs, &(filter,))?;
            let tip = (BlockNumberOrTag::Number(to), false);
            let tip = batch.add_call::<_, Option<Block<B256>>>(block, &tip)?;
            batch.send().await?;
            Ok((logs.await?, tip.await?))
        };
        let (logs, tip) = self.in_time(logs, both).await?;
        let tip = tip.as_ref().map(BlockHeader::from);
        Ok((logs, tip.ok_or_else(|| SourceError::NotFound(format!("block {to}, whose logs it gives")))?))
    }
}

#[async_trait]
impl Source for RpcSource {
    async fn chain_id(&self) -> Result<u64, SourceError> {
        Ok(self.ask::<_, U64>("eth_chainId", ()).await?.to())
    }

    async fn has_code(&self, address: Address) -> Result<bool, SourceError> {
        let code: Bytes = self.ask("eth_getCode", (address, BlockNumberOrTag::Latest)).await?;
        Ok(!code.is_empty())
    }

    async fn head(&self) -> Result<BlockHeader, SourceError> {
        let block = self.block(BlockNumberOrTag::Latest).await?;
        block.ok_or_else(|| SourceError::NotFound("its latest block".into()))
    }

    async fn landmark(&self, which: Landmark) -> Result<Option<BlockHeader>, SourceError> {
        self.block(match which {
            Landmark::Safe => BlockNumberOrTag::Safe,
            Landmark::Finalized => BlockNumberOrTag::Finalized,
        })
        .await
    }

    async fn header(&self, number: u64) -> Result<Option<BlockHeader>, SourceError> {
        match self.block(BlockNumberOrTag::Number(number)).await? {
            Some(block) if block.number != number => {
                Err(Nonsense::OtherBlock { expected: number, got: block.number }.into())
            }
            block => Ok(block),
        }
    }

    async fn logs(&self, query: &LogQuery) -> Result<Answer, SourceError> {
        let filter = LogFilter::from(query);
        let (logs, tip) = match query.blocks {
            Blocks::Hash(_) => (self.ask::<_, Vec<Log>>("eth_getLogs", (filter,)).await?, None),
            Blocks::Range(_, to) => {
                let (logs, tip) = self.range(filter, to).await?;
                (logs, Some(tip))
            }
        };
        let logs = logs.into_iter().map(TryInto::try_into).collect::<Result<Vec<_>, Nonsense>>()?;
        Ok(Answer { logs, tip })
    }

    /// One is asked for by its hash; several of one block cost a single question for all of it.
    async fn transactions(
        &self,
        block: B256,
        wanted: &[B256],
    ) -> Result<HashMap<B256, TransactionInput>, SourceError> {
        let found = match wanted {
            [] => Vec::new(),
            [hash] => {
                let found: Option<Transaction> = self.ask("eth_getTransactionByHash", (*hash,)).await?;
                // A node may know it from a branch only; then it does not have what was asked for.
                found.into_iter().filter(|it| it.hash == *hash && it.block_hash == Some(block)).collect()
            }
            _ => {
                let found: Option<Block<Transaction>> = self.ask("eth_getBlockByHash", (block, true)).await?;
                found.map(|block| block.transactions).unwrap_or_default()
            }
        };
        Ok(found.into_iter().filter(|it| wanted.contains(&it.hash)).map(Into::into).collect())
    }

    async fn news(&self) {
        match &self.wire {
            Wire::Http(_) => std::future::pending().await,
            Wire::Socket(socket) => socket.news().await,
        }
    }

    fn calls(&self) -> Calls {
        self.meter.read()
    }
}

fn translate(error: TransportError) -> SourceError {
    let short = |text: String| text.chars().take(300).collect::<String>();
    match error {
        RpcError::ErrorResp(payload) => classify(payload.code, &payload.message),
        RpcError::Transport(TransportErrorKind::HttpError(http)) => match http.status {
            429 => SourceError::RateLimited("HTTP status 429".into()),
            413 => SourceError::TooManyResults(Limit::from("HTTP status 413".to_owned())),
            status @ 500.. => SourceError::Unavailable(format!("HTTP status {status}")),
            // Some providers put their JSON-RPC error into the body of a 400.
            status => classify(i64::from(status), &short(http.body)),
        },
        // The message may hold the endpoint's address, and with it a key: only its kind is told.
        RpcError::Transport(_) => SourceError::Unavailable("no connection".into()),
        RpcError::DeserError { .. } | RpcError::NullResp => Nonsense::Unreadable.into(),
        error => SourceError::Other(short(error.to_string())),
    }
}
