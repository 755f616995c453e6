//! Preflight by the contract's view against a revm simulation of the token's transfer on forked state.
//!
//! `cargo bench -p bursar-sdk --bench preflight`. Prints, for each, the RPC requests of one answer and the
//! time it takes on a local node; a remote node multiplies the requests that wait for one another.
#![allow(clippy::unwrap_used, missing_docs)]

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context as TaskContext, Poll},
    time::{Duration, Instant},
};

use alloy::{
    eips::BlockId,
    primitives::{Address, TxKind, U256},
    providers::{DynProvider, Provider as _, ProviderBuilder},
    rpc::client::ClientBuilder,
    sol_types::SolCall as _,
};
use anyhow::{Result, ensure};
use bursar_sdk::{
    Agent, Amount, Purpose, SignedPayment,
    abi::Eip3009,
    payment::Rail,
    session::SessionTerms,
    testing::{LocalChain, signer},
};
use revm::{
    Context, ExecuteEvm as _, MainBuilder as _, MainContext as _,
    context::TxEnv,
    database::{AlloyDB, CacheDB},
    database_interface::WrapDatabaseAsync,
};
use serde_json::json;
use tower::{Layer, Service};

const ROUNDS: u32 = 200;
const PAYEE: Address = Address::repeat_byte(0xfa);

/// Counts the requests that pass.
#[derive(Clone, Default)]
struct Counter(Arc<AtomicUsize>);

#[derive(Clone)]
struct Counted<S>(S, Counter);

impl<S> Layer<S> for Counter {
    type Service = Counted<S>;

    fn layer(&self, inner: S) -> Counted<S> {
        Counted(inner, self.clone())
    }
}

impl<R, S: Service<R>> Service<R> for Counted<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, context: &mut TaskContext<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, request: R) -> S::Future {
        self.1.0.fetch_add(1, Ordering::Relaxed);
        self.0.call(request)
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let chain = LocalChain::start().await?;
    let identity = signer(0xbe7c)?;
    let (envelope, _) =
        chain.envelope(identity.address(), &chain.policy(), &[PAYEE], Amount::new(1_000_000_000)).await?;
    let counter = Counter::default();
    let client = ClientBuilder::default().layer(counter.clone()).http(chain.url.parse()?);
    let node = ProviderBuilder::default().connect_client(client).erased();
    let spool = tempfile::tempdir()?;
    let agent = Agent::builder(node.clone(), chain.treasury, envelope, identity, spool.path())
        .relay(chain.provider.clone())
        .connect()
        .await?;
    agent.open_session(&SessionTerms::new(Amount::new(50_000_000))).await?;
    let signed = sign(&agent, &chain).await?;
    let now = agent.view().latest_timestamp().await?;

    let started = (Instant::now(), counter.0.load(Ordering::Relaxed));
    for _ in 0..ROUNDS {
        agent.preflight(PAYEE, Amount::new(1_000_000), Rail::Eip3009).await?.check()?;
    }
    report("contract's view", started, &counter);

    let started = (Instant::now(), counter.0.load(Ordering::Relaxed));
    for _ in 0..ROUNDS {
        // Fresh each time: yesterday's state answers nothing.
        ensure!(simulate(&node, chain.usdc, &signed, now)?, "the simulation refuses a good payment");
    }
    report("revm simulation", started, &counter);
    Ok(())
}

async fn sign(agent: &Agent, chain: &LocalChain) -> Result<SignedPayment> {
    let challenge = json!({
        "scheme": "exact",
        "network": format!("eip155:{}", chain.chain_id),
        "amount": "1000000",
        "payTo": PAYEE,
        "maxTimeoutSeconds": 3600,
        "asset": chain.usdc,
        "extra": { "name": "USDC", "version": "2" },
    });
    let requirement = agent.means().read(&serde_json::from_str(&challenge.to_string())?)?;
    Ok(agent.authorize(&requirement, Purpose::new("bench", "to measure")).await?)
}

/// Needs a signed payment: unlike the view, it can only answer once a signature exists.
fn simulate(node: &DynProvider, token: Address, signed: &SignedPayment, now: u64) -> Result<bool> {
    let told = &signed.authorization;
    let call = Eip3009::transferWithAuthorizationCall {
        from: told.purse,
        to: told.payee,
        value: told.amount.to_u256(),
        validAfter: U256::from(told.valid_after),
        validBefore: U256::from(told.valid_before),
        nonce: told.nonce,
        signature: signed.blob.clone(),
    };
    let remote = WrapDatabaseAsync::new(AlloyDB::new(node.clone(), BlockId::latest()));
    let state = CacheDB::new(remote.ok_or_else(|| anyhow::anyhow!("no runtime"))?);
    let mut evm = Context::mainnet()
        .with_db(state)
        .modify_cfg_chained(|cfg| cfg.chain_id = 31337)
        .modify_block_chained(|block| block.timestamp = U256::from(now))
        .build_mainnet();
    let transaction = TxEnv::builder()
        .caller(Address::repeat_byte(0x11))
        .kind(TxKind::Call(token))
        .data(call.abi_encode().into())
        .gas_limit(1_000_000)
        .chain_id(Some(31337))
        .build()
        .map_err(|error| anyhow::anyhow!("{error:?}"))?;
    let outcome = evm.transact_one(transaction).map_err(|error| anyhow::anyhow!("{error}"))?;
    Ok(outcome.is_success())
}

fn report(name: &str, (since, requests): (Instant, usize), counter: &Counter) {
    let each: Duration = since.elapsed() / ROUNDS;
    let requests = (counter.0.load(Ordering::Relaxed) - requests) / ROUNDS as usize;
    println!("{name}: {requests} RPC requests, {each:?} per answer");
}
