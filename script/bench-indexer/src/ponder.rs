//! The peer, unmodified: an index of the same settlements as a user of it would write one.

use std::{path::Path, process::Stdio, time::Duration};

use anyhow::{Context as _, Result, ensure};
use bursar_bench::{Measured, Replayed};
use bursar_indexer::decode::Proxy;
use bursar_replay::TOKEN;
use tokio::process::Command;
use url::Url;

use crate::{came_to::came_to, report::Ran};

/// How long it may take.
const PATIENCE: Duration = Duration::from_secs(1_800);

const SETTLEMENTS: &str = "SELECT tx_hash, log_index::BIGINT AS log_index, amount::BIGINT AS amount, \
                           block_number::BIGINT AS block_number FROM bench.settlement";

/// Indexes the blocks up to `to` into an empty database, asking `urls` names of the same node.
pub(crate) async fn index(
    replayed: &Replayed,
    directory: &Path,
    urls: u32,
    to: u64,
    database: &Url,
) -> Result<Ran> {
    let directory = directory.canonicalize().with_context(|| format!("{}: run make", directory.display()))?;
    let package = std::fs::read_to_string(directory.join("node_modules/ponder/package.json"))?;
    let package: serde_json::Value = serde_json::from_str(&package)?;
    let version = package["version"].as_str().context("a version of ponder")?.to_owned();
    let port = free_port()?;
    let names: Vec<String> = (0..urls.max(1)).map(|name| format!("{}/?{name}", replayed.url())).collect();
    let mut command = Command::new("node");
    command.arg(directory.join("node_modules/ponder/dist/esm/bin/ponder.js"));
    command.args(["start", "--schema", "bench", "--log-level", "warn", "--port", &port.to_string()]);
    command.current_dir(&directory).stdin(Stdio::null()).stdout(Stdio::null());
    command.env("DATABASE_URL", database.as_str()).env("RPC_URLS", names.join(","));
    let proxies = Proxy::ADDRESSES.map(|address| address.to_string()).join(",");
    command.env("TOKEN", TOKEN.to_string()).env("PROXIES", proxies).env("END_BLOCK", to.to_string());
    command.env("PONDER_TELEMETRY_DISABLED", "true");
    replayed.forget_calls();
    let mut peer = Measured::start(command)?;
    let ready = format!("http://127.0.0.1:{port}/ready");
    let client = reqwest::Client::new();
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while !client.get(&ready).send().await.is_ok_and(|answer| answer.status().is_success()) {
        ensure!(tokio::time::Instant::now() < deadline, "not ready in {PATIENCE:?}");
        peer.look().await?;
    }
    let took = peer.done().await?;
    let rpc_calls = replayed.calls();
    let (got, truth) = (came_to(database, SETTLEMENTS).await?, replayed.truth(to));
    Ok(Ran { name: "ponder", version, took, rpc_calls, got, truth })
}

/// A port that was free just now.
fn free_port() -> Result<u16> {
    Ok(std::net::TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}
