//! Answers JSON-RPC, as a provider with limits and faults would.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError, RwLock, RwLockReadGuard,
        atomic::{AtomicU64, Ordering},
    },
};

use alloy::sol_types::SolEvent as _;
use alloy::{
    eips::BlockNumberOrTag,
    primitives::{B256, U256},
};
use bursar_sdk::abi::Eip3009::Transfer;
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::{
    answer::Json,
    body::{Body, Entry},
    chain::{Block, Chain},
    fault::Fault,
    filter::LogFilter,
    provider::Provider,
};

/// How often each method was asked, errors and refused requests among it.
pub type Calls = BTreeMap<String, u64>;

/// A request, as far as a plan of faults looks at it. A batch is one: a single node answers all of it.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// Counted from the node's first.
    pub number: u64,
    /// The method of its first question.
    pub method: &'a str,
    /// Whether that asks for logs of one block, by its hash.
    pub by_hash: bool,
    /// The parameters of that question.
    pub params: &'a Value,
}

type Plan = Box<dyn Fn(Request<'_>) -> Option<Fault> + Send + Sync>;

/// A node that answers from a chain. Several may share one.
pub struct Replay {
    chain: Arc<RwLock<Chain>>,
    provider: Provider,
    plan: Mutex<Option<Plan>>,
    calls: Mutex<Calls>,
    requests: AtomicU64,
    at_once: AtomicU64,
    most_at_once: AtomicU64,
    heads: watch::Sender<()>,
}

impl std::fmt::Debug for Replay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Replay").field("provider", &self.provider).finish_non_exhaustive()
    }
}

/// What is waited for an answer that does not come, in milliseconds: longer than anybody's patience.
const CHOKED: u64 = 60_000;
/// How the error begins that says that a range is too wide.
const RANGE_LIMITED: &str = "eth_getLogs is limited";
/// How far false times are from true ones, in seconds.
const LATER: u64 = 3_600;

/// What a request comes to: a status and a body, and for how many seconds it is not to be asked again.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
    pub(crate) retry_after: Option<u64>,
}

impl Reply {
    fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status, body: body.into(), retry_after: None }
    }
}

/// An error as JSON-RPC has it.
struct Refusal(i64, String);

impl Refusal {
    fn json(&self) -> Value {
        json!({ "code": self.0, "message": self.1 })
    }
}

/// One error for all that was asked.
fn whole(refusal: &Refusal) -> String {
    json!({ "jsonrpc": "2.0", "id": null, "error": refusal.json() }).to_string()
}

/// A page with such a status after a while, which says nothing of what is wrong; 0: not even that.
fn no_word(status: u16, wait: u64) -> (Reply, u64) {
    match status {
        0 => (Reply::new(504, ""), wait + CHOKED),
        status => (Reply::new(status, "<html>the block range is none of this page's business</html>"), wait),
    }
}

fn invalid(what: &str) -> Refusal {
    Refusal(-32602, format!("invalid argument: {what}"))
}

/// What a node sees of the chain, and how it fails this time.
struct Node<'a> {
    chain: &'a Chain,
    provider: &'a Provider,
    fault: Option<Fault>,
}

impl Replay {
    /// A node with these limits.
    pub fn new(chain: Arc<RwLock<Chain>>, provider: Provider) -> Self {
        let (plan, calls) = (Mutex::default(), Mutex::default());
        let [requests, at_once, most_at_once] = [const { AtomicU64::new(0) }; 3];
        Self {
            chain,
            provider,
            plan,
            calls,
            requests,
            at_once,
            most_at_once,
            heads: watch::Sender::default(),
        }
    }

    /// From now on, each request fails as `plan` says.
    pub fn misbehave(&self, plan: impl Fn(Request<'_>) -> Option<Fault> + Send + Sync + 'static) {
        *self.plan.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(plan));
    }

    /// The chain behind it, to look at.
    pub fn chain(&self) -> RwLockReadGuard<'_, Chain> {
        self.chain.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the chain.
    pub fn change(&self, change: impl FnOnce(&mut Chain)) {
        change(&mut self.chain.write().unwrap_or_else(PoisonError::into_inner));
        self.heads.send_replace(());
    }

    /// Changes with each change of the chain through this node.
    pub(crate) fn heads(&self) -> watch::Receiver<()> {
        self.heads.subscribe()
    }

    /// The last block, as nodes tell of it.
    pub(crate) fn latest(&self) -> Value {
        let question = json!({ "id": 0, "method": "eth_getBlockByNumber", "params": ["latest", false] });
        let mut json = Json::default();
        self.one(&question, None, &mut json);
        let mut answer: Value = serde_json::from_slice(&json.0).unwrap_or_default();
        answer["result"].take()
    }

    /// How often each method was asked.
    pub fn calls(&self) -> Calls {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Counts from nothing again.
    pub fn forget_calls(&self) {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// How many requests have waited for their answer at the same time, at most.
    pub fn most_at_once(&self) -> u64 {
        self.most_at_once.load(Ordering::Relaxed)
    }

    pub(crate) fn begins(&self) {
        let now = self.at_once.fetch_add(1, Ordering::Relaxed) + 1;
        self.most_at_once.fetch_max(now, Ordering::Relaxed);
    }

    pub(crate) fn ends(&self) {
        self.at_once.fetch_sub(1, Ordering::Relaxed);
    }

    fn count(&self, what: &str) {
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        *calls.entry(what.to_owned()).or_default() += 1;
    }

    /// Answers a request, and says how long to wait before the answer is given, in milliseconds.
    pub(crate) fn answer(&self, body: &[u8]) -> (Reply, u64) {
        let questions = match serde_json::from_slice(body) {
            Ok(Value::Array(questions)) => questions,
            Ok(question) => return self.answer_all(&[question], false),
            Err(_) => return (Reply::new(400, "not JSON"), 0),
        };
        if self.provider.max_batch > 0 && questions.len() > self.provider.max_batch {
            self.count("batches refused");
            return match self.provider.batch_status {
                200 => (Reply::new(200, whole(&Refusal(-32600, "batch too large".into()))), 0),
                status => no_word(status, 0),
            };
        }
        self.answer_all(&questions, true)
    }

    fn answer_all(&self, questions: &[Value], batch: bool) -> (Reply, u64) {
        let fault = self.fault(questions);
        let mut wait = self.provider.latency;
        match fault {
            Some(Fault::Unavailable) => return (Reply::new(503, ""), wait),
            Some(Fault::RateLimited) => return (Reply::new(429, ""), wait),
            Some(Fault::RateLimitedFor(seconds)) => {
                return (Reply { retry_after: Some(seconds), ..Reply::new(429, "") }, wait);
            }
            Some(Fault::Slow(pause)) => wait += pause,
            _ => {}
        }
        if questions.iter().any(|question| self.chokes_on(question)) {
            self.count("choked");
            return no_word(self.provider.chokes_status, wait);
        }
        let mut json = Json::default();
        let mut limit = None;
        if batch {
            json.raw("[");
        }
        for (place, question) in questions.iter().enumerate() {
            if place > 0 {
                json.raw(",");
            }
            let refusal = self.one(question, fault, &mut json);
            limit = limit.or(refusal.filter(|refusal| self.is_limit(refusal)));
        }
        if batch {
            json.raw("]");
        }
        let status = limit.as_ref().map_or(200, |_| self.provider.limits_status);
        if let Some(limit) = limit.filter(|_| batch && self.provider.limits_whole) {
            return (Reply::new(status, whole(&limit)), wait);
        }
        if fault == Some(Fault::CutShort) {
            json.0.truncate(json.0.len() / 2);
        }
        (Reply::new(status, json.0), wait)
    }

    /// Whether there is no answer to that, nor a word.
    fn chokes_on(&self, question: &Value) -> bool {
        let number = |name: &str| {
            let text = question["params"][0][name].as_str()?;
            u64::from_str_radix(text.strip_prefix("0x")?, 16).ok()
        };
        let blocks = number("fromBlock").zip(number("toBlock")).map(|(from, to)| to.saturating_sub(from) + 1);
        let most = self.provider.chokes_over;
        most > 0 && question["method"] == "eth_getLogs" && blocks.is_some_and(|blocks| blocks > most)
    }

    fn is_limit(&self, Refusal(code, said): &Refusal) -> bool {
        *code == self.provider.results_code || said.starts_with(RANGE_LIMITED)
    }

    /// Counts the questions, and says what goes wrong with them.
    fn fault(&self, questions: &[Value]) -> Option<Fault> {
        let method = |question: &Value| question["method"].as_str().unwrap_or_default().to_owned();
        questions.iter().for_each(|question| self.count(&method(question)));
        let first = questions.first()?;
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        let by_hash = first["params"][0].get("blockHash").is_some();
        let plan = self.plan.lock().unwrap_or_else(PoisonError::into_inner);
        plan.as_ref().and_then(|plan| {
            plan(Request { number, method: &method(first), by_hash, params: &first["params"] })
        })
    }

    /// What it refuses, where it does.
    fn one(&self, question: &Value, fault: Option<Fault>, json: &mut Json) -> Option<Refusal> {
        let method = question["method"].as_str().unwrap_or_default();
        json.raw("{\"jsonrpc\":\"2.0\",\"id\":").raw(&question["id"].to_string());
        let start = json.0.len();
        json.raw(",\"result\":");
        let chain = self.chain();
        let node = Node { chain: &chain, provider: &self.provider, fault };
        let refusal = node.call(method, &question["params"], json).err();
        if let Some(refusal) = &refusal {
            json.0.truncate(start);
            json.raw(",\"error\":").raw(&refusal.json().to_string());
            self.count("refused");
        }
        json.raw("}");
        refusal
    }
}

impl Node<'_> {
    fn call(&self, method: &str, params: &Value, json: &mut Json) -> Result<(), Refusal> {
        if self.fault == Some(Fault::TooMuch) {
            return Err(Refusal(-32020, "backend response too large".into()));
        }
        match method {
            "eth_chainId" => {
                let other = u64::from(self.fault == Some(Fault::OtherChainId));
                json.quantity(self.chain.params().chain_id + other);
            }
            "net_version" => {
                json.raw(&format!("\"{}\"", self.chain.params().chain_id));
            }
            "web3_clientVersion" => {
                json.raw("\"replay\"");
            }
            "eth_syncing" => {
                json.raw("false");
            }
            "eth_blockNumber" => {
                json.quantity(self.head());
            }
            "eth_gasPrice" => {
                json.quantity(1_000_000);
            }
            "eth_getCode" => {
                json.raw("\"0x60\"");
            }
            "eth_getBlockByNumber" => {
                let number = self.number(&params[0])?;
                self.block(self.visible(number), params, json);
            }
            "eth_getBlockByHash" => {
                let block = self.by_hash(&params[0])?;
                self.block(block, params, json);
            }
            "eth_getLogs" => return self.logs(&params[0], json),
            "eth_getTransactionByHash" => self.found(&params[0], json, |json, block, body, place| {
                json.transaction(self.chain.params().chain_id, block, body, place);
            })?,
            "eth_getTransactionReceipt" => self.found(&params[0], json, |json, block, body, place| {
                json.receipt(block, body, &self.chain.logs(block, body), place);
            })?,
            "eth_getBlockReceipts" => {
                let number = self.number(&params[0]);
                let block = number.map_or_else(|_| self.by_hash(&params[0]), |at| Ok(self.visible(at)))?;
                self.receipts(block, json);
            }
            _ => return Err(Refusal(-32601, format!("the method {method} does not exist/is not available"))),
        }
        Ok(())
    }

    fn head(&self) -> u64 {
        let lag = if let Some(Fault::Lags(lag)) = self.fault { lag } else { self.provider.lags };
        self.chain.head().saturating_sub(lag)
    }

    fn visible(&self, number: u64) -> Option<&Block> {
        (number <= self.head()).then(|| self.chain.block(number)).flatten()
    }

    fn number(&self, tag: &Value) -> Result<u64, Refusal> {
        let tag: BlockNumberOrTag = serde_json::from_value(tag.clone()).map_err(|_| invalid("block"))?;
        let finality = self.provider.finality;
        Ok(match tag {
            BlockNumberOrTag::Safe | BlockNumberOrTag::Finalized if self.fault == Some(Fault::FalseFinal) => {
                self.head()
            }
            BlockNumberOrTag::Latest | BlockNumberOrTag::Pending => self.head(),
            BlockNumberOrTag::Safe => self.head().saturating_sub(finality / 2),
            BlockNumberOrTag::Finalized => self.head().saturating_sub(finality),
            BlockNumberOrTag::Earliest => 0,
            BlockNumberOrTag::Number(number) => number,
        })
    }

    fn by_hash(&self, hash: &Value) -> Result<Option<&Block>, Refusal> {
        let hash: B256 = serde_json::from_value(hash.clone()).map_err(|_| invalid("hash"))?;
        Ok(self.chain.number_of(&hash).and_then(|number| self.visible(number)))
    }

    fn block(&self, block: Option<&Block>, params: &Value, json: &mut Json) {
        let Some(block) = block else {
            json.raw("null");
            return;
        };
        let body = self.told(self.chain.body(block));
        let mut header = self.chain.header(block, body.txs.len());
        let mut hash = block.hash;
        match self.fault {
            Some(Fault::FalseTime) => header.timestamp += LATER,
            Some(Fault::FalseParent) => header.parent_hash = header.parent_hash.reverse(),
            Some(Fault::FalseHead(higher)) if params[0] == "latest" => {
                header.number += higher;
                hash = hash.reverse();
            }
            _ => {}
        }
        let block = Block { hash, ..block.clone() };
        json.block(self.chain.params().chain_id, &block, &header, &body, params[1] == true);
    }

    /// What is in a block, as this node tells it.
    fn told(&self, mut body: Arc<Body>) -> Arc<Body> {
        match self.fault {
            Some(Fault::FalseSender) => {
                Arc::make_mut(&mut body).txs.iter_mut().for_each(|tx| tx.sender = tx.to)
            }
            Some(Fault::FalseInput) => {
                let items = Arc::make_mut(&mut body).items.iter_mut();
                items.for_each(|item| item.decision = item.decision.map(B256::reverse));
            }
            _ => {}
        }
        body
    }

    fn found(
        &self,
        hash: &Value,
        json: &mut Json,
        write: impl FnOnce(&mut Json, &Block, &Body, usize),
    ) -> Result<(), Refusal> {
        let hash: B256 = serde_json::from_value(hash.clone()).map_err(|_| invalid("hash"))?;
        match self.chain.find(hash).filter(|(block, ..)| block.shape.number <= self.head()) {
            Some((block, body, place)) => write(json, block, &self.told(body), place),
            None => {
                json.raw("null");
            }
        }
        Ok(())
    }

    fn receipts(&self, block: Option<&Block>, json: &mut Json) {
        let Some(block) = block else {
            json.raw("null");
            return;
        };
        let body = self.chain.body(block);
        let logs = self.chain.logs(block, &body);
        json.list(0..body.txs.len(), |json, place| json.receipt(block, &body, &logs, place));
    }

    fn logs(&self, filter: &Value, json: &mut Json) -> Result<(), Refusal> {
        let filter: LogFilter = serde_json::from_value(filter.clone()).map_err(|_| invalid("filter"))?;
        let (from, to) = self.range(&filter)?;
        let oldest = self.head().saturating_sub(self.provider.keeps);
        if self.provider.keeps > 0 && from < oldest {
            return Err(Refusal(4444, format!("pruned history unavailable below block {oldest}")));
        }
        let most = match self.provider.max_results {
            most if most > 0 && from < to => most,
            _ => usize::MAX,
        };
        let (mut count, mut last) = (0, from);
        json.raw("[");
        'blocks: for number in from..=to.min(self.head()) {
            let Some(block) = self.chain.block(number) else { break };
            // Some faults add to what there is.
            if self.fault.is_none() && !filter.may_be_in(&block.bloom) {
                continue;
            }
            let body = self.chain.body(block);
            for (index, log) in (0u64..).zip(self.chain.logs(block, &body)) {
                let astray = self.fault == Some(Fault::Strays) && count == 0;
                if !filter.admits(&log) && !astray {
                    continue;
                }
                match self.fault {
                    Some(Fault::Stops(most)) if count >= most => break 'blocks,
                    Some(Fault::LeavesOut) if count >= 1 => break 'blocks,
                    Some(Fault::LeavesOutTransfers)
                        if log.data.topics().first() == Some(&Transfer::SIGNATURE_HASH) =>
                    {
                        continue;
                    }
                    _ => {}
                }
                if count >= most {
                    return Err(self.too_many(most, from, last.saturating_sub(1).max(from)));
                }
                if count > 0 {
                    json.raw(",");
                }
                self.log(json, block, &body, index, log);
                (count, last) = (count + 1, number);
            }
        }
        json.raw("]");
        Ok(())
    }

    fn range(&self, filter: &LogFilter) -> Result<(u64, u64), Refusal> {
        if let Some(hash) = filter.block_hash {
            let number = self.chain.number_of(&hash).filter(|number| *number <= self.head());
            return number
                .map(|number| (number, number))
                .ok_or_else(|| Refusal(-32000, "unknown block".into()));
        }
        let at = |tag: Option<BlockNumberOrTag>| self.number(&json!(tag.unwrap_or_default()));
        let (from, to) = (at(filter.from_block)?, at(filter.to_block)?);
        if from > to {
            return Err(Refusal(-32000, "invalid block range params".into()));
        }
        let most = self.provider.max_range;
        if most > 0 && to - from >= most {
            let text =
                if self.provider.hints { format!(" to a {most} range") } else { " in its range".into() };
            return Err(Refusal(-32602, format!("{RANGE_LIMITED}{text}")));
        }
        Ok((from, to))
    }

    fn too_many(&self, most: usize, from: u64, to: u64) -> Refusal {
        if let Some(said) = &self.provider.results_said {
            return Refusal(self.provider.results_code, said.clone());
        }
        let mut text = format!("query returned more than {most} results");
        if self.provider.hints {
            text += &format!(". Try with this block range [0x{from:x}, 0x{to:x}].");
        }
        Refusal(self.provider.results_code, text)
    }

    fn log(&self, json: &mut Json, block: &Block, body: &Body, index: u64, mut log: Entry) {
        let tx = &body.txs[log.tx];
        let timestamps = self.provider.timestamps;
        match self.fault {
            Some(Fault::OtherChain) => {
                let other = Block { hash: block.hash.reverse(), ..block.clone() };
                json.log(&other, tx, index, &log, timestamps);
            }
            Some(Fault::FalseTime | Fault::FalseLogTime) => {
                let later = Block { at: block.at + LATER, ..block.clone() };
                json.log(&later, tx, index, &log, timestamps);
            }
            Some(Fault::Contradicts) if log.data.data.len() == 32 => {
                let amount = U256::from_be_slice(&log.data.data) + U256::from(1);
                log.data.data = amount.to_be_bytes::<32>().into();
                json.log(block, tx, index, &log, timestamps);
            }
            _ => json.log(block, tx, index, &log, timestamps),
        }
    }
}

/// A hash with its bytes turned round: of nothing on this chain.
trait Reverse {
    fn reverse(self) -> Self;
}

impl Reverse for B256 {
    fn reverse(mut self) -> Self {
        self.0.reverse();
        self
    }
}
