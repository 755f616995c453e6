//! The indexer and the API of the demo.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use alloy::{primitives::Address, providers::Provider as _};
use anyhow::{Context as _, Result, bail};
use bursar_api::AppState;
use bursar_indexer::{
    Indexer, Phase, Status, Store, StoreUrl,
    run::reached,
    source::{RpcConfig, RpcSource},
};
use tokio::{net::TcpListener, sync::watch};
use tokio_util::sync::CancellationToken;
use url::Url;

use super::{
    chain::{CHAIN_ID, LocalChain},
    stage::Contracts,
};
use crate::commands::serve::usdc;

/// How long the ledger may take to catch up with the local chain.
const CATCH_UP: Duration = Duration::from_secs(30);

/// What runs.
#[derive(Debug)]
pub(crate) struct Services {
    pub(crate) api: Url,
    status: watch::Receiver<Status>,
}

/// Starts both; they end when cancelled.
pub(crate) async fn start(
    chain: &LocalChain,
    on: Contracts,
    names: &[(Address, &str)],
    store: &StoreUrl,
    listen: SocketAddr,
    cancel: CancellationToken,
) -> Result<Services> {
    let store = Store::connect(store).await.context("opening the ledger")?;
    let source = RpcSource::new(chain.url(), RpcConfig::default());
    let mut following = bursar_indexer::Config::new(CHAIN_ID, on.factory, 0);
    following.poll = Duration::from_millis(100);
    let indexer = Indexer::new(following, Arc::new(source), store.clone());
    let status = indexer.subscribe();

    let mut config = bursar_api::Config::new(CHAIN_ID, "local chain");
    config.assets = vec![usdc(on.asset)];
    config.names = names.iter().map(|(address, name)| (*address, (*name).to_owned())).collect();
    let app = AppState::new(store, config, Some(status.clone())).with_node(chain.provider.clone());
    let listener = match TcpListener::bind(listen).await {
        Ok(listener) => listener,
        // Somebody else is there, a first demo maybe: any port will do.
        Err(_) => TcpListener::bind("127.0.0.1:0").await.context("binding the API")?,
    };
    let api = Url::parse(&format!("http://{}/", listener.local_addr()?))?;
    let stop = cancel.clone();
    tokio::spawn(async move {
        if let Err(error) = bursar_api::serve(listener, app, stop).await {
            tracing::error!(%error, "the API stopped");
        }
    });
    tokio::spawn(async move {
        if let Err(error) = indexer.run(cancel).await {
            tracing::error!(%error, "the indexer stopped");
        }
    });
    Ok(Services { api, status })
}

impl Services {
    /// Waits until the ledger holds everything that the chain holds now; returns that block.
    pub(crate) async fn caught_up(&mut self, chain: &LocalChain) -> Result<u64> {
        let head = chain.provider.get_block_number().await?;
        let status = tokio::time::timeout(CATCH_UP, reached(&mut self.status, head))
            .await
            .with_context(|| format!("the ledger did not reach block {head} in {} s", CATCH_UP.as_secs()))?;
        if status.phase == Phase::Stopped {
            bail!("the indexer stopped: {}", status.error.unwrap_or_default());
        }
        Ok(head)
    }
}
