//! Following the outbox: who follows, how they learn of news, and when they are let go.
//!
//! A stream holds one page of events and a cursor, so it costs the same however slow its client is: what it has not
//! taken stays in the store. One look at the store serves all streams that wait.

use std::{
    collections::VecDeque,
    convert::Infallible,
    sync::{Arc, OnceLock, Weak},
    time::Duration,
};

use axum::{http::StatusCode, response::sse};
use bursar_indexer::{
    db::Db,
    query::events::{self, Filter, Told},
};
use futures::{Stream, stream};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

use crate::{
    AppState,
    access::{Caller, still_holds},
    error::ApiError,
    model::event::Event,
    routes::list_events::read_on,
};

/// How often the store is looked at for news while somebody waits for them.
const LOOK: Duration = Duration::from_millis(100);
/// Events read at a time, and so the most that a stream holds.
const PAGE: u32 = 64;

/// Who follows, in one process.
#[derive(Debug)]
pub(crate) struct Followers {
    room: Arc<Semaphore>,
    newest: OnceLock<Arc<watch::Sender<u64>>>,
    /// Ends every stream.
    pub(crate) closing: CancellationToken,
}

impl Followers {
    pub(crate) fn new(most: usize) -> Self {
        let room = Arc::new(Semaphore::new(most.min(Semaphore::MAX_PERMITS)));
        Self { room, newest: OnceLock::new(), closing: CancellationToken::new() }
    }

    fn admit(&self) -> Result<OwnedSemaphorePermit, ApiError> {
        Arc::clone(&self.room).try_acquire_owned().map_err(|_| {
            let message = "as many follow the events as may; try again, or read /v1/events";
            ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "streams_full", message)
        })
    }

    /// The newest event, as it changes.
    pub(crate) fn newest(&self, db: &Db) -> watch::Receiver<u64> {
        let begin = || {
            let sender = Arc::new(watch::Sender::new(0));
            tokio::spawn(look(db.clone(), Arc::downgrade(&sender)));
            sender
        };
        self.newest.get_or_init(begin).subscribe()
    }
}

/// Looks at the store while somebody waits for news, as long as there are followers to be.
async fn look(db: Db, sender: Weak<watch::Sender<u64>>) {
    while let Some(sender) = sender.upgrade() {
        if sender.receiver_count() != 0 {
            match events::newest(&db).await {
                Ok(newest) => {
                    sender.send_if_modified(|known| std::mem::replace(known, newest) != newest);
                }
                Err(error) => tracing::warn!(error = ?error, "cannot look for events"),
            }
        }
        drop(sender);
        tokio::time::sleep(LOOK).await;
    }
}

/// One client's stream.
pub(crate) struct Following {
    state: AppState,
    caller: Caller,
    /// When the credential was last found good.
    held: Instant,
    filter: Filter,
    cursor: u64,
    ready: VecDeque<Told>,
    newest: watch::Receiver<u64>,
    /// When the last event was handed on.
    handed: Option<Instant>,
    _room: OwnedSemaphorePermit,
}

impl Following {
    /// Begins after a cursor, or from now on.
    ///
    /// # Errors
    /// When as many follow as may, the cursor leads nowhere, or the store fails.
    pub(crate) async fn begin(
        state: &AppState,
        caller: Caller,
        filter: Filter,
        cursor: Option<u64>,
    ) -> Result<Self, ApiError> {
        let room = state.followers.admit()?;
        let newest = state.followers.newest(&state.db);
        let cursor = match cursor {
            Some(cursor) => cursor,
            None => events::newest(&state.db).await?,
        };
        let page = events::after(&state.db, &filter, Some(cursor), PAGE).await?;
        let (ready, cursor) = read_on(page, Some(cursor))?;
        let (state, ready) = (state.clone(), ready.into());
        let held = Instant::now();
        Ok(Self { state, caller, held, filter, cursor, ready, newest, handed: None, _room: room })
    }

    /// The next event; `None` where the stream ends: the service closes, the client was too slow or too far behind, its
    /// key was revoked or has run out, or the store fails. A client comes back with the last event it saw, and is told then what is wrong.
    async fn next(&mut self) -> Option<Told> {
        let patience = self.state.config.stream_patience;
        if self.handed.take().is_some_and(|handed| handed.elapsed() > patience) {
            return None;
        }
        let told = loop {
            if self.state.followers.closing.is_cancelled() {
                return None;
            }
            let again = self.state.config.stream_recheck;
            if self.held.elapsed() >= again {
                if !still_holds(&self.state, &self.caller).await {
                    return None;
                }
                self.held = Instant::now();
            }
            if let Some(told) = self.ready.pop_front() {
                break told;
            }
            let cursor = self.cursor;
            tokio::select! {
                () = self.state.followers.closing.cancelled() => return None,
                () = tokio::time::sleep_until(self.held + again) => continue,
                news = self.newest.wait_for(|newest| *newest > cursor) => { news.ok()?; }
            }
            let page = events::after(&self.state.db, &self.filter, Some(cursor), PAGE).await.ok()?;
            let (ready, next) = read_on(page, Some(cursor)).ok()?;
            (self.ready, self.cursor) = (ready.into(), next);
        };
        self.handed = Some(Instant::now());
        Some(told)
    }
}

/// A stream as it goes out.
pub(crate) fn events(following: Following) -> impl Stream<Item = Result<sse::Event, Infallible>> {
    stream::unfold(following, async |mut following| {
        let told = following.next().await?;
        let (id, kind) = (told.seq.to_string(), told.event.kind.code());
        let event = Event::new(told, following.state.config.base_url.as_ref());
        // Its keys are text and its values read from JSON: writing it cannot fail.
        let data = serde_json::to_string(&event).unwrap_or_default();
        Some((Ok(sse::Event::default().id(id).event(kind).data(data)), following))
    })
}
