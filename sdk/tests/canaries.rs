//! What agents decide is theirs, and secrets are nobody's: neither is ever in a log or on chain.
//!
//! A binary of its own: it listens to everything the process logs.
#![allow(missing_docs, dead_code, clippy::unwrap_used)]

#[path = "it/common.rs"]
mod common;
#[path = "it/proxies.rs"]
mod proxies;
#[path = "it/shop.rs"]
mod shop;

use std::{
    io,
    sync::{Arc, Mutex},
};

use alloy::{
    consensus::Transaction as _, eips::BlockNumberOrTag, hex, primitives::B256, providers::Provider as _,
    rpc::types::Filter,
};
use anyhow::{Context as _, Result};
use bursar_sdk::{
    Agent, Purpose,
    clock::Entropy,
    decision::Model,
    delivery::HttpSink,
    record::RecordKind,
    session::SessionTerms,
    spool::{Spool, SpoolError},
    testing::LocalChain,
};
use serde_json::json;
use tracing_subscriber::fmt::MakeWriter;

use crate::{
    common::{PAYEE, Stage, UNLISTED, dollars},
    shop::{Shop, get_request, required},
};

const SALT: B256 = B256::repeat_byte(0xca);
const WORDS: [&str; 7] = [
    "canary-trigger",
    "canary-rationale",
    "canary-alternative",
    "canary-provider",
    "canary-version",
    "canary-key",
    "canary-password",
];

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

fn purpose() -> Purpose {
    let model = Model {
        provider: WORDS[3].into(),
        name: "m".into(),
        version: WORDS[4].into(),
        prompt_hash: B256::ZERO,
    };
    let mut purpose = Purpose::new(WORDS[0], WORDS[1]).by(model);
    purpose.alternatives = vec![WORDS[2].into()];
    purpose
}

/// Salts that can be looked for; session keys as random as ever.
fn entropy() -> Entropy {
    let calls = Mutex::new(0u64);
    Entropy::from_fn(move || {
        let mut calls = calls.lock().unwrap();
        *calls += 1;
        // The first is the session key.
        if *calls == 1 { B256::repeat_byte(0x5e) } else { SALT }
    })
}

/// Everything that must not be read by others, as it would look.
fn secrets(stage: &Stage) -> Vec<(String, Vec<u8>)> {
    let mut secrets: Vec<_> = WORDS.iter().map(|word| (word.to_string(), word.as_bytes().to_vec())).collect();
    for (name, bytes) in [
        ("the salt", SALT.to_vec()),
        ("the session key", B256::repeat_byte(0x5e).to_vec()),
        ("the identity key", stage.identity.to_bytes().to_vec()),
    ] {
        secrets.push((name.into(), bytes));
    }
    secrets
}

fn find(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

/// Every transaction's input and every log's data.
async fn on_chain(chain: &LocalChain) -> Result<Vec<u8>> {
    let mut all = Vec::new();
    for number in 0..=chain.provider.get_block_number().await? {
        let block = chain.provider.get_block_by_number(BlockNumberOrTag::Number(number)).full().await?;
        for transaction in block.context("no block")?.transactions.txns() {
            all.extend_from_slice(transaction.inner.input());
        }
    }
    for log in chain.provider.get_logs(&Filter::new().from_block(0)).await? {
        all.extend(log.inner.data.topics().iter().flat_map(|topic| topic.0));
        all.extend_from_slice(&log.inner.data.data);
    }
    Ok(all)
}

async fn pay_and_be_refused(stage: &Stage, agent: &Agent, shop: &Shop) -> Result<()> {
    let good = shop.offer("good", required(json!([stage.challenge(PAYEE, dollars(1))])));
    let mut with_password = good.clone();
    with_password.set_password(Some(WORDS[6])).unwrap();
    agent.pay(get_request(with_password)?, purpose().once(WORDS[5])).await?;
    agent.pay(get_request(good.clone())?, purpose().once(WORDS[5])).await.unwrap_err();
    let bad = shop.offer("bad", required(json!([stage.challenge(UNLISTED, dollars(1))])));
    agent.pay(get_request(bad)?, purpose()).await.unwrap_err();
    let strange = shop.offer("strange", json!({ "x402Version": 2, "accepts": [{ "scheme": "strange" }] }));
    agent.pay(get_request(strange)?, purpose()).await.unwrap_err();
    Ok(())
}

#[tokio::test]
async fn what_agents_decide_and_keep_secret_is_in_no_log_and_not_on_chain() -> Result<()> {
    let log = Log::default();
    let subscriber =
        tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(log.clone()).finish();
    tracing::subscriber::set_global_default(subscriber)?;

    let stage = Stage::set().await?;
    let shop = Shop::open(&stage).await?;
    // Nobody listens there: what cannot be delivered is logged about.
    let nobody = std::net::TcpListener::bind("127.0.0.1:0")?;
    let api = format!("http://{}", nobody.local_addr()?).parse()?;
    drop(nobody);
    let sink = HttpSink::new(reqwest::Client::new(), api);
    let agent = stage.builder(1).entropy(entropy()).sink(Arc::new(sink)).connect().await?;
    agent.open_session(&SessionTerms::new(dollars(50))).await?;
    pay_and_be_refused(&stage, &agent, &shop).await?;
    agent.flush().await.unwrap_err();
    tracing::info!("{agent:?}");
    drop(agent);

    // They are where they belong.
    let name = format!("31337-{}-{}.jsonl", stage.chain.treasury, stage.purse);
    let kept = std::fs::read(stage.spool.path().join(&name))?;
    assert!(WORDS[..6].iter().all(|word| find(&kept, word.as_bytes())));
    assert!(!find(&kept, WORDS[6].as_bytes()), "a password in an address is not for keeping");

    let logged = log.0.lock().unwrap().clone();
    assert!(find(&logged, b"signed a payment") && find(&logged, b"TRACE"), "the log listens");
    let chained = on_chain(&stage.chain).await?;
    let hash = loop {
        // The agent's background task may hold the spool for one more moment.
        match Spool::open(&stage.spool.path().join(&name)) {
            Ok((spool, _)) => {
                let waiting = spool.pending(usize::MAX);
                break waiting.iter().find(|record| record.kind == RecordKind::Decision).unwrap().hash;
            }
            Err(SpoolError::Locked { .. }) => tokio::task::yield_now().await,
            Err(error) => return Err(error.into()),
        }
    };
    assert!(
        find(&chained, hash.as_slice()),
        "the decision's hash is on chain: what is looked at is what there is"
    );
    for (name, bytes) in secrets(&stage) {
        assert!(!find(&chained, &bytes), "{name} is on chain");
        let spelled = [hex::encode(&bytes), hex::encode_upper(&bytes), format!("{bytes:?}")];
        for spelled in spelled.iter().map(String::as_bytes).chain([&bytes[..]]) {
            let line = logged.split(|byte| *byte == b'\n').find(|line| find(line, spelled));
            assert!(
                line.is_none(),
                "{name} is in the log: {}",
                String::from_utf8_lossy(line.unwrap_or_default())
            );
        }
    }
    Ok(())
}
