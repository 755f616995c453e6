//! A process that dies: after so many steps of the database the next one never comes. Only with the feature `testing`.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use tokio::sync::Notify;

tokio::task_local! {
    static FUSE: Arc<Fuse>;
}

#[derive(Debug)]
struct Fuse {
    left: AtomicU64,
    out: Notify,
}

/// Does something until it has taken `steps` steps of the database, and then drops it where it stands, as a killed process
/// would; `None` where it came to that. What tasks ask that it starts does not count.
pub async fn killed_after<T>(steps: u64, work: impl Future<Output = T>) -> Option<T> {
    let fuse = Arc::new(Fuse { left: AtomicU64::new(steps), out: Notify::new() });
    tokio::select! {
        biased;
        () = fuse.out.notified() => None,
        done = FUSE.scope(Arc::clone(&fuse), work) => Some(done),
    }
}

/// One step.
pub(super) async fn burn() {
    // Nobody is to die where there is no such scope.
    let Ok(fuse) = FUSE.try_with(Arc::clone) else { return };
    let burnt =
        fuse.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_err();
    if burnt {
        fuse.out.notify_one();
        std::future::pending::<()>().await;
    }
}
