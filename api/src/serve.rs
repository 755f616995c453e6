use std::net::SocketAddr;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::{
    AppState,
    access::{OpenToOthers, Unkept},
    router,
};

/// Why a service does not serve, or no longer.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// It would answer everybody.
    #[error(transparent)]
    Open(#[from] OpenToOthers),
    /// The listener failed.
    #[error("the listener failed")]
    Listener(#[from] std::io::Error),
    /// The last accesses are lost.
    #[error(transparent)]
    Accesses(#[from] Unkept),
}

/// Serves until `cancel` is cancelled, then finishes what is under way, and keeps who asked it.
///
/// # Errors
/// When it asks for no credentials and others can reach it, the listener fails, or what was asked last cannot be kept.
pub async fn serve(
    listener: TcpListener,
    state: AppState,
    cancel: CancellationToken,
) -> Result<(), ServeError> {
    let (address, access) = (listener.local_addr()?, state.config.access);
    access.check(address)?;
    tracing::info!(%address, %access, "serving");
    let closing = state.followers.closing.clone();
    let cancelled = async move {
        cancel.cancelled_owned().await;
        // Streams never end by themselves.
        closing.cancel();
    };
    let served = CancellationToken::new();
    let keeping = async {
        let (store, every) = (&state.store, state.config.accesses_every);
        state.accesses.keep_on(store, state.clock(), every, served.clone()).await
    };
    let serving = async {
        let service = router(state.clone()).into_make_service_with_connect_info::<SocketAddr>();
        let ended = axum::serve(listener, service).with_graceful_shutdown(cancelled).await;
        served.cancel();
        ended
    };
    let (ended, kept) = tokio::join!(serving, keeping);
    ended?;
    Ok(kept?)
}
