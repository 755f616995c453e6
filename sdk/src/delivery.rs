//! Records on their way to the API: sealed by the agent, at least once, never in the way of a payment.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use alloy::primitives::{Address, B256, Bytes};
use async_trait::async_trait;
use backon::{ExponentialBuilder, Retryable as _};
use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::{sync::Notify, task::JoinHandle};
use tracing::{Instrument as _, field};
use url::Url;

use crate::{
    challenge::shorten,
    error::AgentError,
    record::{RecordKind, seal_digest},
    session::SharedSigner,
    spool::{PendingRecord, Spool, SpoolError},
    stamp::{StampBundle, StampError},
    telemetry::{TARGET, TRACEPARENT, TraceParent},
};

/// How many records one pass takes up at most.
const BATCH: usize = 256;

/// How long the background task rests after the API stayed away.
const RETRY_AFTER: Duration = Duration::from_secs(30);

/// A record as it is handed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedRecord {
    /// What it is about.
    pub kind: RecordKind,
    /// keccak-256 of `canonical`.
    pub hash: B256,
    /// The canonical JSON.
    pub canonical: String,
    /// The identity key's signature ([`seal_digest`]), 65 bytes: what nobody else can hand in. A refusal counts
    /// against an agent only where the agent says so itself.
    pub seal: Bytes,
    /// The span of the payment that it is about, where somebody traces it: goes beside the record, and proves nothing.
    pub trace: Option<TraceParent>,
}

/// Somebody who keeps an agent's records.
#[async_trait]
pub trait RecordSink: Send + Sync + fmt::Debug {
    /// Hands over one record. Handing over the same record twice must do no harm.
    ///
    /// # Errors
    /// A transient error ([`AgentError::is_transient`]) is tried again; any other leaves the record spooled.
    async fn deliver(&self, record: &SealedRecord) -> Result<(), AgentError>;

    /// Hands over the stamp that sessions are opened under, so that whoever reads of their payments sees who vouched for the
    /// agent. Whoever keeps records alone has no use for it.
    ///
    /// # Errors
    /// As [`Self::deliver`]; a transient one, too, as long as no session names it there.
    async fn deliver_stamp(&self, _stamp: &StampBundle) -> Result<(), AgentError> {
        Ok(())
    }
}

/// Bursar's API.
#[derive(Clone)]
pub struct HttpSink {
    client: reqwest::Client,
    base: Url,
}

impl HttpSink {
    /// The API at `base`.
    pub fn new(client: reqwest::Client, base: Url) -> Self {
        Self { client, base }
    }
}

impl HttpSink {
    /// Hands something in; what the API said where it did not take it.
    async fn post(
        &self,
        list: &str,
        body: &Value,
        trace: Option<TraceParent>,
    ) -> Result<Result<(), (StatusCode, String)>, AgentError> {
        let route = format!("{}/v1/{list}", self.base.as_str().trim_end_matches('/'));
        let mut request = self.client.post(route).json(body);
        if let Some(trace) = trace {
            request = request.header(TRACEPARENT, trace.to_string());
        }
        let response = request.send().await?;
        let status = response.status();
        if status.is_success() {
            return Ok(Ok(()));
        }
        Ok(Err((status, shorten(&response.text().await.unwrap_or_default()))))
    }
}

impl fmt::Debug for HttpSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpSink").field("host", &self.base.host_str()).finish_non_exhaustive()
    }
}

#[async_trait]
impl RecordSink for HttpSink {
    async fn deliver(&self, record: &SealedRecord) -> Result<(), AgentError> {
        let list = match record.kind {
            RecordKind::Decision => "decisions",
            RecordKind::Outcome => "outcomes",
        };
        let body = json!({ "hash": record.hash, "record": record.canonical, "seal": record.seal });
        let (status, message) = match self.post(list, &body, record.trace).await? {
            Ok(()) => return Ok(()),
            Err(refused) => refused,
        };
        if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
            return Err(AgentError::Http(format!("the API answered {status}: {message}")));
        }
        Err(AgentError::NotAccepted { status: status.as_u16(), message })
    }

    async fn deliver_stamp(&self, stamp: &StampBundle) -> Result<(), AgentError> {
        let text = stamp.to_text().map_err(StampError::from)?;
        let (status, message) = match self.post("stamps", &json!({ "stamp": text }), None).await? {
            Ok(()) => return Ok(()),
            Err(refused) => refused,
        };
        let waits = [StatusCode::TOO_MANY_REQUESTS, StatusCode::CONFLICT].contains(&status);
        if status.is_server_error() || waits {
            return Err(AgentError::Http(format!("the API answered {status}: {message}")));
        }
        Err(AgentError::NotAccepted { status: status.as_u16(), message })
    }
}

/// What one pass of delivery did.
#[derive(Debug, Default)]
pub struct Delivered {
    /// Records that the sink took.
    pub delivered: usize,
    /// Records that still wait, of the kinds that the sink takes.
    pub waiting: usize,
    /// Records that the sink refused for good, with what it said; they stay spooled for a human to look at.
    pub refused: Vec<(B256, AgentError)>,
}

pub(crate) type SharedSpool = Arc<Mutex<Spool>>;

/// Runs a spool operation where blocking is allowed: every one of them waits for the disk.
pub(crate) async fn on_disk<T: Send + 'static>(
    spool: &SharedSpool,
    work: impl FnOnce(&mut Spool) -> Result<T, SpoolError> + Send + 'static,
) -> Result<T, AgentError> {
    let spool = Arc::clone(spool);
    let done = tokio::task::spawn_blocking(move || {
        // A panic inside a spool operation leaves its file as it was: state follows the write.
        let mut spool = spool.lock().unwrap_or_else(PoisonError::into_inner);
        work(&mut spool)
    });
    match done.await {
        Ok(result) => Ok(result?),
        Err(error) => Err(AgentError::Config {
            what: "decision spool",
            expected: "a running task".into(),
            got: error.to_string(),
        }),
    }
}

/// Signs records as an agent's own.
#[derive(Clone)]
pub(crate) struct Sealer {
    pub(crate) chain_id: u64,
    pub(crate) treasury: Address,
    pub(crate) identity: SharedSigner,
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Sealer").field(&self.identity.address()).finish()
    }
}

impl Sealer {
    async fn seal(&self, record: PendingRecord) -> Result<SealedRecord, AgentError> {
        let PendingRecord { kind, hash, canonical, trace } = record;
        let digest = seal_digest(kind, self.chain_id, self.treasury, hash);
        let seal = self.identity.sign_hash(&digest).await?.normalized_s();
        Ok(SealedRecord { kind, hash, canonical, seal: seal.as_bytes().into(), trace })
    }
}

/// Delivers what the spool holds, in the background and on demand.
#[derive(Debug)]
pub(crate) struct Delivery {
    spool: SharedSpool,
    sink: Arc<dyn RecordSink>,
    sealer: Sealer,
    // Until it is handed in.
    stamp: Arc<Mutex<Option<StampBundle>>>,
    wake: Arc<Notify>,
    // One pass at a time, or a record would be sent twice for nothing.
    turn: Arc<tokio::sync::Mutex<()>>,
    task: Option<JoinHandle<()>>,
}

impl Delivery {
    pub(crate) fn start(
        spool: SharedSpool,
        sink: Arc<dyn RecordSink>,
        sealer: Sealer,
        stamp: Option<StampBundle>,
    ) -> Self {
        let (wake, turn, stamp) = (Arc::default(), Arc::default(), Arc::new(Mutex::new(stamp)));
        let mut delivery = Self { spool, sink, sealer, stamp, wake, turn, task: None };
        let worker = delivery.handle();
        delivery.task = Some(tokio::spawn(async move {
            loop {
                // Whether somebody wakes it or the time is up: records of an outage go out after it.
                let _ = tokio::time::timeout(RETRY_AFTER, worker.wake.notified()).await;
                if let Err(error) = worker.flush().await {
                    tracing::warn!(%error, "records wait in the spool");
                }
            }
        }));
        delivery.wake.notify_one();
        delivery
    }

    fn handle(&self) -> Self {
        Self {
            spool: Arc::clone(&self.spool),
            sink: Arc::clone(&self.sink),
            sealer: self.sealer.clone(),
            stamp: Arc::clone(&self.stamp),
            wake: Arc::clone(&self.wake),
            turn: Arc::clone(&self.turn),
            task: None,
        }
    }

    /// Has the background task look again.
    pub(crate) fn nudge(&self) {
        self.wake.notify_one();
    }

    /// Delivers until nothing is left, or the sink fails for longer than the retries last.
    pub(crate) async fn flush(&self) -> Result<Delivered, AgentError> {
        let _turn = self.turn.lock().await;
        let mut report = Delivered::default();
        loop {
            let skip = report.refused.len();
            let batch = on_disk(&self.spool, move |spool| Ok(spool.pending(skip + BATCH))).await?;
            let refused: Vec<B256> = report.refused.iter().map(|(hash, _)| *hash).collect();
            let fresh: Vec<PendingRecord> =
                batch.into_iter().filter(|record| !refused.contains(&record.hash)).collect();
            if fresh.is_empty() {
                break;
            }
            for record in fresh {
                self.deliver(record, &mut report).await?;
            }
        }
        self.deliver_stamp().await;
        report.waiting = on_disk(&self.spool, |spool| Ok(spool.pending_count())).await?;
        Ok(report)
    }

    /// Hands in the stamp, once. Nobody waits for it: where it is not taken yet, the next pass tries again.
    async fn deliver_stamp(&self) {
        let held = || self.stamp.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(stamp) = held().clone() else { return };
        match self.sink.deliver_stamp(&stamp).await {
            Err(error) if error.is_transient() => {
                tracing::debug!(%error, "the stamp waits to be handed in");
                return;
            }
            Err(error) => tracing::error!(%error, "the API refuses the agent's stamp"),
            Ok(()) => {}
        }
        *held() = None;
    }

    async fn deliver(&self, record: PendingRecord, report: &mut Delivered) -> Result<(), AgentError> {
        let record = self.sealer.seal(record).await?;
        let backoff = ExponentialBuilder::default()
            .with_min_delay(Duration::from_millis(100))
            .with_max_delay(Duration::from_secs(5))
            .with_max_times(5)
            .with_jitter();
        let span = tracing::info_span!(
            target: TARGET, parent: None, "deliver",
            otel.kind = "client", bursar.record_hash = %record.hash, bursar.delivered = field::Empty,
        );
        if let Some(trace) = record.trace {
            trace.adopt(&span);
        }
        let delivering = (|| self.sink.deliver(&record)).retry(backoff).when(AgentError::is_transient);
        let sent = delivering.instrument(span.clone()).await;
        span.record("bursar.delivered", sent.is_ok());
        match sent {
            Ok(()) => {
                let hash = record.hash;
                on_disk(&self.spool, move |spool| spool.delivered(hash)).await?;
                report.delivered += 1;
                Ok(())
            }
            Err(error) if error.is_transient() => Err(error),
            Err(error) => {
                tracing::error!(hash = %record.hash, %error, "the API refuses a record");
                report.refused.push((record.hash, error));
                Ok(())
            }
        }
    }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        if let Some(task) = self.task.take() {
            task.abort();
        }
    }
}
