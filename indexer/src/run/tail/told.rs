//! What a follower tells its tail: whom to listen for, while it is far behind.

use std::sync::Arc;

use tokio::sync::watch;

use crate::{ledger::WatchList, store::Watch};

/// Whom to listen for, as far as the ledger knows.
#[derive(Debug, Clone)]
pub(in crate::run) struct Whom {
    /// Treasuries, tokens and purses.
    pub(super) watch: Arc<Watch>,
    /// Who is watched besides.
    pub(super) list: Arc<WatchList>,
}

/// The follower's end. What it says costs it nothing, whether a tail listens or not.
#[derive(Debug, Default)]
pub(in crate::run) struct Told(watch::Sender<Option<Whom>>);

impl Told {
    pub(in crate::run) fn subscribe(&self) -> watch::Receiver<Option<Whom>> {
        self.0.subscribe()
    }

    /// The ledger is far behind the head, and watches these.
    pub(in crate::run) fn far_behind(&self, watch: &Arc<Watch>, list: &Arc<WatchList>) {
        let (watch, list) = (Arc::clone(watch), Arc::clone(list));
        self.0.send_replace(Some(Whom { watch, list }));
    }

    /// Whether that was said, and not taken back.
    pub(in crate::run) fn is_far_behind(&self) -> bool {
        self.0.borrow().is_some()
    }

    /// The ledger watches these by now; of no interest where it was not far behind.
    pub(in crate::run) fn learns(&self, watch: &Watch, list: &Arc<WatchList>) {
        if self.is_far_behind() {
            self.far_behind(&Arc::new(watch.clone()), list);
        }
    }

    /// The ledger is at the head.
    pub(in crate::run) fn caught_up(&self) {
        self.0.send_if_modified(|told| told.take().is_some());
    }
}
