use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::{AppState, router};

/// Serves until `cancel` is cancelled, then finishes what is under way.
///
/// # Errors
/// When the listener fails.
pub async fn serve(listener: TcpListener, state: AppState, cancel: CancellationToken) -> std::io::Result<()> {
    tracing::info!(address = %listener.local_addr()?, "serving");
    let closing = state.followers.closing.clone();
    let cancelled = async move {
        cancel.cancelled_owned().await;
        // Streams never end by themselves.
        closing.cancel();
    };
    axum::serve(listener, router(state)).with_graceful_shutdown(cancelled).await
}
