//! A real facilitator: the x402-rs crates, unmodified, served over HTTP.

use std::{collections::HashMap, sync::Arc};

use alloy::signers::local::PrivateKeySigner;
use anyhow::{Context as _, Result, anyhow};
use serde_json::json;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use url::Url;
use x402_chain_eip155::{
    V2Eip155Exact,
    chain::{Eip155ChainProvider, Eip155ChainReference, config::Eip155ChainConfig},
};
use x402_facilitator_local::{FacilitatorLocal, handlers};
use x402_types::{
    chain::{ChainId, ChainProviderOps, ChainRegistry, FromConfig as _},
    scheme::{
        SchemeBlueprints, SchemeConfig, SchemeRegistry, X402SchemeFacilitator, X402SchemeFacilitatorBuilder,
        X402SchemeId as _,
    },
};

/// The one chain of this facilitator, as its scheme registry wants it wrapped.
struct Chain(Arc<Eip155ChainProvider>);

impl ChainProviderOps for Chain {
    fn signer_addresses(&self) -> Vec<String> {
        self.0.signer_addresses()
    }

    fn chain_id(&self) -> ChainId {
        self.0.chain_id()
    }
}

impl X402SchemeFacilitatorBuilder<&Chain> for V2Eip155Exact {
    fn build(
        &self,
        chain: &Chain,
        config: Option<serde_json::Value>,
    ) -> Result<Box<dyn X402SchemeFacilitator>, Box<dyn std::error::Error>> {
        X402SchemeFacilitatorBuilder::<Arc<Eip155ChainProvider>>::build(self, Arc::clone(&chain.0), config)
    }
}

/// Serves a facilitator for the chain until cancelled; `signer` pays the gas of settlements.
pub(crate) async fn start(
    chain_id: u64,
    rpc: &Url,
    signer: &PrivateKeySigner,
    cancel: CancellationToken,
) -> Result<Url> {
    let key = format!("0x{}", hex::encode(signer.to_bytes()));
    let config = Eip155ChainConfig {
        chain_reference: Eip155ChainReference::new(chain_id),
        inner: serde_json::from_value(json!({ "signers": [key], "rpc": [{ "http": rpc }] }))
            .context("the facilitator's configuration")?,
    };
    let provider = Eip155ChainProvider::from_config(&config)
        .await
        .map_err(|error| anyhow!("the facilitator did not start: {error}"))?;
    let chains = ChainRegistry::new(HashMap::from([(config.chain_id(), Chain(Arc::new(provider)))]));
    let blueprints = SchemeBlueprints::new().and_register(V2Eip155Exact);
    let schemes = vec![SchemeConfig {
        enabled: true,
        id: V2Eip155Exact.id(),
        chains: format!("eip155:{chain_id}").parse().map_err(|error| anyhow!("chain pattern: {error:?}"))?,
        config: None,
    }];
    let registry = SchemeRegistry::build(chains, blueprints, &schemes);
    let app = handlers::routes().with_state(Arc::new(FacilitatorLocal::new(registry)));

    let listener = TcpListener::bind("127.0.0.1:0").await.context("binding the facilitator")?;
    let url = Url::parse(&format!("http://{}/", listener.local_addr()?))?;
    tokio::spawn(async move {
        let served = axum::serve(listener, app).with_graceful_shutdown(cancel.cancelled_owned()).await;
        if let Err(error) = served {
            tracing::error!(%error, "the facilitator stopped");
        }
    });
    Ok(url)
}
