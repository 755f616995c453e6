//! The released binary at work, and what it answers.

use std::{
    fs::File,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use bursar_bench::{Measured, Mined, Replayed, Took, bursar};
use bursar_replay::FACTORY;
use reqwest::Client;
use serde_json::Value;
use tempfile::TempDir;

/// How long to wait between two answers that are not what is waited for: the reader shares the machine with whom it measures.
const PAUSE: Duration = Duration::from_millis(5);

/// `bursar serve` over a store.
pub(crate) struct Service {
    process: Measured,
    client: Client,
    api: String,
    _work: TempDir,
}

impl Service {
    pub(crate) async fn start(binary: &Path, replayed: &Replayed, store_url: &str) -> Result<Self> {
        let work = tempfile::tempdir()?;
        let log = work.path().join("log");
        let mut command = bursar(binary, store_url, work.path())?;
        command.arg("serve").stderr(File::create(&log)?);
        command.env("BURSAR_LOG", "warn,bursar=info,sqlx=error").env("NO_COLOR", "1");
        command.env("BURSAR_RPC_URL", replayed.url()).env("BURSAR_WS_URL", replayed.socket());
        command.env("BURSAR_FACTORY", FACTORY.to_string()).env("BURSAR_FINALITY_DEPTH", "30");
        command.env("BURSAR_LISTEN", "127.0.0.1:0");
        let mut process = Measured::start(command)?;
        let api = loop {
            process.look().await.with_context(|| std::fs::read_to_string(&log).unwrap_or_default())?;
            let said = std::fs::read_to_string(&log)?;
            let ready = said.lines().find(|line| line.contains("overview at"));
            if let Some((_, at)) = ready.and_then(|line| line.split_once("address=")) {
                break format!("http://{}", at.trim());
            }
        };
        Ok(Self { process, client: Client::new(), api, _work: work })
    }

    async fn ask(&self, path: &str) -> Result<Value> {
        let answer = self.client.get(format!("{}{path}", self.api)).send().await?;
        Ok(answer.error_for_status()?.json().await?)
    }

    /// Waits until what that block has is read, in each list that tells of it.
    pub(crate) async fn until(&mut self, mined: Mined, patience: Duration) -> Result<()> {
        let Mined { block, governed, others, .. } = mined;
        let began = Instant::now();
        for (list, many) in [("/v1/settlements?limit=1", others), ("/v1/payments?limit=1", governed)] {
            while many > 0 && self.ask(list).await?["items"][0]["blockNumber"].as_u64() < Some(block) {
                ensure!(began.elapsed() < patience, "block {block} is not there after {patience:?}");
                tokio::time::sleep(PAUSE).await;
            }
        }
        Ok(())
    }

    /// Waits until the ledger is there.
    pub(crate) async fn until_indexed(&mut self, block: u64, patience: Duration) -> Result<()> {
        let began = Instant::now();
        while self.ask("/v1/status").await?["indexed"].as_u64() < Some(block) {
            ensure!(began.elapsed() < patience, "block {block} is not there after {patience:?}");
            self.process.look().await?;
        }
        Ok(())
    }

    /// Ends it, and gives what it took.
    pub(crate) async fn done(self) -> Result<Took> {
        self.process.done().await
    }
}
