//! Webhooks, as people keep them, and how far each has got. Not from the chain: no reorg touches them.

use std::fmt;

use serde_json::json;
use url::Url;

use super::{Store, StoreError};
use crate::{
    db::{Cell as _, DbError, DbRow, Query, table},
    outbox::{self, Event, Kind},
    query::events::{self, Filter, Page},
};

/// What deliveries are signed with. Shows itself to whoever asks for it by name, and to nobody else.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Vec<u8>);

impl Secret {
    /// These bytes.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The bytes themselves, to sign with, or to be shown once.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// Who wants to be told of what.
#[derive(Clone, PartialEq, Eq)]
pub struct Wish {
    /// Where to.
    pub url: Url,
    /// Whether that may be on a private network.
    pub private: bool,
    /// Of what.
    pub filter: Filter,
}

impl fmt::Debug for Wish {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The rest of an address may be as good as a password.
        let host = self.url.host_str().unwrap_or_default();
        f.debug_struct("Wish").field("host", &host).field("filter", &self.filter).finish_non_exhaustive()
    }
}

/// A webhook, and how far it has got. Times are in unix seconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// Its name.
    pub id: String,
    /// Where to, and of what.
    pub wish: Wish,
    /// What is signed with.
    pub secret: Secret,
    /// The last event that it has got, or that was not for it.
    pub cursor: u64,
    /// Since when it is told.
    pub created_at: u64,
    /// Failures in a row.
    pub failures: u32,
    /// Since when.
    pub failing_since: Option<u64>,
    /// What the last one was.
    pub last_error: Option<String>,
    /// When it is tried again.
    pub next_at: u64,
    /// Since when it is not told any more.
    pub disabled_at: Option<u64>,
}

/// Where a webhook begins, or begins again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begin {
    /// With the next event.
    Now,
    /// After this cursor.
    After(u64),
}

/// A cursor that no delivery can begin after.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Missed {
    /// What came after it is no longer kept.
    #[error("expected a cursor of {} at least: what came before event {oldest} is no longer kept", oldest - 1)]
    Gone {
        /// The oldest that is kept.
        oldest: u64,
    },
    /// It is none of this ledger's.
    #[error("expected a cursor of {newest} at most: there are no more events")]
    Ahead {
        /// The newest there is.
        newest: u64,
    },
}

/// Why a webhook is not kept, or not begun again.
#[derive(Debug, thiserror::Error)]
pub enum WebhookError {
    /// It cannot begin there.
    #[error(transparent)]
    Missed(#[from] Missed),
    /// The database failed, or holds what does not read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<DbError> for WebhookError {
    fn from(error: DbError) -> Self {
        Self::Store(error.into())
    }
}

impl Store {
    /// Keeps a webhook under a name that is not taken. `now` is in unix seconds.
    ///
    /// # Errors
    /// When it cannot begin there, or the database fails.
    pub async fn add_webhook(
        &self,
        id: &str,
        wish: &Wish,
        secret: &Secret,
        begin: Begin,
        now: u64,
    ) -> Result<(), WebhookError> {
        let cursor = self.cursor(begin).await?;
        WEBHOOK.insert(webhook(id, wish, secret, cursor, now)).execute(&self.db).await?;
        Ok(())
    }

    /// Every webhook, by name.
    ///
    /// # Errors
    /// When the database fails or holds what does not read.
    pub async fn webhooks(&self) -> Result<Vec<Webhook>, StoreError> {
        let rows = Query::new("SELECT * FROM webhook ORDER BY id").rows(&self.db).await?;
        rows.iter().map(read).collect()
    }

    /// The webhook of that name; `None` where there is none.
    ///
    /// # Errors
    /// When the database fails or holds what does not read.
    pub async fn webhook(&self, id: &str) -> Result<Option<Webhook>, StoreError> {
        let row = Query::new("SELECT * FROM webhook WHERE id = $1").bind(id).row(&self.db).await?;
        row.as_ref().map(read).transpose()
    }

    /// Forgets a webhook; whether there was one.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn remove_webhook(&self, id: &str) -> Result<bool, StoreError> {
        Ok(WEBHOOK.delete(vec![id.value()]).execute(&self.db).await? != 0)
    }

    /// Begins again, with an end to failures and to being disabled; whether there is such a webhook.
    ///
    /// # Errors
    /// When it cannot begin there, or the database fails.
    pub async fn replay_webhook(&self, id: &str, begin: Begin) -> Result<bool, WebhookError> {
        let cursor = self.cursor(begin).await?;
        let sql = "UPDATE webhook SET cursor = $1, failures = 0, failing_since = NULL, last_error = NULL, \
                   next_at = 0, disabled_at = NULL WHERE id = $2";
        Ok(Query::new(sql).bind(cursor).bind(id).execute(&self.db).await? != 0)
    }

    /// Takes a webhook that is due for this process until then; whether it may deliver to it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn hold_webhook(
        &self,
        id: &str,
        holder: &str,
        until: u64,
        now: u64,
    ) -> Result<bool, StoreError> {
        let sql = "UPDATE webhook SET holder = $1, held_until = $2 WHERE id = $3 AND disabled_at IS NULL \
                   AND next_at <= $4 AND (holder = $1 OR held_until <= $4)";
        let held = Query::new(sql).bind(holder).bind(until).bind(id).bind(now).execute(&self.db).await?;
        Ok(held != 0)
    }

    /// Notes that a webhook has got what lies between two cursors; `false` where it was sent elsewhere meanwhile, or
    /// another process holds it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn webhook_got(
        &self,
        id: &str,
        holder: &str,
        (from, to): (u64, u64),
    ) -> Result<bool, StoreError> {
        let sql = "UPDATE webhook SET cursor = $1, failures = 0, failing_since = NULL, last_error = NULL, \
                   next_at = 0 WHERE id = $2 AND holder = $3 AND cursor = $4 AND disabled_at IS NULL";
        let noted = Query::new(sql).bind(to).bind(id).bind(holder).bind(from).execute(&self.db).await?;
        Ok(noted != 0)
    }

    /// Notes that a delivery after `cursor` failed, and when to try again.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn webhook_failed(
        &self,
        (id, holder): (&str, &str),
        cursor: u64,
        error: &str,
        next_at: u64,
        now: u64,
    ) -> Result<(), StoreError> {
        let sql = "UPDATE webhook SET failures = failures + 1, failing_since = COALESCE(failing_since, $1), \
                   last_error = $2, next_at = $3 WHERE id = $4 AND holder = $5 AND cursor = $6";
        let query = Query::new(sql).bind(now).bind(error).bind(next_at);
        query.bind(id).bind(holder).bind(cursor).execute(&self.db).await?;
        Ok(())
    }

    /// Tells a webhook nothing more, and tells everybody else that.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn disable_webhook(&self, of: &Webhook, holder: &str, now: u64) -> Result<(), StoreError> {
        let mut tx = self.db.begin().await?;
        let sql = "UPDATE webhook SET disabled_at = $1 \
                   WHERE id = $2 AND holder = $3 AND cursor = $4 AND disabled_at IS NULL";
        let query = Query::new(sql).bind(now).bind(of.id.as_str()).bind(holder).bind(of.cursor);
        if query.execute(&mut tx).await? == 0 {
            return Ok(());
        }
        let told = Event {
            kind: Kind::WebhookDisabled,
            at: now,
            treasury: of.wish.filter.treasury,
            envelope: of.wish.filter.envelope,
            subject: format!("webhooks/{}", of.id),
            origin: None,
            retracts: None,
            body: json!({ "id": of.id, "cursor": of.cursor, "failingSince": of.failing_since }),
        };
        outbox::add(&mut tx, &told).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Forgets events of before `at` (unix seconds), from the oldest on; gives how many. What a webhook has still to
    /// get stays, and so does what the chain may take back, and the newest.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn prune_events(&self, at: u64) -> Result<u64, StoreError> {
        let sql = "DELETE FROM outbox \
                   WHERE seq < COALESCE((SELECT seq FROM outbox WHERE at >= $1 ORDER BY seq LIMIT 1), \
                                        (SELECT MAX(seq) FROM outbox)) \
                   AND seq <= COALESCE((SELECT MIN(cursor) FROM webhook WHERE disabled_at IS NULL), seq) \
                   AND seq < COALESCE((SELECT MIN(seq) FROM outbox \
                                       WHERE block_number > (SELECT final_number FROM checkpoint)), seq + 1)";
        Ok(Query::new(sql).bind(at).execute(&self.db).await?)
    }

    async fn cursor(&self, begin: Begin) -> Result<u64, WebhookError> {
        let Begin::After(cursor) = begin else { return Ok(events::newest(&self.db).await?) };
        match events::after(&self.db, &Filter::default(), Some(cursor), 1).await? {
            Page::Events { .. } => Ok(cursor),
            Page::Gone { oldest } => Err(Missed::Gone { oldest }.into()),
            Page::Ahead { newest } => Err(Missed::Ahead { newest }.into()),
        }
    }
}

fn read(row: &DbRow) -> Result<Webhook, StoreError> {
    let (url, kinds) = (row.text("url")?, row.maybe_text("kinds")?);
    let kinds = kinds.iter().flat_map(|kinds| kinds.split(','));
    let kind = |code: &str| {
        Kind::of(code).ok_or_else(|| StoreError::Corrupt { what: "kind of event", got: code.to_owned() })
    };
    let filter = Filter {
        treasury: row.maybe_address("treasury")?,
        envelope: row.maybe_number("envelope")?,
        kinds: kinds.map(kind).collect::<Result<_, _>>()?,
    };
    // Without what came: it may be as good as a password.
    let unreadable = |_| StoreError::Corrupt { what: "webhook's address", got: String::new() };
    Ok(Webhook {
        id: row.text("id")?,
        wish: Wish { url: url.parse().map_err(unreadable)?, private: row.flag("private")?, filter },
        secret: Secret::new(row.bytes("secret")?.to_vec()),
        cursor: row.number("cursor")?,
        created_at: row.number("created_at")?,
        failures: row.number("failures")?,
        failing_since: row.maybe_number("failing_since")?,
        last_error: row.maybe_text("last_error")?,
        next_at: row.number("next_at")?,
        disabled_at: row.maybe_number("disabled_at")?,
    })
}

table! {
    WEBHOOK, fn webhook(id: &str, wish: &Wish, secret: &Secret, cursor: u64, now: u64) {
        key { id: id }
        url: wish.url.as_str(),
        secret: alloy::primitives::Bytes::copy_from_slice(secret.expose()),
        private: wish.private,
        treasury: wish.filter.treasury,
        envelope: wish.filter.envelope,
        kinds: spelled(&wish.filter.kinds),
        cursor: cursor,
        created_at: now,
        failures: 0u32,
        next_at: 0u32,
        held_until: 0u32,
    }
}

fn spelled(kinds: &[Kind]) -> Option<String> {
    let codes: Vec<&str> = kinds.iter().map(|kind| kind.code()).collect();
    (!codes.is_empty()).then(|| codes.join(","))
}
