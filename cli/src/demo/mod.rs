//! `bursar demo`: the main job end to end, on a local chain, each step explained in a line.

mod cast;
mod chain;
mod facilitator;
mod freeze;
mod ledger;
mod payments;
mod refusals;
mod services;
mod shop;
mod stage;
mod story;

use std::{net::SocketAddr, process::ExitCode, time::Duration};

use anyhow::{Context as _, Result};
use bursar_indexer::StoreUrl;
use bursar_sdk::{clock::Clock, windows::left_of};
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

/// The demo needs this much of the UTC day: sessions end with the day that their limit counts.
const LONGEST_RUN: u64 = 180;

/// In seconds.
const DAY: u32 = 86_400;

/// Options of the demo.
#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// End once the story is told, with exit status 0 only if every step came out as expected
    #[arg(long)]
    once: bool,
    /// Where the API and the overview page listen; another port where this one is taken
    #[arg(long, default_value = "127.0.0.1:8402")]
    listen: SocketAddr,
}

/// Tells the story. The ledger goes to `store`, which has to be empty, or to a file that goes away.
pub(crate) async fn run(args: DemoArgs, store: Option<StoreUrl>) -> Result<ExitCode> {
    wait_for_enough_day().await;
    let mut story = Story::new(7);
    let cancel = CancellationToken::new();
    // Everything of this run: a second one starts fresh.
    let files = tempfile::tempdir().context("a directory for the ledger and the decision records")?;

    story.chapter("A local chain, a token, a treasury with separate people");
    let chain = LocalChain::start().await?;
    let cast = Cast::of(&chain)?;
    let on = stage::contracts(&mut story, &chain, &cast).await?;

    story.chapter(
        "A facilitator (x402-rs) and a paid API (x402-axum), both unmodified; the indexer and our API",
    );
    let facilitator = facilitator::start(CHAIN_ID, &chain.url(), &cast.facilitator, cancel.clone()).await?;
    let payees = Payees::fresh();
    let shop = shop::start(CHAIN_ID, on.asset, &offers(payees), &facilitator, cancel.clone()).await?;
    let names = [
        (payees.weather, "Weather Co"),
        (payees.data, "Data Co"),
        (payees.research, "Research Co"),
        (payees.unlisted, "somebody off the list"),
        (cast.approver.address(), "the approver"),
        (cast.guardian.address(), "the guardian"),
        (cast.facilitator.address(), "x402-rs"),
    ];
    let identities = stage::Identities::fresh();
    let names: Vec<_> = names.into_iter().chain(identities.names()).collect();
    let store = match store {
        Some(store) => store,
        None => StoreUrl::file(files.path().join("ledger.sqlite"))?,
    };
    let mut services = services::start(&chain, on, &names, &store, args.listen, cancel.clone()).await?;
    story.tell(&format!("facilitator {facilitator}"));
    story.tell(&format!("paid API    {shop}"));
    story.tell(&format!("Bursar API  {}", services.api));

    story.chapter("Three agents, their envelopes, their sessions");
    let agents =
        stage::agents(&mut story, &chain, &cast, on, payees, &identities, &services.api, files.path())
            .await?;

    story.chapter("Agents pay");
    let first = payments::ordinary(&mut story, &agents, &shop).await?;
    payments::approved(&mut story, &agents, on, &shop, &services.api, &cast.approver).await?;

    story.chapter("What must not be paid: refused by the SDK, and by the chain with the SDK's checks off");
    let counter = Counter { shop: &shop, asset: on.asset, provider: wallet(&chain, &cast.relay) };
    refusals::all(&mut story, &counter, &agents, &first).await?;

    story.chapter("One finger on freeze");
    let guardian = hands(&chain, on.treasury, &cast.guardian);
    let owner = hands(&chain, on.treasury, &cast.owner);
    freeze::with_payment_outstanding(&mut story, &counter, &agents, (&guardian, &owner)).await?;

    story.chapter("The ledger");
    for agent in [&agents.atlas, &agents.bolt, &agents.comet] {
        agent.flush().await?;
    }
    let block = services.caught_up(&chain).await?;
    story.tell(&format!("indexed to block {block}"));
    let books = ledger::print(&story, &services.api).await?;
    ledger::agrees(&mut story, &chain, on, &agents, payees, &services.api, &books).await?;

    let all_held = story.end();
    if !args.once {
        println!("\noverview   {}", services.api);
        println!("API        {}docs", services.api);
        println!("chain      {}", chain.url());
        println!("treasury   {}", on.treasury);
        println!("\ninterrupt (Ctrl-C) to end; next: BURSAR_API_URL={} bursar ledger payments", services.api);
        tokio::signal::ctrl_c().await?;
    }
    cancel.cancel();
    Ok(if all_held { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Sessions may not outlive the day: right before midnight UTC, wait for the next one.
async fn wait_for_enough_day() {
    let left = left_of(DAY, Clock::system().now());
    if let Some(left) = left.filter(|left| *left < LONGEST_RUN) {
        println!("the UTC day, and with it every session, ends in {left} s: starting with the next one");
        tokio::time::sleep(Duration::from_secs(left + 1)).await;
    }
}

fn offers(payees: Payees) -> Vec<Offer> {
    let offer = |path, price, payee, delivers| Offer { path, price, payee, delivers };
    vec![
        offer("/weather", 10_000, payees.weather, json!("4 °C tonight, rain on Thursday")),
        offer("/quotes", 250_000, payees.data, json!([101.2, 101.4, 100.9])),
        offer("/archive", 800_000, payees.data, json!("March 2019, 31 days")),
        offer("/report", 2_500_000, payees.research, json!("Outlook, 48 pages")),
        offer("/dataset", 9_000_000, payees.data, json!("everything since 1970")),
        offer("/unlisted", 50_000, payees.unlisted, json!("nothing good")),
    ]
}
