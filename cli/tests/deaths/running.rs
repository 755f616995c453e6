//! A process of the indexer that can be killed.

use std::{
    fs::File,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use bursar_replay::FACTORY;
use serde_json::Value;

use crate::node::Node;

/// How deep a block is final.
pub(crate) const FINALITY: u64 = 16;

/// `bursar serve` over a store; killed when dropped.
pub(crate) struct Running {
    process: Child,
    api: String,
    log: PathBuf,
}

impl Running {
    pub(crate) fn start(folder: &Path, node: &Node, store: &str, lease_seconds: u32) -> Result<Self> {
        let log = folder.join("log");
        let mut process = Command::new(env!("CARGO_BIN_EXE_bursar"))
            .arg("serve")
            .current_dir(folder)
            .env_clear()
            .envs([("NO_COLOR", "1"), ("BURSAR_CHAIN_ID", "8453"), ("BURSAR_LISTEN", "127.0.0.1:0")])
            .env("BURSAR_RPC_URL", node.served.url())
            .env("BURSAR_FACTORY", FACTORY.to_string())
            .env("BURSAR_FINALITY_DEPTH", FINALITY.to_string())
            .env("BURSAR_LEASE_SECONDS", lease_seconds.to_string())
            .env("BURSAR_STORE", store)
            .stdout(Stdio::null())
            .stderr(File::create(&log)?)
            .spawn()?;
        let api = loop {
            let said = BufReader::new(File::open(&log)?).lines().map_while(Result::ok);
            let mut ready = said.filter(|line| line.contains("overview at"));
            if let Some((_, at)) = ready.next().as_deref().and_then(|line| line.split_once("address=")) {
                break format!("http://{}", at.trim());
            }
            if let Some(status) = process.try_wait()? {
                anyhow::bail!("it ended with {status}: {}", std::fs::read_to_string(&log)?);
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        Ok(Self { process, api, log })
    }

    /// The block that the ledger stands at; `None` while nobody can tell.
    pub(crate) async fn indexed(&self) -> Option<u64> {
        self.json("v1/status").await.ok()?["indexed"].as_u64()
    }

    pub(crate) async fn json(&self, path: &str) -> Result<Value> {
        Ok(reqwest::get(format!("{}/{path}", self.api)).await?.json().await?)
    }

    /// Waits until the ledger stands after that block.
    pub(crate) async fn passes(&mut self, block: u64) -> Result<()> {
        self.until(async |this| Ok(this.indexed().await.is_some_and(|at| at > block))).await
    }

    /// Waits for that.
    pub(crate) async fn until(&mut self, mut holds: impl AsyncFnMut(&Self) -> Result<bool>) -> Result<()> {
        let began = Instant::now();
        while !holds(self).await? {
            if let Some(status) = self.process.try_wait()? {
                anyhow::bail!("it ended by itself, {status}: {}", std::fs::read_to_string(&self.log)?);
            }
            ensure!(began.elapsed() < Duration::from_secs(120), "it is stuck at {:?}", self.indexed().await);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    pub(crate) async fn at_head(&mut self, node: &Node) -> Result<()> {
        self.until(async |this| Ok(this.indexed().await == Some(node.replay.chain().head()))).await
    }

    /// As `kill -9` does.
    pub(crate) fn kill(mut self) -> Result<()> {
        self.process.kill()?;
        self.process.wait()?;
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
