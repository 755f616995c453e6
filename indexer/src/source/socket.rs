//! A JSON-RPC endpoint over WebSocket: the same questions, and a word from the node when there is a new head.

use std::sync::Arc;

use alloy::{
    providers::{Provider as _, RootProvider},
    rpc::client::{ClientBuilder, RpcClient},
    transports::{TransportError, ws::WsConnect},
};
use tokio::sync::{Mutex, Notify};
use tokio_util::task::AbortOnDropHandle;
use url::Url;

/// A connection that is made when it is needed, and anew where it was lost.
pub(super) struct Socket {
    url: Url,
    open: Mutex<Option<Open>>,
    /// Told of every head that the node tells of.
    heads: Arc<Notify>,
}

struct Open {
    client: RpcClient,
    _listening: AbortOnDropHandle<()>,
}

impl std::fmt::Debug for Socket {
    /// Without the address, which may hold a key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Socket").finish_non_exhaustive()
    }
}

impl Socket {
    pub(super) fn new(url: Url) -> Self {
        Self { url, open: Mutex::new(None), heads: Arc::new(Notify::new()) }
    }

    /// The connection; all questions share one.
    pub(super) async fn client(&self) -> Result<RpcClient, TransportError> {
        let mut open = self.open.lock().await;
        if let Some(Open { client, .. }) = &*open {
            return Ok(client.clone());
        }
        // Whoever asks has patience of its own, and other nodes to turn to.
        let connect = WsConnect::new(self.url.clone()).with_max_retries(0);
        let client = ClientBuilder::default().ws(connect).await?;
        let listening = tokio::spawn(listen(RootProvider::new(client.clone()), Arc::clone(&self.heads)));
        *open = Some(Open { client: client.clone(), _listening: AbortOnDropHandle::new(listening) });
        Ok(client)
    }

    /// Lets a connection go that has failed; the next question makes another.
    pub(super) async fn lost(&self) {
        *self.open.lock().await = None;
    }

    /// Waits for the node to tell of a head, or for ever where it cannot be asked to. Heads that it told of since the last
    /// wait count.
    pub(super) async fn news(&self) {
        if self.client().await.is_err() {
            return std::future::pending().await;
        }
        self.heads.notified().await;
    }
}

/// Ends with the connection, or where the node tells of no heads: then it is asked for them from time to time, as others.
async fn listen(node: RootProvider, heads: Arc<Notify>) {
    let mut told = match node.subscribe_blocks().await {
        Ok(told) => told,
        Err(_) => return tracing::warn!("a node tells of no heads by itself: it is asked for them"),
    };
    // There may have been one before it tells of the next.
    heads.notify_one();
    while told.recv().await.is_ok() {
        heads.notify_one();
    }
}
