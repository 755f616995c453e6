use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::{AppState, access::OpenToOthers, router};

/// Why a service does not serve, or no longer.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// It would answer everybody.
    #[error(transparent)]
    Open(#[from] OpenToOthers),
    /// The listener failed.
    #[error("the listener failed")]
    Listener(#[from] std::io::Error),
}

/// Serves until `cancel` is cancelled, then finishes what is under way.
///
/// # Errors
/// When it asks for no credentials and others can reach it, or the listener fails.
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
    Ok(axum::serve(listener, router(state)).with_graceful_shutdown(cancelled).await?)
}
