//! The publisher's place among those who follow: a row beside the webhooks, held and moved on as theirs are.

use alloy::primitives::B256;
use url::Url;

use super::{
    META, Secret, Store, StoreError, Webhook, Wish, meta,
    webhooks::{WEBHOOK, webhook},
};
use crate::{
    db::Query,
    query::events::{self, Filter},
};

/// The name that the publisher goes by among the webhooks.
pub const PUBLISHER: &str = "nats";

/// Where the store keeps its name.
const LEDGER: &str = "ledger";

impl Store {
    /// How far the publisher is, whose server is at `url`: it begins with the oldest event that is kept. `now` is in unix
    /// seconds.
    ///
    /// # Errors
    /// When the database fails or holds what does not read.
    pub async fn publisher(&self, url: &Url, now: u64) -> Result<Webhook, StoreError> {
        if let Some(known) = self.webhook(PUBLISHER).await?
            && known.wish.url == *url
        {
            return Ok(known);
        }
        let wish = Wish { url: url.clone(), private: true, filter: Filter::default() };
        let begin = events::oldest(&self.db).await?.saturating_sub(1);
        // It signs nothing.
        let row = webhook(PUBLISHER, &wish, &Secret::new(Vec::new()), begin, now);
        WEBHOOK.insert_new(row).execute(&self.db).await?;
        let moved = Query::new("UPDATE webhook SET url = $1 WHERE id = $2");
        moved.bind(url.as_str()).bind(PUBLISHER).execute(&self.db).await?;
        let unread = || StoreError::Corrupt { what: "publisher", got: String::new() };
        self.webhook(PUBLISHER).await?.ok_or_else(unread)
    }

    /// Goes on elsewhere, by what the server keeps: how often publishing failed, and since when, stays. `false` where another
    /// process holds the place, or has moved it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn move_publisher(&self, holder: &str, (from, to): (u64, u64)) -> Result<bool, StoreError> {
        let sql = "UPDATE webhook SET cursor = $1 \
                   WHERE id = $2 AND holder = $3 AND cursor = $4 AND disabled_at IS NULL";
        let moved =
            Query::new(sql).bind(to).bind(PUBLISHER).bind(holder).bind(from).execute(&self.db).await?;
        Ok(moved != 0)
    }

    /// What this ledger is called among others, 32 digits: given once, at random. Its numbers of events are not another's.
    ///
    /// # Errors
    /// When the database fails or holds what does not read.
    pub async fn ledger_name(&self) -> Result<String, StoreError> {
        if self.meta(LEDGER).await?.is_none() {
            let name = hex::encode(&B256::random()[..16]);
            META.insert_new(meta(LEDGER, name)).execute(&self.db).await?;
        }
        let unread = || StoreError::Corrupt { what: "ledger's name", got: String::new() };
        self.meta(LEDGER).await?.ok_or_else(unread)
    }
}
