//! `bursar demo`: the main job end to end, on a local chain, each step explained in a line.

mod cast;
mod chain;
mod facilitator;
mod freeze;
mod payments;
mod refusals;
mod shop;
mod stage;
mod story;

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use self::{
    cast::{Cast, hands, wallet},
    chain::{CHAIN_ID, LocalChain},
    refusals::Counter,
    shop::Offer,
    stage::Payees,
    story::Story,
};

/// Options of the demo.
#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// End once the story is told, with exit status 0 only if every step came out as expected
    #[arg(long)]
    once: bool,
}

pub(crate) async fn run(args: DemoArgs) -> Result<ExitCode> {
    let _ = args.once;
    let mut story = Story::new(6);
    let cancel = CancellationToken::new();
    let spool = tempfile::tempdir()?;

    story.chapter("A local chain, a token, a treasury with separate people");
    let chain = LocalChain::start().await?;
    let cast = Cast::of(&chain)?;
    let on = stage::contracts(&mut story, &chain, &cast).await?;
    let api = url::Url::parse("http://127.0.0.1:1/")?;

    story.chapter("A facilitator (x402-rs) and a paid API (x402-axum), both unmodified");
    let facilitator = facilitator::start(CHAIN_ID, &chain.url(), &cast.facilitator, cancel.clone()).await?;
    let payees = Payees::fresh();
    let shop = shop::start(CHAIN_ID, on.asset, &offers(payees), &facilitator, cancel.clone()).await?;

    story.chapter("Three agents, their envelopes, their sessions");
    let agents = stage::agents(&mut story, &chain, &cast, on, payees, &api, spool.path()).await?;
    story.chapter("Agents pay");
    let first = payments::ordinary(&mut story, &agents, &shop).await?;
    let counter = Counter { shop: &shop, asset: on.asset, provider: wallet(&chain, &cast.relay) };
    refusals::all(&mut story, &counter, &agents, &first).await?;
    let guardian = hands(&chain, on.treasury, &cast.guardian);
    freeze::with_payment_outstanding(&mut story, &counter, &agents, &guardian).await?;
    cancel.cancel();
    Ok(if story.end() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn offers(payees: Payees) -> Vec<Offer> {
    vec![
        Offer { path: "/weather", price: 10_000, payee: payees.weather, delivers: json!("4 °C tonight, rain on Thursday") },
        Offer { path: "/quotes", price: 250_000, payee: payees.data, delivers: json!([101.2, 101.4, 100.9]) },
        Offer { path: "/archive", price: 800_000, payee: payees.data, delivers: json!("March 2019, 31 days") },
        Offer { path: "/report", price: 2_500_000, payee: payees.research, delivers: json!("Outlook, 48 pages") },
        Offer { path: "/dataset", price: 9_000_000, payee: payees.data, delivers: json!("everything since 1970") },
        Offer { path: "/unlisted", price: 50_000, payee: payees.unlisted, delivers: json!("nothing good") },
    ]
}
