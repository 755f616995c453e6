//! A paid HTTP API: x402-axum, unmodified, with a few priced routes.

use alloy::primitives::{Address, U256};
use anyhow::{Context as _, Result, anyhow};
use axum::{Json, Router, routing::get};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use url::Url;
use x402_axum::X402Middleware;
use x402_chain_eip155::{
    V2Eip155Exact,
    chain::{AssetTransferMethod, Eip155ChainReference, Eip155TokenDeployment},
};
use x402_types::chain::DeployedTokenAmount;

/// One priced route.
#[derive(Debug, Clone)]
pub(crate) struct Offer {
    pub(crate) path: &'static str,
    /// In the asset's atomic units.
    pub(crate) price: u64,
    pub(crate) payee: Address,
    pub(crate) delivers: Value,
}

/// Serves the offers until cancelled. Settlement comes before delivery, so that what is delivered is paid.
pub(crate) async fn start(
    chain_id: u64,
    asset: Address,
    offers: &[Offer],
    facilitator: &Url,
    cancel: CancellationToken,
) -> Result<Url> {
    let listener = TcpListener::bind("127.0.0.1:0").await.context("binding the paid API")?;
    let url = Url::parse(&format!("http://{}/", listener.local_addr()?))?;
    let x402 = X402Middleware::try_new(facilitator.as_str())
        .map_err(|error| anyhow!("the facilitator's address: {error}"))?
        .with_base_url(url.clone())
        .settle_before_execution();
    let token = Eip155TokenDeployment {
        chain_reference: Eip155ChainReference::new(chain_id),
        address: asset,
        decimals: 6,
        transfer_method: AssetTransferMethod::Eip3009 { name: "USDC".into(), version: "2".into() },
    };
    let mut app = Router::new();
    for offer in offers {
        let amount = DeployedTokenAmount { amount: U256::from(offer.price), token: token.clone() };
        let delivers = offer.delivers.clone();
        let handler = get(move || async move { Json(json!({ "result": delivers })) });
        app = app.route(
            offer.path,
            handler.layer(x402.with_price_tag(V2Eip155Exact::price_tag(offer.payee, amount))),
        );
    }
    tokio::spawn(async move {
        let served = axum::serve(listener, app).with_graceful_shutdown(cancel.cancelled_owned()).await;
        if let Err(error) = served {
            tracing::error!(%error, "the paid API stopped");
        }
    });
    Ok(url)
}
