//! Serves the overview page over made-up data, to look at it: `cargo run --example preview`.
#![allow(clippy::unwrap_used, dead_code)]

#[path = "../tests/api/scored.rs"]
mod scored;
#[path = "../tests/api/sealed.rs"]
mod sealed;
#[path = "../tests/api/seed.rs"]
mod seed;

use bursar_api::{AppState, AssetLabel, Config};
use tokio_util::sync::CancellationToken;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let seeded = seed::seeded(bursar_test_stores::Stores::sqlite()?).await?;
    scored::scored(&seeded.store).await?;
    let mut config = Config::new(seed::CHAIN_ID, "Local chain");
    config.assets = vec![AssetLabel { address: seed::token(), symbol: "USDC".into(), decimals: 6 }];
    let names = [
        (seed::agent(1), "research-agent"),
        (seed::agent(2), "travel-agent"),
        (seed::payee(1), "Market data"),
        (seed::payee(2), "Filings archive"),
        (seed::address(4), "Ada (treasury)"),
    ];
    config.names = names.into_iter().map(|(address, name)| (address, name.to_owned())).collect();
    let port = std::env::args().nth(1).unwrap_or_else(|| "0".into());
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    println!("http://{}/", listener.local_addr()?);
    let state = AppState::new(seeded.store.clone(), config, None).with_clock(|| seed::NOW);
    bursar_api::serve(listener, state, CancellationToken::new()).await?;
    Ok(())
}
