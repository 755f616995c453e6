//! `bursar demo`.
mod chain;
mod facilitator;
mod shop;

pub(crate) async fn probe() -> anyhow::Result<()> {
    let chain = chain::LocalChain::start().await?;
    let cancel = tokio_util::sync::CancellationToken::new();
    let f = facilitator::start(chain::CHAIN_ID, &chain.url(), &chain.signer(1)?, cancel.clone()).await?;
    let shop = shop::start(chain::CHAIN_ID, alloy::primitives::Address::ZERO, &[shop::Offer{path:"/weather",price:10,payee:alloy::primitives::Address::repeat_byte(1),delivers:serde_json::json!("sunny")}], &f, cancel).await?;
    println!("{f} {shop}");
    println!("{}", reqwest::get(f.join("supported")?).await?.text().await?);
    let r = reqwest::get(shop.join("weather")?).await?;
    println!("{} {:?}", r.status(), r.headers());
    Ok(())
}
