//! Several chains in one process: each with its own node, ledger, finality and API, and none in another's way.
#![allow(clippy::unwrap_used, unreachable_pub, missing_docs)]

#[path = "../../test/ledger/replay/node.rs"]
#[allow(dead_code)]
mod node;

use std::{
    collections::BTreeMap,
    fs::File,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use bursar_replay::{FACTORY, Params, Provider};
use serde_json::Value;

use node::Node;

const BASE: u64 = 8_453;
const SEPOLIA: u64 = 84_532;

/// `bursar serve`; killed when dropped.
struct Serving(Child);

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn bursar(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bursar"));
    command.args(args).current_dir(folder).env_clear().env("NO_COLOR", "1").stdout(Stdio::null());
    command
}

/// Where each chain's API is, as the log tells.
fn addresses(log: &Path) -> Result<BTreeMap<u64, String>> {
    let mut found = BTreeMap::new();
    for line in BufReader::new(File::open(log)?).lines().map_while(Result::ok) {
        let Some((before, at)) = line.split_once("overview at /, documentation at /docs address=") else {
            continue;
        };
        let id = before.split_once("chain{id=").and_then(|(_, rest)| rest.split_once('}'));
        let (id, _) = id.with_context(|| format!("the line names no chain: {line}"))?;
        found.insert(id.parse()?, format!("http://{}", at.trim()));
    }
    Ok(found)
}

async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> Result<T> {
    let began = Instant::now();
    loop {
        if let Some(found) = look().await {
            return Ok(found);
        }
        ensure!(began.elapsed() < Duration::from_secs(60), "{what}: it does not come to that");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn status(api: &str) -> Option<Value> {
    reqwest::get(format!("{api}/v1/status")).await.ok()?.json().await.ok()
}

async fn at_head(api: &str, node: &Node) -> Result<Value> {
    let head = node.replay.chain().head();
    until("at the head", async || status(api).await.filter(|status| status["indexed"] == head)).await
}

async fn chain(chain_id: u64, blocks: u64) -> Result<Node> {
    let params = Params { chain_id, blocks, settlements: 2 * blocks, seed: chain_id, ..Params::small() };
    node::node(params, Provider::default()).await
}

fn configure(folder: &Path, base: &Node, sepolia: &Node) -> Result<()> {
    let (one, other) = (base.served.url(), sepolia.served.url());
    let shared = format!("factory = \"{FACTORY}\"\nlisten = \"127.0.0.1:0\"\n");
    let text = format!(
        "network = \"base\"\nrpc_url = \"{one}\"\nstore = \"base.sqlite\"\nfinality_depth = 16\n{shared}\n\
         [[chains]]\nnetwork = \"base-sepolia\"\nrpc_url = \"{other}\"\nstore = \"sepolia.sqlite\"\nfinality_depth = 64\n\
         {shared}"
    );
    Ok(std::fs::write(folder.join("bursar.toml"), text)?)
}

#[tokio::test]
async fn each_chain_has_its_own_ledger_finality_and_api() -> Result<()> {
    let (base, sepolia) = tokio::try_join!(chain(BASE, 300), chain(SEPOLIA, 500))?;
    let folder = tempfile::tempdir()?;
    configure(folder.path(), &base, &sepolia)?;
    let log = folder.path().join("log");
    let mut serving = Serving(bursar(folder.path(), &["serve"]).stderr(File::create(&log)?).spawn()?);
    let both = async || addresses(&log).ok().filter(|found| found.len() == 2);
    let at = until("both are served", both).await?;
    for (id, node, depth) in [(BASE, &base, 16), (SEPOLIA, &sepolia, 64)] {
        let status = at_head(&at[&id], node).await?;
        let head = node.replay.chain().head();
        assert_eq!(
            (&status["chainId"], &status["finalBlock"]),
            (&id.into(), &(head - depth).into()),
            "{status}"
        );
    }

    // One of them turns deeper than it may: that one ends, its API with it, and the other goes on.
    base.replay.change(|chain| chain.turn(40));
    let gone = async || status(&at[&BASE]).await.is_none().then_some(());
    until("the chain that turned too deep has ended", gone).await?;
    sepolia.replay.change(|chain| chain.mine(5));
    at_head(&at[&SEPOLIA], &sepolia).await?;
    assert!(serving.0.try_wait()?.is_none(), "the process goes on");
    let said = std::fs::read_to_string(&log)?;
    let told = said.lines().any(|line| line.contains("chain{id=8453}") && line.contains("the others go on"));
    assert!(told, "{said}");
    Ok(())
}

#[tokio::test]
async fn one_chain_may_be_had_alone() -> Result<()> {
    let (base, sepolia) = tokio::try_join!(chain(BASE, 20), chain(SEPOLIA, 20))?;
    let folder = tempfile::tempdir()?;
    configure(folder.path(), &base, &sepolia)?;
    let log = folder.path().join("log");
    let args = ["--chain", "84532", "serve"];
    let _serving = Serving(bursar(folder.path(), &args).stderr(File::create(&log)?).spawn()?);
    let at = until("it is served", async || addresses(&log).ok().filter(|found| !found.is_empty())).await?;
    assert_eq!(at.keys().collect::<Vec<_>>(), [&SEPOLIA]);
    at_head(&at[&SEPOLIA], &sepolia).await?;
    assert!(!folder.path().join("base.sqlite").exists(), "nobody has asked for the other");
    Ok(())
}
