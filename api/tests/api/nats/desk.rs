//! A seeded store that tells of eight things, a server, and what publishes the one to the other.

use std::{
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use bursar_api::{
    AppState,
    nats::{self, Config, Credentials, Metrics, Settings},
    webhook,
};
use bursar_indexer::{
    Store,
    db::Query,
    query::events,
    store::{PUBLISHER, Webhook},
};
use bursar_sdk::clock::Entropy;
use bursar_test_nats::{Keeper, Kept, Server};
use bursar_test_stores::Stores;
use prometheus_client::{encoding::text, registry::Registry};
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::{
    client::{Api, config, state},
    seed::{self, seeded},
};

pub(crate) struct Desk {
    pub(crate) api: Api,
    pub(crate) server: Server,
    state: AppState,
    cancel: CancellationToken,
    tasks: Vec<JoinHandle<()>>,
}

/// Longest that a test waits for something.
const PATIENCE: Duration = Duration::from_secs(120);

/// To a server, without pauses.
pub(crate) fn config_of(server: &Server) -> anyhow::Result<Config> {
    let settings: Settings = serde_json::from_value(json!({ "url": server.url() }))?;
    Ok(Config {
        look: Duration::from_millis(5),
        first_pause: Duration::ZERO,
        longest_pause: Duration::ZERO,
        ..Config::new(settings, Credentials::None)?
    })
}

/// What the server keeps, in order.
pub(crate) async fn kept(server: &Server) -> anyhow::Result<Vec<Kept>> {
    Keeper::of(server).await?.kept("bursar").await
}

pub(crate) fn told_by(metrics: &Metrics) -> anyhow::Result<String> {
    let (mut registry, mut told) = (Registry::default(), String::new());
    metrics.register(&mut registry);
    text::encode(&mut told, &registry)?;
    Ok(told)
}

pub(crate) fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    let copied = Command::new("cp").arg("-r").arg(from).arg(to).status()?;
    anyhow::ensure!(copied.success(), "{from:?} is not copied");
    Ok(())
}

impl Desk {
    pub(crate) async fn new(stores: Stores, server: Server) -> anyhow::Result<Self> {
        let seeded = seeded(stores).await?;
        let state = state(&seeded, config());
        let api = Api { router: bursar_api::router(state.clone()), seeded };
        Ok(Self { api, server, state, cancel: CancellationToken::new(), tasks: Vec::new() })
    }

    pub(crate) fn store(&self) -> &Store {
        &self.api.seeded.store
    }

    /// Publishes from now on, as a process of its own would.
    pub(crate) fn run(&mut self, config: Config) -> Metrics {
        let metrics = Metrics::default();
        let run =
            nats::run(self.state.clone(), config, metrics.clone(), Entropy::system(), self.cancel.clone());
        self.tasks.push(tokio::spawn(run));
        metrics
    }

    /// Ends what publishes.
    pub(crate) async fn pause(&mut self) -> anyhow::Result<()> {
        self.cancel.cancel();
        for task in self.tasks.drain(..) {
            task.await?;
        }
        self.cancel = CancellationToken::new();
        Ok(())
    }

    /// An hour later, when nobody's hold lasts.
    pub(crate) fn later(&mut self) {
        let now = self.state.now() + 3_600;
        let hours = (now - seed::NOW) / 3_600;
        let clocks: [fn() -> u64; 6] = [
            || seed::NOW + 3_600,
            || seed::NOW + 7_200,
            || seed::NOW + 10_800,
            || seed::NOW + 14_400,
            || seed::NOW + 18_000,
            || seed::NOW + 21_600,
        ];
        let clock = usize::try_from(hours).ok().and_then(|hours| clocks.get(hours - 1)).expect("a clock");
        self.state = self.state.clone().with_clock(*clock);
    }

    pub(crate) fn restart(&mut self, settings: &str) -> anyhow::Result<()> {
        self.server.kill()?;
        self.server.configure(settings)?;
        self.server.revive()
    }

    pub(crate) async fn place(&self) -> anyhow::Result<Webhook> {
        self.store().webhook(PUBLISHER).await?.ok_or_else(|| anyhow::anyhow!("nobody publishes"))
    }

    /// Waits until the store says so of what is published.
    pub(crate) async fn until(&self, is: impl Fn(&Webhook) -> bool) -> anyhow::Result<Webhook> {
        self.webhook(PUBLISHER, is).await
    }

    /// Waits until the store says so of a webhook.
    pub(crate) async fn webhook(&self, id: &str, is: impl Fn(&Webhook) -> bool) -> anyhow::Result<Webhook> {
        let waits = Instant::now();
        loop {
            match self.store().webhook(id).await? {
                Some(place) if is(&place) => return Ok(place),
                _ => self.wait(waits).await?,
            }
        }
    }

    /// Waits until the metrics say so; gives the whole of them.
    pub(crate) async fn tells(&self, metrics: &Metrics, what: &str) -> anyhow::Result<String> {
        let waits = Instant::now();
        loop {
            let told = told_by(metrics)?;
            if told.contains(what) {
                return Ok(told);
            }
            self.wait(waits).await?;
        }
    }

    /// Lets the others work, and ends where that has taken too long.
    async fn wait(&self, since: Instant) -> anyhow::Result<()> {
        if since.elapsed() > PATIENCE {
            let place = self.store().webhook(PUBLISHER).await?;
            let error = place.as_ref().and_then(|place| place.last_error.clone());
            anyhow::bail!(
                "nothing came within {PATIENCE:?}; it last failed by {error:?}, and is at {place:?}"
            );
        }
        tokio::task::yield_now().await;
        Ok(())
    }

    /// Waits until everything up to that event is published.
    pub(crate) async fn published(&self, seq: u64) -> anyhow::Result<Webhook> {
        self.until(|place| place.cursor == seq).await
    }

    /// Waits until publishing fails with that; gives the whole of it.
    pub(crate) async fn fails(&self, with: &str) -> anyhow::Result<String> {
        let says = |place: &Webhook| place.last_error.as_ref().is_some_and(|error| error.contains(with));
        Ok(self.until(says).await?.last_error.unwrap_or_default())
    }

    /// Waits until the server keeps so many.
    pub(crate) async fn kept(&self, count: u64) -> anyhow::Result<()> {
        let keeper = Keeper::of(&self.server).await?;
        let waits = Instant::now();
        while keeper.count("bursar").await? < count {
            self.wait(waits).await?;
        }
        Ok(())
    }

    /// Has the store tell of so many things more.
    pub(crate) async fn tell(&self, count: u64) -> anyhow::Result<()> {
        let newest = events::newest(self.store().db()).await?;
        for seq in newest + 1..=newest + count {
            let told =
                "INSERT INTO outbox (seq, kind, at, subject, body) VALUES ($1, 'freeze.set', 5, $2, '{}')";
            let query = Query::new(told).bind(seq).bind(format!("stops/{seq}").as_str());
            query.execute(self.store().db()).await?;
        }
        Ok(())
    }

    /// Delivers webhooks from now on.
    pub(crate) fn deliver(&mut self) {
        let config = webhook::Config {
            look: Duration::from_millis(5),
            first_pause: Duration::ZERO,
            longest_pause: Duration::ZERO,
            ..Default::default()
        };
        let run = webhook::run(self.state.clone(), config, Entropy::system(), self.cancel.clone());
        self.tasks.push(tokio::spawn(async { run.await.expect("trusted roots") }));
    }

    /// The server keeps what the list tells: each event once, in order.
    pub(crate) async fn agrees(&self) -> anyhow::Result<()> {
        let (mut told, mut cursor) = (Vec::new(), 0);
        loop {
            let page = self.api.items(&format!("/v1/events?cursor={cursor}&limit=100")).await?;
            let Some(last) = page.last() else { break };
            cursor = last["seq"].as_u64().unwrap_or_default();
            told.extend(page);
        }
        let bodies: Vec<Value> = kept(&self.server).await?.into_iter().map(|kept| kept.body).collect();
        anyhow::ensure!(bodies == told, "the stream has {bodies:?}, the list {told:?}");
        Ok(())
    }

    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        self.pause().await
    }
}
