//! Every webhook gets what it wished for: in order, at least once, however often endpoint and service fail.
//!
//! How far each has got is in the store, and moves on only when its endpoint has said that it has an event. One that
//! fails or is slow keeps nobody else waiting. Several processes share the work: one at a time holds a webhook.

use std::{collections::HashSet, sync::Arc, time::Duration};

use bursar_indexer::{
    StoreError,
    query::events::{self, Page, Told},
    store::{PUBLISHER, Webhook},
};
use bursar_sdk::clock::Entropy;
use tokio::{sync::Semaphore, task::JoinSet};
use tokio_util::sync::CancellationToken;

use super::{
    Config,
    send::{Failure, Message, Sender},
};
use crate::{
    AppState,
    backoff::{Backoff, over},
    model::event::Event,
};

/// Events read at a time.
const PAGE: u32 = 50;
/// After so many events that are not for a webhook, it is noted that it needs none of them.
const PASSED: u64 = 1_000;
/// How often old events are looked for.
const PRUNE: Duration = Duration::from_secs(600);

/// Delivers until cancelled; what is under way then is delivered again by whoever goes on.
///
/// # Errors
/// When the machine's trusted roots cannot be read.
pub async fn run(
    state: AppState,
    config: Config,
    entropy: Entropy,
    cancel: CancellationToken,
) -> Result<(), reqwest::Error> {
    let desk = Arc::new(Desk {
        sender: Sender::new(&config)?,
        name: entropy.next().to_string(),
        room: Semaphore::new(config.at_once.min(Semaphore::MAX_PERMITS)),
        state,
        config,
        entropy,
    });
    let mut newest = desk.state.followers.newest(&desk.state.db);
    let mut under_way = JoinSet::new();
    let mut busy = HashSet::new();
    let mut prune = tokio::time::interval(PRUNE);
    while !cancel.is_cancelled() {
        match desk.due(&busy).await {
            Ok(due) => {
                for webhook in due {
                    busy.insert(webhook.id.clone());
                    let desk = Arc::clone(&desk);
                    under_way.spawn(async move { desk.serve(webhook).await });
                }
            }
            Err(error) => tracing::warn!(error = ?error, "cannot look for webhooks"),
        }
        tokio::select! {
            () = cancel.cancelled() => break,
            _ = newest.changed() => {}
            () = tokio::time::sleep(desk.config.look) => {}
            Some(done) = under_way.join_next() => {
                if let Ok(id) = done { busy.remove(&id); } else { busy.clear(); }
            }
            _ = prune.tick() => desk.prune().await,
        }
    }
    Ok(())
}

/// What delivering takes.
struct Desk {
    state: AppState,
    config: Config,
    sender: Sender,
    entropy: Entropy,
    /// Which process this is.
    name: String,
    room: Semaphore,
}

/// Why a webhook is left for now.
enum Stop {
    /// There is nothing more for it; or it is another process's, or sent elsewhere.
    Done,
    /// Its endpoint failed.
    Failed(Failure),
    /// The store failed.
    Store(StoreError),
}

impl<E: Into<StoreError>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Store(error.into())
    }
}

impl Desk {
    async fn due(&self, busy: &HashSet<String>) -> Result<Vec<Webhook>, StoreError> {
        let newest = events::newest(&self.state.db).await?;
        let now = self.state.now();
        let mut webhooks = self.state.store.webhooks().await?;
        webhooks.retain(|webhook| {
            let waits = webhook.cursor < newest && webhook.next_at <= now;
            let ours = webhook.id != PUBLISHER && webhook.disabled_at.is_none();
            ours && waits && !busy.contains(&webhook.id)
        });
        Ok(webhooks)
    }

    /// Delivers all there is to one webhook, and gives its name.
    async fn serve(&self, mut webhook: Webhook) -> String {
        match self.deliver(&mut webhook).await {
            Stop::Done => {}
            Stop::Failed(failure) => {
                if let Err(error) = self.failed(&webhook, &failure).await {
                    tracing::warn!(error = ?error, webhook = webhook.id, "cannot note a failure");
                }
            }
            Stop::Store(error) => tracing::warn!(error = ?error, webhook = webhook.id, "cannot deliver"),
        }
        webhook.id
    }

    async fn deliver(&self, webhook: &mut Webhook) -> Stop {
        loop {
            match self.page(webhook).await {
                Ok(()) => {}
                Err(stop) => return stop,
            }
        }
    }

    async fn page(&self, webhook: &mut Webhook) -> Result<(), Stop> {
        let filter = &webhook.wish.filter;
        let page = events::after(&self.state.db, filter, Some(webhook.cursor), PAGE).await?;
        let Page::Events { events, next } = page else {
            // Events that a webhook has to get are not pruned: the store is another than it was.
            if self.hold(webhook).await? {
                self.state.store.disable_webhook(webhook, &self.name, self.state.now()).await?;
            }
            return Err(Stop::Done);
        };
        // Nothing is written for each event that is not for it.
        if events.is_empty() && next.saturating_sub(webhook.cursor) < PASSED {
            return Err(Stop::Done);
        }
        for told in events {
            self.one(webhook, told).await?;
        }
        if next != webhook.cursor && self.hold(webhook).await? {
            self.note(webhook, next).await?;
        }
        Ok(())
    }

    async fn one(&self, webhook: &mut Webhook, told: Told) -> Result<(), Stop> {
        // For each message anew: whoever has many waits its turn like everybody else.
        let Ok(_room) = self.room.acquire().await else { return Err(Stop::Done) };
        if !self.hold(webhook).await? {
            return Err(Stop::Done);
        }
        let seq = told.seq;
        let event = Event::new(told, self.state.config.base_url.as_ref());
        let message = Message::of(webhook, &event).map_err(Stop::Failed)?;
        let sent = self.sender.send(&webhook.wish, &webhook.secret, &message, self.state.now()).await;
        sent.map_err(Stop::Failed)?;
        tracing::debug!(webhook = webhook.id, seq, kind = event.kind, "delivered");
        self.note(webhook, seq).await
    }

    /// Holds a webhook for longer than a message takes.
    async fn hold(&self, webhook: &Webhook) -> Result<bool, StoreError> {
        let now = self.state.now();
        let until = now.saturating_add(self.config.timeout.as_secs().saturating_mul(2).saturating_add(10));
        self.state.store.hold_webhook(&webhook.id, &self.name, until, now).await
    }

    async fn note(&self, webhook: &mut Webhook, to: u64) -> Result<(), Stop> {
        let span = (webhook.cursor, to);
        if !self.state.store.webhook_got(&webhook.id, &self.name, span).await? {
            return Err(Stop::Done);
        }
        webhook.cursor = to;
        (webhook.failures, webhook.failing_since) = (0, None);
        Ok(())
    }

    async fn failed(&self, webhook: &Webhook, failure: &Failure) -> Result<(), StoreError> {
        let now = self.state.now();
        let since = webhook.failing_since.unwrap_or(now);
        let for_long = now.saturating_sub(since) >= self.config.give_up.as_secs();
        let store = &self.state.store;
        let asked = match failure {
            Failure::Status { retry_after, .. } => retry_after.unwrap_or_default(),
            _ => Duration::ZERO,
        };
        let (first, longest) = (self.config.first_pause, self.config.longest_pause);
        let pause = Backoff { first, longest }.after(webhook.failures, &self.entropy);
        let pause = pause.max(asked.min(longest));
        let next_at = over(now, pause);
        tracing::warn!(webhook = webhook.id, %failure, ?pause, "a webhook's endpoint failed");
        let text = failure.to_string();
        store.webhook_failed((&webhook.id, &self.name), webhook.cursor, &text, next_at, now).await?;
        if for_long || *failure == Failure::Gone {
            tracing::warn!(webhook = webhook.id, "the webhook is told nothing more");
            let of = Webhook { failing_since: Some(since), ..webhook.clone() };
            store.disable_webhook(&of, &self.name, now).await?;
        }
        Ok(())
    }

    async fn prune(&self) {
        let Some(keep) = self.config.keep else { return };
        match self.state.store.prune_events(self.state.now().saturating_sub(keep.as_secs())).await {
            Ok(0) => {}
            Ok(events) => tracing::info!(events, "forgot old events"),
            Err(error) => tracing::warn!(error = ?error, "cannot forget old events"),
        }
    }
}
