//! API keys, as people make and revoke them. Not from the chain: no reorg touches them.

use alloy::primitives::B256;

use super::{Store, StoreError, accesses};
use crate::{
    access::Grant,
    db::{DbRow, Query, table},
    query::accesses::Access,
};

/// A key to the API, as it is kept: its secret is not. Times are in unix seconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Which one: part of the key, and no secret.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// SHA-256 of its secret.
    pub hash: B256,
    /// What its holder may.
    pub grant: Grant,
    /// Since when there is it.
    pub created_at: u64,
    /// The first second at which it is no longer taken; `None`: it does not run out.
    pub expires_at: Option<u64>,
    /// Since when it is no longer taken.
    pub revoked_at: Option<u64>,
}

impl Store {
    /// Keeps a key under an id that is not taken, and that it was made.
    ///
    /// # Errors
    /// When the id is taken, or the database fails.
    pub async fn add_api_key(&self, key: &ApiKey) -> Result<(), StoreError> {
        let mut tx = self.db.begin().await?;
        API_KEY.insert(api_key(key)).execute(&mut tx).await?;
        accesses::keep(&mut tx, &[of_command("create", key, key.created_at)], key.created_at).await?;
        Ok(tx.commit().await?)
    }

    /// Every key, the oldest first, those that are no longer taken among them.
    ///
    /// # Errors
    /// When the database fails or holds what does not read.
    pub async fn api_keys(&self) -> Result<Vec<ApiKey>, StoreError> {
        let rows = Query::new("SELECT * FROM api_key ORDER BY created_at, id").rows(&self.db).await?;
        rows.iter().map(read).collect()
    }

    /// The key with that id; `None` where there is none.
    ///
    /// # Errors
    /// When the database fails or holds what does not read.
    pub async fn api_key(&self, id: &str) -> Result<Option<ApiKey>, StoreError> {
        let row = Query::new("SELECT * FROM api_key WHERE id = $1").bind(id).row(&self.db).await?;
        row.as_ref().map(read).transpose()
    }

    /// Has a key no longer taken, from now on and for good, and keeps that it was revoked; since when, or `None` where
    /// there is none. A second time changes nothing.
    ///
    /// # Errors
    /// When the database fails or holds what does not read.
    pub async fn revoke_api_key(&self, id: &str, now: u64) -> Result<Option<u64>, StoreError> {
        let mut tx = self.db.begin().await?;
        let row = Query::new("SELECT * FROM api_key WHERE id = $1").bind(id).row(&mut tx).await?;
        let Some(key) = row.as_ref().map(read).transpose()? else { return Ok(None) };
        if key.revoked_at.is_some() {
            return Ok(key.revoked_at);
        }
        let sql = "UPDATE api_key SET revoked_at = $1 WHERE id = $2";
        Query::new(sql).bind(now).bind(id).execute(&mut tx).await?;
        accesses::keep(&mut tx, &[of_command("revoke", &key, now)], now).await?;
        tx.commit().await?;
        Ok(Some(now))
    }
}

/// What is kept of `bursar key VERB`, which is done once to a key.
fn of_command(verb: &str, key: &ApiKey, at: u64) -> Access {
    let treasury = key.grant.treasury();
    Access {
        request: format!("key-{verb}:{}", key.id),
        at,
        by: "command-line".into(),
        role: None,
        scope: None,
        treasury,
        method: "RUN".into(),
        route: format!("bursar key {verb}"),
        asked: format!("key:{} {}", key.id, key.grant.role()),
        status: None,
    }
}

fn read(row: &DbRow) -> Result<ApiKey, StoreError> {
    let role = row.text("role")?;
    let corrupt = |what: &'static str| move |got: String| StoreError::Corrupt { what, got };
    let role = role.parse().map_err(|_| corrupt("role of a key")(role))?;
    let grant = Grant::new(role, row.maybe_address("treasury")?, row.maybe_address("account")?);
    Ok(ApiKey {
        id: row.text("id")?,
        name: row.text("name")?,
        hash: row.hash("hash")?,
        grant: grant.map_err(|error| corrupt("key's bounds")(error.to_string()))?,
        created_at: row.number("created_at")?,
        expires_at: row.maybe_number("expires_at")?,
        revoked_at: row.maybe_number("revoked_at")?,
    })
}

table! {
    API_KEY, fn api_key(it: &ApiKey) {
        key { id: it.id.as_str() }
        name: it.name.as_str(),
        hash: it.hash,
        role: it.grant.role().code(),
        treasury: it.grant.treasury(),
        account: it.grant.account(),
        created_at: it.created_at,
        expires_at: it.expires_at,
        revoked_at: it.revoked_at,
    }
}
