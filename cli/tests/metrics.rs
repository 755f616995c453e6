//! What the service tells Prometheus.
#![allow(clippy::unwrap_used, missing_docs)]

mod desk;

use std::time::Duration;

use alloy::providers::Provider as _;
use anyhow::{Context as _, Result, ensure};
use bursar_sdk::testing::LocalChain;

use desk::{Desk, service::Service};

/// The value of a sample, by its name and labels as they are written.
fn sample(text: &str, name: &str) -> Result<u64> {
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(name))
        .with_context(|| format!("no {name}:\n{text}"))?;
    Ok(line.trim().parse()?)
}

#[tokio::test(flavor = "multi_thread")]
async fn heights_calls_and_answers_are_told_where_nobody_else_looks() -> Result<()> {
    let chain = LocalChain::start().await?;
    let desk = Desk::new(&chain)?;
    // The node that is asked first is down.
    let settings = std::fs::read_to_string(desk.path("bursar.toml"))?;
    let down = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let (node, first) = (format!("rpc_url = \"{}\"", chain.url), format!("rpc_url = \"http://{down}\""));
    ensure!(settings.contains(&node), "{settings}");
    let others = format!("fallback_rpc_urls = [\"{}\"]\nfinality_depth = 3\nsafe_depth = 1", chain.url);
    let settings = settings.replace(&node, &format!("{first}\n{others}"));
    std::fs::write(desk.path("bursar.toml"), settings)?;
    let service = Service::start(&desk)?;
    let head = chain.provider.get_block_number().await?;
    let mut waits = 0;
    while service.json("v1/status").await?["indexed"] != head {
        waits += 1;
        ensure!(waits < 600, "the ledger is stuck");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    ensure!(reqwest::get(service.url.join("v1/treasuries/nonsense")?).await?.status() == 400);
    ensure!(reqwest::get(service.url.join("nowhere")?).await?.status() == 404);

    let answer = reqwest::get(service.metrics.clone()).await?;
    let kind = answer.headers()["content-type"].to_str()?.to_owned();
    ensure!(kind.starts_with("application/openmetrics-text"), "{kind}");
    let text = answer.text().await?;
    ensure!(text.ends_with("# EOF\n"));
    let of = |name: &str| sample(&text, name);
    assert_eq!(of("bursar_head_block{chain=\"31337\"}")?, head);
    assert_eq!(of("bursar_indexed_block{chain=\"31337\"}")?, head);
    assert_eq!(of("bursar_final_block{chain=\"31337\"}")?, head - 3);
    assert_eq!(of("bursar_safe_block{chain=\"31337\"}")?, head - 1);
    assert_eq!(of("bursar_waits_total{chain=\"31337\"}")?, 0);
    assert_eq!(of("bursar_set_aside_total{chain=\"31337\"}")?, 0);
    let failures = of("bursar_rpc_failures_total{chain=\"31337\",code=\"unavailable\"}")?;
    let retries = of("bursar_rpc_retries_total{chain=\"31337\"}")?;
    // Where a node is asked which chain it serves, no other can answer for it.
    ensure!(0 < retries && retries <= failures, "{retries} of {failures}");
    for name in ["set_aside", "rpc_retries"] {
        ensure!(text.contains(&format!("# HELP bursar_{name} ")), "{name}: {text}");
    }
    assert_eq!(of("bursar_lag_blocks{chain=\"31337\"}")?, 0);
    assert_eq!(of("bursar_reorgs_total{chain=\"31337\"}")?, 0);
    assert_eq!(of("bursar_phase{chain=\"31337\",phase=\"following\"}")?, 1);
    assert_eq!(of("bursar_phase{chain=\"31337\",phase=\"waiting\"}")?, 0);
    ensure!(of("bursar_lag_seconds{chain=\"31337\"}")? < 600);
    ensure!(of("bursar_rows_total{chain=\"31337\"}")? > 0);
    ensure!(of("bursar_rpc_calls_total{chain=\"31337\",method=\"eth_getLogs\"}")? > 0);
    let answered = |route: &str, status: u16| {
        let name = "bursar_http_requests_total";
        of(&format!("{name}{{chain=\"31337\",method=\"GET\",route=\"{route}\",status=\"{status}\"}}"))
    };
    ensure!(answered("/v1/status", 200)? > waits);
    assert_eq!(answered("/v1/treasuries/{address}", 400)?, 1);
    // Whatever path somebody makes up is one label.
    assert_eq!(answered("-", 404)?, 1);
    ensure!(!text.contains("nowhere") && !text.contains("nonsense"));

    // Nothing of it where the public looks.
    assert_eq!(reqwest::get(service.url.join("metrics")?).await?.status(), 404);
    Ok(())
}
