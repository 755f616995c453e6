//! The stream gets everything that is in the outbox: each event once, in order, however often server and service fail.
//!
//! How far it is published is in the store, and moves on when the server has said that it keeps an event. What was published
//! and not noted is known again: by the server, from its message's id, and by whoever goes on, from the newest message. One
//! process at a time publishes, as with webhooks.

use bursar_indexer::{
    StoreError,
    query::events::{self, Filter, Page, Told},
    store::{PUBLISHER, Webhook},
};
use bursar_sdk::clock::Entropy;
use serde_json::Value;
use tokio::sync::OnceCell;
use tokio_util::sync::CancellationToken;

use super::{Config, Metrics, Trouble, link::Link, subject::Subjects};
use crate::{
    AppState,
    backoff::{Backoff, over},
    model::event::Event,
};

/// Events read at a time.
const PAGE: u32 = 64;

/// Publishes until cancelled; what is under way then is published again by whoever goes on.
pub async fn run(
    state: AppState,
    config: Config,
    metrics: Metrics,
    entropy: Entropy,
    cancel: CancellationToken,
) {
    let mut newest = state.followers.newest(&state.db);
    let press = Press {
        subjects: Subjects::new(&config.settings.subject_prefix, state.config.chain_id),
        name: entropy.next().to_string(),
        ledger: OnceCell::new(),
        state,
        config,
        metrics,
        entropy,
    };
    let mut link = None;
    loop {
        tokio::select! {
            () = cancel.cancelled() => return,
            () = press.turn(&mut link) => {}
        }
        tokio::select! {
            () = cancel.cancelled() => return,
            _ = newest.changed() => {}
            () = tokio::time::sleep(press.config.look) => {}
        }
    }
}

/// What publishing takes.
struct Press {
    state: AppState,
    config: Config,
    metrics: Metrics,
    entropy: Entropy,
    subjects: Subjects,
    /// Which process this is.
    name: String,
    /// What the ledger is called, once that is known.
    ledger: OnceCell<String>,
}

/// Why publishing ends for now.
enum Stop {
    /// It is another process's.
    NotOurs,
    /// The server did not do its part, or cannot.
    Failed(Trouble),
    /// The store failed.
    Store(StoreError),
}

impl From<Trouble> for Stop {
    fn from(trouble: Trouble) -> Self {
        Self::Failed(trouble)
    }
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl Press {
    /// Publishes all there is, where it is this process's turn, and notes where that failed.
    async fn turn(&self, link: &mut Option<Link>) {
        let (url, now) = (self.config.settings.url.url(), self.state.now());
        let mut place = match self.state.store.publisher(url, now).await {
            Ok(place) => place,
            Err(error) => {
                tracing::warn!(error = ?error, "cannot look how far events are published");
                return;
            }
        };
        match self.publish(link, &mut place).await {
            Ok(()) | Err(Stop::NotOurs) => {}
            Err(Stop::Store(error)) => tracing::warn!(error = ?error, "cannot publish events"),
            Err(Stop::Failed(trouble)) => {
                *link = None;
                if let Err(error) = self.failed(&place, &trouble).await {
                    tracing::warn!(error = ?error, "cannot note that publishing failed");
                }
            }
        }
    }

    async fn publish(&self, link: &mut Option<Link>, place: &mut Webhook) -> Result<(), Stop> {
        let behind = self.behind(place).await?;
        *link = link.take().filter(Link::lives);
        // Whoever has nothing to publish is connected all the same: trouble is told before it matters.
        let done = link.is_some() && behind == 0 && place.failures == 0;
        if place.next_at > self.state.now() || done {
            return Ok(());
        }
        let mut held = self.hold().await?;
        let link = match link {
            Some(link) => link,
            None => link.insert(Link::open(&self.config, &self.subjects, place.cursor).await?),
        };
        self.meet(link, place).await?;
        loop {
            let filter = Filter::default();
            let page = events::after(&self.state.db, &filter, Some(place.cursor), PAGE).await;
            let events = match page.map_err(StoreError::from)? {
                Page::Events { events, .. } => events,
                Page::Gone { oldest } => return Err(Trouble::Gone { cursor: place.cursor, oldest }.into()),
                Page::Ahead { newest } => return Err(Trouble::Ahead { cursor: place.cursor, newest }.into()),
            };
            if events.is_empty() {
                if place.failures != 0 {
                    self.note(place, place.cursor).await?;
                }
                self.metrics.behind(0);
                return Ok(());
            }
            let mut kept = place.cursor;
            let sent = self.send(link, events, &mut held, &mut kept).await;
            if kept != place.cursor {
                self.note(place, kept).await?;
            }
            sent?;
        }
    }

    /// Goes on where the stream ends: further than was noted, where nobody came to note it; before it, where the server has
    /// lost what it had.
    async fn meet(&self, link: &Link, place: &mut Webhook) -> Result<(), Stop> {
        let ledger = self.ledger().await?;
        let end = match link.newest().await? {
            None => place.cursor,
            Some(message) => {
                let other = || Trouble::OtherLedger {
                    subjects: self.subjects.all(),
                    ledger: ledger.to_owned(),
                    got: message.id.clone(),
                };
                let seq = number(ledger, &message.id).ok_or_else(other)?;
                self.same(seq, &message.body).await?;
                seq
            }
        };
        if end < place.cursor {
            // Where they are no longer kept here, what is noted stays: it is all that says how far it was.
            let oldest = events::oldest(&self.state.db).await.map_err(StoreError::from)?;
            if end.saturating_add(1) < oldest {
                return Err(Trouble::Gone { cursor: end, oldest }.into());
            }
            tracing::warn!(end, noted = place.cursor, "the stream has lost events; they are published again");
        }
        // No success yet: what failed may fail again. Also where it stays, lest somebody has moved it meanwhile.
        if !self.state.store.move_publisher(&self.name, (place.cursor, end)).await? {
            return Err(Stop::NotOurs);
        }
        place.cursor = end;
        self.behind(place).await?;
        Ok(())
    }

    /// Holds a message against the event of that number.
    async fn same(&self, seq: u64, payload: &[u8]) -> Result<(), Stop> {
        let filter = Filter::default();
        let page = events::after(&self.state.db, &filter, Some(seq.saturating_sub(1)), 1).await;
        let ours = match page.map_err(StoreError::from)? {
            Page::Events { events, .. } => events.into_iter().find(|told| told.seq == seq),
            // It is no longer kept here: then it was published, and noted.
            Page::Gone { .. } => return Ok(()),
            Page::Ahead { .. } => None,
        };
        let said = |value: Value| ["seq", "kind", "at", "treasury", "subject"].map(|key| value[key].clone());
        let theirs = serde_json::from_slice(payload).ok().map(said);
        let ours = ours.and_then(|told| serde_json::to_value(Event::new(told, None)).ok()).map(said);
        if ours.is_some() && ours == theirs {
            return Ok(());
        }
        Err(Trouble::Diverged { subjects: self.subjects.all(), seq }.into())
    }

    /// Publishes events one after another; `kept` is the last that the server keeps, also where that fails.
    async fn send(&self, link: &Link, events: Vec<Told>, held: &mut u64, kept: &mut u64) -> Result<(), Stop> {
        let ledger = self.ledger().await?;
        for told in events {
            if self.state.now().saturating_add(self.patience()) >= *held {
                *held = self.hold().await?;
            }
            let (seq, subject) = (told.seq, self.subjects.of(&told.event));
            let event = Event::new(told, self.state.config.base_url.as_ref());
            let body = serde_json::to_vec(&event).map_err(|_| Trouble::Unwritable { seq })?;
            link.publish(seq, subject, &id(ledger, seq), body).await?;
            tracing::debug!(seq, kind = event.kind, "published");
            self.metrics.published();
            *kept = seq;
        }
        Ok(())
    }

    async fn ledger(&self) -> Result<&str, StoreError> {
        Ok(self.ledger.get_or_try_init(|| self.state.store.ledger_name()).await?)
    }

    /// How long one answer may take, in seconds, rounded up.
    fn patience(&self) -> u64 {
        self.config.timeout.as_secs().saturating_add(1)
    }

    /// Holds the publisher's place for longer than an answer takes; gives until when, in unix seconds.
    async fn hold(&self) -> Result<u64, Stop> {
        let now = self.state.now();
        let until = now.saturating_add(self.patience().saturating_mul(2).saturating_add(10));
        let held = self.state.store.hold_webhook(PUBLISHER, &self.name, until, now).await?;
        if held { Ok(until) } else { Err(Stop::NotOurs) }
    }

    /// Tells how many events no process has published; gives how many.
    async fn behind(&self, place: &Webhook) -> Result<u64, StoreError> {
        let behind = events::newest(&self.state.db).await?.saturating_sub(place.cursor);
        self.metrics.behind(behind);
        Ok(behind)
    }

    async fn note(&self, place: &mut Webhook, to: u64) -> Result<(), Stop> {
        if !self.state.store.webhook_got(PUBLISHER, &self.name, (place.cursor, to)).await? {
            return Err(Stop::NotOurs);
        }
        if place.failures != 0 {
            tracing::info!(after = to, "events are published again");
        }
        place.cursor = to;
        (place.failures, place.failing_since) = (0, None);
        self.behind(place).await?;
        Ok(())
    }

    async fn failed(&self, place: &Webhook, trouble: &Trouble) -> Result<(), StoreError> {
        let now = self.state.now();
        let Config { first_pause: first, longest_pause: longest, .. } = self.config;
        let pause = Backoff { first, longest }.after(place.failures, &self.entropy);
        tracing::warn!(%trouble, after = place.cursor, ?pause, "events are not published");
        self.metrics.failed(trouble);
        let (of, text) = ((PUBLISHER, self.name.as_str()), trouble.to_string());
        self.state.store.webhook_failed(of, place.cursor, &text, over(now, pause), now).await
    }
}

/// What the server knows an event again by.
fn id(ledger: &str, seq: u64) -> String {
    format!("{ledger}-{seq}")
}

/// The number of an event of that ledger, by its id.
fn number(ledger: &str, known: &str) -> Option<u64> {
    let seq = known.strip_prefix(ledger)?.strip_prefix('-')?.parse().ok()?;
    (id(ledger, seq) == known).then_some(seq)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_of_one_ledger_and_one_event() {
        assert_eq!(number("ab", &id("ab", 7)), Some(7));
        for other in ["", "7", "-7", "ab", "ab-", "ab7", "ab-07", "ab-+7", "ab--7", "a-7", "abc-7", "ab-7 "] {
            assert_eq!(number("ab", other), None, "{other}");
        }
    }
}
