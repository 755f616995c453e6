//! One payment from the agent's first word to the ledger's row, as an OpenTelemetry collector is told of it.
#![allow(clippy::unwrap_used, missing_docs)]

mod collector;
mod desk;
#[path = "../src/demo/facilitator.rs"]
mod facilitator;
#[path = "../src/demo/shop.rs"]
mod shop;

use std::time::Duration;

use alloy::{
    hex,
    primitives::{Address, Bytes, address},
    providers::{Provider as _, ext::AnvilApi as _},
    signers::local::PrivateKeySigner,
};
use anyhow::{Context as _, Result, ensure};
use bursar_sdk::{Amount, testing::LocalChain};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use url::Url;

use collector::Collector;
use desk::{Desk, service::Service};

const PRICE: u64 = 10_000;

/// What a stock facilitator checks for at its start and this rail calls none of, so any code will do.
const EXPECTED_BY_FACILITATOR: [Address; 3] = [
    address!("dAcD51A54883eb67D95FAEb2BBfdC4a9a6BD2a3B"),
    address!("000000000022D473030F116dDEE9F6B43aC78BA3"),
    address!("402085c248EeA27D92E8b30b2C58ed07f9E20001"),
];

/// A chain, a desk with an agent that has a session open, and a paid API behind a facilitator.
struct Stage {
    chain: LocalChain,
    desk: Desk,
    agent: PrivateKeySigner,
    envelope: String,
    shop: Url,
    _open: tokio_util::sync::DropGuard,
}

impl Stage {
    async fn set() -> Result<Self> {
        let (chain, cancel) = (LocalChain::start().await?, CancellationToken::new());
        let (desk, agent) = (Desk::new(&chain)?, PrivateKeySigner::random());
        desk.key("agent", &agent)?;
        let payee = Address::repeat_byte(0x42);
        let (policy, escrow) = (chain.policy(), Amount::new(50_000_000));
        let (envelope, _) = chain.envelope(agent.address(), &policy, &[payee], escrow).await?;
        let envelope = envelope.to_string();
        for contract in EXPECTED_BY_FACILITATOR {
            if chain.provider.get_code_at(contract).await?.is_empty() {
                chain.provider.anvil_set_code(contract, Bytes::from_static(&[0])).await?;
            }
        }
        let rpc: Url = chain.url.parse()?;
        let gas = &chain.people.gas;
        let facilitator = facilitator::start(chain.chain_id, &rpc, gas, cancel.clone()).await?;
        let offer = shop::Offer { path: "/data", price: PRICE, payee, delivers: json!(42) };
        let shop = shop::start(chain.chain_id, chain.usdc, &[offer], &facilitator, cancel.clone()).await?;
        let open =
            ["agent", "open", "--envelope", &envelope, "--gas-key-file", "gas.key", "--budget", "1000000"];
        desk.done("agent", &open)?;
        Ok(Self { chain, desk, agent, envelope, shop, _open: cancel.drop_guard() })
    }

    fn pay(&self, api: &Url, why: &str) -> Result<Value> {
        let (api, url) = (api.to_string(), self.shop.join("data")?.to_string());
        let on = ["--envelope", &self.envelope, "--gas-key-file", "gas.key", "--api-url", &api];
        self.desk.done("agent", &[&["agent", "pay"][..], &on, &["--why", why, &url]].concat())
    }

    /// Has the desk's processes send their traces there from now on.
    fn export(&self, to: &Url) -> Result<()> {
        let file = self.desk.path("bursar.toml");
        let mut config = std::fs::read_to_string(&file)?;
        config.push_str(&format!("[telemetry]\notlp_endpoint = \"{to}\"\n"));
        Ok(std::fs::write(file, config)?)
    }

    /// Waits until the ledger has come to the chain's head.
    async fn at_head(&self, service: &Service) -> Result<()> {
        let head = self.chain.provider.get_block_number().await?;
        for _ in 0..600 {
            if service.json("v1/status").await?["indexed"].as_u64() >= Some(head) {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        anyhow::bail!("the ledger is stuck")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_trace_follows_a_payment_from_the_agent_to_its_row() -> Result<()> {
    const WORDS: &str = "words-that-are-nobody-elses";
    let (stage, collector) = (Stage::set().await?, Collector::start().await?);
    let mut with_password = collector.url.clone();
    with_password.set_username("ada").ok().context("a name")?;
    with_password.set_password(Some("hunter2")).ok().context("a password")?;
    stage.export(&with_password)?;
    let shown = stage.desk.done("owner", &["config"])?;
    assert_eq!(shown["telemetry"]["otlp_endpoint"], collector.url.as_str());

    let service = Service::start(&stage.desk)?;
    stage.at_head(&service).await?;
    let paid = stage.pay(&service.url, WORDS)?;
    let decision = paid["decision"].as_str().context("a decision")?;

    let payment = collector.one("payment").await?;
    let posted = collector.one("POST /v1/decisions").await?;
    let indexed = collector.one("payment.indexed").await?;
    for told in [&posted, &indexed] {
        assert_eq!((told.trace(), &told.span.parent_span_id), (payment.trace(), &payment.span.span_id));
    }
    for name in ["decide", "sign"] {
        let told = collector.one(name).await?;
        assert_eq!(
            (told.trace(), &told.span.parent_span_id),
            (payment.trace(), &payment.span.span_id),
            "{name}"
        );
    }
    // The decision goes out for its payment; the outcome is another record.
    let delivered = collector.named("deliver", 2).await?;
    let of_payment =
        delivered.iter().find(|told| told.attribute("bursar.record_hash").as_deref() == Some(decision));
    let parent = of_payment.map(|told| (told.trace(), &told.span.parent_span_id));
    assert_eq!(parent, Some((payment.trace(), &payment.span.span_id)));
    // The one that is asked to pay, and the one that does.
    let sent = collector.named("http", 2).await?;
    let statuses: Vec<_> = sent.iter().map(|told| told.attribute("http.response.status_code")).collect();
    assert_eq!(statuses, [Some("402".into()), Some("200".into())]);
    assert!(payment.span.parent_span_id.is_empty());
    assert!(collector.told().iter().all(|told| told.service == "bursar"));

    // What the spans say is what the ledger says.
    let row = service.json(&format!("v1/decisions/{decision}")).await?;
    let nonce = row["nonce"].as_str().context("a nonce")?;
    for (told, key, value) in [
        (&payment, "bursar.decision_hash", decision),
        (&payment, "bursar.amount", "10000"),
        (&payment, "bursar.verdict", "approved"),
        (&payment, "bursar.envelope", &stage.envelope),
        (&payment, "bursar.nonce", nonce),
        (&posted, "http.route", "/v1/decisions"),
        (&posted, "http.response.status_code", "201"),
        (&indexed, "bursar.nonce", nonce),
        (&indexed, "bursar.tx_hash", paid["transaction"].as_str().context("a transaction")?),
        (&indexed, "bursar.state", "settled"),
    ] {
        assert_eq!(told.attribute(key).as_deref(), Some(value), "{key}");
    }
    assert!(indexed.span.start_time_unix_nano <= indexed.span.end_time_unix_nano);
    assert!(indexed.span.start_time_unix_nano >= payment.span.start_time_unix_nano);

    // A context that is none is nobody's parent, and refuses nobody.
    let client = reqwest::Client::new();
    for bad in ["00-zz", &format!("00-{}-b7ad6b7169203331-01", "0".repeat(32)), &"a".repeat(5_000)] {
        let asked = client.get(service.url.join("v1/treasuries")?).header("traceparent", bad);
        ensure!(asked.send().await?.status() == 200, "{bad}");
    }
    for root in collector.named("GET /v1/treasuries", 3).await? {
        assert!(root.span.parent_span_id.is_empty());
    }

    // Nothing that is to be kept: keys, what the agent said, what it asked for, what settles.
    drop(service);
    let raw = collector.raw();
    let said = String::from_utf8_lossy(&raw);
    let key = hex::encode(stage.agent.to_bytes());
    for secret in [WORDS, &key, "hunter2", "payment-signature", "authorization", "/data", "command line"] {
        assert!(!said.contains(secret), "{secret}");
    }
    assert!(!raw.windows(32).any(|window| window == stage.agent.to_bytes().as_slice()));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn payments_go_on_without_a_collector_and_without_traces() -> Result<()> {
    let stage = Stage::set().await?;
    {
        let service = Service::start(&stage.desk)?;
        stage.at_head(&service).await?;
        stage.pay(&service.url, "nobody traces")?;
    }
    // Nobody listens on a port that was just given back.
    let gone = tokio::net::TcpListener::bind("127.0.0.1:0").await?.local_addr()?;
    stage.export(&format!("http://{gone}/").parse()?)?;
    let service = Service::start(&stage.desk)?;
    let paid = stage.pay(&service.url, "nobody listens")?;
    stage.at_head(&service).await?;
    let decision = paid["decision"].as_str().context("a decision")?;
    let row = service.json(&format!("v1/decisions/{decision}")).await?;
    assert_eq!(row["payment"]["txHash"], paid["transaction"]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_comes_after_its_payment_keeps_its_trace_across_processes() -> Result<()> {
    let (stage, collector) = (Stage::set().await?, Collector::start().await?);
    stage.export(&collector.url)?;
    let service = Service::start(&stage.desk)?;
    stage.at_head(&service).await?;
    let gone = tokio::net::TcpListener::bind("127.0.0.1:0").await?.local_addr()?;
    stage.pay(&format!("http://{gone}/").parse()?, "the API is away")?;
    let first = collector.one("payment").await?;
    stage.at_head(&service).await?;
    ensure!(collector.told().iter().all(|told| told.span.name != "payment.indexed"));

    // Another process takes the record out of the spool.
    stage.pay(&service.url, "the API is back")?;
    let payments = collector.named("payment", 2).await?;
    let indexed = collector.named("payment.indexed", 2).await?;
    for payment in &payments {
        let told: Vec<_> = indexed.iter().filter(|told| told.trace() == payment.trace()).collect();
        assert_eq!(told.len(), 1);
        assert_eq!(told[0].span.parent_span_id, payment.span.span_id);
        assert_eq!(told[0].attribute("bursar.nonce"), payment.attribute("bursar.nonce"));
    }
    ensure!(payments.iter().any(|payment| payment.trace() == first.trace()));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn only_whoever_is_let_in_says_whose_trace_a_request_is_of() -> Result<()> {
    const SPAN: &str = "b7ad6b7169203331";
    let (desk, collector) = (Desk { dir: tempfile::tempdir()? }, Collector::start().await?);
    let settings = format!("[access]\nmode = \"keys\"\n[telemetry]\notlp_endpoint = \"{}\"\n", collector.url);
    std::fs::write(desk.path("bursar.toml"), settings)?;
    let create = ["key", "create", "--name", "Ada", "--role", "auditor", "--all-treasuries"];
    let made = desk.done("nobody", &create)?;
    let key = made["key"].as_str().context("a key")?;
    let service = Service::of_ledger(desk.dir.path())?;
    let (client, forged) = (reqwest::Client::new(), format!("{}{}", &key[..24], "0".repeat(64)));
    let ask = async |path: &str, key: Option<&str>| -> Result<u16> {
        let asked = client.get(service.url.join(path)?);
        let asked = asked.header("traceparent", format!("00-{}-{SPAN}-01", "a".repeat(32)));
        let asked = key.into_iter().fold(asked, |asked, key| asked.bearer_auth(key));
        Ok(asked.send().await?.status().as_u16())
    };
    for (path, status) in [("v1/status", 401), ("health/live", 204), ("sign-in", 200), ("nowhere", 404)] {
        ensure!(ask(path, None).await? == status, "{path}");
    }
    ensure!(ask("v1/status", Some(&forged)).await? == 401);
    ensure!(ask("v1/nowhere", Some(key)).await? == 404);
    ensure!(ask("v1/status", Some(key)).await? == 200);
    // Let in, and refused what they asked for.
    ensure!(ask("v1/payments?limit=0", Some(key)).await? == 400);
    let mut spans = Vec::new();
    for (name, count) in [
        ("GET /v1/status", 3),
        ("GET /health/live", 1),
        ("GET /sign-in", 1),
        ("GET -", 2),
        ("GET /v1/payments", 1),
    ] {
        spans.extend(collector.named(name, count).await?);
    }
    let joined = spans.iter().filter(|told| hex::encode(&told.span.parent_span_id) == SPAN);
    let joined: Vec<_> = joined.map(|told| told.attribute("http.response.status_code")).collect();
    assert_eq!(joined, [Some("200".into()), Some("400".into())]);
    for told in &spans {
        let theirs = told.trace() == "a".repeat(32);
        assert_eq!(theirs, !told.span.parent_span_id.is_empty(), "{}", told.span.name);
    }
    Ok(())
}
