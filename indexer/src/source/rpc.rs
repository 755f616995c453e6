//! A JSON-RPC endpoint, over HTTP or WebSocket.

use std::{
    borrow::Cow,
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use alloy::{
    eips::BlockNumberOrTag,
    primitives::{Address, B256, Bytes, U64},
    rpc::client::{ClientBuilder, RpcClient},
    transports::{
        RpcError, TransportError,
        http::{Client, Http},
    },
};
use async_trait::async_trait;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde::{Serialize, de::DeserializeOwned};
use url::Url;

use super::{
    Answer, BlockHeader, Blocks, Calls, Landmark, LogQuery, Nonsense, Source, SourceError, TransactionInput,
    batch,
    calls::Meter,
    manner::{Manner, Way, may_be_of_the_batch},
    post::Post,
    refusal::translate,
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

/// How many transactions are asked for at the same time where a whole block is not to be had.
const AT_ONCE: usize = 4;

const LOGS: &str = "eth_getLogs";
const BLOCK: &str = "eth_getBlockByNumber";

/// How questions travel.
#[derive(Debug)]
enum Wire {
    Http(RpcClient, Post),
    Socket(Socket),
}

impl Wire {
    async fn client(&self) -> Result<RpcClient, TransportError> {
        match self {
            Self::Http(client, _) => Ok(client.clone()),
            Self::Socket(socket) => socket.client().await,
        }
    }

    fn post(&self) -> Option<&Post> {
        match self {
            Self::Http(_, post) => Some(post),
            Self::Socket(_) => None,
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
    manner: Mutex<Manner>,
}

impl RpcSource {
    /// A source that asks `url`: over WebSocket where that says `ws` or `wss`, else over HTTP. Nothing is asked yet.
    pub fn new(url: Url, config: RpcConfig) -> Self {
        let wire = match url.scheme() {
            "ws" | "wss" => Wire::Socket(Socket::new(url)),
            _ => {
                let client = Client::new();
                let http = Http::with_client(client.clone(), url.clone());
                let is_local = http.guess_local();
                Wire::Http(ClientBuilder::default().transport(http, is_local), Post::new(client, url))
            }
        };
        Self { wire, config, meter: Meter::default(), manner: Mutex::default() }
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
        let block: Option<Block<B256>> = self.ask(BLOCK, (tag, false)).await?;
        Ok(block.as_ref().map(BlockHeader::from))
    }

    /// Logs of a range and its last block, in one request where the provider takes that.
    async fn range(&self, filter: LogFilter<'_>, to: u64) -> Result<(Vec<Log>, BlockHeader), SourceError> {
        let way = self.manner().way();
        if way == Way::Apart {
            let answers = self.each(&filter, to).await;
            if self.manner().asked_apart(&answers) {
                tracing::info!("a node does not answer several questions at a time");
            }
            return answers;
        }
        let word = match self.both(&filter, to).await {
            Err(error) if may_be_of_the_batch(&error) => error,
            answers => {
                self.manner().asked_together(&answers);
                return answers;
            }
        };
        let answers = self.each(&filter, to).await;
        if self.manner().asked_again(&word, &answers) {
            tracing::info!(%word, "a node takes one question at a time");
        }
        answers
    }

    fn manner(&self) -> std::sync::MutexGuard<'_, Manner> {
        self.manner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// In one request: the same node answers both.
    async fn both(&self, filter: &LogFilter<'_>, to: u64) -> Result<(Vec<Log>, BlockHeader), SourceError> {
        self.meter.asked(LOGS);
        self.meter.asked(BLOCK);
        let both = async {
            let client = self.wire.client().await?;
            let logs = client.make_request(LOGS, (filter,));
            let tip = client.make_request(BLOCK, (BlockNumberOrTag::Number(to), false));
            batch::ask(&client, self.wire.post(), logs, tip).await
        };
        match self.in_time(LOGS, both).await? {
            Ok((logs, tip)) => Ok((logs, there(tip, to)?)),
            Err(refused) => Err(match translate(refused) {
                SourceError::Other(said) => SourceError::NoBatches(said),
                error => error,
            }),
        }
    }

    /// In two requests, the last block first: a node that has it has the logs of all before it. Where several machines stand
    /// behind one address, that may be said of one and asked of another.
    async fn each(&self, filter: &LogFilter<'_>, to: u64) -> Result<(Vec<Log>, BlockHeader), SourceError> {
        let tip = there(self.ask(BLOCK, (BlockNumberOrTag::Number(to), false)).await?, to)?;
        Ok((self.ask(LOGS, (filter,)).await?, tip))
    }

    /// One, where it is of that block.
    async fn transaction(&self, block: B256, hash: B256) -> Result<Option<Transaction>, SourceError> {
        let found: Option<Transaction> = self.ask("eth_getTransactionByHash", (hash,)).await?;
        // A node may know it from a branch only; then it does not have what was asked for.
        Ok(found.filter(|it| it.hash == hash && it.block_hash == Some(block)))
    }

    /// All of a block.
    async fn full(&self, block: B256) -> Result<Vec<Transaction>, SourceError> {
        let found: Option<Block<Transaction>> = self.ask("eth_getBlockByHash", (block, true)).await?;
        Ok(found.map(|block| block.transactions).unwrap_or_default())
    }

    async fn one_by_one(&self, block: B256, wanted: &[B256]) -> Result<Vec<Transaction>, SourceError> {
        let hashes = stream::iter(wanted.iter().copied());
        let answers = hashes.map(|hash| self.transaction(block, hash)).buffered(AT_ONCE);
        let found: Vec<Option<Transaction>> = answers.try_collect().await?;
        Ok(found.into_iter().flatten().collect())
    }
}

/// The last block of a range, without which its logs do not count.
fn there(tip: Option<Block<B256>>, to: u64) -> Result<BlockHeader, SourceError> {
    let tip = tip.as_ref().map(BlockHeader::from);
    tip.ok_or_else(|| SourceError::NotFound(format!("block {to}, whose logs it gives")))
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
            Blocks::Hash(_) => (self.ask::<_, Vec<Log>>(LOGS, (filter,)).await?, None),
            Blocks::Range(_, to) => {
                let (logs, tip) = self.range(filter, to).await?;
                (logs, Some(tip))
            }
        };
        let logs = logs.into_iter().map(TryInto::try_into).collect::<Result<Vec<_>, Nonsense>>()?;
        Ok(Answer { logs, tip })
    }

    /// One is asked for by its hash; several of one block cost a single question for all of it, and one each where that is too much.
    async fn transactions(
        &self,
        block: B256,
        wanted: &[B256],
    ) -> Result<HashMap<B256, TransactionInput>, SourceError> {
        let found = match wanted {
            [] => Vec::new(),
            [_] => self.one_by_one(block, wanted).await?,
            _ => match self.full(block).await {
                Err(error) if error.may_answer_another_question() => {
                    tracing::debug!(%error, transactions = wanted.len(), "asking for transactions one by one");
                    self.one_by_one(block, wanted).await?
                }
                found => found?,
            },
        };
        Ok(found.into_iter().filter(|it| wanted.contains(&it.hash)).map(Into::into).collect())
    }

    async fn news(&self) {
        match &self.wire {
            Wire::Http(..) => std::future::pending().await,
            Wire::Socket(socket) => socket.news().await,
        }
    }

    fn calls(&self) -> Calls {
        self.meter.read()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_does_not_show_its_address() -> Result<(), url::ParseError> {
        for address in ["https://node.example/v2/key-of-ours", "wss://node.example/v2/key-of-ours"] {
            let shown = format!("{:?}", RpcSource::new(address.parse()?, RpcConfig::default()));
            assert!(shown.contains("RpcSource") && !shown.contains("key-of-ours"), "{shown}");
        }
        Ok(())
    }
}
